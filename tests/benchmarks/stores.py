"""A crawl's way into a database, and clocks: what the benchmarks of storing share."""

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path

from sqlalchemy import Connection, text

from crawler.items import Exchange, Fetch, NormalPage, Recorded, Visit
from crawler.reading import READER_VERSION
from crawler.sites.military_review import SITE
from crawler.storage import database, ledger
from crawler.storage.writer import save_exchange
from tests.benchmarks.threads import ENGLISH, NOW


@dataclass(slots=True)
class Times:
    """
    How long a thing took each time, in milliseconds.

    Args:
        server_pid: Number of the process that serves our connection, where there is one on this machine.
    """

    server_pid: int | None = None
    wall: list[float] = field(default_factory=list)
    own_cpu: list[float] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)

    @contextmanager
    def once(self) -> Iterator[None]:
        before = time.perf_counter(), time.process_time(), self._server_cpu_s()
        yield
        after = time.perf_counter(), time.process_time(), self._server_cpu_s()
        for times, start, end in zip((self.wall, self.own_cpu, self.server_cpu), before, after, strict=True):
            times.append(1000 * (end - start))

    @property
    def ms(self) -> float:
        return statistics.median(self.wall)

    @property
    def cpu_ms(self) -> float:
        """CPU time of both processes."""
        return statistics.median(self.own_cpu) + statistics.median(self.server_cpu)

    def _server_cpu_s(self) -> float:
        if self.server_pid is None:
            return 0.0
        try:
            said = Path(f"/proc/{self.server_pid}/schedstat").read_text(encoding="ascii")
        except OSError:  # another machine's, or not Linux
            return 0.0
        return int(said.split()[0]) / 1e9


def say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def say_times(name: str, times: Times, more: str = "") -> None:
    own, server = statistics.median(times.own_cpu), statistics.median(times.server_cpu)
    say(f"  {name:34} {times.ms:8.2f} ms, CPU of ours {own:7.2f}, of the server's {server:7.2f}{more}")


def say_ratio(name: str, figure: float, *, least: float | None = None, most: float | None = None) -> None:
    bar = ""
    if least is not None:
        bar = f"   (at least {least}){'' if figure >= least else '   MISSED'}"
    elif most is not None:
        bar = f"   (at most {most}){'' if figure <= most else '   MISSED'}"
    say(f"  {name:60} {figure:6.3f}{bar}")


def _never(known: Sequence[Recorded]) -> Iterator[Exchange]:
    raise AssertionError(f"nothing comes late here, and yet {known} are to be read again")


class Storing:
    """A crawl's way into a migrated database: one connection, one transaction for each call of `store`."""

    def __init__(self, url: str) -> None:
        self._engine = database.engine(url, writes=True)
        self.connection: Connection = self._engine.connect()
        with self.connection.begin():
            ledger.save_editions(self.connection, SITE)
            self.crawl_id = ledger.begin_crawl(
                self.connection, edition_id=ENGLISH.id, spider=SITE.name, arguments={}, now=NOW
            )
            last = ledger.last_fetch_id(self.connection, ENGLISH.id)
        self._fetches = count(last // 100 + 1)
        #: Number of the process that serves the connection, on Postgres.
        self.server_pid: int | None = None
        if self.connection.dialect.name == "postgresql":
            with self.connection.begin():
                self.server_pid = self.connection.scalar(text("SELECT pg_backend_pid()"))

    def close(self) -> None:
        self.connection.close()
        self._engine.dispose()

    def exchange(self, page: NormalPage) -> Exchange:
        """The exchange of a visit that asks for this page and has then seen all."""
        article = page.article.written
        number = next(self._fetches)
        fetch = Fetch(
            id=100 * number + ENGLISH.id,
            edition_id=ENGLISH.id,
            kind="article",
            url=ENGLISH.base_url + article.path,
            fetched_at=NOW + timedelta(seconds=number),
            status=200,
            bytes=60_000,
            digest=f"{number:064x}",
            article_id=article.id,
            page=1,
            warc_file="military_review-en-20261101120000-0123abcd-00001.warc.gz",
            warc_offset=15_000 * number,
        )
        visit = Visit(
            id=fetch.id,
            edition=ENGLISH,
            article_id=article.id,
            path=article.path,
            started_at=fetch.fetched_at,
        )
        return Exchange(
            edition=ENGLISH,
            fetch=fetch,
            page=page.written,
            normal=page,
            seen_at=fetch.fetched_at,
            visit=visit,
            seen_first=len(page.comments),
            ends="swept",
            seen=frozenset(comment.written.id for comment in page.comments),
        )

    def store(self, exchanges: Sequence[Exchange]) -> int:
        """Store them in one transaction; returns how many comments were new."""
        new = 0
        with self.connection.begin():
            for number, exchange in enumerate(exchanges, 1):
                assert exchange.seen_at is not None
                saved = save_exchange(
                    self.connection,
                    exchange,
                    crawl_id=self.crawl_id,
                    now=exchange.seen_at,
                    reread=_never,
                    reader_version=READER_VERSION,
                    commits=number == len(exchanges),
                )
                new += saved.comments_new
        return new


def stored(storing: Storing, pages: Sequence[NormalPage], times: Times, *, new: bool) -> None:
    """Store pages that are all new, or all as they were, and take the time."""
    exchanges = [storing.exchange(page) for page in pages]
    with times.once():
        found = storing.store(exchanges)
    assert found == (sum(len(page.comments) for page in pages) if new else 0)
