"""Visits: their rows, and what the end of one says of the article and of the comments that it did not see."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select

from crawler.fold import articles as article_steps
from crawler.fold.look import Look
from crawler.fold.sweeps import PROVEN, swept
from crawler.fold.visits import visit_after, visit_swept
from crawler.items import Exchange
from crawler.site import Edition
from crawler.storage.articles import save_article
from crawler.storage.bulk import Writes
from crawler.storage.comments import save_unseen
from crawler.storage.pages import Late, Saved
from crawler.storage.schema import comments, visits
from crawler.storage.standing import NOT_LIVE, Standing
from crawler.storage.statements import Statement

#: Earlier visits that are looked at. A thread may be suspect for days, but hardly through so many visits.
EARLIER: Final = 200


_MISSING: Final = Statement(
    select(comments.c.id, comments.c.state_since).where(
        comments.c.article_id == bindparam("article_id"),
        comments.c.edition_id == bindparam("edition"),
        comments.c.state == "missing",
        NOT_LIVE,
    )
)


def save_visit(
    writes: Writes,
    exchange: Exchange,
    saved: Saved,
    look: Look,
    known: Standing,
    *,
    crawl_id: int | None,
) -> Saved:
    """
    Add an exchange to its visit, which it may begin; where it ends the visit, do what follows from that.

    Args:
        known: How things stand for the visit and its article, after the page of the exchange was stored.

    Raises:
        Late: The article was seen by a later fetch; nothing was written.
    """
    old = known.visit
    row = visit_after(
        old,
        exchange,
        crawl_id=crawl_id,
        comments_new=saved.comments_new,
        comments_changed=saved.comments_changed,
    )
    if exchange.ends in ("not_found", "moved"):
        _save_absence(writes, exchange, look, known)
    elif exchange.ends == "swept":
        row, saved = _save_sweep(writes, exchange, row, saved, look, known)
    if old is None:
        writes.insert(visits, [row])
    else:
        writes.update(visits, row, [name for name in row if row[name] != old[name]])
    return replace(saved, outcome=row["outcome"])


def _save_absence(writes: Writes, exchange: Exchange, look: Look, known: Standing) -> None:
    """Note that an article is not there, or elsewhere; of one that was never seen there is nothing to note."""
    article = known.article
    if article is None:
        return
    if article["last_fetch_id"] > look.fetch_id:
        raise Late({article["id"]})
    step = article_steps.absent(article, moved=exchange.ends == "moved", look=look)
    save_article(writes, article, step)


def _save_sweep(
    writes: Writes,
    exchange: Exchange,
    row: dict[str, Any],
    saved: Saved,
    look: Look,
    known: Standing,
) -> tuple[dict[str, Any], Saved]:
    """Mark what the visit proves to be missing; returns the visit's row and what was saved, with that."""
    connection, edition, article_id = writes.connection, exchange.edition, row["article_id"]
    article = known.article
    if article is None:
        return row, saved
    if article["last_fetch_id"] > look.fetch_id:
        raise Late({article_id})
    if article["last_fetch_id"] < look.fetch_id:  # the end was proven by an answer that is no page
        step = article_steps.ArticleStep(article | {"last_fetch_id": look.fetch_id})
        save_article(writes, article, step)
    seen = exchange.seen
    # All that this page shows are live: where as many are live as were seen, and seen here, those are the same. What an
    # earlier page of the visit showed may have moved to another article since.
    shown = {comment.written.id for comment in exchange.normal.comments} if exchange.normal else frozenset()
    all_seen = article["comments_stored"] == len(seen) and seen <= shown
    if not all_seen:
        writes.send()
    live: Sequence[int] = sorted(seen) if all_seen else _in_state(connection, edition, article_id, "live")
    missing = {}
    if known.not_live:
        found = _MISSING.all(connection, article_id=article_id, edition=edition.id)
        missing = {old.id: old.state_since for old in found}
    stated = row["comments_stated"]
    untroubled = all_seen and not missing and stated in (None, len(seen))
    proves = swept(
        seen,
        stated,
        at=look.at,
        live=live,
        missing_since=missing,
        earlier=() if untroubled else _earlier(connection, row),
    )
    if proves.missing or proves.gone:
        writes.send()
        save_unseen(connection, edition, [*proves.missing, *proves.gone], look)
    counted = replace(saved, comments_missing=len(proves.missing), comments_gone=len(proves.gone))
    return visit_swept(row, proves), counted


def _in_state(connection: Connection, edition: Edition, article_id: int, state: str) -> list[int]:
    query = select(comments.c.id).where(
        comments.c.article_id == article_id,
        comments.c.edition_id == edition.id,
        comments.c.state == state,
    )
    return list(connection.scalars(query))


def _earlier(connection: Connection, row: dict[str, Any]) -> list[dict[str, Any]]:
    """The visits of the same article that saw the end of its thread before this one, newest first."""
    query = (
        select(visits)
        .where(visits.c.article_id == row["article_id"], visits.c.edition_id == row["edition_id"])
        .where(visits.c.id < row["id"], visits.c.outcome.in_(sorted(PROVEN)))
        .order_by(visits.c.id.desc())
        .limit(EARLIER)
    )
    return [dict(found) for found in connection.execute(query).mappings()]
