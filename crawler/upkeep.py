"""The database as commands use it that keep the archive in order."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from crawler.environment import EMBEDDED_DATABASE
from crawler.families import Run
from crawler.site import Edition
from crawler.sites import readers
from crawler.storage import database, ledger
from crawler.storage.archive import Archive


@contextmanager
def opened(url: str, editions: Sequence[Edition], *, apply: bool) -> Iterator[Run]:
    """
    The database: where something is to be written, with the locks of its editions, as a crawl has it.

    Raises:
        CannotStore, AlreadyRunning: As a crawl does, which must not run at the same time where something is written.
    """
    if not apply:
        with database.reading(url) as connection:
            yield lambda work, *args, **kwargs: work(connection, *args, **kwargs)
        return
    archive = Archive(url, editions, embedded=url == EMBEDDED_DATABASE)
    archive.open()
    try:
        for reader in {id(reader.site): reader for reader in readers().values()}.values():
            archive.run_now(ledger.save_editions, reader.site)
        yield archive.run_now
    finally:
        archive.close()
