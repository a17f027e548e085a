"""Threads: where comments stand, how many are live, and what says that others are missing."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Row, and_, func, or_, select, union_all

from crawler.errors import NotUnderstood
from crawler.fold.sweeps import APART
from crawler.normalise.threads import places
from crawler.storage.invariants.inspection import Inspection, Seen, Tell, Wrong
from crawler.storage.places import place_of
from crawler.storage.schema import article_states, articles, comment_states, comments, fetches, visits


def placed(inspection: Inspection, tell: Tell) -> Seen:
    """Every comment stands where its parents put it; parents that are not there are counted."""
    orphans = circles = 0
    for thread in _threads(inspection):
        try:
            right = places((row.id, row.parent_id) for row in thread)
        except NotUnderstood as error:
            article = inspection.named("article", thread[0].article_id, thread[0].edition_id)
            tell(Wrong(article, str(error)))
            continue
        for row in thread:
            place = right[row.id]
            if place_of(row) != place:
                what = f"it stands at depth {row.depth} under {row.root_id}"
                what += f", but its parents put it at depth {place.depth} under {place.root_id}"
                if (row.depth, row.root_id) == (place.depth, place.root_id):
                    what = "its path is not the one that its parents give it"
                tell(Wrong(inspection.named("comment", row.id, row.edition_id), what))
            if row.parent_id is not None:
                orphans += row.parent_id not in right
                circles += place.depth == 0
    told = []
    if orphans:
        told.append(f"{orphans} comments answer one that was never seen in their article")
    if circles:
        told.append(f"{circles} times comments answer each other in a circle, which is cut at the lowest one")
    return Seen(over=inspection.count(comments), told=tuple(told))


def _threads(inspection: Inspection) -> Iterator[list[Row[Any]]]:
    query = (
        select(
            comments.c.article_id,
            comments.c.edition_id,
            comments.c.id,
            comments.c.parent_id,
            comments.c.root_id,
            comments.c.depth,
            comments.c.path,
        )
        .where(inspection.mine(comments))
        .order_by(comments.c.article_id, comments.c.edition_id)
    )
    for _, rows in groupby(inspection.rows(query), key=lambda row: (row.article_id, row.edition_id)):
        yield list(rows)


def counted(inspection: Inspection, tell: Tell) -> Seen:
    """An article's `comments_stored` is the number of its live comments."""
    live = (
        select(comments.c.article_id, comments.c.edition_id, func.count().label("live"))
        .where(inspection.mine(comments), comments.c.state == "live")
        .group_by(comments.c.article_id, comments.c.edition_id)
        .subquery()
    )
    really = func.coalesce(live.c.live, 0)
    query = (
        select(articles.c.id, articles.c.edition_id, articles.c.comments_stored, really.label("live"))
        .outerjoin(live, and_(live.c.article_id == articles.c.id, live.c.edition_id == articles.c.edition_id))
        .where(inspection.mine(articles), articles.c.comments_stored != really)
    )
    for row in inspection.rows(query):
        what = f"it says that it has {row.comments_stored} live comments, and has {row.live}"
        tell(Wrong(inspection.named("article", row.id, row.edition_id), what))
    return Seen(over=inspection.count(articles, comments))


# --- what is missing -----------------------------------------------------------------------------------------------


def missing(inspection: Inspection, tell: Tell) -> Seen:
    """What is missing or gone is so since a sweep, or an answer that there is no such article; step by step."""
    count = 0
    for row in inspection.rows(_absent_comments(inspection)):
        count += 1
        what = _why_not(row)
        if what is not None:
            tell(Wrong(inspection.named("comment", row.id, row.edition_id), what))
    for row in inspection.rows(_absent_articles(inspection)):
        count += 1
        if row.outcome != ("moved" if row.state == "moved" else "not_found") or row.visited != row.id:
            what = f"it is {row.state} since the fetch {row.fetch_id}, whose visit does not say so"
            tell(Wrong(inspection.named("article", row.id, row.edition_id), what))
    return Seen(over={"absences": count})


def _why_not(row: Row[Any]) -> str | None:
    """What is wrong with a state of a comment, given the one before it; None where it may be so."""
    if row.state == "live":
        returns = row.former not in (None, "live")
        if returns != (row.change == "return"):
            return f"its state of fetch {row.fetch_id} is live after {row.former} by {row.change}"
        return None
    if row.outcome != "swept" or row.visited != row.article_id:
        return f"it is {row.state} since the fetch {row.fetch_id}, which ended no sweep of its article"
    if row.former != {"missing": "live", "gone": "missing"}.get(row.state):
        return f"it is {row.state} since the fetch {row.fetch_id}, and was {row.former} before"
    if row.state == "gone" and row.seen_at - row.former_at < APART:
        return f"it is gone since the fetch {row.fetch_id}, too soon after it was missed"
    return None


def _absent_comments(inspection: Inspection) -> Any:
    """States that are not live, or follow on such a one, with what came before and the visit that they began with."""
    columns = ("edition_id", "article_id", "seen_at", "state", "change", "fetch_id")
    each = union_all(
        select(comment_states.c.comment_id.label("id"), *(comment_states.c[name] for name in columns)).where(
            inspection.mine(comment_states)
        ),
        # One that is new has no other states.
        select(comments.c.id, *(comments.c[name] for name in columns)).where(
            inspection.mine(comments), comments.c.change != "new"
        ),
    ).subquery()
    order: dict[str, Any] = {"partition_by": (each.c.id, each.c.edition_id), "order_by": each.c.fetch_id}
    steps = select(
        *each.c,
        func.lag(each.c.state).over(**order).label("former"),
        func.lag(each.c.seen_at, type_=each.c.seen_at.type).over(**order).label("former_at"),
    ).subquery()
    return (
        select(*steps.c, visits.c.outcome, visits.c.article_id.label("visited"))
        .outerjoin(fetches, fetches.c.id == steps.c.fetch_id)
        .outerjoin(visits, visits.c.id == fetches.c.visit_id)
        .where(or_(steps.c.state != "live", steps.c.former != "live", steps.c.change == "return"))
    )


def _absent_articles(inspection: Inspection) -> Any:
    columns = ("edition_id", "state", "fetch_id")
    each = union_all(
        select(article_states.c.article_id.label("id"), *(article_states.c[name] for name in columns)).where(
            inspection.mine(article_states), article_states.c.state != "live"
        ),
        select(articles.c.id, *(articles.c[name] for name in columns)).where(
            inspection.mine(articles), articles.c.state != "live"
        ),
    ).subquery()
    return (
        select(*each.c, visits.c.outcome, visits.c.article_id.label("visited"))
        .outerjoin(fetches, fetches.c.id == each.c.fetch_id)
        .outerjoin(visits, visits.c.id == fetches.c.visit_id)
    )
