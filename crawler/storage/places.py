"""Where comments stand in their threads, also when parents come late, move or stand on another page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update
from sqlalchemy.sql.elements import ColumnElement

from crawler.normalise.threads import Place, places
from crawler.site import Edition
from crawler.storage.dialects import portions
from crawler.storage.schema import comments


def places_on_page(
    connection: Connection,
    edition: Edition,
    article_id: int,
    on_page: Iterable[int],
    stored: Mapping[int, Row[*tuple[Any, ...]]],
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
    known = {
        row.id: Place(root_id=row.root_id, depth=row.depth, path=row.path)
        for ids in portions(elsewhere)
        for row in connection.execute(
            select(comments.c.id, comments.c.root_id, comments.c.depth, comments.c.path).where(
                these(ids, edition), comments.c.article_id == article_id
            )
        )
    }
    return places(parents.items(), known)


def threads_below(
    connection: Connection,
    edition: Edition,
    stored: Mapping[int, Row[*tuple[Any, ...]]],
    rows: Mapping[int, Mapping[str, Any]],
    placed: Mapping[int, Place],
) -> list[int]:
    """
    The articles in which stored comments of other pages hang below one of this page that is new or has moved.

    Their threads get their places anew. That is rare: the engine shows a root with all its replies on one page.
    """
    moved = []
    for comment_id, place in placed.items():
        old = stored.get(comment_id)
        if old is not None and place == place_of(old):
            # Another article or a parent below itself: the place may look the same, but not to those below.
            new = rows.get(comment_id, old._mapping)
            if all(new[name] == old._mapping[name] for name in ("article_id", "parent_id")):
                continue
        moved.append(comment_id)
    return sorted(
        {
            row.article_id
            for ids in portions(sorted(moved))
            for row in connection.execute(
                select(comments.c.id, comments.c.article_id).where(
                    comments.c.parent_id.in_(ids), comments.c.edition_id == edition.id
                )
            )
            if row.id not in placed
        }
    )


def place_thread(connection: Connection, edition: Edition, article_id: int) -> int:
    """Compute root, depth and path of every comment of an article anew; returns how many were wrong."""
    rows = connection.execute(
        select(
            comments.c.id, comments.c.parent_id, comments.c.root_id, comments.c.depth, comments.c.path
        ).where(comments.c.article_id == article_id, comments.c.edition_id == edition.id)
    ).all()
    right = places((row.id, row.parent_id) for row in rows)
    wrong = {row.id: right[row.id] for row in rows if right[row.id] != place_of(row)}
    write_places(connection, edition, wrong)
    return len(wrong)


def write_places(connection: Connection, edition: Edition, placed: Mapping[int, Place]) -> None:
    if not placed:
        return
    connection.execute(
        update(comments)
        .where(comments.c.id == bindparam("its_id"), comments.c.edition_id == edition.id)
        .values(root_id=bindparam("new_root"), depth=bindparam("new_depth"), path=bindparam("new_path")),
        [
            {"its_id": number, "new_root": place.root_id, "new_depth": place.depth, "new_path": place.path}
            for number, place in sorted(placed.items())
        ],
    )


def place_of(row: Row[*tuple[Any, ...]]) -> Place:
    return Place(root_id=row.root_id, depth=row.depth, path=row.path)


def these(ids: Sequence[int], edition: Edition) -> ColumnElement[bool]:
    return comments.c.id.in_(ids) & (comments.c.edition_id == edition.id)
