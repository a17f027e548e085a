"""The proxy of PROXY_URL, for every request of a crawl, robots.txt included."""

from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured


class Proxy:
    """Downloader middleware, before Scrapy's HttpProxyMiddleware, which does the work and hides the password."""

    def __init__(self, url: str) -> None:
        self.url = url

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        url = crawler.settings["PROXY_URL"]
        if not url:
            raise NotConfigured
        return cls(url)

    def process_request(self, request: Request) -> None:
        request.meta["proxy"] = self.url
