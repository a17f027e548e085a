"""Looking for articles: feeds, listings, day archives and sitemaps, walked as far as they bring something new."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.dle import addresses
from crawler.errors import Stop
from crawler.fetching.exchange import Asked
from crawler.items import Exchange, FetchKind, ListingPage
from crawler.site import Edition
from crawler.storage import frontier
from crawler.visiting import MAX_HOPS, PASSING, RETRIES, Reply, listing, target_path

if TYPE_CHECKING:
    from crawler.spider import ThreadSpider

logger = logging.getLogger(__name__)

#: Pages of a day's archive that are walked at most.
MAX_DAY_PAGES = 50
#: The days of the archive that `discover=archive` looks at without `since`.
ARCHIVE_DAYS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A listing, feed, archive or sitemap, and how far it has been walked."""

    edition: Edition
    kind: FetchKind
    path: str
    number: int = 1
    max_pages: int | None = 1
    #: Go on only while a page brings articles that nobody knew of.
    while_new: bool = True
    hops: int = 0
    tries: int = 0


class Discovery:
    """All that a crawl walks in order to find articles; `ended` is set when it has been walked."""

    def __init__(self, spider: ThreadSpider) -> None:
        self.spider = spider
        self.ended = asyncio.Event()
        #: Articles that the day archives list, by edition: those that `since` chooses.
        self.listed: dict[int, set[int]] = {edition.id: set() for edition in spider.arguments.editions}
        self._under_way = 0

    def requests(self) -> Iterator[Request]:
        """The pages at which looking for articles begins."""
        walks = [walk for edition in self.spider.arguments.editions for walk in self._beginnings(edition)]
        self._under_way = len(walks)
        if not walks:
            self.ended.set()
        for walk in walks:
            yield self._request(walk)

    def _beginnings(self, edition: Edition) -> Iterator[Walk]:
        asked = self.spider.arguments
        for section in asked.sections or (None,):
            if "feed" in asked.discover:
                yield Walk(edition=edition, kind="feed", path=addresses.feed_path(section))
        if "listing" in asked.discover:
            for section in asked.sections or self.spider.site.sections:
                path = addresses.listing_path(section, 1)
                to_the_end = asked.depth is None
                yield Walk(
                    edition=edition,
                    kind="listing",
                    path=path,
                    max_pages=asked.depth,
                    while_new=not to_the_end,
                )
        if "sitemap" in asked.discover:
            yield Walk(edition=edition, kind="sitemap", path="/sitemap.xml")
        if asked.since is not None or "archive" in asked.discover:
            for day in self._days():
                path = addresses.day_path(day, 1)
                yield Walk(
                    edition=edition, kind="archive", path=path, max_pages=MAX_DAY_PAGES, while_new=False
                )

    def _days(self) -> Iterator[date]:
        today = datetime.now(self.spider.site.time_zone).date()
        last = self.spider.arguments.until or today
        day = self.spider.arguments.since or last - timedelta(days=ARCHIVE_DAYS - 1)
        while day <= last:
            yield day
            day += timedelta(days=1)

    def _request(self, walk: Walk) -> Request:
        return self.spider.request(
            walk.edition,
            walk.path,
            Asked(
                edition_id=walk.edition.id, kind=walk.kind, crawl_id=self.spider.crawl_ids[walk.edition.id]
            ),
            callback=self.walked,
            errback=self.not_walked,
            cb_kwargs={"walk": walk},
        )

    async def walked(self, response: Response, walk: Walk) -> AsyncIterator[Any]:
        """Callback: a page that points to articles has been answered."""
        reply = self.spider.reply(response)
        came = listing(reply, walk.edition, self.spider.reader)
        page = came.page
        if came.error is not None:
            self.spider.tallies[walk.edition.id].met(came.error)
        if walk.kind == "archive" and page is not None:
            self.listed[walk.edition.id].update(entry.id for entry in page.entries)
        following = await self._following(reply, page, walk)
        yield came.exchange
        if page is not None and walk.number == 1:  # an index leads on to its sitemaps, but not in circles
            for path in page.lists:
                self._under_way += 1
                yield self._request(replace(walk, path=path, number=2, tries=0, hops=0))
        if following is not None:
            yield self._request(following)
        else:
            self._end()

    async def not_walked(self, failure: Failure) -> AsyncIterator[Any]:
        """Errback: a page that points to articles was not asked for, or not answered."""
        request: Request = failure.request  # type: ignore[attr-defined]  # Scrapy puts it there
        walk: Walk = request.cb_kwargs["walk"]
        fetch = self.spider.failed_fetch(failure, request, walk.edition)
        if fetch is not None:
            yield Exchange(edition=walk.edition, fetch=fetch)
            if fetch.outcome in PASSING and walk.tries < RETRIES:
                yield self._request(replace(walk, tries=walk.tries + 1))
                return
        self._end()

    def _end(self) -> None:
        self._under_way -= 1
        if self._under_way == 0:
            self.ended.set()

    async def _following(self, reply: Reply, page: ListingPage | None, walk: Walk) -> Walk | None:
        """What to ask next; None where the walk ends."""
        if reply.fetch.outcome == "moved":
            path = target_path(reply.fetch.url, reply.location, walk.edition)
            return (
                None
                if path is None or walk.hops >= MAX_HOPS
                else replace(walk, path=path, hops=walk.hops + 1)
            )
        if reply.fetch.outcome in PASSING:
            return None if walk.tries >= RETRIES else replace(walk, tries=walk.tries + 1)
        if page is None:
            return None
        try:
            return await self._next(page, walk)
        except Stop as stop:
            self.spider.stop(stop)
        except Exception:
            # A mistake of ours must not hang the crawl, which waits for the end of every walk.
            logger.exception("After %s nothing could be asked", reply.fetch.url)
        return None

    async def _next(self, page: ListingPage, walk: Walk) -> Walk | None:
        if page.next_path is None or (walk.max_pages is not None and walk.number >= walk.max_pages):
            return None
        if walk.while_new:
            ids = sorted({entry.id for entry in page.entries})
            # What this crawl has found itself, in the feed or another section, is still new.
            known = await self.spider.archive.run(
                frontier.known_before, walk.edition.id, ids, self.spider.began_at
            )
            if known == len(ids):
                return None
        return replace(walk, path=page.next_path, number=walk.number + 1, tries=0, hops=0)
