"""Where comments stand in their threads, also when parents come late, move or stand on another page."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, select

from crawler.normalise.threads import Place, places
from crawler.site import Edition
from crawler.storage.bulk import update_rows
from crawler.storage.dialects import sought
from crawler.storage.schema import comments
from crawler.storage.statements import Statement

_EDITION = comments.c.edition_id == bindparam("edition")
_OF_ARTICLE = comments.c.article_id == bindparam("article_id")
_PLACE = (comments.c.id, comments.c.root_id, comments.c.depth, comments.c.path)

# Not by article too: Postgres might take the index of that, and read the whole thread for each comment.
_PLACES = sought((*_PLACE, comments.c.article_id), comments.c.id, "ids", _EDITION)
_ANSWERS = sought((comments.c.id, comments.c.article_id), comments.c.parent_id, "ids", _EDITION)
_THREAD = Statement(select(*_PLACE, comments.c.parent_id).where(_OF_ARTICLE, _EDITION))


def places_on_page(
    connection: Connection,
    edition: Edition,
    article_id: int,
    on_page: Iterable[int],
    stored: Mapping[int, Any],
    rows: Mapping[int, Mapping[str, Any]],
) -> dict[int, Place]:
    """
    Where each comment of the page stands, given the places of the parents that stand on other pages.

    Args:
        rows: As they are to be written, those that are new or different.
    """
    parents = {
        comment_id: rows[comment_id]["parent_id"] if comment_id in rows else stored[comment_id].parent_id
        for comment_id in on_page
    }
    elsewhere = sorted(
        {parent for parent in parents.values() if parent is not None and parent not in parents}
    )
    known = {}
    if elsewhere:
        found = _PLACES.all(connection, ids=elsewhere, edition=edition.id)
        known = {row.id: place_of(row) for row in found if row.article_id == article_id}
    return places(parents.items(), known)


def threads_below(
    connection: Connection,
    edition: Edition,
    stored: Mapping[int, Any],
    rows: Mapping[int, Mapping[str, Any]],
    placed: Mapping[int, Place],
    *,
    first: bool,
) -> list[int]:
    """
    The articles in which stored comments of other pages hang below one of this page that is new or has moved.

    Their threads get their places anew. That is rare: the engine shows a root with all its replies on one page.

    Args:
        first: Whether nothing was known of the article before: then nothing waits there for a comment that is new.
    """
    moved = []
    for comment_id, place in placed.items():
        old = stored.get(comment_id)
        if old is None:
            if first:
                continue
        elif place == place_of(old):
            # Another article or a parent below itself: the place may look the same, but not to those below.
            new = rows.get(comment_id)
            if new is None or (new["article_id"], new["parent_id"]) == (old.article_id, old.parent_id):
                continue
        moved.append(comment_id)
    if not moved:
        return []
    answers = _ANSWERS.all(connection, ids=moved, edition=edition.id)
    return sorted({row.article_id for row in answers if row.id not in placed})


def place_thread(connection: Connection, edition: Edition, article_id: int) -> int:
    """Compute root, depth and path of every comment of an article anew; returns how many were wrong."""
    rows = _THREAD.all(connection, article_id=article_id, edition=edition.id)
    right = places((row.id, row.parent_id) for row in rows)
    wrong = {row.id: right[row.id] for row in rows if right[row.id] != place_of(row)}
    write_places(connection, edition, wrong)
    return len(wrong)


def write_places(connection: Connection, edition: Edition, placed: Mapping[int, Place]) -> None:
    rows = [
        {
            "id": number,
            "edition_id": edition.id,
            "root_id": place.root_id,
            "depth": place.depth,
            "path": place.path,
        }
        for number, place in placed.items()
    ]
    update_rows(connection, comments, rows, ("root_id", "depth", "path"))


def place_of(row: Any) -> Place:
    return Place(root_id=row.root_id, depth=row.depth, path=row.path)
