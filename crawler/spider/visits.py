"""Visiting an article: its page, then all its comment pages. What to ask next is decided in `crawler.visiting`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.errors import Stop
from crawler.fetching.exchange import Asked
from crawler.fetching.politeness import CrawlEnds
from crawler.items import Exchange, Visit, VisitOutcome
from crawler.visiting import Progress, Reply, begun, step

if TYPE_CHECKING:
    from crawler.spider import ThreadSpider

logger = logging.getLogger(__name__)

#: Articles of an edition that are read at a time: one is being asked for while the other's page is being stored.
AT_ONCE = 2


class Visits:
    """The visits of a crawl. Whoever asks for one waits for `room` first; its end gives the room back."""

    def __init__(self, spider: ThreadSpider) -> None:
        self.spider = spider
        self.room = asyncio.Semaphore(AT_ONCE * len(spider.arguments.editions))

    def request(self, visit: Visit) -> Request:
        """The first page of a visit."""
        return self._request(begun(visit))

    def _request(self, progress: Progress) -> Request:
        asked = Asked(
            edition_id=progress.visit.edition.id,
            kind=progress.kind,
            crawl_id=self.spider.crawl_ids[progress.visit.edition.id],
            visit_id=progress.visit.id,
            article_id=progress.visit.article_id,
            page=progress.page,
        )
        return self.spider.request(
            progress.visit.edition,
            progress.path,
            asked,
            callback=self.visited,
            errback=self.not_visited,
            cb_kwargs={"progress": progress},
            # A thread that was begun is finished before the next one: a crawl that is killed leaves few half-read.
            priority=progress.page,
        )

    def visited(self, response: Response, progress: Progress) -> Iterator[Any]:
        """Callback: a page of an article has been answered."""
        return self._came(self.spider.reply(response), progress)

    def not_visited(self, failure: Failure) -> Iterator[Any]:
        """Errback: a page of an article was not asked for, or not answered."""
        request: Request = failure.request  # type: ignore[attr-defined]  # Scrapy puts it there
        progress: Progress = request.cb_kwargs["progress"]
        fetch = self.spider.failed_fetch(failure, request, progress.visit.edition)
        if fetch is not None:
            yield from self._came(Reply(fetch=fetch, seen_at=fetch.fetched_at), progress)
        elif isinstance(failure.value, (CrawlEnds, Stop)):
            yield self._cut_off(progress, "stopped")
        else:
            yield self._cut_off(progress, "refused" if progress.page == 1 else "partial")

    def _came(self, reply: Reply, progress: Progress) -> Iterator[Any]:
        done = step(progress, reply, self.spider.reader)
        _remark(done.exchange)
        if done.error is not None:
            self.spider.tallies[reply.fetch.edition_id].met(done.error)
        if done.exchange.ends is not None:
            self.room.release()
            yield done.exchange
            return
        yield done.exchange
        try:
            following = self._request(done.progress)
        except ValueError:  # what a page calls an address may be none
            logger.exception("After %s nothing could be asked", reply.fetch.url)
            yield self._cut_off(done.progress, "partial")
        else:
            yield following

    def _cut_off(self, progress: Progress, outcome: VisitOutcome) -> Exchange:
        """The end of a visit whose next page is not asked for."""
        self.room.release()
        return Exchange(edition=progress.visit.edition, fetch=None, visit=progress.visit, ends=outcome)


def _remark(exchange: Exchange) -> None:
    """Say what is strange about a page that was read."""
    if exchange.fetch is None or exchange.page is None:
        return
    for remark in exchange.page.remarks:
        logger.warning("%s: %s", exchange.fetch.url, remark)
    comments = exchange.normal.comments if exchange.normal else ()
    undated = [comment.written for comment in comments if comment.posted is None]
    if undated:
        logger.warning(
            "%s: %d dates could not be read and are NULL, such as %r of comment %d",
            exchange.fetch.url,
            len(undated),
            undated[0].posted_raw,
            undated[0].id,
        )
