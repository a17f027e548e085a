"""
What was before: threads as they stood, the history of a comment, what changed in a period.

We know the site only by our looks at it. A state holds from the look that showed it first until the one that showed
another; when between the two the site changed it, nobody can tell.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    TableClause,
    and_,
    case,
    exists,
    func,
    select,
    union,
    union_all,
)

from crawler.items import Change
from crawler.normalise.nicknames import nickname
from crawler.normalise.threads import places
from crawler.storage import views
from crawler.storage.dialects import portions
from crawler.storage.queries.present import newest_moment
from crawler.storage.schema import articles, comment_states, comments, fetches, rating_states, visits
from crawler.storage.views import ARTICLE_DIFFERS, COMMENT_DIFFERS

#: Later than every look.
_FOREVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadThen:
    """A thread as it stood at a moment, as far as our looks until then tell."""

    #: Content columns, state and change of the article, and when that was seen first.
    article: RowMapping
    #: The comments in reading order, columns as of `queries.thread`, at the places that they had then. Missing ones
    #: are among them: one look that does not show a comment proves little.
    comments: Sequence[dict[str, Any]]
    #: Numbers of those that were gone by then, so no part of the thread any more.
    gone: Sequence[int]
    #: When a page of the thread was last read by then; None where that is not recorded.
    last_look_at: datetime | None
    #: When all of it was last seen by then, the end proven.
    last_sweep_at: datetime | None
    #: When a page of it was read next: only then would a change have been noticed.
    next_look_at: datetime | None


def thread_as_of(
    connection: Connection, article_id: int, edition: int, moment: datetime
) -> ThreadThen | None:
    """
    The thread of an article as it stood at a moment; None before its first look.

    Of each comment counts, of the states that were seen by then, the one of the latest fetch: fetches have one order,
    also where the clock was set back. Names are those that its pages showed, not those that its authors have taken
    since.
    """
    until = _FOREVER if _all_was_seen(connection, moment) else moment
    its = (views.article_history.c.article_id == article_id, views.article_history.c.edition_id == edition)
    seen = select(views.article_history).where(*its, views.article_history.c.seen_at <= until)
    article = (
        connection.execute(seen.order_by(views.article_history.c.fetch_id.desc()).limit(1)).mappings().first()
    )
    if article is None:
        return None
    rows = [dict(row) for row in connection.execute(_comments_then(article_id, edition, until)).mappings()]
    standing = places((row["id"], row["parent_id"]) for row in rows)
    for row in rows:
        place = standing[row["id"]]
        row |= {"root_id": place.root_id, "depth": place.depth, "path": place.path}
        row["nickname"] = nickname(row["nickname_raw"])
    rows.sort(key=lambda row: row["path"])
    return ThreadThen(
        article=article,
        comments=[row for row in rows if row["state"] != "gone"],
        gone=[row["id"] for row in rows if row["state"] == "gone"],
        **_looks(connection, article_id, edition, moment),
    )


def _all_was_seen(connection: Connection, moment: datetime) -> bool:
    """Whether the newest fetch was made by then, and so all others: a clock that was ahead for a while is no matter."""
    newest = newest_moment(connection)
    return newest is not None and newest <= moment


_TOLD: Final = (*(name for name in COMMENT_DIFFERS if name != "article_id"), "state", "change", "seen_at")


def _comments_then(article_id: int, edition: int, until: datetime) -> Select[Any]:
    """Of each comment that then stood in the article, the state that it had: present ones and superseded ones."""
    now, then, later = comments, comment_states, comment_states.alias("later")
    present = select(now.c.id, *(now.c[name] for name in _TOLD), _rating_then(now, edition, until)).where(
        now.c.article_id == article_id, now.c.edition_id == edition, now.c.seen_at <= until
    )
    superseded_by_then = exists().where(
        later.c.comment_id == then.c.comment_id,
        later.c.edition_id == edition,
        later.c.fetch_id > then.c.fetch_id,
        later.c.seen_at <= until,
    )
    superseded = (
        select(now.c.id, *(then.c[name] for name in _TOLD), _rating_then(now, edition, until))
        .join(now, (now.c.id == then.c.comment_id) & (now.c.edition_id == edition))
        .where(then.c.article_id == article_id, then.c.edition_id == edition, then.c.seen_at <= until)
        .where(now.c.seen_at > until, ~superseded_by_then)
    )
    return select(union_all(present, superseded).subquery())


def _rating_then(now: Table, edition: int, until: datetime) -> ColumnElement[Any]:
    then = (
        select(rating_states.c.rating)
        .where(rating_states.c.comment_id == now.c.id, rating_states.c.edition_id == edition)
        .where(rating_states.c.seen_at <= until)
        .order_by(rating_states.c.fetch_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return case((now.c.rated_at <= until, now.c.rating), else_=then).label("rating")


def _looks(connection: Connection, article_id: int, edition: int, moment: datetime) -> dict[str, Any]:
    asked = fetches.c.fetched_at
    pages = (fetches.c.article_id == article_id, fetches.c.edition_id == edition, fetches.c.outcome == "ok")
    ended = visits.c.finished_at
    swept = (visits.c.article_id == article_id, visits.c.edition_id == edition, visits.c.sweep)
    return {
        "last_look_at": connection.scalar(select(func.max(asked)).where(*pages, asked <= moment)),
        "last_sweep_at": connection.scalar(select(func.max(ended)).where(*swept, ended <= moment)),
        "next_look_at": connection.scalar(select(func.min(asked)).where(*pages, asked > moment)),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentHistory:
    """All that a comment ever was."""

    #: Its present row, with the address and title of its article.
    comment: RowMapping
    #: Every state, the first one first: content columns, state, change, seen_at, until, fetch_id.
    states: Sequence[RowMapping]
    #: Every rating in the same order: rating, seen_at, until, fetch_id.
    ratings: Sequence[RowMapping]


def comment_history(connection: Connection, comment_id: int, edition: int) -> CommentHistory | None:
    """Every state of a comment; None where it was never seen. What differs is told by `crawler.differences`."""
    query = (
        select(comments, articles.c.title.label("article_title"), articles.c.url.label("article_url"))
        .join(
            articles,
            (articles.c.id == comments.c.article_id) & (articles.c.edition_id == comments.c.edition_id),
        )
        .where(comments.c.id == comment_id, comments.c.edition_id == edition)
    )
    comment = connection.execute(query).mappings().first()
    if comment is None:
        return None
    states, ratings = (
        connection.execute(
            select(view)
            .where(view.c.comment_id == comment_id, view.c.edition_id == edition)
            .order_by(view.c.fetch_id)
        )
        .mappings()
        .all()
        for view in (views.comment_history, views.rating_history)
    )
    return CommentHistory(comment=comment, states=states, ratings=ratings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSeen:
    """A change of a comment or article, as a look showed it."""

    of: Literal["comment", "article"]
    #: Number of the comment or article.
    id: int
    edition_id: int
    #: The article; of a comment that has moved, the one in which it is now.
    article_id: int
    change: Change
    #: When it was seen; it was made since the look before, which nobody knows more exactly.
    seen_at: datetime
    fetch_id: int
    #: Content columns and state.
    before: Mapping[str, Any]
    after: Mapping[str, Any]


#: The changes that can be asked for: all but that something was seen for the first time.
CHANGES: Final[tuple[Change, ...]] = tuple(change for change in get_args(Change) if change != "new")


def changes_between(
    connection: Connection,
    since: datetime | None,
    until: datetime | None,
    *,
    edition: int | None = None,
    kinds: Collection[Change] = CHANGES,
    article: int | None = None,
    newest_first: bool = True,
    limit: int | None = None,
) -> list[ChangeSeen]:
    """
    What was edited, merged, moved, renamed, removed or returned, by when that was seen.

    Args:
        since, until: The period, its end not included; None leaves it open.

        article: Only this article and the comments that stood in it before or after the change.

        limit: At most so many.
    """
    found: list[ChangeSeen] = []
    both: tuple[tuple[TableClause, Literal["comment", "article"], Sequence[str]], ...] = (
        (views.comment_changes, "comment", COMMENT_DIFFERS),
        (views.article_changes, "article", ARTICLE_DIFFERS),
    )
    for view, of, content in both:
        query = select(view).where(view.c.change.in_(sorted(kinds)))
        if since is not None:
            query = query.where(view.c.seen_at >= since)
        if until is not None:
            query = query.where(view.c.seen_at < until)
        if edition is not None:
            query = query.where(view.c.edition_id == edition)
        if article is None:
            keys = (view.c.seen_at, view.c.fetch_id, view.c[f"{of}_id"])
            asked = [query.order_by(*(key.desc() if newest_first else key for key in keys)).limit(limit)]
        else:
            # All of an article is read and cut here: with a limit, Postgres might walk through the changes of all
            # others by their time until it has found enough.
            asked = [query.where(only) for only in _of_article(connection, view, article)]
        for some in asked:
            found += (_change_seen(row, of, content) for row in connection.execute(some).mappings())
    found.sort(key=lambda one: (one.seen_at, one.fetch_id, one.id), reverse=newest_first)
    return found[:limit]


def _of_article(connection: Connection, view: TableClause, article: int) -> Iterator[ColumnElement[bool]]:
    """Conditions that together hold for the changes of an article, and of the comments that it had before or after."""
    if view is views.article_changes:
        yield view.c.article_id == article
        return
    yield view.c.article_id_before == article
    before, after = comment_states, comment_states.alias("after")
    elsewhere = select(before.c.comment_id).where(before.c.article_id != article)
    came = union(
        elsewhere.join(comments, comments.c.id == before.c.comment_id).where(
            comments.c.article_id == article
        ),
        elsewhere.join(after, after.c.comment_id == before.c.comment_id).where(after.c.article_id == article),
    )
    for some in portions(sorted(connection.scalars(came))):
        yield and_(
            view.c.comment_id.in_(some),
            view.c.article_id == article,
            view.c.article_id_before != article,
        )


def _change_seen(row: RowMapping, of: Literal["comment", "article"], content: Sequence[str]) -> ChangeSeen:
    return ChangeSeen(
        of=of,
        id=row[f"{of}_id"],
        edition_id=row["edition_id"],
        article_id=row["article_id"],
        change=row["change"],
        seen_at=row["seen_at"],
        fetch_id=row["fetch_id"],
        before={name: row[f"{name}_before"] for name in ("state", *content)},
        after={name: row[name] for name in ("state", *content)},
    )
