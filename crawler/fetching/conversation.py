"""
Requests outside a crawl: a few pages, one after the other, as politely as a crawl asks for them.

They go through the same middlewares: robots.txt obeyed, the delay kept, the same User-Agent. There is no lock,
no database, no archive and no pipeline. What is asked next may depend on what came.
"""

from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urljoin, urlsplit

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response
from scrapy.settings import Settings

from crawler.errors import BadArgument
from crawler.fetching.exchange import Asked
from crawler.items import FetchKind
from crawler.site import Edition


def conversation_settings(*, origin: str | None, delay_s: float | None) -> Settings:
    """
    The settings of a crawl, without its lock, its database, its archive and its pipelines.

    Args:
        origin: The address that the requests go to; None where they go to more than one host.

        delay_s: Seconds between two requests; the crawler's own delay for None.

    Raises:
        BadArgument: The delay is shorter than the crawler's own, and the address is not on this machine.
    """
    settings = Settings()
    settings.setmodule("crawler.settings", priority="project")
    kept = {
        name: order
        for name, order in settings.getdict("EXTENSIONS").items()
        if not name.startswith("crawler.extensions.")
    }
    settings.set("EXTENSIONS", kept, priority="cmdline")
    settings.set("ITEM_PIPELINES", {}, priority="cmdline")
    # Who holds the conversation keeps what it brings, where they want it.
    without_archive = settings.getdict("DOWNLOADER_MIDDLEWARES")
    without_archive["crawler.fetching.archiving.ArchiveFirst"] = None
    settings.set("DOWNLOADER_MIDDLEWARES", without_archive, priority="cmdline")
    if delay_s is not None:
        usual_s = settings.getfloat("DOWNLOAD_DELAY")
        if delay_s < usual_s and not is_this_machine(origin):
            raise BadArgument(
                f"--delay {delay_s:g}: with less than {usual_s:g} s only a site on this machine may be asked."
            )
        settings.set("DOWNLOAD_DELAY", delay_s, priority="cmdline")
    return settings


class Conversation(Spider):
    """A spider that asks for one page after the other, in `talk`."""

    async def talk(self) -> None:
        """Ask what there is to ask."""
        raise NotImplementedError

    def fail(self, error: Exception) -> None:
        """Note what ended the talk early: Scrapy would log it and end as if all were well."""
        raise NotImplementedError

    async def answer(self, url: str, *, edition: Edition, kind: FetchKind) -> Response:
        """
        What the site answers, whatever its status.

        Raises:
            NotAsked: The request was not sent; the text says why.
            Exception: Whatever the network did; `exchange.outcome_of_exception` says what it means.
        """
        request = Request(
            url,
            headers={"Accept-Language": edition.language},
            meta={"asked": Asked(edition_id=edition.id, kind=kind)},
        )
        return await self.crawler.engine.download_async(request)

    async def start(self) -> AsyncIterator[Any]:
        try:
            await self.talk()
        except Exception as error:  # noqa: BLE001 - see `fail`
            self.fail(error)
        nothing_left: list[Request] = []
        for request in nothing_left:
            yield request


def hold(settings: Settings, conversation: type[Conversation], **given: object) -> None:
    """Hold a conversation to its end; once a process, as Scrapy starts its event loop."""
    process = AsyncCrawlerProcess(settings)
    held = process.crawl(conversation, **given)
    process.start()
    held.result()


def same_host_target(url: str, status: int | None, location: str | None) -> str | None:
    """Where a redirect leads, if it is one and leads to the same host."""
    if status is None or not 300 <= status < 400 or not location:
        return None
    try:
        target = urljoin(url, location)
        same = urlsplit(target).netloc == urlsplit(url).netloc
    except ValueError:
        return None
    return target if same else None


def is_this_machine(url: str | None) -> bool:
    """Whether an address is on this machine, by its host."""
    try:
        host = urlsplit(url or "").hostname
        return host == "localhost" or (host is not None and ip_address(host).is_loopback)
    except ValueError:
        return False
