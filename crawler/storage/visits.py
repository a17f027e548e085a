"""Visits: their rows, and what the end of one says of the article and of the comments that it did not see."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from crawler.fold import articles as article_steps
from crawler.fold.look import Look
from crawler.fold.sweeps import PROVEN, swept
from crawler.fold.visits import visit_after, visit_swept
from crawler.items import Exchange, Fetch, Visit
from crawler.site import Edition
from crawler.storage.articles import save_article, stored_article
from crawler.storage.comments import save_unseen
from crawler.storage.pages import Late, Saved
from crawler.storage.schema import comments, visits

#: Earlier visits that are looked at. A thread may be suspect for days, but hardly through so many visits.
EARLIER: Final = 200


def stored_visit(connection: Connection, visit: Visit, fetch: Fetch) -> dict[str, Any] | None:
    """
    The row of a visit before a fetch; None where that is its first.

    Raises:
        Late: A later fetch of the visit is stored.
    """
    row = connection.execute(select(visits).where(visits.c.id == visit.id)).mappings().first()
    if row is not None and row["last_fetch_id"] > fetch.id:
        raise Late({visit.article_id})
    return None if row is None else dict(row)


def save_visit(
    connection: Connection,
    exchange: Exchange,
    old: dict[str, Any] | None,
    saved: Saved,
    look: Look,
    *,
    crawl_id: int | None,
) -> Saved:
    """
    Add an exchange to its visit, which it may begin; where it ends the visit, do what follows from that.

    Args:
        old: What `stored_visit` gives.

        saved: What storing its page changed.

    Raises:
        Late: The article was seen by a later fetch; nothing was written.
    """
    assert exchange.visit is not None
    this = visits.c.id == exchange.visit.id
    row = visit_after(
        old,
        exchange,
        crawl_id=crawl_id,
        comments_new=saved.comments_new,
        comments_changed=saved.comments_changed,
    )
    if exchange.ends in ("not_found", "moved"):
        _save_absence(connection, exchange, look)
    elif exchange.ends == "swept":
        row, saved = _save_sweep(connection, exchange, row, saved, look)
    if old is None:
        connection.execute(insert(visits).values(row))
    else:
        connection.execute(update(visits).where(this).values(row))
    return replace(saved, outcome=row["outcome"])


def _save_absence(connection: Connection, exchange: Exchange, look: Look) -> None:
    """Note that an article is not there, or elsewhere; of one that was never seen there is nothing to note."""
    assert exchange.visit is not None
    article = stored_article(connection, exchange.edition, exchange.visit.article_id)
    if article is None:
        return
    if article["last_fetch_id"] > look.fetch_id:
        raise Late({article["id"]})
    save_article(
        connection, article, article_steps.absent(article, moved=exchange.ends == "moved", look=look)
    )


def _save_sweep(
    connection: Connection, exchange: Exchange, row: dict[str, Any], saved: Saved, look: Look
) -> tuple[dict[str, Any], Saved]:
    """Mark what the visit proves to be missing; returns the visit's row and what was saved, with that."""
    edition, article_id = exchange.edition, row["article_id"]
    article = stored_article(connection, edition, article_id)
    if article is None:
        return row, saved
    if article["last_fetch_id"] > look.fetch_id:
        raise Late({article_id})
    if article["last_fetch_id"] < look.fetch_id:  # the end was proven by an answer that is no page
        save_article(
            connection, article, article_steps.ArticleStep(article | {"last_fetch_id": look.fetch_id})
        )
    seen = exchange.seen
    # All that this page shows are live: where as many are live as were seen, and seen here, those are the same. What an
    # earlier page of the visit showed may have moved to another article since.
    shown = {comment.written.id for comment in exchange.normal.comments} if exchange.normal else frozenset()
    all_seen = article["comments_stored"] == len(seen) and seen <= shown
    live: Sequence[int] = sorted(seen) if all_seen else _in_state(connection, edition, article_id, "live")
    missing = {old.id: old.state_since for old in _not_live(connection, edition, article_id)}
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


def _not_live(connection: Connection, edition: Edition, article_id: int) -> Sequence[Row[int, datetime]]:
    """The missing comments; the condition is written as the index has it."""
    query = select(comments.c.id, comments.c.state_since).where(
        comments.c.article_id == article_id,
        comments.c.edition_id == edition.id,
        comments.c.state != "live",
        comments.c.state == "missing",
    )
    return connection.execute(query).all()


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
