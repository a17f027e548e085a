"""Exchanges as the table `fetches` knows them: which there are, which are to be read again, which it has lost."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, func, insert, or_, select

from crawler.fold.visits import visit_begun
from crawler.items import Fetch, Recorded
from crawler.planning import next_visit
from crawler.site import Edition
from crawler.storage.dialects import portions, upsert
from crawler.storage.ledger import save_fetch
from crawler.storage.schema import articles, crawls, fetches, frontier, visits

_FETCH: Final = tuple(Fetch.__dataclass_fields__)


def recorded(connection: Connection, edition: Edition, article_ids: Iterable[int]) -> list[Recorded]:
    """All recorded exchanges that asked for these articles, in the order of their numbers."""
    rows = [
        row
        for some in portions(sorted(article_ids))
        for row in connection.execute(
            select(fetches).where(fetches.c.article_id.in_(some), fetches.c.edition_id == edition.id)
        ).mappings()
    ]
    return [recorded_row(row) for row in sorted(rows, key=lambda row: row["id"])]


def recorded_one(connection: Connection, fetch_id: int) -> Recorded:
    """The recorded exchange of this number."""
    return recorded_row(connection.execute(select(fetches).where(fetches.c.id == fetch_id)).mappings().one())


def recorded_row(row: RowMapping) -> Recorded:
    """The exchange that a row of `fetches` tells of."""
    return Recorded(
        fetch=Fetch(**{name: row[name] for name in _FETCH}),
        crawl_id=row["crawl_id"],
        visit_id=row["visit_id"],
        reader_version=row["reader_version"],
    )


def articles_to_read(
    connection: Connection,
    edition: Edition,
    *,
    reader_version: int | None,
    article_ids: Collection[int] = (),
    crawl_id: int | None = None,
    between: tuple[datetime, datetime] | None = None,
) -> list[int]:
    """
    The articles that another version of the reader has read, or none, or nobody knows which: at least a page of them.

    Args:
        reader_version: None for all, whoever read them.

        article_ids: Only these, where any are named.

        crawl_id: Only those that this crawl asked for.

        between: Only those that were asked for from the one moment to before the other.
    """
    chosen: list[ColumnElement[bool]] = [
        fetches.c.edition_id == edition.id,
        fetches.c.article_id.is_not(None),
    ]
    if crawl_id is not None:
        chosen.append(fetches.c.crawl_id == crawl_id)
    if between is not None:
        chosen += [fetches.c.fetched_at >= between[0], fetches.c.fetched_at < between[1]]
    query: Select[Any] = select(fetches.c.article_id).where(*chosen).distinct()
    if article_ids:
        some = (query.where(fetches.c.article_id.in_(ids)) for ids in portions(sorted(article_ids)))
        found = {id for each in some for id in connection.scalars(each)}
    else:
        found = set(connection.scalars(query))
    if reader_version is None:
        return sorted(found)
    readable = or_(
        fetches.c.outcome.in_(("ok", "not_understood")),
        and_(fetches.c.outcome.in_(("not_found", "failed")), fetches.c.status >= 200, fetches.c.status < 300),
    )
    other = select(fetches.c.article_id).where(
        fetches.c.edition_id == edition.id,
        fetches.c.article_id.is_not(None),
        readable,
        fetches.c.reader_version.is_distinct_from(reader_version),
    )
    # Of rows that are older than migration 0004 it is not known who read them.
    untold = select(articles.c.id).where(
        articles.c.edition_id == edition.id, articles.c.reader_version.is_(None)
    )
    return sorted(found & {*connection.scalars(other.distinct()), *connection.scalars(untold)})


def unknown_fetches(connection: Connection, fetch_ids: Collection[int]) -> set[int]:
    """Those of these numbers that no row of `fetches` has."""
    known = {
        id
        for some in portions(sorted(fetch_ids))
        for id in connection.scalars(select(fetches.c.id).where(fetches.c.id.in_(some)))
    }
    return set(fetch_ids) - known


def import_number(
    connection: Connection,
    fetch: Fetch,
    taken: Mapping[int, Fetch] = MappingProxyType({}),
    *,
    whole: str | None = None,
) -> tuple[int, bool]:
    """
    The number of a fetch of somebody else's, and whether it is known already.

    Its own number, which is that of its moment, or the next one that no other fetch has. Whoever asks again for the
    same answer, the same address at the same moment, gets the same number.

    Args:
        taken: Fetches with numbers that are to be recorded, but are not yet.

        whole: Digest of the answer before anybody was cut out of it: so it was recorded where they have been forgotten
            since, and that was cut short.
    """
    number = fetch.id
    while True:
        there = taken.get(number)
        if there is None:
            row = connection.execute(select(fetches).where(fetches.c.id == number)).mappings().first()
            if row is None:
                return number, False
            there = recorded_row(row).fetch
        if (
            there.source == "import"
            and (there.url, there.fetched_at) == (fetch.url, fetch.fetched_at)
            and there.digest in (fetch.digest, whole or fetch.digest)
        ):
            return number, True
        number += 100


def imported_files(connection: Connection, edition: Edition) -> dict[str, int]:
    """The files of the archive in which imports of this edition stand: where the last one of each begins, in bytes."""
    query = (
        select(fetches.c.warc_file, func.max(fetches.c.warc_offset))
        .where(fetches.c.edition_id == edition.id, fetches.c.source == "import")
        .group_by(fetches.c.warc_file)
    )
    return {file: offset for file, offset in connection.execute(query) if file is not None}


def imports_to_read(connection: Connection, edition: Edition) -> list[int]:
    """The articles of which an import was recorded and never read."""
    query = (
        select(fetches.c.article_id)
        .where(
            fetches.c.edition_id == edition.id,
            fetches.c.source == "import",
            fetches.c.outcome == "ok",
            fetches.c.reader_version.is_(None),
            fetches.c.article_id.is_not(None),
        )
        .distinct()
    )
    return sorted(connection.scalars(query))


def save_unknown(connection: Connection, edition: Edition, spider: str, found: Sequence[Recorded]) -> None:
    """
    Record exchanges that only the archive knows; their articles are to be folded after that.

    Where their crawls and visits are unknown too, rows are made for them that say so.
    """
    _save_crawls(connection, edition, spider, found)
    for one in found:
        if one.visit_id is not None and one.fetch.article_id is not None:
            begun = visit_begun(
                one.visit_id,
                crawl_id=one.crawl_id,
                edition_id=edition.id,
                article_id=one.fetch.article_id,
                fetch_id=one.fetch.id,
                at=one.fetch.fetched_at,
            )
            upsert(connection, visits, [begun | {"outcome": "stopped"}], update=())
        save_fetch(
            connection,
            one.fetch,
            crawl_id=one.crawl_id,
            visit_id=one.visit_id,
            reader_version=one.reader_version,
        )


def _save_crawls(connection: Connection, edition: Edition, spider: str, found: Iterable[Recorded]) -> None:
    times: dict[int, list[datetime]] = {}
    for one in found:
        if one.crawl_id is not None:
            times.setdefault(one.crawl_id, []).append(one.fetch.fetched_at)
    rows = [
        {
            "id": crawl_id,
            "edition_id": edition.id,
            "spider": spider,
            "arguments": {},
            "state": "finished",
            "started_at": min(moments),
            "finished_at": max(moments),
            "heartbeat_at": max(moments),
            **dict.fromkeys(_COUNTERS, 0),
            "finish_reason": "known from the archive alone",
        }
        for crawl_id, moments in times.items()
    ]
    upsert(connection, crawls, rows, update=())
    if rows and connection.dialect.name == "postgresql":
        # The numbers were given, not counted up: the next crawl must not get one of them.
        connection.exec_driver_sql(
            "SELECT setval(pg_get_serial_sequence('crawls', 'id'), (SELECT max(id) FROM crawls))"
        )


_COUNTERS: Final = ("pages", "articles", "comments_new", "comments_changed", "comments_gone", "errors")


def restore_frontier(connection: Connection, edition: Edition, article_ids: Collection[int]) -> None:
    """Make articles known of that only the archive knew, with what came of their last visit."""
    known = {
        id
        for some in portions(sorted(article_ids))
        for id in connection.scalars(
            select(frontier.c.article_id).where(
                frontier.c.article_id.in_(some), frontier.c.edition_id == edition.id
            )
        )
    }
    for article_id in sorted(set(article_ids) - known):
        row = _frontier_row(connection, edition, article_id)
        if row is not None:
            connection.execute(insert(frontier).values(row))


def _frontier_row(connection: Connection, edition: Edition, article_id: int) -> Mapping[str, Any] | None:
    article = connection.execute(
        select(articles.c.url, articles.c.published_at, articles.c.first_seen_at).where(
            articles.c.id == article_id, articles.c.edition_id == edition.id
        )
    ).first()
    if article is None:
        return None
    past = connection.execute(
        select(visits.c.outcome, visits.c.finished_at, visits.c.sweep)
        .where(visits.c.article_id == article_id, visits.c.edition_id == edition.id)
        .order_by(visits.c.id)
    ).all()
    ended = [visit for visit in past if visit.outcome not in (None, "stopped")]
    row: dict[str, Any] = {
        "article_id": article_id,
        "edition_id": edition.id,
        "url": article.url,
        "discovered_at": article.first_seen_at,
        "discovered_via": "asked",
        "next_visit_at": article.first_seen_at,
        "reason": "new",
        "attempts": 0,
    }
    if not ended:
        return row
    failures = 0
    for visit in ended:
        failures = 0 if visit.outcome in ("swept", "miscounted", "suspect") else failures + 1
    last = ended[-1]
    due, reason = next_visit(
        outcome=last.outcome,
        now=last.finished_at,
        published_at=article.published_at or article.first_seen_at,
        failures=failures,
    )
    swept_at = [visit.finished_at for visit in ended if visit.sweep]
    return row | {
        "next_visit_at": due,
        "reason": reason,
        "last_visit_at": last.finished_at,
        "last_sweep_at": swept_at[-1] if swept_at else None,
        "attempts": failures,
        "outcome": last.outcome,
    }
