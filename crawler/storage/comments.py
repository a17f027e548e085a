"""
Writing comments.

One indexed look at what is stored, then only what is new or different is written. What a page makes of a comment is
said by `crawler.fold`; a state that is superseded moves to its history.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, update

from crawler.fold.comments import CommentStep, rated, unseen
from crawler.fold.look import Look
from crawler.fold.whole import PageSteps, page_steps, renamed
from crawler.items import NormalComment, NormalPage
from crawler.normalise.threads import Place
from crawler.site import Edition
from crawler.storage.authors import latest_states, renew_authors, save_authors, save_renames
from crawler.storage.bulk import Writes, insert_rows, update_rows
from crawler.storage.dialects import sought
from crawler.storage.places import place_of, place_thread, places_on_page, threads_below, write_places
from crawler.storage.schema import articles, comment_states, comments, rating_states
from crawler.storage.standing import Stored
from crawler.storage.statements import Statement

_EDITION = comments.c.edition_id == bindparam("edition")

_PLACE: Final = ("root_id", "depth", "path")

_WHOLE: Final = sought(
    (column for column in comments.columns if column.name not in _PLACE), comments.c.id, "ids", _EDITION
)


def save_comments(
    writes: Writes, edition: Edition, page: NormalPage, look: Look, stored: Stored, *, first: bool
) -> PageSteps:
    """
    Store the comments of a page; returns what it made of those that it changed.

    Args:
        first: Whether nothing was known of the article before.
    """
    connection, article_id = writes.connection, page.article.written.id
    on_page = {comment.written.id: comment for comment in page.comments}
    rest: list[NormalComment] = []
    ratings: list[CommentStep] = []
    for comment_id, comment in on_page.items():
        old = stored.get(comment_id)
        if old is None or not _reads_the_same(comment, old, article_id, look):
            rest.append(comment)
        elif comment.written.rating not in (None, old.rating):
            ratings.append(rated(old._asdict(), comment.written.rating, look))
    _save_ratings(connection, ratings)
    if not rest:
        return PageSteps({})
    known = _whole_rows(connection, edition, [c.written.id for c in rest if c.written.id in stored])
    done = page_steps(page, rest, known, look, lambda comment_id: stored[comment_id].path, edition.id)
    rows = {id: step.row for id, step in done.steps.items()}
    placed = places_on_page(connection, edition, article_id, on_page, stored, rows)
    threads = threads_below(connection, edition, stored, rows, placed, first=first)
    save_authors(writes, edition, done.named)
    _insert(writes, {id: row for id, row in rows.items() if id not in stored}, placed)
    moved = {id: place for id, place in placed.items() if id in stored and place != place_of(stored[id])}
    if not (known or moved or threads):
        return done
    writes.send()  # what follows refers to it
    taken, given = _by_others(known, done)
    losing = {row["author_key"] for row in taken} - {None}
    before = latest_states(connection, edition, losing)
    _save_states(connection, done.steps.values())
    _update(connection, [row for id, row in rows.items() if id in stored and row is not known[id]])
    keys = (
        (old.author_key, rows[id]["author_key"] if id in rows else old.author_key)
        for id, old in stored.items()
    )
    save_renames(connection, edition, renamed(keys, look))
    if losing:
        renew_authors(connection, edition, before, losing, taken, given, lambda *_: None, (), ())
    write_places(connection, edition, moved)
    left = {stored[id].article_id for id in rows if id in stored} - {article_id}
    _note_left(connection, edition, left, look)
    for number in threads:
        place_thread(connection, edition, number)
    return done


def _by_others(
    known: Mapping[int, Mapping[str, Any]], done: PageSteps
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The states that a better reader gives to other authors or spells otherwise: as they were, and as they are now."""
    found = [
        (known[id], step.row)
        for id, step in done.steps.items()
        if id in known
        and step.change is None
        and any(step.row[name] != known[id][name] for name in ("author_key", "nickname_raw"))
    ]
    return [old for old, _ in found], [row for _, row in found]


def save_unseen(connection: Connection, edition: Edition, ids: Sequence[int], look: Look) -> None:
    """Mark comments that a sweep did not see: live ones as missing, missing ones as gone."""
    steps = [unseen(row, look) for row in _whole_rows(connection, edition, ids).values()]
    _save_states(connection, steps)
    _update(connection, [step.row for step in steps])
    fewer: dict[int, int] = {}
    for step in steps:
        if step.change == "missing":
            fewer[step.row["article_id"]] = fewer.get(step.row["article_id"], 0) - 1
    add_to_stored(connection, edition, fewer)


def _reads_the_same(comment: NormalComment, old: Any, article_id: int, look: Look) -> bool:
    """Whether the page certainly says of a comment what is stored, but for its rating."""
    written, posted = comment.written, comment.posted
    return (
        written.source_hash == old.source_hash
        and look.reader_version == old.reader_version
        and article_id == old.article_id
        and written.parent_id == old.parent_id
        and written.parent_source == old.parent_source
        and old.state == "live"
        and (posted is None or (posted.at == old.posted_at and posted.precision == old.posted_precision))
    )


def _whole_rows(connection: Connection, edition: Edition, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The rows of some comments, without their places."""
    if not ids:
        return {}
    return {row.id: row._asdict() for row in _WHOLE.all(connection, ids=ids, edition=edition.id)}


def _insert(writes: Writes, fresh: Mapping[int, dict[str, Any]], placed: Mapping[int, Place]) -> None:
    for comment_id, row in fresh.items():
        row["root_id"], row["depth"], row["path"] = placed[comment_id]
    writes.insert_many(comments, list(fresh.values()))


def _save_states(connection: Connection, steps: Iterable[CommentStep]) -> None:
    """Write the states and ratings that were superseded."""
    insert_rows(connection, comment_states, [step.state for step in steps if step.state is not None])
    _save_rating_states(connection, steps)


def _save_rating_states(connection: Connection, steps: Iterable[CommentStep]) -> None:
    insert_rows(connection, rating_states, [step.rating for step in steps if step.rating is not None])


_UPDATED: Final = [
    column.name
    for column in comments.columns
    if column.name not in ("id", "edition_id", *_PLACE, "first_seen_at")
]
_RATING: Final = ("rating", "rated_at", "rating_fetch_id")


def _update(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    update_rows(connection, comments, rows, _UPDATED)


def _save_ratings(connection: Connection, steps: Sequence[CommentStep]) -> None:
    """Write comments of which nothing but the rating has changed."""
    if steps:
        _save_rating_states(connection, steps)
        update_rows(connection, comments, [step.row for step in steps], _RATING)


def more_live(page: NormalPage, stored: Stored) -> dict[int, int]:
    """How many live comments the page adds to its article, and takes from others that it shows to have moved."""
    article_id = page.article.written.id
    more = {article_id: 0}
    for comment_id in {comment.written.id for comment in page.comments}:
        old = stored.get(comment_id)
        if old is None or old.state != "live":
            more[article_id] += 1
        elif old.article_id != article_id:
            more[article_id] += 1
            more[old.article_id] = more.get(old.article_id, 0) - 1
    return more


_ADD: Final = Statement(
    update(articles)
    .where(articles.c.id == bindparam("article_id"), articles.c.edition_id == bindparam("edition"))
    .values(comments_stored=articles.c.comments_stored + bindparam("more"))
)


def add_to_stored(connection: Connection, edition: Edition, more: Mapping[int, int]) -> None:
    """Keep `articles.comments_stored`, the number of live comments, in step."""
    for article_id, number in sorted(more.items()):
        if number:
            _ADD.run(connection, article_id=article_id, edition=edition.id, more=number)


_LEFT: Final = Statement(
    update(articles)
    .where(articles.c.id == bindparam("article_id"), articles.c.edition_id == bindparam("edition"))
    .values(last_fetch_id=bindparam("fetch_id"))
)


def _note_left(connection: Connection, edition: Edition, article_ids: Iterable[int], look: Look) -> None:
    """Note which articles comments have left: what comes late of those must find the comments there."""
    for article_id in sorted(article_ids):
        _LEFT.run(connection, article_id=article_id, edition=edition.id, fetch_id=look.fetch_id)
