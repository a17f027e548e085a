"""What the crawler itself does, row by row: editions, crawls, visits, fetches, hosts."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select, update

from crawler.errors import BadArgument
from crawler.items import Fetch, Host
from crawler.normalise.text import storable
from crawler.site import Site
from crawler.storage.dialects import upsert
from crawler.storage.schema import crawls, editions, fetches, hosts, visits

CrawlState = Literal["running", "finished", "degraded", "failed", "stopped", "killed"]
"""degraded: finished, but something could not be fetched or understood · killed: ended without a word"""


def save_editions(connection: Connection, site: Site) -> None:
    """Make the editions that a site declares known to the database."""
    rows = [
        {
            "id": edition.id,
            "site": site.name,
            "code": edition.code,
            "base_url": edition.base_url,
            "time_zone": site.time_zone.key,
            "translation_of": site.edition(edition.translation_of).id if edition.translation_of else None,
        }
        for edition in site.editions
    ]
    upsert(connection, editions, rows, update=["site", "code", "base_url", "time_zone", "translation_of"])


def require_origin(connection: Connection, edition_id: int, origin: str) -> None:
    """Raise BadArgument if this archive was filled from another address than the one that is asked now."""
    asked = connection.scalar(
        select(fetches.c.url)
        .where(fetches.c.edition_id == edition_id, fetches.c.source == "live", fetches.c.status.is_not(None))
        .order_by(fetches.c.id.desc())
        .limit(1)
    )
    if asked is not None and not asked.startswith(origin + "/"):
        other = "/".join(asked.split("/", 3)[:3])
        raise BadArgument(
            f"This archive was filled from {other}, not from {origin}: mixing them would make two sites one. "
            "Use another DATABASE_URL for the other address."
        )


def last_fetch_id(connection: Connection, edition_id: int) -> int:
    """The number of the edition's newest fetch, 0 where there is none."""
    query = (
        select(fetches.c.id).where(fetches.c.edition_id == edition_id).order_by(fetches.c.id.desc()).limit(1)
    )
    return connection.scalar(query) or 0


def last_warc_file(connection: Connection, edition_id: int) -> str | None:
    """Where the edition's newest fetch is archived; None where none is."""
    archived = (fetches.c.edition_id == edition_id) & fetches.c.warc_file.is_not(None)
    return connection.scalar(
        select(fetches.c.warc_file).where(archived).order_by(fetches.c.id.desc()).limit(1)
    )


def last_visit_id(connection: Connection, edition_id: int) -> int:
    """The number of the edition's newest visit, 0 where there is none."""
    return connection.scalar(select(func.max(visits.c.id)).where(visits.c.edition_id == edition_id)) or 0


def begin_crawl(
    connection: Connection, *, edition_id: int, spider: str, arguments: Mapping[str, str], now: datetime
) -> int:
    """
    A new row of a crawl that runs now; returns its number.

    The caller holds the edition's lock, so an earlier crawl that still seems to run was killed: it is marked so, and
    its open visits are closed.
    """
    dead = list(
        connection.scalars(
            select(crawls.c.id).where(crawls.c.edition_id == edition_id, crawls.c.state == "running")
        )
    )
    if dead:
        connection.execute(
            update(crawls)
            .where(crawls.c.id.in_(dead))
            .values(state="killed", finished_at=crawls.c.heartbeat_at, finish_reason="ended without a word")
        )
        for crawl_id in dead:
            close_visits(connection, crawl_id)
    new = insert(crawls).values(
        edition_id=edition_id,
        spider=spider,
        arguments={storable(name): storable(value) for name, value in arguments.items()},
        state="running",
        started_at=now,
        heartbeat_at=now,
        pages=0,
        articles=0,
        comments_new=0,
        comments_changed=0,
        comments_gone=0,
        errors=0,
    )
    return int(connection.execute(new.returning(crawls.c.id)).scalar_one())


def save_crawl(
    connection: Connection,
    crawl_id: int,
    *,
    now: datetime,
    counters: Mapping[str, int],
    state: CrawlState = "running",
    finish_reason: str | None = None,
) -> None:
    """Note how far the crawl is; with a state other than "running", that it has ended."""
    reason = storable(finish_reason) if finish_reason is not None else None
    values: dict[str, Any] = {**counters, "state": state, "finish_reason": reason, "heartbeat_at": now}
    if state != "running":
        values["finished_at"] = now
        close_visits(connection, crawl_id)
    connection.execute(update(crawls).where(crawls.c.id == crawl_id).values(values))


def close_visits(connection: Connection, crawl_id: int) -> None:
    """Visits that their crawl left open have the outcome "stopped"; their articles stay due."""
    connection.execute(
        update(visits)
        .where(visits.c.crawl_id == crawl_id, visits.c.outcome.is_(None))
        .values(outcome="stopped")
    )


_FETCH = tuple(Fetch.__dataclass_fields__)


def save_fetch(
    connection: Connection,
    fetch: Fetch,
    *,
    crawl_id: int | None,
    visit_id: int | None = None,
    reader_version: int | None = None,
) -> bool:
    """
    Record an HTTP exchange; recording it again changes nothing.

    Returns:
        Whether it was not recorded before.
    """
    row = fetch_row(fetch, crawl_id=crawl_id, visit_id=visit_id, reader_version=reader_version)
    return upsert(connection, fetches, [row], update=()) == 1


def fetch_row(
    fetch: Fetch, *, crawl_id: int | None, visit_id: int | None, reader_version: int | None
) -> dict[str, Any]:
    """The row of an HTTP exchange."""
    return _storable({name: getattr(fetch, name) for name in _FETCH}) | {
        "crawl_id": crawl_id,
        "visit_id": visit_id,
        "reader_version": reader_version,
    }


def save_host(connection: Connection, host: Host) -> None:
    """Remember a host as it is now."""
    row = _storable(asdict(host))
    upsert(connection, hosts, [row], update=[name for name in row if name != "host"])


def known_hosts(connection: Connection, names: Iterable[str]) -> list[Host]:
    """What is remembered of these hosts."""
    query = select(hosts).where(hosts.c.host.in_(list(names)))
    return [Host(**row) for row in connection.execute(query).mappings()]


def _storable(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its texts storable: addresses, headers and robots.txt hold whatever a server sends."""
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}
