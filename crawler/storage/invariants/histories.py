"""Histories: states that join without gap or overlap, that differ, and that have the time of their fetch."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Table, and_, case, func, literal, or_, select, true

from crawler.fold.content import ARTICLE_CONTENT, COMMENT_CONTENT
from crawler.storage.invariants.inspection import Inspection, Seen, Tell, Wrong
from crawler.storage.schema import (
    article_states,
    articles,
    author_names,
    comment_states,
    comments,
    fetches,
    rating_states,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Superseded states in one table, and in another the state that they led to."""

    what: str
    states: Table
    #: The column of `states` that names the row of `current`.
    of: str
    current: Table
    #: The columns of `current` that say when and by which fetch its state began.
    at: str
    fetch: str
    #: What makes two states different.
    content: tuple[str, ...]

    @property
    def key(self) -> ColumnElement[bool]:
        """That a state is one of this row."""
        return and_(
            self.states.c[self.of] == self.current.c.id,
            self.states.c.edition_id == self.current.c.edition_id,
        )

    @property
    def order(self) -> dict[str, Any]:
        """The window in which the states of one row follow each other."""
        states = self.states.c
        return {"partition_by": (states[self.of], states.edition_id), "order_by": states.fetch_id}

    @property
    def tells_changes(self) -> bool:
        """Whether its states say how they came about."""
        return "change" in self.states.c


HISTORIES: Final = (
    History(
        what="comment",
        states=comment_states,
        of="comment_id",
        current=comments,
        at="seen_at",
        fetch="fetch_id",
        content=(*COMMENT_CONTENT, "state"),
    ),
    History(
        what="rating of comment",
        states=rating_states,
        of="comment_id",
        current=comments,
        at="rated_at",
        fetch="rating_fetch_id",
        content=("rating",),
    ),
    History(
        what="article",
        states=article_states,
        of="article_id",
        current=articles,
        at="seen_at",
        fetch="fetch_id",
        content=(*ARTICLE_CONTENT, "state"),
    ),
)


def _over(inspection: Inspection) -> dict[str, int]:
    tables = dict.fromkeys(table for one in HISTORIES for table in (one.current, one.states))
    return inspection.count(*tables)


# --- they join -----------------------------------------------------------------------------------------------------


def joined(inspection: Inspection, tell: Tell) -> Seen:
    """In the order of their fetches each state begins when the one before it ends, from the first sight on."""
    for history in HISTORIES:
        _joined(inspection, tell, history)
        _begun(inspection, tell, history)
    return Seen(over=_over(inspection))


def _joined(inspection: Inspection, tell: Tell, history: History) -> None:
    """The superseded states, each with what follows it."""
    states, current = history.states, history.current
    change: Any = states.c.change if history.tells_changes else literal("new")
    each = (
        select(
            states.c[history.of].label("id"),
            states.c.edition_id,
            states.c.fetch_id,
            states.c.seen_at,
            states.c.until,
            change.label("change"),
            func.lead(states.c.seen_at, type_=states.c.seen_at.type).over(**history.order).label("next_at"),
            func.lead(states.c.fetch_id, type_=states.c.fetch_id.type)
            .over(**history.order)
            .label("next_fetch"),
            func.row_number().over(**history.order).label("number"),
        )
        .where(inspection.mine(states))
        .subquery()
    )
    next_at = func.coalesce(each.c.next_at, current.c[history.at])
    ends = func.coalesce(each.c.next_fetch, current.c[history.fetch])
    gap = each.c.until != next_at
    backwards = ends <= each.c.fetch_id
    unborn = and_(
        each.c.number == 1,
        or_(each.c.seen_at != current.c.first_seen_at, each.c.change != "new"),
    )
    born_again = and_(each.c.number > 1, each.c.change == "new") if history.tells_changes else ~true()
    query = (
        select(
            each.c.id,
            each.c.edition_id,
            each.c.fetch_id,
            gap.label("gap"),
            backwards.label("backwards"),
        )
        .join(current, and_(each.c.id == current.c.id, each.c.edition_id == current.c.edition_id))
        .where(or_(gap, backwards, unborn, born_again))
        .order_by(each.c.edition_id, each.c.id, each.c.fetch_id)
    )
    for row in inspection.rows(query):
        if row.gap:
            what = f"the state of fetch {row.fetch_id} does not end when the next one begins"
        elif row.backwards:
            what = f"the state of fetch {row.fetch_id} is superseded, and its present one is older"
        else:
            what = f"the state of fetch {row.fetch_id} is not the first one, or another one says that it is"
        tell(Wrong(inspection.named(history.what, row.id, row.edition_id), what))


def _begun(inspection: Inspection, tell: Tell, history: History) -> None:
    """The present states of what has no other ones, or should have none."""
    states, current = history.states, history.current
    before = select(literal(1)).select_from(states).where(history.key).correlate(current).exists()
    at = current.c[history.at] != current.c.first_seen_at
    alone = or_(at, current.c.change != "new") if history.tells_changes else at
    found = and_(alone, ~before)
    if history.tells_changes:
        found = or_(found, and_(current.c.change == "new", before))
    query = select(current.c.id, current.c.edition_id).where(inspection.mine(current), found)
    for row in inspection.rows(query):
        what = "its first state is missing, or the present one says wrongly that it is the first"
        tell(Wrong(inspection.named(history.what, row.id, row.edition_id), what))


# --- they differ ---------------------------------------------------------------------------------------------------


def different(inspection: Inspection, tell: Tell) -> Seen:
    """No state says the same as the one after it."""
    for history in HISTORIES:
        states, current = history.states, history.current
        # A comment that is found where it was before has moved there and back, though the stay was never proved.
        names = (*history.content, *(("change",) if history.tells_changes else ()))
        each = (
            select(
                states.c[history.of].label("id"),
                states.c.edition_id,
                states.c.fetch_id,
                func.lead(states.c.fetch_id).over(**history.order).label("next_fetch"),
                *(states.c[name] for name in names),
                *(
                    func.lead(states.c[name], type_=states.c[name].type)
                    .over(**history.order)
                    .label(f"next_{name}")
                    for name in names
                ),
            )
            .where(inspection.mine(states))
            .subquery()
        )

        def following(name: str, each: Any = each, current: Table = current) -> Any:
            return case((each.c.next_fetch.is_(None), current.c[name]), else_=each.c[f"next_{name}"])

        same = [each.c[name].is_not_distinct_from(following(name)) for name in history.content]
        if history.tells_changes:
            same.append(following("change") != "move")
        query = (
            select(each.c.id, each.c.edition_id, each.c.fetch_id)
            .join(current, and_(each.c.id == current.c.id, each.c.edition_id == current.c.edition_id))
            .where(*same)
            .order_by(each.c.edition_id, each.c.id, each.c.fetch_id)
        )
        for row in inspection.rows(query):
            what = f"the state of fetch {row.fetch_id} says the same as the one after it"
            tell(Wrong(inspection.named(history.what, row.id, row.edition_id), what))
    return Seen(over=_over(inspection))


# --- they have the time of their fetch -----------------------------------------------------------------------------


def timed(inspection: Inspection, tell: Tell) -> Seen:
    """What began with a fetch has its time, and the latest fetch of an article is one of those that are stored."""
    began: tuple[tuple[str, Table, str, str, str, str | None], ...] = (
        ("comment", comments, "id", "fetch_id", "seen_at", "article_id"),
        ("rating of comment", comments, "id", "rating_fetch_id", "rated_at", None),
        ("state of comment", comment_states, "comment_id", "fetch_id", "seen_at", "article_id"),
        ("former rating of comment", rating_states, "comment_id", "fetch_id", "seen_at", None),
        ("article", articles, "id", "fetch_id", "seen_at", "id"),
        ("state of article", article_states, "article_id", "fetch_id", "seen_at", "article_id"),
        ("spelling of author", author_names, "author_key", "fetch_id", "first_seen_at", None),
    )
    for what, table, key, fetch, at, article in began:
        _timed(inspection, tell, what, table, table.c[key], fetch, at, article)
    latest = (
        select(articles.c.id, articles.c.edition_id, articles.c.last_fetch_id)
        .outerjoin(fetches, fetches.c.id == articles.c.last_fetch_id)
        .where(
            inspection.mine(articles),
            or_(fetches.c.id.is_(None), articles.c.last_fetch_id < articles.c.fetch_id),
        )
    )
    for row in inspection.rows(latest):
        what = f"its latest fetch {row.last_fetch_id} is not stored, or older than its state"
        tell(Wrong(inspection.named("article", row.id, row.edition_id), what))
    return Seen(over=_over(inspection) | inspection.count(author_names), told=_clock(inspection))


def _timed(
    inspection: Inspection,
    tell: Tell,
    what: str,
    table: Table,
    key: Column[Any],
    fetch: str,
    at: str,
    article: str | None,
) -> None:
    other = [fetches.c.id.is_(None), fetches.c.fetched_at != table.c[at]]
    other.append(fetches.c.edition_id != table.c.edition_id)
    if article is not None:  # of a foreign archive nobody knows what was asked for
        other.append(fetches.c.article_id != table.c[article])
    query = (
        select(key.label("key"), table.c.edition_id, table.c[fetch].label("fetch"))
        .select_from(table.outerjoin(fetches, fetches.c.id == table.c[fetch]))
        .where(inspection.mine(table), or_(*other))
    )
    for row in inspection.rows(query):
        said = f"the fetch {row.fetch} that it names is not stored, or of another time or article"
        tell(Wrong(inspection.named(what, row.key, row.edition_id), said))


def _clock(inspection: Inspection) -> tuple[str, ...]:
    query = (
        select(func.count())
        .select_from(comments)
        .where(inspection.mine(comments), comments.c.seen_at < comments.c.first_seen_at)
    )
    count = inspection.connection.scalar(query) or 0
    return (
        (f"{count} comments have a later state of an earlier time: the clock was set back",) if count else ()
    )
