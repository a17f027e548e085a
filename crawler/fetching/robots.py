"""
robots.txt (RFC 9309), failing closed.

Scrapy's own middleware takes a robots.txt that answers 503, hangs or shows a "checking your browser"
page for permission to fetch everything. Here permission must have been read:

    2xx with rules                        rules        what they allow
    404, 410 and other 4xx                none         everything: there are no rules
    401, 403, 429, 5xx, no answer, junk   unavailable  nothing; asked again later
"""

import asyncio
import logging
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Self
from urllib.parse import urljoin, urlsplit

from protego import Protego
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http.request import NO_CALLBACK

from crawler.errors import Stop
from crawler.fetching.clock import Clock
from crawler.fetching.exchange import Asked, outcome_of_exception
from crawler.fetching.hosts import Hosts, host_of
from crawler.fetching.notices import NotAsked, exchanged
from crawler.items import Host

logger = logging.getLogger(__name__)

MAX_BYTES: Final = 500 * 1024
"""As much of a robots.txt as RFC 9309 has a crawler read; rules behind that are not seen."""

MAX_AGE: Final = timedelta(hours=24)
"""How long rules hold before they are asked for again (RFC 9309: not longer than a day)."""

ASK_AGAIN_S: Final = 300.0
"""How long "unavailable" holds within a crawl, in seconds. A new crawl asks at once."""

MAX_REDIRECTS: Final = 5

# The words before a colon by which a robots.txt is told from any other text.
_FIELD: Final = re.compile(
    r"^[ \t]*(user-?agent|disallow|allow|sitemap|crawl-delay|host|clean-param|request-rate)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)


class RobotsForbid(NotAsked):
    """The host's robots.txt forbids this address to us."""


class RobotsUnavailable(NotAsked):
    """The host's robots.txt could not be had, so nothing may be asked there now."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What asking for a robots.txt came to."""

    state: Literal["rules", "none", "unavailable"]
    #: The rules, where there are some.
    text: str | None = None
    #: Why it is unavailable, in words.
    reason: str | None = None


def verdict(status: int, body: bytes) -> Verdict:
    """What the answer to a request for robots.txt says; redirects are to be followed before."""
    if 200 <= status < 300:
        text = _text(body)
        if text is None:
            return Verdict("unavailable", reason=f"it answered {status} with something that is no robots.txt")
        return Verdict("rules", text)
    if 400 <= status < 500 and status not in (401, 403, 429):
        return Verdict("none")
    return Verdict("unavailable", reason=f"it answered {status}")


def _text(body: bytes) -> str | None:
    """The text of a robots.txt; None where the body is something else, such as an HTML page."""
    if len(body) > MAX_BYTES:
        body = body[: body.rfind(b"\n", 0, MAX_BYTES) + 1]  # half a rule would be another rule
    text = body.decode("utf-8-sig", errors="replace")
    if "\0" in text or text.lstrip().startswith("<"):
        return None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    if any(lines) and not _FIELD.search(text):
        return None
    return text


def allowed(text: str, url: str, user_agent: str) -> bool:
    """Whether these rules let `user_agent` ask for `url`."""
    return Protego.parse(text).can_fetch(url, user_agent)


def crawl_delay(text: str, user_agent: str) -> float | None:
    """The Crawl-delay that these rules ask of `user_agent`, in seconds."""
    return Protego.parse(text).crawl_delay(user_agent)


def is_fresh(host: Host, now: datetime) -> bool:
    """Whether what is remembered of the host's robots.txt still holds. "Unavailable" never does."""
    if host.robots_fetched_at is None or (host.robots_state == "rules" and host.robots_text is None):
        return False
    # A moment in the future is from a clock that was wrong then or is now.
    age = now - host.robots_fetched_at
    return host.robots_state in ("rules", "none") and timedelta(0) <= age < MAX_AGE


def redirect_target(url: str, location: str) -> str | None:
    """Where a redirect of a robots.txt leads, if that is on the same host; None otherwise."""
    target = urljoin(url, location)
    here, there = urlsplit(url), urlsplit(target)
    if there.scheme not in ("http", "https"):
        return None
    try:
        same = here.hostname == there.hostname and host_of(url) == host_of(target)
    except ValueError:  # a port that is no number
        return None
    return target if same else None


class Robots:
    """
    Downloader middleware that lets a request pass only where the host's robots.txt allows it.

    It asks for robots.txt itself, once for all requests that wait for it, through all the other
    middlewares, so that this request too is paced and noted. What it learns goes into `Hosts`.
    """

    def __init__(
        self, crawler: Crawler, *, hosts: Hosts, user_agent: str, clock: Clock | None = None
    ) -> None:
        """
        Args:
            user_agent: The name by which rules address us.
        """
        self._crawler = crawler
        self._hosts = hosts
        self._user_agent = user_agent
        self._clock = clock or Clock()
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._parsed: dict[str, tuple[str, Protego]] = {}
        #: When to ask an unavailable host again (steady clock), and why it is unavailable.
        self._unavailable: dict[str, tuple[float, str]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        settings = crawler.settings
        return cls(
            crawler,
            hosts=Hosts.of(crawler),
            user_agent=settings["ROBOTSTXT_USER_AGENT"] or settings["USER_AGENT"],
        )

    async def process_request(self, request: Request) -> None:
        """
        Raises:
            RobotsForbid, RobotsUnavailable: See there.

            NotAsked: Not even robots.txt may be asked for now: the host is paused, or the crawl ends.

            Stop: What robots.txt says could not be archived.
        """
        if request.meta.get("is_robots"):
            return
        name = host_of(request.url)
        async with self._asking[name]:
            if not is_fresh(self._hosts[name], self._clock.wall()):
                await self._ask(name, request)
        host = self._hosts[name]
        if host.robots_state == "rules" and not self._rules(host).can_fetch(request.url, self._user_agent):
            raise RobotsForbid(f"robots.txt of {name} forbids {self._user_agent} to ask for {request.url}")

    def _rules(self, host: Host) -> Protego:
        text = host.robots_text or ""
        known = self._parsed.get(host.host)
        if known is None or known[0] != text:
            known = self._parsed[host.host] = (text, Protego.parse(text))
        return known[1]

    async def _ask(self, name: str, request: Request) -> None:
        """Learn what robots.txt says. Raises RobotsUnavailable where that fails, or lately did."""
        again_at, reason = self._unavailable.get(name, (0.0, ""))
        if again_at <= self._clock.steady():
            found = await self._fetched(urljoin(request.url, "/robots.txt"), request.meta.get("asked"))
            self._note(name, found)
            if found.reason is None:
                self._unavailable.pop(name, None)
                return
            reason = found.reason
            self._unavailable[name] = (self._clock.steady() + ASK_AGAIN_S, reason)
        raise RobotsUnavailable(
            f"robots.txt of {name} could not be had ({reason}), so nothing is asked there; try again later"
        )

    async def _fetched(self, url: str, asked: Asked | None) -> Verdict:
        for _ in range(1 + MAX_REDIRECTS):
            request = Request(
                url,
                callback=NO_CALLBACK,
                meta={
                    "is_robots": True,
                    # Redirects are followed here, on this host only, and a failure is answer enough.
                    "dont_redirect": True,
                    "dont_retry": True,
                },
            )
            if asked is not None:
                request.meta["asked"] = Asked(
                    edition_id=asked.edition_id, kind="robots", crawl_id=asked.crawl_id
                )
            try:
                response = await self._crawler.engine.download_async(request)
            except (NotAsked, Stop):
                raise
            except Exception as exc:  # noqa: BLE001 - whatever it was, nobody gave permission
                return Verdict("unavailable", reason=outcome_of_exception(exc)[1])
            finally:
                await self._tell(request)
            if not 300 <= response.status < 400:
                return verdict(response.status, response.body)
            location = (response.headers.get("Location") or b"").decode("latin-1")
            target = redirect_target(url, location) if location else None
            if target is None:
                return Verdict("unavailable", reason=f"it answered {response.status} and leads elsewhere")
            url = target
        return Verdict("unavailable", reason=f"more than {MAX_REDIRECTS} redirects")

    async def _tell(self, request: Request) -> None:
        fetch = request.meta.get("fetch")
        if fetch is not None:
            await self._crawler.signals.send_catch_log_async(exchanged, fetch=fetch)

    def _note(self, name: str, found: Verdict) -> None:
        delay = crawl_delay(found.text, self._user_agent) if found.text else None
        self._hosts.change(
            name,
            robots_state=found.state,
            robots_text=found.text,
            robots_fetched_at=self._clock.wall(),
            crawl_delay=delay,
        )
        logger.info(
            "robots.txt of %s: %s%s",
            name,
            found.state if found.reason is None else f"unavailable ({found.reason})",
            "" if delay is None else f", Crawl-delay {delay:g} s",
        )
