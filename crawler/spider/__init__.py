"""
Discover, visit, follow: how a site of numbered articles with paged comments is crawled.

A site's own spider is `ThreadSpider` with the site's facts and page functions. There are no selectors here, and pages
send no requests: `crawler.visiting` says what a page is and what to ask next, and this room does it.

    discovery   finding articles
    visits      reading an article with all its comment pages
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.arguments import Arguments, parsed
from crawler.dle import addresses
from crawler.errors import BadArgument, SiteRefuses, Stop
from crawler.fetching.exchange import Asked
from crawler.fetching.headers import redirect, server_time
from crawler.fetching.notices import NotAsked
from crawler.fetching.numbers import Numbers
from crawler.fetching.politeness import CrawlEnds
from crawler.fetching.records import ArchiveReader
from crawler.fetching.robots import RobotsForbid
from crawler.items import Exchange, Fetch, Recorded, Visit
from crawler.reading import PageReaders
from crawler.rereading import reread
from crawler.site import Edition, Site
from crawler.spider.discovery import Discovery
from crawler.spider.visits import Visits
from crawler.storage import frontier
from crawler.storage.archive import Archive
from crawler.tally import Tally
from crawler.visiting import Reply, SiteReader


class ThreadSpider(Spider):
    """
    One polite incremental crawl: discover, visit what is due, stop. README.md has its arguments.

    Attributes that the extension `CrawlRecords` fills before the crawl starts: `archive`, `crawl_ids`, `visit_ids`.
    """

    site: ClassVar[Site]
    pages: ClassVar[PageReaders]

    archive: Archive
    #: What was ever fetched, to be read again.
    archived: ArchiveReader
    #: Number of the crawl's row, by edition.
    crawl_ids: dict[int, int]
    #: Where visits get their numbers from.
    visit_ids: Numbers

    def __init__(self, name: str | None = None, **given: str) -> None:
        super().__init__(name)
        self.arguments: Arguments = parsed(given, self.site, today=datetime.now(self.site.time_zone).date())
        self.given = given
        self.began_at = datetime.now(UTC)
        self.tallies = {edition.id: Tally() for edition in self.arguments.editions}
        #: Why the crawl had to end early; None while it goes on.
        self.stopped_by: Stop | None = None
        self.asked = {address.id: address.article_path for address in map(self._address, self.arguments.urls)}
        self.reader = SiteReader(site=self.site, pages=self.pages)
        self.discovery = Discovery(self)
        self.visits = Visits(self)

    @classmethod
    def of(cls, crawler: Crawler) -> Self:
        """The spider of this crawl."""
        spider = crawler.spider
        assert isinstance(spider, cls), f"this component works with a {cls.__name__}, not with {spider!r}"
        return spider

    def stop(self, reason: Stop) -> None:
        """End the crawl: what is under way is finished, nothing more is asked."""
        if self.stopped_by is None:
            self.stopped_by = reason
            self._end_soon = asyncio.ensure_future(
                self.crawler.engine.close_spider_async(reason="stopped early")
            )

    def _address(self, url: str) -> addresses.Address:
        """The article that an argument names."""
        hosts = {
            urlsplit(origin).netloc
            for edition in self.arguments.editions
            for origin in self._origins(edition)
        }
        address = addresses.address(url)
        if address is None or (urlsplit(url).netloc or next(iter(hosts))) not in hosts:
            raise BadArgument(
                f"url={url}: is no article of {self.site.title}. "
                f"Write {self.arguments.editions[0].base_url}/128836-some-title.html, or use ids=128836."
            )
        return address

    def _origins(self, edition: Edition) -> tuple[str, str]:
        return edition.base_url, self.arguments.origin(edition)

    # --- discover, then visit -----------------------------------------------------------------------------------

    async def start(self) -> AsyncIterator[Any]:
        for request in self.discovery.requests():
            yield request
        await self.discovery.ended.wait()
        if self.arguments.visit == "none":
            return
        try:
            async for edition, article_id, path in self._targets():
                if self.tallies[edition.id].has_enough:
                    continue
                await self.visits.room.acquire()
                yield self.visits.request(self._begun_visit(edition, article_id, path))
        except Stop as stop:
            self.stop(stop)

    def _begun_visit(self, edition: Edition, article_id: int, path: str) -> Visit:
        return Visit(
            id=self.visit_ids.next(edition.id),
            edition=edition,
            article_id=article_id,
            path=path,
            started_at=datetime.now(UTC),
        )

    async def _targets(self) -> AsyncIterator[tuple[Edition, int, str]]:
        """What to visit: edition, article number and path, the editions in turn."""
        waiting = [(edition, iter(await self._chosen(edition))) for edition in self.arguments.editions]
        left = self.arguments.limit
        while waiting and left != 0:
            for edition, targets in list(waiting):
                target = next(targets, None)
                if target is None:
                    waiting.remove((edition, targets))
                    continue
                yield edition, *target
                if left is not None:
                    left -= 1
                    if left == 0:
                        return

    async def _chosen(self, edition: Edition) -> Iterable[tuple[int, str]]:
        """Number and path of each article of an edition to visit; notes how many there are."""
        asked = self.arguments
        which: frontier.Which = "all" if asked.visit == "none" else asked.visit
        now = datetime.now(UTC)
        ids: list[int] | None = None
        if asked.choose_articles:
            ids = list(dict.fromkeys([*self.asked, *asked.article_ids(), *await self._published(edition)]))
        everyone = await self.archive.run(
            frontier.known, edition.id, "all" if ids else which, now=now, article_ids=ids
        )
        paths = {
            known.article_id: urlsplit(known.url)._replace(scheme="", netloc="").geturl()
            for known in everyone
        }
        if ids is None:
            targets = list(paths.items())
        else:
            allowed = set(ids)
            if which != "all":  # of those that are known, only the due or new ones
                some = await self.archive.run(frontier.known, edition.id, which, now=now, article_ids=ids)
                allowed -= paths.keys() - {known.article_id for known in some}
            targets = [
                (number, self.asked.get(number) or paths.get(number) or addresses.number_path(number))
                for number in ids
                if number in allowed
            ]
        self.tallies[edition.id].planned = len(targets[: asked.limit])
        return targets

    async def _published(self, edition: Edition) -> list[int]:
        """Numbers of the articles of the days that were asked for: those listed there and those stored."""
        since, until = self.arguments.since, self.arguments.until
        if since is None or until is None:
            return []
        first = datetime.combine(since, time(), self.site.time_zone)
        last = datetime.combine(until + timedelta(days=1), time(), self.site.time_zone)
        stored = await self.archive.run(frontier.published_between, edition.id, first, last)
        return sorted(self.discovery.listed[edition.id] | set(stored))

    def request(self, edition: Edition, path: str, asked: Asked, **how: Any) -> Request:
        return Request(
            self.arguments.origin(edition) + path,
            headers={"Accept-Language": edition.language},
            meta={"asked": asked},
            # Nothing may drop a request in silence: each is asked for a reason and has one outcome.
            dont_filter=True,
            **how,
        )

    def reread(self, known: Sequence[Recorded]) -> Iterable[Exchange]:
        """The same exchanges, read again from the archive: with them a page is folded that came late."""
        readers = dict.fromkeys((edition.id for edition in self.site.editions), self.reader)
        return reread(known, self.archived, readers)

    def reply(self, response: Response) -> Reply:
        """What came, as `crawler.visiting` takes it."""
        fetch: Fetch = response.meta["fetch"]
        return Reply(
            fetch=fetch,
            body=response.body,
            seen_at=server_time(response.headers.get("Date"), fetch.fetched_at),
            location=redirect(response.headers.get("Location")),
        )

    def failed_fetch(self, failure: Failure, request: Request, edition: Edition) -> Fetch | None:
        """The exchange behind an errback, None where nothing was sent or archived. Notes that a site refuses us."""
        fetch: Fetch | None = request.meta.get("fetch")
        if isinstance(failure.value, Stop):
            self.stop(failure.value)  # what could not be archived is not stored
            return None
        if not isinstance(failure.value, NotAsked):
            return fetch
        tally = self.tallies[edition.id]
        if isinstance(failure.value, CrawlEnds):
            return None
        if isinstance(failure.value, RobotsForbid):
            tally.fail(str(failure.value))
        elif tally.refusal is None:
            tally.refusal = str(failure.value)
            if all(tally.refusal for tally in self.tallies.values()):
                self.stop(SiteRefuses(tally.refusal))
        return None
