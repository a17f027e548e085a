"""Scrapy's hands: each item is stored. How that is done is in `storage/`."""

from datetime import UTC, datetime
from typing import Self

from scrapy.crawler import Crawler

from crawler.errors import Stop
from crawler.items import Exchange
from crawler.reading import READER_VERSION
from crawler.spider import ThreadSpider
from crawler.storage.writer import save_exchange


class Store:
    """Stores each item in one transaction; where that cannot be done, the crawl ends."""

    def __init__(self, spider: ThreadSpider) -> None:
        self.spider = spider

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(ThreadSpider.of(crawler))

    async def process_item(self, item: Exchange) -> Exchange:
        spider = self.spider
        try:
            saved = await spider.archive.store(
                save_exchange,
                item,
                crawl_id=spider.crawl_ids[item.edition.id],
                now=datetime.now(UTC),
                reread=spider.reread,
                reader_version=READER_VERSION,
                commits=True,
            )
        except Stop as stop:
            spider.stop(stop)
        except Exception as bug:  # Scrapy logs it, and no more
            about = item.fetch.url if item.fetch is not None else f"a visit of {item.edition.code}"
            spider.tallies[item.edition.id].fail(f"{about}: not stored ({type(bug).__name__}: {bug})")
            raise
        else:
            spider.tallies[item.edition.id].add(item, saved)
        return item
