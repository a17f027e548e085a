"""
Engines, the version of the schema, and migrating: what must be done before anything is asked or written.

Alembic is imported where it migrates: that takes a third of the time in which most verbs start, and they only ask
whether there is anything to migrate.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, column, create_engine, event, inspect, select, table
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from crawler.errors import BadArgument, CannotStore, UnreadableValue
from crawler.fold.content import json_text
from crawler.storage.statements import driver_errors
from crawler.storage.types import json_of_text

if TYPE_CHECKING:
    from alembic.config import Config

#: The version of the schema that this code is written for: that of the last migration.
HEAD: Final = "0006"

PROJECT = Path(__file__).resolve().parents[2]

#: Seconds to wait for a Postgres server to answer, and for another writer to finish.
CONNECT_TIMEOUT_S = 10
BUSY_TIMEOUT_S = 30


MADE_BY_NEWER = "It was made by another, probably newer version of this program: update this one."


def engine(url: str, *, writes: bool = False) -> Engine:
    """
    An engine for this address, set up for years of use.

    Args:
        url: `sqlite:///crawler.db` or `postgresql+psycopg://user@host/name`.

        writes: Whether its transactions write. On SQLite they then begin with BEGIN IMMEDIATE: a transaction that
            reads first and writes later fails at once with "database is locked" when another one wrote meanwhile.

    Raises:
        BadArgument: The address is of no known form, or names a database that we do not support.
    """
    address = database_address(url)
    if address.get_backend_name() == "sqlite":
        made = create_engine(
            address,
            poolclass=NullPool,
            connect_args={"timeout": BUSY_TIMEOUT_S},
            json_serializer=json_text,
            json_deserializer=json_of_text,
        )
        begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

        @event.listens_for(made, "connect")
        def on_connect(connection: sqlite3.Connection, _record: object) -> None:
            connection.isolation_level = None  # we say BEGIN ourselves, below
            connection.execute("PRAGMA journal_mode = WAL")
            # NORMAL may lose the last commits when the power fails.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")

        @event.listens_for(made, "begin")
        def on_begin(connection: Connection) -> None:
            raw: Any = connection.connection.dbapi_connection
            if raw.in_transaction:
                # A COMMIT that SQLite refuses, as on a full disk, leaves its transaction open; nobody rolls it back.
                raw.rollback()
            with driver_errors(connection):
                raw.execute(begin)

        return made
    # What the address asks for stands first: ours would be put in its place, and of two the last one counts.
    asked = " ".join(address.normalized_query.get("options", ()))
    return create_engine(
        address,
        poolclass=NullPool,
        json_serializer=json_text,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "client_encoding": "utf8",  # whatever PGCLIENTENCODING says
            "prepare_threshold": None,  # see `crawler.storage.libpq`
            # A server that is lost must not be waited for for hours, nor a lost crawl hold its lock so long.
            "keepalives_idle": 60,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 90_000,
            "options": f"{asked} -c tcp_keepalives_idle=60 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
            f" -c idle_session_timeout=0 -c timezone=UTC -c datestyle=ISO -c lock_timeout={BUSY_TIMEOUT_S}s"
            # In a stricter one the server ends transactions that would pass a second time: of two crawls at once.
            r" -c default_transaction_isolation=read\ committed",
        },
    )


def database_address(url: str) -> URL:
    """The parsed address. Raises BadArgument where it is not one of ours."""
    try:
        address = make_url(url)
        address.get_dialect()
    except (ArgumentError, NoSuchModuleError) as error:
        raise BadArgument(
            f"DATABASE_URL is not a database address: {error}. "
            "Write sqlite:///crawler.db or postgresql+psycopg://user:password@host/name."
        ) from None
    except ValueError:  # its text could show a part of a password
        raise BadArgument(
            "DATABASE_URL is not a database address: its port is not a number. "
            "Inside a password write @ as %40, : as %3A and / as %2F."
        ) from None
    if address.get_backend_name() == "sqlite":
        if not address.database or address.database == ":memory:":
            raise BadArgument(
                "DATABASE_URL names a database in memory; a crawl needs a file: sqlite:///crawler.db"
            )
        return address.set(drivername="sqlite")
    if address.get_backend_name() != "postgresql":
        raise BadArgument(
            f"DATABASE_URL names a {address.get_backend_name()} database; only SQLite and Postgres are supported."
        )
    return address.set(drivername="postgresql+psycopg")


def shown(url: str) -> str:
    """The address as it may be shown to people and logs: without its password."""
    return database_address(url).render_as_string(hide_password=True)


@contextmanager
def reading(url: str) -> Iterator[Connection]:
    """
    A connection for questions, on a database whose schema is today's.

    Raises:
        CannotStore: The database cannot be reached, or its schema is of another version.
    """
    address = database_address(url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        raise CannotStore(
            f"There is no database at {address.database}. Crawl first, or set DATABASE_URL to where yours is."
        )
    with storage_errors(url), engine(url).connect() as connection:
        require_schema(connection, url)
        yield connection


#: How SQLite says that it may not write, also where it is only asked: it keeps files beside the database.
READ_ONLY: Final = "attempt to write a readonly database"
READ_ONLY_REMEDY: Final = (
    "SQLite has to write the file and its folder even where it is only asked: "
    "give yourself the right, or copy the database to where you have it."
)

#: How the databases say that somebody else held for too long what was needed: SQLite in words, Postgres by a code.
_LOCKED: Final = ("database is locked", "55P03")
_LOCKED_REMEDY: Final = "Another program is at work in it: try again when that is done, or end it."

#: How SQLite's driver says that a text is not UTF-8.
_NO_TEXT: Final = "Could not decode to UTF-8"


@contextmanager
def storage_errors(url: str) -> Iterator[None]:
    """Turn what the database driver raises into CannotStore, with one line that says what happened and where."""
    try:
        yield
    except SQLAlchemyError as error:
        raise cannot_store(error, url) from error


def cannot_store(error: SQLAlchemyError, url: str) -> CannotStore:
    """The error in one line for people: what the database said, and which database it was."""
    said = str(error.orig) if isinstance(error, DBAPIError) and error.orig is not None else str(error)
    if said.startswith(_NO_TEXT):
        return UnreadableValue(f"{said:.200}")
    lines = (" ".join(line.split()).rstrip(".") for line in said.splitlines())
    said = ". ".join(line for line in lines if line)
    end = "" if said.endswith("?") else "."
    remedy = "`crawler doctor` looks for the reason."
    if said == READ_ONLY:
        remedy = READ_ONLY_REMEDY
    elif isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", said) in _LOCKED:
        remedy = _LOCKED_REMEDY
    return CannotStore(f"The database {shown(url)} cannot be used: {said}{end} {remedy}")


def alembic_config(url: str) -> Config:
    """Alembic's configuration, aimed at this database."""
    from alembic.config import Config

    # A wheel has them in the package: beside it may be those of others.
    places = (PROJECT / "crawler" / "migrations", PROJECT / "migrations")
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        raise CannotStore("This installation has no migrations folder; install it from its repository.")
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def revision(connection: Connection) -> str | None:
    """The version of the schema that the database has; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(select(column("version_num")).select_from(table("alembic_version")))


def is_current(url: str) -> bool:
    """Whether the database has today's schema; one that is not there has none."""
    with storage_errors(url), engine(url).connect() as connection:
        return revision(connection) == HEAD


def knows(revision: str) -> bool:
    """Whether this program has a migration to this version of the schema."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(alembic_config("")).walk_revisions()
    return revision in {script.revision for script in scripts}


def require_schema(connection: Connection, url: str) -> None:
    """Raise CannotStore unless the database has today's schema."""
    found = revision(connection)
    if found == HEAD:
        return
    if found is None:
        raise CannotStore(f"The database {shown(url)} has no tables yet. Run `crawler migrate` first.")
    remedy = "Run `crawler migrate` first." if knows(found) else MADE_BY_NEWER
    raise CannotStore(
        f"The database {shown(url)} has schema version {found}, this program needs {HEAD}. {remedy}"
    )


def migrate(url: str, *, target: str = "head") -> None:
    """
    Bring the database to a version of the schema, in one transaction; make the SQLite file where there is none.

    Raises:
        CannotStore: The database cannot be reached or written, or its schema is of a version that we do not know.
    """
    from alembic import command
    from alembic.util import CommandError

    require_folder(url)
    try:
        with storage_errors(url):
            command.upgrade(alembic_config(url), target)
    except CommandError:
        with storage_errors(url), engine(url).connect() as connection:
            found = revision(connection)
        raise CannotStore(
            f"The database {shown(url)} has schema version {found}, this program brings it to {HEAD}. "
            f"{MADE_BY_NEWER}"
        ) from None


def require_folder(url: str) -> None:
    """Raise CannotStore where the database is a file whose folder does not exist."""
    address = database_address(url)
    if address.get_backend_name() != "sqlite":
        return
    folder = Path(address.database or "").resolve().parent
    if not folder.is_dir():
        raise CannotStore(
            f"The folder {folder} of the database does not exist. Make it, or set DATABASE_URL to another place."
        )
