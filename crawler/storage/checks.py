"""What `crawler doctor` asks of a database: is it whole, is it safe, may we write, is its schema today's?"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from crawler.errors import CannotStore
from crawler.storage.database import HEAD, engine, knows, revision
from crawler.storage.queries import newest_moment
from crawler.storage.schema import crawls, editions, hosts

SchemaStanding = Literal["current", "empty", "older", "newer"]
"""newer: of a version that this program does not know, so made by a later one"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCrawl:
    """A crawl that says that it runs."""

    id: int
    #: Code of its edition.
    edition: str
    #: Its last sign of life.
    heartbeat_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Durability:
    """What only a Postgres server can be asked."""

    encoding: str
    #: fsync, full_page_writes, synchronous_commit: "on", "off" …
    settings: Mapping[str, str]
    #: Whether lower() knows Cyrillic. With the locale C it does not, and a search silently finds less.
    folds_cyrillic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What a database says of itself."""

    #: Version of the server, or of the SQLite in this program.
    version: str
    #: What SQLite finds wrong with its file, in its own words; nothing where it is whole, or on Postgres.
    damage: tuple[str, ...] = ()
    #: SQLite's: "wal", or another where the file system cannot do that; None on Postgres.
    journal_mode: str | None = None
    #: None on SQLite.
    durability: Durability | None = None
    schema: SchemaStanding
    #: Version of the schema; None for an empty database.
    schema_version: str | None
    #: Why it cannot be written, in the database's own words; None where it can, or has no tables of today.
    not_writable: str | None = None
    newest_fetch: datetime | None = None
    running: tuple[RunningCrawl, ...] = field(default=())


def examination(url: str) -> Examination:
    """
    Look at a database; nothing in it is changed.

    On SQLite the whole file is read: about a second a GB. Crawls may go on meanwhile.

    Raises:
        BadArgument: The address is of no known form.

        CannotStore: It cannot be reached or read; the database's own words, on one line.
    """
    with _in_its_own_words(), engine(url).connect() as connection:
        on_sqlite = connection.dialect.name == "sqlite"
        standing, found = _schema(connection)
        current = standing == "current"
        version = "SELECT sqlite_version()" if on_sqlite else "SELECT current_setting('server_version')"
        return Examination(
            version=str(connection.scalar(text(version))),
            damage=_damage(connection) if on_sqlite else (),
            journal_mode=str(connection.scalar(text("PRAGMA journal_mode"))) if on_sqlite else None,
            durability=None if on_sqlite else _durability(connection),
            schema=standing,
            schema_version=found,
            not_writable=_trial(url) if current else None,
            newest_fetch=newest_moment(connection) if current else None,
            running=tuple(_running(connection)) if current else (),
        )


@contextmanager
def _in_its_own_words() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise CannotStore(_said(error)) from error


def _said(error: SQLAlchemyError) -> str:
    said = str(error.orig) if isinstance(error, DBAPIError) and error.orig is not None else str(error)
    return " ".join(said.split())


def _schema(connection: Connection) -> tuple[SchemaStanding, str | None]:
    found = revision(connection)
    if found is None:
        return "empty", None
    if found == HEAD:
        return "current", found
    return ("older" if knows(found) else "newer"), found


def _damage(connection: Connection) -> tuple[str, ...]:
    return tuple(line for line in connection.scalars(text("PRAGMA quick_check")) if line != "ok")


def _durability(connection: Connection) -> Durability:
    query = text("SELECT current_setting(:name)")
    names = ("server_encoding", "fsync", "full_page_writes", "synchronous_commit")
    told = {name: str(connection.scalar(query, {"name": name})) for name in names}
    encoding = told.pop("server_encoding")
    return Durability(
        encoding=encoding,
        settings=told,
        # Not every encoding could even hold the question.
        folds_cyrillic=encoding == "UTF8"
        and bool(connection.scalar(text("SELECT lower('ПРИВЕТ') = 'привет'"))),
    )


def _trial(url: str) -> str | None:
    """Write a row and take it back; why that cannot be done, if it cannot."""
    try:
        # A connection of its own: on SQLite it holds up every other writer, so it must not be open for long.
        with engine(url, writes=True).connect() as connection:
            row = {"host": "doctor.invalid", "robots_state": "unknown", "failures": 0}
            connection.execute(insert(hosts), row)
            connection.rollback()
    except SQLAlchemyError as error:
        return _said(error)
    return None


def _running(connection: Connection) -> Iterator[RunningCrawl]:
    query = (
        select(crawls.c.id, editions.c.code.label("edition"), crawls.c.heartbeat_at)
        .join(editions, editions.c.id == crawls.c.edition_id)
        .where(crawls.c.state == "running")
        .order_by(crawls.c.id)
    )
    for row in connection.execute(query).mappings():
        yield RunningCrawl(**row)
