"""Visits, sweeps, fetches and the frontier: each with its evidence and with one outcome."""

from typing import Any, Final

from sqlalchemy import and_, case, func, or_, select

from crawler.fold.sweeps import PROVEN
from crawler.storage.invariants.inspection import Inspection, Seen, Tell, Wrong
from crawler.storage.schema import comment_states, comments, crawls, fetches, frontier, visits

#: Outcomes of a fetch to which nothing was answered.
UNANSWERED: Final = ("dns_error", "tls_error", "timeout", "unreachable", "incomplete", "too_big", "failed")
#: Outcomes of one that was answered with a page, whatever that is.
ANSWERED: Final = ("ok", "not_found", "not_understood", "incomplete", "too_big", "failed")
#: What the frontier says of an article only after something was answered.
EVIDENT: Final = ("swept", "miscounted", "suspect", "moved", "not_found", "not_understood")


def visited(inspection: Inspection, tell: Tell) -> Seen:
    """Every visit has fetches, which are of its article and give it its times, and one outcome, unless it goes on."""
    of_visit = (
        select(
            fetches.c.visit_id,
            func.min(fetches.c.id).label("first"),
            func.max(fetches.c.id).label("last"),
            func.count().label("number"),
        )
        .where(inspection.mine(fetches), fetches.c.visit_id.is_not(None))
        .group_by(fetches.c.visit_id)
        .subquery()
    )
    first, last = fetches.alias("first_fetch"), fetches.alias("last_fetch")
    open_end = and_(
        visits.c.outcome.is_(None), or_(crawls.c.state.is_(None), crawls.c.state != "running")
    ).label("open_end")
    times = or_(
        first.c.fetched_at != visits.c.started_at,
        last.c.fetched_at != visits.c.finished_at,
        last.c.id != visits.c.last_fetch_id,
    )
    query = (
        select(visits.c.id, visits.c.edition_id, of_visit.c.number, open_end, times.label("times"))
        .outerjoin(of_visit, of_visit.c.visit_id == visits.c.id)
        .outerjoin(first, first.c.id == of_visit.c.first)
        .outerjoin(last, last.c.id == of_visit.c.last)
        .outerjoin(crawls, crawls.c.id == visits.c.crawl_id)
        .where(
            inspection.mine(visits),
            or_(of_visit.c.number.is_(None), open_end, times, visits.c.pages_read > of_visit.c.number),
        )
    )
    for row in inspection.rows(query):
        if row.number is None:
            what = "nothing was fetched in it"
        elif row.open_end:
            what = "it has no outcome, though its crawl has ended"
        elif row.times:
            what = "it does not begin and end with its first and last fetch"
        else:
            what = "it has read more pages than it has fetched"
        tell(Wrong(inspection.named("visit", row.id, row.edition_id), what))
    strange = (
        select(fetches.c.id, fetches.c.edition_id, fetches.c.visit_id)
        .join(visits, visits.c.id == fetches.c.visit_id)
        .where(
            inspection.mine(fetches),
            or_(
                fetches.c.article_id.is_distinct_from(visits.c.article_id),
                fetches.c.edition_id != visits.c.edition_id,
                fetches.c.crawl_id.is_distinct_from(visits.c.crawl_id),
            ),
        )
    )
    for row in inspection.rows(strange):
        what = f"it is of another article, edition or crawl than its visit {row.visit_id}"
        tell(Wrong(inspection.named("fetch", row.id, row.edition_id), what))
    return Seen(over=inspection.count(visits, fetches))


def swept(inspection: Inspection, tell: Tell) -> Seen:
    """A sweep saw what the site states, but for what the sweep before it lacked too; what it missed is marked."""
    _sweep_or_not(inspection, tell)
    sweeps = _drifts(inspection, tell)
    _missed(inspection, tell)
    return Seen(over=inspection.count(visits) | {"sweeps": sweeps})


def _sweep_or_not(inspection: Inspection, tell: Tell) -> None:
    is_sweep = func.coalesce(visits.c.outcome == "swept", False)
    suspect = func.coalesce(visits.c.outcome == "suspect", False)
    query = select(visits.c.id, visits.c.edition_id, visits.c.outcome).where(
        inspection.mine(visits),
        or_(visits.c.sweep != is_sweep, visits.c.unseen.is_not(None) != suspect),
    )
    for row in inspection.rows(query):
        what = f"its outcome is {row.outcome}, which its columns sweep and unseen do not say"
        tell(Wrong(inspection.named("visit", row.id, row.edition_id), what))


def _drifts(inspection: Inspection, tell: Tell) -> int:
    """Look at all visits that saw the end of their thread; returns how many sweeps there are."""
    drift = case(
        (visits.c.comments_stated.is_(None), 0), else_=visits.c.comments_stated - visits.c.comments_seen
    )
    order: dict[str, Any] = {
        "partition_by": (visits.c.article_id, visits.c.edition_id),
        "order_by": visits.c.id,
    }
    each = (
        select(
            visits.c.id,
            visits.c.edition_id,
            visits.c.outcome,
            drift.label("drift"),
            func.lag(drift).over(**order).label("former"),
        )
        .where(inspection.mine(visits), visits.c.outcome.in_(sorted(PROVEN)))
        .subquery()
    )
    explained = or_(each.c.drift == 0, func.coalesce(each.c.former == each.c.drift, False))
    query = select(each).where(case((each.c.outcome == "miscounted", explained), else_=~explained))
    for row in inspection.rows(query):
        what = f"it is {row.outcome}, though it lacks {row.drift} of the comments that the site states"
        what += f", and the one before it {row.former if row.former is not None else 'is none'}"
        tell(Wrong(inspection.named("visit", row.id, row.edition_id), what))
    counting = (
        select(func.count()).select_from(visits).where(inspection.mine(visits), visits.c.outcome == "swept")
    )
    return inspection.connection.scalar(counting) or 0


def _missed(inspection: Inspection, tell: Tell) -> None:
    each = (
        select(comments.c.fetch_id)
        .where(inspection.mine(comments), comments.c.change == "missing")
        .union_all(
            select(comment_states.c.fetch_id).where(
                inspection.mine(comment_states), comment_states.c.change == "missing"
            )
        )
        .subquery()
    )
    of_visit = (
        select(fetches.c.visit_id, func.count().label("number"))
        .join(each, each.c.fetch_id == fetches.c.id)
        .group_by(fetches.c.visit_id)
        .subquery()
    )
    really = func.coalesce(of_visit.c.number, 0)
    query = (
        select(visits.c.id, visits.c.edition_id, visits.c.comments_missing, really.label("number"))
        .outerjoin(of_visit, of_visit.c.visit_id == visits.c.id)
        .where(inspection.mine(visits), visits.c.comments_missing != really)
    )
    for row in inspection.rows(query):
        what = f"it says that it missed {row.comments_missing} comments, and {row.number} are marked so"
        tell(Wrong(inspection.named("visit", row.id, row.edition_id), what))


def fetched(inspection: Inspection, tell: Tell) -> Seen:
    """Every fetch has one outcome, and it is one that goes with its status."""
    status, outcome = fetches.c.status, fetches.c.outcome
    fits = case(
        (status.is_(None), outcome.in_(UNANSWERED)),
        (status.between(200, 299), outcome.in_(ANSWERED)),
        (outcome == "failed", True),
        (status.in_((404, 410)), outcome == "not_found"),
        (status.between(300, 399), outcome == "moved"),
        (status.between(400, 499), outcome == "refused"),
        (status.between(500, 599), outcome == "server_error"),
        else_=False,
    )
    query = select(fetches.c.id, fetches.c.edition_id, status, outcome).where(inspection.mine(fetches), ~fits)
    for row in inspection.rows(query):
        what = f"its outcome is {row.outcome}, and its status {row.status}"
        tell(Wrong(inspection.named("fetch", row.id, row.edition_id), what))
    return Seen(over=inspection.count(fetches))


def planned(inspection: Inspection, tell: Tell) -> Seen:
    """
    An article that was read to its end, moved, not there or not understood, as the frontier says, has a visit.

    Which one that was, and what it has shown, may differ: an import or a better reader may give visits another outcome
    later, and the frontier keeps what was said then.
    """
    visit = (
        select(visits.c.id)
        .where(
            visits.c.article_id == frontier.c.article_id,
            visits.c.edition_id == frontier.c.edition_id,
        )
        .correlate(frontier)
        .exists()
    )
    done = or_(frontier.c.outcome.in_(EVIDENT), frontier.c.last_sweep_at.is_not(None))
    query = select(frontier.c.article_id, frontier.c.edition_id, frontier.c.outcome).where(
        inspection.mine(frontier), done, ~visit
    )
    for row in inspection.rows(query):
        what = f"the frontier says {row.outcome}, and it was never visited"
        tell(Wrong(inspection.named("article", row.article_id, row.edition_id), what))
    return Seen(over={"known articles": inspection.count(frontier)["frontier"]})
