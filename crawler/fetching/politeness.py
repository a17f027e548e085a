"""
When the next request may leave.

Two requests to a host lie at least the delay apart, counted from the end of the first, as Heritrix,
Nutch and StormCrawler count it: then the gap also holds on the server's clock, whatever the network
does in between. A host that says Retry-After, or fails again and again, is left alone: requests wait
if the pause is short, and are refused with `HostPaused` if it is long. The pause is remembered, so
that the next crawl keeps it too.

The waiting is done in a download handler, `PoliteHttp`, because that is the one place where a request
is neither too early (queued before the answer that tells us to stop) nor uncounted (Scrapy chooses
the next request by how many wait for each host). It also judges an answer before the next request of
the same host can leave, which no middleware could.
"""

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal, Self

from scrapy import Request, signals
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.http import Response

from crawler.fetching.clock import Clock
from crawler.fetching.exchange import outcome_of_exception
from crawler.fetching.hosts import Hosts, host_of
from crawler.fetching.notices import NotAsked
from crawler.items import Host

MAX_CRAWL_DELAY_S: Final = 60.0
"""A longer Crawl-delay counts as this: at an hour a request, a thread would change while it is read."""

JITTER: Final = 0.2
"""A delay is stretched by up to this share, at random, and never shortened."""

FAILURES_UNTIL_DOWN: Final = 5
"""So many failures in a row, and the host counts as down."""

DOWN_S: Final = 900.0
"""How long a host that is down is left alone, in seconds; twice as long with each further failure."""

MAX_BACKOFF_S: Final = 60.0
"""Longest wait after a failure of a host that is not down yet, in seconds: 1, 2, 4 … 60."""

_NOTE_REQUEST_EVERY_S: Final = 10.0
_LOOK_AGAIN_S: Final = 0.5


class HostPaused(NotAsked):
    """The host asked us to wait, or is down, for longer than a crawl waits."""

    def __init__(self, host: str, until: datetime) -> None:
        super().__init__(f"{host} is left alone until {until:%Y-%m-%d %H:%M:%S} UTC: nothing is asked before")
        self.host = host
        self.until = until


class CrawlEnds(NotAsked):
    """The crawl was told to stop before this request was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long pauses are, in seconds."""

    #: After a 429 or 503 that does not say how long; twice as long with each further one.
    floor_s: float = 30.0
    #: The longest pause, whatever the host says.
    cap_s: float = 6 * 3600.0
    #: The longest pause that a crawl sits out; a longer one ends it.
    wait_s: float = 120.0


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """
    How long a Retry-After header asks us to wait, in seconds.

    Args:
        value: "120", or a date as HTTP writes it.

        now: Our clock; an HTTP date is counted from it.

    Returns:
        More than 0; None where there is no header, or it is unreadable, or its moment is past.
    """
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        # More than 18 digits are past anything that a date could hold.
        seconds = float(value[:18])
    else:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        seconds = (moment - now).total_seconds()
    return seconds if seconds > 0 else None


Standing = Literal["well", "neither", "failing"]
"""What an answer says of its host. neither: it refuses this page, which says nothing of the next."""


def standing(status: int) -> Standing:
    """What a status says of its host."""
    if status == 429 or status >= 500:
        return "failing"
    return "well" if status < 400 or status in (404, 410) else "neither"


def pause_s(status: int | None, retry_after: float | None, failures: int, patience: Patience) -> float:
    """
    How long to leave a host alone after a failure, in seconds.

    Args:
        status: HTTP status; None where there was no answer.

        retry_after: What the answer itself asks for, in seconds.

        failures: Failures in a row, this one included.
    """
    doubled = 2.0 ** min(failures - 1, 30)
    if retry_after is not None:
        pause = retry_after
    elif status in (429, 503):
        pause = patience.floor_s * doubled
    else:
        pause = min(doubled, MAX_BACKOFF_S)
    if failures >= FAILURES_UNTIL_DOWN:
        pause = max(pause, DOWN_S * 2.0 ** min(failures - FAILURES_UNTIL_DOWN, 30))
    return min(pause, patience.cap_s)


def _stretch() -> float:
    return random.uniform(1.0, 1.0 + JITTER)  # noqa: S311 - nobody gains from guessing it


@dataclass(slots=True, kw_only=True)
class _Pace:
    """The waits of one host, on the steady clock."""

    #: When something was last sent or came.
    last_at: float = -math.inf
    #: By how much the delay that counts from then is stretched.
    stretch: float = 1.0
    #: Nothing may leave before.
    paused_until: float = -math.inf
    #: Requests in a row that nobody answered.
    unanswered: int = 0
    #: When `last_request_at` was last told.
    told_at: float = -math.inf
    #: As many requests may be under way as there are places.
    places: asyncio.Semaphore

    def pause(self, until: float) -> None:
        """Let nothing leave before, on the steady clock; a longer pause that was there stays."""
        self.paused_until = max(self.paused_until, until)


class Politeness:
    """
    Downloader middleware that keeps the pace of each host; `PoliteHttp` asks it for each turn.

    As a middleware it does one thing: it refuses a request early where its host is paused for long,
    so that a queue of thousands ends at once and not one by one.
    """

    def __init__(
        self,
        hosts: Hosts,
        *,
        delay_s: float,
        at_a_time: int = 1,
        patience: Patience | None = None,
        stopping: Callable[[], bool] = lambda: False,
        clock: Clock | None = None,
        stretch: Callable[[], float] | None = None,
    ) -> None:
        """
        Args:
            delay_s: Least time between two requests to a host, in seconds, where its robots.txt asks
                for no longer one.

            at_a_time: How many requests to one host may be under way.

            stopping: Whether the crawl was told to stop.

            stretch: What the next delay is multiplied with; at least 1. At random by default.
        """
        self._hosts = hosts
        self._delay_s = delay_s
        self._at_a_time = at_a_time
        self._patience = patience or Patience()
        self._stopping = stopping
        self._clock = clock or Clock()
        self._stretch = stretch or _stretch
        self._paces: dict[str, _Pace] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        settings = crawler.settings
        usual = Patience()
        politeness = cls(
            Hosts.of(crawler),
            delay_s=settings.getfloat("DOWNLOAD_DELAY"),
            at_a_time=settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN"),
            patience=Patience(
                floor_s=settings.getfloat("PAUSE_FLOOR_S", usual.floor_s),
                cap_s=settings.getfloat("PAUSE_CAP_S", usual.cap_s),
                wait_s=settings.getfloat("PAUSE_WAIT_S", usual.wait_s),
            ),
            stopping=lambda: not crawler.crawling,
        )
        crawler.signals.connect(politeness.spider_closed, signals.spider_closed)
        return politeness

    def process_request(self, request: Request) -> None:
        self._refuse_if_long(host_of(request.url))

    def spider_closed(self) -> None:
        """Tell when each host was last asked: while crawling that is told only now and then."""
        for name in self._paces:
            self._hosts.tell(name)

    def place(self, name: str) -> asyncio.Semaphore:
        """
        To be held from before `turn` until the exchange has been judged.

        Without a delay Scrapy starts all that is queued for a host in one go, whatever
        CONCURRENT_REQUESTS_PER_DOMAIN says: it counts a request only when its task first runs.
        """
        return self._pace(name).places

    async def turn(self, name: str) -> None:
        """
        Wait until a request to this host may leave; it counts as sent when this returns.

        Raises:
            HostPaused: It may not leave for longer than a crawl waits.

            CrawlEnds: The crawl was told to stop meanwhile.
        """
        pace = self._pace(name)
        while True:
            if self._stopping():
                raise CrawlEnds("the crawl was told to stop before this request was sent")
            self._refuse_if_long(name)
            # The delay is asked for each time: robots.txt may just have told us of a longer one.
            next_at = pace.last_at + self._delay_of(self._hosts[name]) * pace.stretch
            wait = max(next_at, pace.paused_until) - self._clock.steady()
            if wait <= 0:
                break
            # In short naps: the pause may grow meanwhile, or the crawl end.
            await asyncio.sleep(min(wait, _LOOK_AGAIN_S))
        self._sent(name, pace)

    def answered(self, name: str, status: int, retry_after: str | None) -> None:
        """An answer came: go on, or leave the host alone for a while."""
        pace = self._pace(name)
        self._sent(name, pace)
        pace.unanswered = 0
        asked_s = retry_after_s(retry_after, self._clock.wall()) if status >= 400 else None
        match standing(status):
            case "failing":
                self._failing(name, pace, status, asked_s)
            case "neither" if asked_s is not None:
                self._pause(
                    name, pace, min(asked_s, self._patience.cap_s), failures=self._hosts[name].failures
                )
            case "well" if pace.paused_until <= self._clock.steady():
                self._hosts.change(name, failures=0, paused_until=None)

    def failed(self, name: str, exception: Exception) -> None:
        """
        No answer came.

        That pauses this crawl but is not remembered: it may well be our own network, and whoever has mended that
        should not have to wait.
        """
        pace = self._pace(name)
        self._sent(name, pace)
        if outcome_of_exception(exception)[0] != "too_big":  # a host that sends much is well
            pace.unanswered += 1
            failures = self._hosts[name].failures + pace.unanswered
            pace.pause(self._clock.steady() + pause_s(None, None, failures, self._patience))

    def _failing(self, name: str, pace: _Pace, status: int | None, asked_s: float | None) -> None:
        failures = self._hosts[name].failures + 1
        self._pause(name, pace, pause_s(status, asked_s, failures, self._patience), failures=failures)

    def _pause(self, name: str, pace: _Pace, seconds: float, *, failures: int) -> None:
        pace.pause(self._clock.steady() + seconds)
        until = self._clock.wall() + timedelta(seconds=pace.paused_until - self._clock.steady())
        self._hosts.change(name, failures=failures, paused_until=until)

    def _refuse_if_long(self, name: str) -> None:
        remaining = self._pace(name).paused_until - self._clock.steady()
        if remaining > self._patience.wait_s:
            raise HostPaused(name, self._clock.wall() + timedelta(seconds=remaining))

    def _sent(self, name: str, pace: _Pace) -> None:
        """Count the delay from now on."""
        pace.last_at, pace.stretch = self._clock.steady(), self._stretch()
        # Storing every request of a fast crawl would be noise: a restart alone takes a second or two.
        slow = self._delay_of(self._hosts[name]) >= 2
        tell = slow or pace.last_at - pace.told_at >= _NOTE_REQUEST_EVERY_S
        if tell:
            pace.told_at = pace.last_at
        self._hosts.change(name, tell=tell, last_request_at=self._clock.wall())

    def _delay_of(self, host: Host) -> float:
        return max(self._delay_s, min(host.crawl_delay or 0.0, MAX_CRAWL_DELAY_S))

    def _pace(self, name: str) -> _Pace:
        """The pace of a host; at the first meeting, what is remembered of it is taken up."""
        pace = self._paces.get(name)
        if pace is None:
            pace = self._paces[name] = _Pace(places=asyncio.Semaphore(self._at_a_time))
            host, steady, wall = self._hosts[name], self._clock.steady(), self._clock.wall()
            # A moment further away than it can be is from a clock that was wrong: then it says nothing.
            if host.last_request_at is not None and host.last_request_at <= wall:
                pace.last_at = steady - (wall - host.last_request_at).total_seconds()
            if host.paused_until is not None:
                rest = (host.paused_until - wall).total_seconds()
                if rest <= self._patience.cap_s:
                    pace.paused_until = steady + rest
        return pace


class PoliteHttp(HTTP11DownloadHandler):
    """Scrapy's HTTP download handler, with each request waiting for its turn."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._politeness: Politeness | None = None

    async def download_request(self, request: Request) -> Response:
        politeness = self._politeness
        if politeness is None:  # handlers are made before middlewares
            politeness = self.crawler.get_downloader_middleware(Politeness)
            if politeness is None:
                raise LookupError(f"add {Politeness.__module__}.Politeness to DOWNLOADER_MIDDLEWARES")
            self._politeness = politeness
        name = host_of(request.url)
        async with politeness.place(name):
            try:
                await politeness.turn(name)
            except NotAsked:
                # Scrapy's own delay need not stand between the refusals of what else is queued: turn()
                # keeps the delay of all that is sent.
                self.crawler.engine.downloader.slots[request.meta["download_slot"]].delay = 0.0
                raise
            try:
                response = await super().download_request(request)
            except Exception as exc:
                politeness.failed(name, exc)
                raise
            retry_after = response.headers.get("Retry-After")
            politeness.answered(name, response.status, retry_after.decode("latin-1") if retry_after else None)
            return response
