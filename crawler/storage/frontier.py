"""What to visit when: which articles are known of, and which are due."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, and_, select, update

from crawler.items import Entry, VisitOutcome
from crawler.planning import next_visit
from crawler.site import Edition
from crawler.storage.dialects import upsert
from crawler.storage.schema import articles, frontier

Which = Literal["due", "new", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An article that the frontier knows of."""

    article_id: int
    #: The edition's own address.
    url: str


def save_entries(
    connection: Connection, edition: Edition, entries: Iterable[Entry], *, via: str, now: datetime
) -> int:
    """Make articles known that a page points to; they are due at once. Returns how many were new."""
    rows = [
        {
            "article_id": entry.id,
            "edition_id": edition.id,
            "url": edition.base_url + entry.path,
            "discovered_at": now,
            "discovered_via": via,
            "next_visit_at": now,
            "reason": "new",
            "attempts": 0,
        }
        for entry in {entry.id: entry for entry in entries}.values()
    ]
    return upsert(connection, frontier, rows, update=())


def known(
    connection: Connection,
    edition_id: int,
    which: Which,
    *,
    now: datetime,
    limit: int | None = None,
    article_ids: Sequence[int] | None = None,
) -> list[Known]:
    """
    Known articles to visit: those longest due first, new ones before all others.

    Args:
        which: "due": their time has come · "new": never visited · "all".

        article_ids: Only these.
    """
    query = (
        select(frontier.c.article_id, frontier.c.url)
        .where(frontier.c.edition_id == edition_id)
        .order_by(
            frontier.c.last_visit_at.is_not(None), frontier.c.next_visit_at, frontier.c.article_id.desc()
        )
    )
    if which == "due":
        query = query.where(frontier.c.next_visit_at <= now)
    elif which == "new":
        query = query.where(frontier.c.last_visit_at.is_(None))
    if article_ids is not None:
        query = query.where(frontier.c.article_id.in_(article_ids))
    return [Known(article_id=row.article_id, url=row.url) for row in connection.execute(query.limit(limit))]


def published_between(connection: Connection, edition_id: int, first: datetime, last: datetime) -> list[int]:
    """Numbers of the stored articles that were published from `first` to before `last`."""
    query = (
        select(articles.c.id)
        .where(and_(articles.c.edition_id == edition_id, articles.c.published_at >= first))
        .where(articles.c.published_at < last)
        .order_by(articles.c.id)
    )
    return list(connection.scalars(query))


def save_visit_end(
    connection: Connection,
    edition: Edition,
    article_id: int,
    url: str,
    outcome: VisitOutcome,
    *,
    now: datetime,
) -> None:
    """Note what came of a visit, and when the next one is due."""
    row = connection.execute(
        select(frontier.c.discovered_at, frontier.c.attempts, articles.c.published_at)
        .select_from(frontier)
        .outerjoin(
            articles,
            and_(articles.c.id == frontier.c.article_id, articles.c.edition_id == frontier.c.edition_id),
        )
        .where(frontier.c.article_id == article_id, frontier.c.edition_id == edition.id)
    ).first()
    if row is None:  # asked for by address or number, found by no listing yet
        published_at = connection.scalar(
            select(articles.c.published_at).where(
                articles.c.id == article_id, articles.c.edition_id == edition.id
            )
        )
        discovered_at, attempts = now, 0
    else:
        discovered_at, attempts, published_at = row
    failures = 0 if outcome == "swept" else attempts + 1
    due, reason = next_visit(
        outcome=outcome, now=now, published_at=published_at or discovered_at, failures=failures
    )
    values = {
        "url": url,
        "next_visit_at": due,
        "reason": reason,
        "last_visit_at": now,
        "attempts": failures,
        "outcome": outcome,
    }
    if outcome == "swept":
        values["last_sweep_at"] = now
    if row is None:
        new = {
            "article_id": article_id,
            "edition_id": edition.id,
            "discovered_at": now,
            "discovered_via": "asked",
        }
        upsert(connection, frontier, [new | values], update=())
    else:
        connection.execute(
            update(frontier)
            .where(frontier.c.article_id == article_id, frontier.c.edition_id == edition.id)
            .values(**values)
        )
