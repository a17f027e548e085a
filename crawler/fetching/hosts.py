"""What we remember of each host, so that a restart does not make us rude."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy.crawler import Crawler

from crawler.fetching.notices import host_changed
from crawler.items import Host

_DEFAULT_PORTS = {"http": 80, "https": 443}


def host_of(url: str) -> str:
    """
    The name under which a host is remembered: lower case, with the port where it is not the usual one.

    >>> host_of("https://En.Example.org/1-a.html")
    'en.example.org'
    >>> host_of("http://127.0.0.1:8000/")
    '127.0.0.1:8000'
    """
    parts = urlsplit(url)
    name = (parts.hostname or "").lower()
    if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)):
        return name
    return f"{name}:{parts.port}"


class Hosts:
    """
    Scrapy extension: the memory that `Robots` and `Politeness` share.

    It knows no database: whoever stores hosts calls `remember` when the spider opens, and listens to
    `host_changed`.
    """

    def __init__(self, crawler: Crawler | None = None) -> None:
        self._crawler = crawler
        self._hosts: dict[str, Host] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    @classmethod
    def of(cls, crawler: Crawler) -> Self:
        """The memory of this crawl. Raises LookupError where the extension is not switched on."""
        hosts = crawler.get_extension(cls)
        if hosts is None:
            raise LookupError(f"add {cls.__module__}.{cls.__qualname__} to EXTENSIONS: the crawl needs it")
        return hosts

    def __getitem__(self, name: str) -> Host:
        return self._hosts.get(name) or Host(host=name)

    def remember(self, hosts: Iterable[Host]) -> None:
        """Take over what an earlier crawl stored. Call it before the first request."""
        self._hosts.update((host.host, host) for host in hosts)

    def change(self, name: str, *, tell: bool = True, **changes: Any) -> None:
        """
        Set fields of a host.

        Args:
            tell: Whether this is worth storing: sends `host_changed`, if anything is new.
        """
        known = self[name]
        changed = replace(known, **changes)
        self._hosts[name] = changed
        if tell and changed != known:
            self.tell(name)

    def tell(self, name: str) -> None:
        """Send `host_changed` with all that is known of the host."""
        if self._crawler is not None:
            self._crawler.signals.send_catch_log(host_changed, host=self[name])
