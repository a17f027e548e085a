"""
Writing comments.

One indexed look at what is stored, then only what is new or different is written. What a page makes of a comment is
said by `crawler.fold`; a state that is superseded moves to its history.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from crawler.fold.comments import CommentStep, rated, unseen
from crawler.fold.look import Look
from crawler.fold.whole import PageSteps, page_steps, renamed
from crawler.items import NormalComment, NormalPage
from crawler.normalise.threads import Place
from crawler.site import Edition
from crawler.storage.authors import latest_states, renew_authors, save_authors, save_renames
from crawler.storage.dialects import portions, upsert
from crawler.storage.places import place_of, place_thread, places_on_page, these, threads_below, write_places
from crawler.storage.schema import articles, comment_states, comments, rating_states

#: What tells whether a page brings anything new; the long texts stay where they are.
_LOOK: Final = [
    comments.c.id,
    comments.c.edition_id,
    comments.c.article_id,
    comments.c.parent_id,
    comments.c.parent_source,
    comments.c.author_key,
    comments.c.root_id,
    comments.c.depth,
    comments.c.path,
    comments.c.posted_at,
    comments.c.posted_precision,
    comments.c.rating,
    comments.c.rated_at,
    comments.c.rating_fetch_id,
    comments.c.state,
    comments.c.source_hash,
    comments.c.reader_version,
]

Stored = Mapping[int, Row[*tuple[Any, ...]]]


def stored_comments(connection: Connection, edition: Edition, page: NormalPage) -> Stored:
    """What is stored of the comments of a page, as far as it tells whether the page brings anything new."""
    ids = sorted({comment.written.id for comment in page.comments})
    return {
        row.id: row
        for some in portions(ids)
        for row in connection.execute(select(*_LOOK).where(these(some, edition)))
    }


def save_comments(
    connection: Connection, edition: Edition, page: NormalPage, look: Look, stored: Stored
) -> PageSteps:
    """Store the comments of a page; returns what it made of those that it changed."""
    article_id = page.article.written.id
    on_page = {comment.written.id: comment for comment in page.comments}
    rest: list[NormalComment] = []
    ratings: list[CommentStep] = []
    for comment_id, comment in on_page.items():
        old = stored.get(comment_id)
        if old is None or not _reads_the_same(comment, old, article_id, look):
            rest.append(comment)
        elif comment.written.rating not in (None, old.rating):
            ratings.append(rated(dict(old._mapping), comment.written.rating, look))
    _save_ratings(connection, ratings)
    if not rest:
        return PageSteps({})
    known = _whole_rows(connection, edition, [c.written.id for c in rest if c.written.id in stored])
    done = page_steps(page, rest, known, look, lambda comment_id: stored[comment_id].path, edition.id)
    rows = {id: step.row for id, step in done.steps.items()}
    placed = places_on_page(connection, edition, article_id, on_page, stored, rows)
    threads = threads_below(connection, edition, stored, rows, placed)
    save_authors(connection, edition, done.named)
    _insert(connection, {id: row for id, row in rows.items() if id not in stored}, placed)
    _save_states(connection, done.steps.values())
    _update(connection, [row for id, row in rows.items() if id in stored and row is not known[id]])
    keys = (
        (old.author_key, rows[id]["author_key"] if id in rows else old.author_key)
        for id, old in stored.items()
    )
    save_renames(connection, edition, renamed(keys, look))
    _leave_authors(connection, edition, known, done)
    moved = {id: place for id, place in placed.items() if id in stored and place != place_of(stored[id])}
    write_places(connection, edition, moved)
    _count_stored(connection, edition, article_id, rows, stored)
    for number in threads:
        place_thread(connection, edition, number)
    return done


def _leave_authors(
    connection: Connection, edition: Edition, known: Mapping[int, Mapping[str, Any]], done: PageSteps
) -> None:
    """Of authors to whom a better reader gives states no more, keep what their other states show."""
    left = {
        known[id]["author_key"]
        for id, step in done.steps.items()
        if id in known
        and step.change is None
        and any(step.row[name] != known[id][name] for name in ("author_key", "nickname_raw"))
    }
    keys = left - {None}
    if keys:
        before = latest_states(connection, edition, keys)
        renew_authors(connection, edition, before, keys, lambda *_: None, (), ())


def save_unseen(connection: Connection, edition: Edition, ids: Sequence[int], look: Look) -> None:
    """Mark comments that a sweep did not see: live ones as missing, missing ones as gone."""
    steps = [unseen(row, look) for row in _whole_rows(connection, edition, ids).values()]
    _save_states(connection, steps)
    _update(connection, [step.row for step in steps])
    fewer: dict[int, int] = {}
    for step in steps:
        if step.change == "missing":
            fewer[step.row["article_id"]] = fewer.get(step.row["article_id"], 0) - 1
    _add_to_stored(connection, edition, fewer)


def _reads_the_same(comment: NormalComment, old: Row[*tuple[Any, ...]], article_id: int, look: Look) -> bool:
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
    columns = [column for column in comments.columns if column.name not in ("root_id", "depth", "path")]
    return {
        row["id"]: dict(row)
        for some in portions(sorted(ids))
        for row in connection.execute(select(*columns).where(these(some, edition))).mappings()
    }


def _insert(
    connection: Connection, fresh: Mapping[int, Mapping[str, Any]], placed: Mapping[int, Place]
) -> None:
    rows = [
        {
            **row,
            "root_id": placed[comment_id].root_id,
            "depth": placed[comment_id].depth,
            "path": placed[comment_id].path,
        }
        for comment_id, row in fresh.items()
    ]
    upsert(connection, comments, rows, update=())


def _save_states(connection: Connection, steps: Iterable[CommentStep]) -> None:
    """Write the states and ratings that were superseded."""
    states = [step.state for step in steps if step.state is not None]
    if states:
        connection.execute(insert(comment_states), sorted(states, key=lambda row: row["comment_id"]))
    _save_rating_states(connection, steps)


def _save_rating_states(connection: Connection, steps: Iterable[CommentStep]) -> None:
    ratings = [step.rating for step in steps if step.rating is not None]
    if ratings:
        connection.execute(insert(rating_states), sorted(ratings, key=lambda row: row["comment_id"]))


_THIS = (comments.c.id == bindparam("its_id")) & (comments.c.edition_id == bindparam("its_edition"))


def _new(name: str) -> Any:
    return bindparam(f"new_{name}", type_=comments.c[name].type)


_UPDATED: Final = [
    column.name
    for column in comments.columns
    if column.name not in ("id", "edition_id", "root_id", "depth", "path", "first_seen_at")
]
_UPDATE: Final = update(comments).where(_THIS).values({name: _new(name) for name in _UPDATED})
_RATING: Final = ("rating", "rated_at", "rating_fetch_id")
_UPDATE_RATING: Final = update(comments).where(_THIS).values({name: _new(name) for name in _RATING})


def _update(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(_UPDATE, _parameters(rows, _UPDATED))


def _save_ratings(connection: Connection, steps: Sequence[CommentStep]) -> None:
    """Write comments of which nothing but the rating has changed."""
    if steps:
        _save_rating_states(connection, steps)
        connection.execute(_UPDATE_RATING, _parameters([step.row for step in steps], _RATING))


def _parameters(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {
            "its_id": row["id"],
            "its_edition": row["edition_id"],
            **{f"new_{name}": row[name] for name in names},
        }
        for row in sorted(rows, key=lambda row: row["id"])
    ]


def _count_stored(
    connection: Connection,
    edition: Edition,
    article_id: int,
    rows: Iterable[int],
    stored: Stored,
) -> None:
    """Keep `articles.comments_stored`, the number of live comments, in step."""
    more: dict[int, int] = {article_id: 0}
    for comment_id in rows:
        old = stored.get(comment_id)
        if old is None or old.state != "live":
            more[article_id] += 1
        elif old.article_id != article_id:
            more[article_id] += 1
            more[old.article_id] = more.get(old.article_id, 0) - 1
    _add_to_stored(connection, edition, more)


def _add_to_stored(connection: Connection, edition: Edition, more: Mapping[int, int]) -> None:
    for number, difference in sorted(more.items()):
        if difference:
            connection.execute(
                update(articles)
                .where(articles.c.id == number, articles.c.edition_id == edition.id)
                .values(comments_stored=articles.c.comments_stored + difference)
            )
