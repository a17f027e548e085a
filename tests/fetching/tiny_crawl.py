"""
A real crawl with our own middlewares, in a process of its own: its argument is a plan, on stdout stands what happened.

The plan is JSON: `urls` in the order in which they are asked for, `settings`, `hosts`, what an
earlier crawl remembered, and `warc_dir`, where to archive. Each line on stdout is one event as JSON.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from scrapy import Request, Spider, signals
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.fetching import notices
from crawler.fetching.archiving import ArchiveFirst
from crawler.fetching.exchange import Asked
from crawler.fetching.hosts import Hosts
from crawler.fetching.warc import WarcArchive
from crawler.items import Fetch, Host
from tests.forked import Forked

ROOT = Path(__file__).parents[2]

SETTINGS: dict[str, Any] = {
    "USER_AGENT": "tiny-crawl/1.0 (+mailto:somebody@example.org)",
    "ROBOTSTXT_USER_AGENT": "tiny-crawl",
    "ROBOTSTXT_OBEY": False,
    "RETRY_ENABLED": False,
    "REDIRECT_ENABLED": False,
    "COOKIES_ENABLED": False,
    "TELNETCONSOLE_ENABLED": False,
    "REMOTE_CONTROL_ENABLED": False,
    "HTTPERROR_ALLOW_ALL": True,
    "DOWNLOAD_VERIFY_CERTIFICATES": True,
    "DOWNLOAD_DELAY": 0,
    "DOWNLOAD_DELAY_JITTER": 0,
    "DOWNLOAD_TIMEOUT": 1.5,
    "DOWNLOAD_MAXSIZE": 1024 * 1024,
    "CONCURRENT_REQUESTS": 64,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
    "LOG_LEVEL": "INFO",
    "EXTENSIONS": {"crawler.fetching.hosts.Hosts": 0},
    "DOWNLOAD_HANDLERS": {
        "http": "crawler.fetching.politeness.PoliteHttp",
        "https": "crawler.fetching.politeness.PoliteHttp",
    },
    "DOWNLOADER_MIDDLEWARES": {
        "crawler.fetching.politeness.Politeness": 90,
        "crawler.fetching.robots.Robots": 100,
        "crawler.fetching.exchange.WholeBodies": 800,
        "crawler.fetching.archiving.ArchiveFirst": 900,
        "crawler.fetching.exchange.Exchanges": 950,
    },
}


class TinySpider(Spider):
    """Asks for each address once and tells how that ended."""

    name = "tiny"
    plan: dict[str, Any]
    warcs: WarcArchive

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> "TinySpider":
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.warcs = WarcArchive(Path(spider.plan["warc_dir"]), {1: "tiny"})
        crawler.signals.connect(spider.opened, signals.spider_opened)
        crawler.signals.connect(spider.engine_stopped, signals.engine_stopped)
        crawler.signals.connect(spider.exchanged, notices.exchanged)
        crawler.signals.connect(spider.host_changed, notices.host_changed)
        return spider

    def opened(self) -> None:
        Hosts.of(self.crawler).remember(_host(row) for row in self.plan.get("hosts", ()))
        archiving = self.crawler.get_downloader_middleware(ArchiveFirst)
        assert archiving is not None
        self.warcs.open()
        archiving.write_to(self.warcs)

    def engine_stopped(self) -> None:
        self.warcs.close()

    async def start(self) -> AsyncIterator[Request]:
        for number, url in enumerate(self.plan["urls"], 1):
            asked = Asked(edition_id=1, kind="article", article_id=number, page=1)
            yield Request(url, self.came, errback=self.failed, meta={"asked": asked}, dont_filter=True)

    def came(self, response: Response) -> None:
        assert response.request is not None
        self.tell("callback", response.request, status=response.status, length=len(response.body))

    def failed(self, failure: Failure) -> None:
        exception = failure.value
        self.tell(
            "errback",
            failure.request,  # type: ignore[attr-defined]  # Scrapy puts it there
            error=type(exception).__name__,
            not_asked=isinstance(exception, notices.NotAsked),
            message=str(exception),
        )

    def tell(self, event: str, request: Request, **more: Any) -> None:
        fetch: Fetch | None = request.meta.get("fetch")
        _print(event=event, url=request.url, fetch=fetch and asdict(fetch), **more)

    async def exchanged(self, fetch: Fetch) -> None:
        _print(event="exchanged", fetch=asdict(fetch))

    def host_changed(self, host: Host) -> None:
        _print(event="host", host=asdict(host))


def _host(row: dict[str, Any]) -> Host:
    moments = ("robots_fetched_at", "last_request_at", "paused_until")
    read: dict[str, Any] = {
        name: datetime.fromisoformat(value) if value and name in moments else value
        for name, value in row.items()
    }
    return Host(**read)


def _print(**event: Any) -> None:
    sys.stdout.write(json.dumps(event, default=str) + "\n")
    sys.stdout.flush()


@dataclass
class Heard:
    """All that happened in one crawl."""

    events: list[dict[str, Any]]
    log: str
    by_url: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for event in self.events:
            if event["event"] in ("callback", "errback"):
                self.by_url.setdefault(event["url"], []).append(event)

    def only(self, url: str) -> dict[str, Any]:
        """The one callback or errback that a request to this address must have had."""
        ends = self.by_url.get(url, [])
        assert len(ends) == 1, f"{url} ended {len(ends)} times: {ends}\n{self.log}"
        return ends[0]

    def exchanged(self) -> dict[str, dict[str, Any]]:
        """The fetches that no callback saw, by address."""
        return {e["fetch"]["url"]: e["fetch"] for e in self.events if e["event"] == "exchanged"}

    def hosts(self, name: str) -> list[dict[str, Any]]:
        """All that was to be remembered of a host, in order."""
        return [e["host"] for e in self.events if e["event"] == "host" and e["host"]["host"] == name]


def crawled(
    urls: Iterable[str], *, hosts: Iterable[Host] = (), warc_dir: Path | None = None, **settings: Any
) -> Heard:
    """
    What happened when these addresses were asked for.

    What is archived is thrown away unless `warc_dir` says where to keep it.
    """
    plan = _plan(urls, settings, hosts=[asdict(host) for host in hosts], warc_dir=warc_dir)
    ended = Forked("tests.fetching.tiny_crawl", plan, env=os.environ, cwd=ROOT).ended(patience_s=40)
    return _heard(ended.code, ended.out, ended.err)


def started(urls: Iterable[str], **settings: Any) -> "subprocess.Popen[str]":
    """A crawl that runs."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fetching.tiny_crawl", _plan(urls, settings)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: "subprocess.Popen[str]") -> Heard:
    """What happened in a crawl that was started, once it has ended."""
    try:
        out, log = process.communicate(timeout=40)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return _heard(process.returncode, out, log)


def _plan(urls: Iterable[str], settings: Mapping[str, Any], **more: Any) -> str:
    return json.dumps({"urls": list(urls), "settings": settings} | more, default=str)


def _heard(code: int, out: str, log: str) -> Heard:
    assert code == 0, log
    return Heard([json.loads(line) for line in out.splitlines()], log)


if __name__ == "__main__":
    plan = json.loads(sys.argv[1])
    process = AsyncCrawlerProcess({**SETTINGS, **plan["settings"]})
    with tempfile.TemporaryDirectory() as folder:
        process.crawl(TinySpider, plan={**plan, "warc_dir": plan.get("warc_dir") or folder})
        process.start()
