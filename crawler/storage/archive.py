"""A crawl's one door to the database: one connection, one thread, and the locks of its editions."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Concatenate, Final, ParamSpec, TypeVar

from filelock import FileLock, Timeout
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from crawler.errors import AlreadyRunning, CannotStore, CrawlerError
from crawler.site import Edition
from crawler.storage.database import (
    cannot_store,
    database_address,
    engine,
    is_current,
    migrate,
    require_folder,
    require_schema,
    shown,
    storage_errors,
)

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: First half of the keys of our advisory locks on Postgres; the second is the edition's number.
LOCK_CLASS = 0x41524348

#: Seconds for which a server that goes away is waited for, as one that is started anew; and between two looks.
AWAY_S: Final = 600.0
LOOK_EVERY_S: Final = 1.0

#: How often the same work is tried on connections that break: it may be what ends the server.
TRIES: Final = 3

LOCK: Final = text("SELECT pg_try_advisory_lock(:class, :edition)")
#: The server may hear much later than we that a line is broken, and holds the lock for us until then.
END_OURSELVES: Final = text("""
    SELECT pg_terminate_backend(pid, 5000) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = :class AND objid = :edition AND pid = :ours
""")


class Archive:
    """
    The database as one crawl uses it.

    Everything is written by one connection in one thread of its own, so the event loop never waits for a disk and
    pages are stored in the order in which they were read. That connection also holds the locks: who has lost the
    connection has lost the right to write.

        archive = Archive(url, site.editions)
        archive.open()
        saved = await archive.store(save_exchange, exchange, …)   # one transaction
        await archive.close()

    Args:
        url: The database.

        editions: Those that the crawl is about to write. Their locks are taken in the order of their numbers, all or
            none.

        embedded: Whether the database is the one that nobody chose; only then it is made and migrated by itself.

        sync: Waits until what was fetched is on the disk: `store` stores nothing before.

        patient: Whether a server that goes away is still waited for.
    """

    def __init__(
        self,
        url: str,
        editions: Sequence[Edition],
        *,
        embedded: bool = False,
        sync: Callable[[], None] | None = None,
        patient: Callable[[], bool] = lambda: True,
    ) -> None:
        self.url = url
        self.editions = sorted(editions, key=lambda edition: edition.id)
        self.embedded = embedded
        self._sync = sync
        self._patient = patient
        self._engine = engine(url, writes=True)
        self._connection: Connection | None = None
        #: What Postgres calls the connection, or the last one that there was.
        self._backend: int | None = None
        self._closing = Event()
        #: Why there is no connection any more. The first to meet it may be nobody who could tell it, see `hand_in`.
        self._lost: CrawlerError | None = None
        self._file_locks: list[FileLock] = []
        # One thread: SQLite wants its connection used where it was made, and order is part of the promise.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="archive")

    def open(self) -> None:
        """
        Connect, check the schema, take the locks.

        Raises:
            CannotStore: No such database, no right to write, or a schema of another version.
            AlreadyRunning: Another crawl of one of these editions is running.
        """
        try:
            self._thread.submit(self._open).result()
        except BaseException:
            self.close()
            raise

    def run_now(
        self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like `run`, for where there is no event loop to wait on."""
        return self._thread.submit(self._transaction, work, *args, **kwargs).result()

    async def run(
        self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """
        Do the work in one transaction and return what it returns.

        `work` is called with the connection first, and again if the connection breaks: what it does must come out the
        same when it is done again.

        Raises:
            CannotStore: The database cannot be used any more; nothing of this work was stored.
            AlreadyRunning: The connection broke, and another crawl took the lock meanwhile.
        """
        return await asyncio.wrap_future(self._thread.submit(self._transaction, work, *args, **kwargs))

    async def store(
        self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """
        Like `run`, for what was fetched: the database hears of it when it is on the disk.

        Raises:
            CannotStore: As of `run`, or because it will never be there.
        """
        return await asyncio.wrap_future(self._thread.submit(self._synced, work, *args, **kwargs))

    def hand_in(
        self, work: Callable[Concatenate[Connection, P], object], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Do the work in its turn without anybody waiting; a failure is logged, and met again by the next page."""
        future = self._thread.submit(self._transaction, work, *args, **kwargs)
        future.add_done_callback(_log_failure)

    def close(self) -> None:
        """Close the connection and free the locks, after all that was handed in is done. No server is waited for."""
        self._closing.set()
        try:
            self._thread.submit(self._shut).result()
        finally:
            self._thread.shutdown()

    def _open(self) -> None:
        if self._engine.dialect.name == "sqlite":
            self._lock_files()
        if self.embedded and not is_current(self.url):
            migrate(self.url)
        elif self._engine.dialect.name == "sqlite" and not self._file.exists():
            raise CannotStore(f"There is no database at {self._file}. Run `crawler migrate` to make it.")
        with storage_errors(self.url):
            self._reconnect()

    @property
    def _file(self) -> Path:
        # Two names of one file must come to one lock.
        return Path(database_address(self.url).database or "").resolve()

    def _lock_files(self) -> None:
        """On SQLite: a lock file an edition, beside the database. The system frees it however the process ends."""
        require_folder(self.url)
        for edition in self.editions:
            # By number: two sites may both have an edition "en".
            lock = FileLock(f"{self._file}.{edition.id}.lock", timeout=0, thread_local=False)
            try:
                lock.acquire()
            except Timeout:
                raise already_running(edition) from None
            except OSError as error:
                raise CannotStore(
                    f"The folder {self._file.parent} of the database cannot be written: {error.strerror}. "
                    "Give yourself the right to write there, or set DATABASE_URL to another place."
                ) from error
            self._file_locks.append(lock)

    def _lock_rows(self) -> None:
        """On Postgres: session advisory locks, which the server frees as soon as this connection is gone."""
        connection = self._connection
        assert connection is not None
        if connection.dialect.name != "postgresql":
            # A database file that cannot be written shows here and not at the first page.
            connection.execute(text("UPDATE editions SET id = id WHERE id = -1"))
            connection.rollback()
            return
        for edition in self.editions:
            keys = {"class": LOCK_CLASS, "edition": edition.id}
            got = connection.scalar(LOCK, keys)
            if not got and connection.scalar(END_OURSELVES, keys | {"ours": self._backend}):
                got = connection.scalar(LOCK, keys)
            if not got:
                raise already_running(edition)
        self._backend = connection.scalar(text("SELECT pg_backend_pid()"))
        connection.commit()

    def _synced(
        self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if self._sync is not None:
            self._sync()
        return self._transaction(work, *args, **kwargs)

    def _transaction(
        self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        try:
            with storage_errors(self.url):
                for _ in range(TRIES - 1):
                    try:
                        return self._try(work, *args, **kwargs)
                    except DBAPIError as error:
                        if not error.connection_invalidated:
                            raise
                    # The server went away. Once more, on a new connection, if nobody took our place.
                    self._reconnect_in_time()
                return self._try(work, *args, **kwargs)
        except CrawlerError as error:
            if self._connection is None or self._connection.invalidated:
                self._disconnect()  # SQLAlchemy would make a new one by itself, without locks
                self._lost = error
            raise

    def _try(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        if self._connection is None:
            raise self._lost or CannotStore(f"The connection to the database {shown(self.url)} is lost.")
        with self._connection.begin():
            return work(self._connection, *args, **kwargs)

    def _reconnect_in_time(self) -> None:
        """Like `_reconnect`, but a server that is away is waited for."""
        until = time.monotonic() + AWAY_S
        waits = False
        while True:
            try:
                self._reconnect()
            except OperationalError as error:
                if self._closing.is_set() or not self._patient() or time.monotonic() >= until:
                    raise
                if not waits:
                    told = cannot_store(error, self.url)
                    logger.warning("%s It is waited for, %.0f minutes at most.", told, AWAY_S / 60)
            else:
                if waits:
                    logger.warning("The database answers again.")
                return
            waits = True
            self._closing.wait(LOOK_EVERY_S)

    def _reconnect(self) -> None:
        """A new connection with all its locks, or none at all: nothing may be written without them."""
        self._disconnect()
        self._connection = self._engine.connect()
        try:
            require_schema(self._connection, self.url)
            self._connection.rollback()
            self._lock_rows()
        except BaseException:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _unlock_rows(self) -> None:
        """On Postgres: free the locks now. It would free them by itself, but a moment after the connection is gone."""
        connection = self._connection
        if connection is None or connection.dialect.name != "postgresql":
            return
        with suppress(SQLAlchemyError):  # the connection may be broken, and then the locks are gone with it
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock_all()"))
            connection.commit()

    def _shut(self) -> None:
        try:
            self._unlock_rows()
            self._disconnect()
            self._engine.dispose()
        finally:
            while self._file_locks:
                self._file_locks.pop().release()


def _log_failure(future: Future[object]) -> None:
    error = future.exception()
    if error is not None:
        logger.error("%s", error)


def already_running(edition: Edition) -> AlreadyRunning:
    """The error of a second crawl of this edition."""
    return AlreadyRunning(
        f"Another crawl of the edition {edition.code} is running on this database, which `crawler crawls` shows; "
        "or an import, reparse or forget, which it does not. This one stops and changes nothing."
    )
