"""What surrounds a crawl: its locks and its row, its verdict, and the line that shows how far it is."""

import asyncio
import logging
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import urlsplit

from pydantic import SecretStr
from scrapy import signals
from scrapy.crawler import Crawler

from crawler.environment import EMBEDDED_DATABASE
from crawler.errors import CannotStore, Stop
from crawler.fetching.archiving import ArchiveFirst
from crawler.fetching.exchange import Exchanges
from crawler.fetching.hosts import Hosts, host_of
from crawler.fetching.notices import exchanged, host_changed
from crawler.fetching.numbers import Numbers
from crawler.fetching.records import ArchiveReader
from crawler.fetching.warc import WarcArchive
from crawler.items import Fetch, Host
from crawler.kept_out import NOT_OVERWRITTEN, KeptOut, finished, loaded
from crawler.site import Edition
from crawler.spider import ThreadSpider
from crawler.storage import ledger
from crawler.storage.archive import Archive
from crawler.storage.erasures import overwrite_freed
from crawler.tally import Verdict, verdict

logger = logging.getLogger(__name__)

#: Seconds between two signs of life in the crawl's row.
HEARTBEAT_S = 20.0


class CrawlRecords:
    """
    Opens the archive before anything else happens, and keeps one row a crawl and edition.

    It stands in `from_crawler` and not in a command, so that a script that starts the spider is guarded as well.
    """

    def __init__(self, spider: ThreadSpider, archive: Archive, warcs: WarcArchive) -> None:
        self.spider = spider
        self.archive = archive
        self.warcs = warcs
        self.verdicts: dict[int, Verdict] = {}
        self._kept_out = KeptOut({}, {})
        self._heart: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """
        Raises:
            CannotStore: The database or the folder of WARC files cannot be used.
            AlreadyRunning: Another crawl of one of the editions is running.
            BadArgument: The archive was filled from another address than base_url, or people were forgotten in it
                and FORGET_KEY is not the key of then.
        """
        spider = ThreadSpider.of(crawler)
        settings = crawler.settings
        warcs = WarcArchive(
            Path(settings["WARC_DIR"]),
            {edition.id: f"{spider.site.name}-{edition.code}" for edition in spider.arguments.editions},
            software=settings["USER_AGENT"],
        )
        archive = Archive(
            settings["DATABASE_URL"],
            spider.arguments.editions,
            embedded=settings["DATABASE_URL"] == EMBEDDED_DATABASE,
            sync=warcs.sync,
            patient=lambda: crawler.crawling,  # until a signal asks to stop
        )
        records = cls(spider, archive, warcs)
        archive.open()
        try:
            secret = settings["FORGET_KEY"]
            records.forget(secret.get_secret_value() if isinstance(secret, SecretStr) else secret)
            warcs.open()
            records.begin()
        except BaseException:
            records.engine_stopped()
            raise
        connect = crawler.signals.connect
        connect(records.spider_opened, signal=signals.spider_opened)
        connect(records.spider_closed, signal=signals.spider_closed)
        connect(records.engine_stopped, signal=signals.engine_stopped)
        connect(records.exchanged, signal=exchanged)
        connect(records.host_changed, signal=host_changed)
        return records

    def forget(self, secret: str | None) -> None:
        """Make ready that those who are forgotten do not come back."""
        readers = dict.fromkeys((edition.id for edition in self.archive.editions), self.spider.reader)
        self._kept_out = loaded(self.archive.run_now, readers, readers, secret)

    def begin(self) -> None:
        """Write the crawl's row for each edition, and give the spider what it needs."""
        spider, archive, now = self.spider, self.archive, datetime.now(UTC)
        locked = [edition.id for edition in archive.editions]
        if finished(self.warcs.folder, archive.run_now, locked, self._overwrite) is False:
            logger.warning(
                "A forgetting had been cut short, and what it had begun is undone: forget that person once more."
            )
        archive.run_now(ledger.save_editions, spider.site)
        for edition in archive.editions:
            archive.run_now(ledger.require_origin, edition.id, spider.arguments.origin(edition))
        spider.archive = archive
        spider.archived = ArchiveReader(self.warcs.folder)
        self._look_for_newest_files(spider.archived)
        spider.visit_ids = Numbers(
            {edition.id: archive.run_now(ledger.last_visit_id, edition.id) for edition in archive.editions}
        )
        spider.crawl_ids = {
            edition.id: archive.run_now(
                ledger.begin_crawl, edition_id=edition.id, spider=spider.name, arguments=spider.given, now=now
            )
            for edition in archive.editions
        }

    def _look_for_newest_files(self, archived: ArchiveReader) -> None:
        """Warn where the archive is another one than before: it may be meant so, and may be a mistake."""
        files = set(archived.files())
        for edition in self.archive.editions:
            newest = self.archive.run_now(ledger.last_warc_file, edition.id)
            if newest is not None and newest not in files:
                logger.warning(
                    "The archive folder %s lacks %s, the newest file of the edition %s that the database names: "
                    "is WARC_DIR right?",
                    self.warcs.folder.resolve(),
                    newest,
                    edition.code,
                )

    def _overwrite(self) -> None:
        if not overwrite_freed(self.archive.url):
            logger.warning(NOT_OVERWRITTEN)

    async def spider_opened(self) -> None:
        crawler, archive = self.spider.crawler, self.archive
        archiving = crawler.get_downloader_middleware(ArchiveFirst)
        if archiving is not None:
            archiving.write_to(self.warcs, self._kept_out.without if self._kept_out else None)
        exchanges = crawler.get_downloader_middleware(Exchanges)
        if exchanges is not None:
            for edition in archive.editions:
                exchanges.continue_after(edition.id, await archive.run(ledger.last_fetch_id, edition.id))
        names = [host_of(self.spider.arguments.origin(edition)) for edition in archive.editions]
        Hosts.of(crawler).remember(await archive.run(ledger.known_hosts, names))
        self._heart = asyncio.create_task(self._beat())

    async def spider_closed(self, reason: str) -> None:
        if self._heart is not None:
            self._heart.cancel()
        for edition in self.archive.editions:
            tally = self.spider.tallies[edition.id]
            self.verdicts[edition.id] = verdict(tally, stopped_by=self.spider.stopped_by, close_reason=reason)
        try:
            for host in self._last_words():
                await self.archive.run(ledger.save_host, host)
            for edition in self.archive.editions:
                await self._save(edition, self.verdicts[edition.id])
        except Stop as stop:
            logger.error("The end of the crawl could not be noted: %s", stop)
            self.verdicts = {
                edition.id: Verdict(state="failed", exit_code=stop.exit_code, reason=str(stop))
                for edition in self.archive.editions
            }

    def engine_stopped(self) -> None:
        """Free the locks last: other components may have had something to store when the spider closed."""
        try:
            self.warcs.close()
        except CannotStore as error:
            # All that was stored is in the file, which keeps the ending .open until the next crawl closes it.
            logger.error("%s", error)
        finally:
            self.archive.close()

    async def exchanged(self, fetch: Fetch) -> None:
        """Record an exchange that no callback sees: robots.txt. That it was answered tells nothing of the pages."""
        if fetch.outcome not in ("ok", "moved", "not_found"):
            self.spider.tallies[fetch.edition_id].judge(fetch)
        try:
            await self.archive.store(
                ledger.save_fetch, fetch, crawl_id=self.spider.crawl_ids[fetch.edition_id]
            )
        except Stop as stop:
            self.spider.stop(stop)

    def host_changed(self, host: Host) -> None:
        self.archive.hand_in(ledger.save_host, host)

    def _last_words(self) -> list[Host]:
        """The hosts with the time of our last request, which is not stored at every one."""
        hosts = Hosts.of(self.spider.crawler)
        names = dict.fromkeys(
            host_of(self.spider.arguments.origin(edition)) for edition in self.archive.editions
        )
        return [hosts[name] for name in names if hosts[name] != Host(host=name)]

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            try:
                for edition in self.archive.editions:
                    await self._save(edition)
            except Stop as stop:
                self.spider.stop(stop)
                return

    async def _save(self, edition: Edition, end: Verdict | None = None) -> None:
        tally = self.spider.tallies[edition.id]
        await self.archive.run(
            ledger.save_crawl,
            self.spider.crawl_ids[edition.id],
            now=datetime.now(UTC),
            counters={
                "pages": tally.pages,
                "articles": tally.articles,
                "comments_new": tally.comments_new,
                "comments_changed": tally.comments_changed,
                "comments_gone": tally.comments_gone,
                "errors": tally.errors,
            },
            state=end.state if end else "running",
            finish_reason=end.reason if end else None,
        )


class ProgressLine:
    """One line on the terminal, written over itself: pages, comments, speed, time left."""

    EVERY_S: ClassVar[float] = 0.5

    def __init__(self, spider: ThreadSpider) -> None:
        self.spider = spider
        self._started = time.monotonic()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        line = cls(ThreadSpider.of(crawler))
        if sys.stderr.isatty():
            crawler.signals.connect(line.spider_opened, signal=signals.spider_opened)
            crawler.signals.connect(line.spider_closed, signal=signals.spider_closed)
        return line

    async def spider_opened(self) -> None:
        self._started = time.monotonic()
        self._task = asyncio.create_task(self._draw())

    async def spider_closed(self) -> None:
        if self._task is not None:
            self._task.cancel()
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()

    async def _draw(self) -> None:
        while True:
            sys.stderr.write(f"\r\x1b[K{self.text(time.monotonic() - self._started)}")
            sys.stderr.flush()
            await asyncio.sleep(self.EVERY_S)

    def text(self, elapsed_s: float) -> str:
        """The line: what is done after so many seconds, and how long the rest will take at this pace."""
        tallies = self.spider.tallies.values()
        pages, comments = sum(t.pages for t in tallies), sum(t.comments_new for t in tallies)
        visits, planned = sum(t.visits for t in tallies), sum(t.planned for t in tallies)
        host = urlsplit(self.spider.arguments.origin(self.spider.arguments.editions[0])).netloc
        line = f"{host}: {pages} pages, {comments} new comments, {60 * pages / max(elapsed_s, 0.1):.0f} pages/min"
        if not planned:
            return f"{line}, looking for articles"
        line += f", {visits} of {planned} articles"
        if 0 < visits < planned:
            line += f", {_duration(elapsed_s / visits * (planned - visits))} left"
        return line


def _duration(seconds: float) -> str:
    """Seconds in the words of a person waiting: "40 s", "12 min", "3 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
