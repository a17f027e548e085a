"""What to visit when: which articles are known of, and which are due."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, func, select

from crawler.fold.sweeps import PROVEN
from crawler.items import Entry, VisitOutcome
from crawler.normalise.text import storable
from crawler.planning import next_visit
from crawler.site import Edition
from crawler.storage.bulk import Writes
from crawler.storage.dialects import IDS_AT_ONCE, upsert
from crawler.storage.schema import articles, frontier
from crawler.storage.standing import Standing

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
        _row(edition, entry.id, edition.base_url + entry.path, via=via, now=now)
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
            frontier.c.last_visit_at.is_not(None),
            frontier.c.next_visit_at.nulls_last(),
            frontier.c.article_id.desc(),
        )
    )
    if which == "due":
        query = query.where(frontier.c.next_visit_at <= now)
    elif which == "new":
        query = query.where(frontier.c.last_visit_at.is_(None))
    if article_ids is None:
        rows: Iterable[Row[*tuple[Any, ...]]] = connection.execute(query.limit(limit))
    elif len(article_ids) <= IDS_AT_ONCE:
        rows = connection.execute(query.where(frontier.c.article_id.in_(article_ids)).limit(limit))
    else:
        wanted = frozenset(article_ids)
        rows = islice((row for row in connection.execute(query) if row.article_id in wanted), limit)
    return [Known(article_id=row.article_id, url=row.url) for row in rows]


def known_before(
    connection: Connection, edition_id: int, article_ids: Sequence[int], moment: datetime
) -> int:
    """How many of these articles were known of before a moment."""
    query = (
        select(func.count())
        .select_from(frontier)
        .where(frontier.c.edition_id == edition_id, frontier.c.article_id.in_(article_ids))
        .where(frontier.c.discovered_at < moment)
    )
    return connection.scalar(query) or 0


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
    writes: Writes,
    edition: Edition,
    article_id: int,
    known: Standing,
    url: str,
    outcome: VisitOutcome,
    *,
    now: datetime,
) -> None:
    """
    Note what came of a visit, and when the next one is due.

    An article that was asked for by address or number, and found by no listing yet, becomes known by it. One whose
    visit was "stopped" stays as due as it was. Noting it again at the same moment changes nothing.

    Args:
        known: How things stand for the article.
    """
    old = known.frontier
    if old is None:
        row = _row(edition, article_id, url, via="asked", now=now)
        if outcome != "stopped":
            row |= _visited(row, known.article, url, outcome, now)
        writes.insert(frontier, [row])
    elif outcome != "stopped" and old["last_visit_at"] != now:
        changes = _visited(old, known.article, url, outcome, now)
        writes.update(frontier, old | changes, list(changes))


def _visited(
    row: Mapping[str, Any],
    article: Mapping[str, Any] | None,
    url: str,
    outcome: VisitOutcome,
    now: datetime,
) -> dict[str, Any]:
    """What a visit changes in the frontier's row of its article."""
    published_at = (article and article["published_at"]) or row["discovered_at"]
    failures = 0 if outcome in PROVEN else row["attempts"] + 1
    due, reason = next_visit(outcome=outcome, now=now, published_at=published_at, failures=failures)
    values = {
        "url": storable(url),
        "next_visit_at": due,
        "reason": reason,
        "last_visit_at": now,
        "attempts": failures,
        "outcome": outcome,
    }
    if outcome == "swept":
        values["last_sweep_at"] = now
    return values


def _row(edition: Edition, article_id: int, url: str, *, via: str, now: datetime) -> dict[str, Any]:
    """The row of an article that becomes known, due at once."""
    return {
        "article_id": article_id,
        "edition_id": edition.id,
        "url": storable(url),
        "discovered_at": now,
        "discovered_via": via,
        "next_visit_at": now,
        "reason": "new",
        "attempts": 0,
    }
