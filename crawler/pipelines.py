"""Scrapy's hands: each item is normalised, then stored. What they do is done in `normalise/` and `storage/`."""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self

from scrapy.crawler import Crawler

from crawler.errors import NotUnderstood, Stop
from crawler.items import Exchange
from crawler.normalise import normal_page
from crawler.reading import READER_VERSION
from crawler.spider import ThreadSpider
from crawler.storage.writer import save_exchange

logger = logging.getLogger(__name__)


class Normalise:
    """Puts what was understood beside what was written."""

    def __init__(self, spider: ThreadSpider) -> None:
        self.spider = spider

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(ThreadSpider.of(crawler))

    def process_item(self, item: Exchange) -> Exchange:
        if item.page is None or item.seen_at is None:
            return item
        site = self.spider.site
        words = site.date_words[item.edition.code]
        normal = normal_page(item.page, zone=site.time_zone, words=words, seen_at=item.seen_at)
        undated = [comment.written for comment in normal.comments if comment.posted is None]
        if undated and item.fetch is not None:
            logger.warning(
                "%s: %d dates could not be read and are NULL, such as %r of comment %d",
                item.fetch.url,
                len(undated),
                undated[0].posted_raw,
                undated[0].id,
            )
        return replace(item, normal=normal)


class Store:
    """Stores each item in one transaction; where that cannot be done, the crawl ends."""

    def __init__(self, spider: ThreadSpider) -> None:
        self.spider = spider

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(ThreadSpider.of(crawler))

    async def process_item(self, item: Exchange) -> Exchange:
        try:
            await self._save(item)
        except NotUnderstood as error:  # a number that no comment can have shows only here
            await self._save(without_page(item, str(error)))
        except Stop as stop:
            self.spider.stop(stop)
        return item

    async def _save(self, item: Exchange) -> None:
        spider = self.spider
        saved = await spider.archive.run(
            save_exchange,
            item,
            crawl_id=spider.crawl_ids[item.edition.id],
            now=datetime.now(UTC),
            reader_version=READER_VERSION,
        )
        spider.tallies[item.edition.id].add(item, saved)


def without_page(item: Exchange, reason: str) -> Exchange:
    """The item as of a page that was not understood: nothing of it is stored but that it came."""
    assert item.fetch is not None
    fetch = replace(item.fetch, outcome="not_understood", detail=reason)
    ends = item.ends and ("partial" if fetch.page and fetch.page > 1 else "not_understood")
    return replace(item, fetch=fetch, page=None, normal=None, seen_first=0, ends=ends)
