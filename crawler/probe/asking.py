"""One page, asked of the site itself, as politely as a crawl asks."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import urlsplit

from scrapy.http import Response

from crawler.dle.addresses import address
from crawler.errors import BadArgument, SiteRefuses
from crawler.fetching.conversation import (
    Conversation,
    conversation_settings,
    hold,
    is_this_machine,
    same_host_target,
)
from crawler.fetching.exchange import outcome_of_exception, outcome_of_status
from crawler.fetching.headers import server_time
from crawler.fetching.notices import NotAsked
from crawler.probe.page import Page
from crawler.site import Edition
from crawler.sites.military_review import SITE

#: Redirects that are followed, on the same host.
MAX_HOPS = 2


def fetched(url: str, edition: Edition, *, delay_s: float | None) -> Page:
    """
    The page at an address, as the site serves it now; redirects on the same host are followed.

    Args:
        delay_s: Seconds between two requests (robots.txt is asked for first); the crawler's own delay for None.

    Raises:
        BadArgument: The address is not one of the site, or the delay is too short.
        SiteRefuses: robots.txt forbids it, the site cannot be reached, or it answers that it does not want us.
    """
    hosts = {urlsplit(edition.base_url).hostname for edition in SITE.editions}
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if host not in hosts and not is_this_machine(url):
        raise BadArgument(f"{url} is no address of {SITE.title}: its hosts are {', '.join(map(str, hosts))}.")
    asked = _Asked(url, edition)
    hold(conversation_settings(origin=url, delay_s=delay_s), _Question, asked=asked)
    if asked.failure is not None:
        raise asked.failure
    assert asked.answer is not None  # an answer or a failure, one of them came
    return asked.answer


@dataclass(slots=True)
class _Asked:
    """What is asked, and what came of it."""

    url: str
    edition: Edition
    answer: Page | None = None
    failure: Exception | None = None


class _Question(Conversation):
    name: ClassVar[str] = "probe"  # type: ignore[misc]  # Scrapy's is one of the instance

    def __init__(self, *, asked: _Asked) -> None:
        super().__init__()
        self.asked = asked

    def fail(self, error: Exception) -> None:
        self.asked.failure = error

    async def talk(self) -> None:
        url, hops = self.asked.url, 0
        while True:
            response = await self._answer(url)
            location = (response.headers.get("Location") or b"").decode("latin-1") or None
            target = same_host_target(url, response.status, location) if hops < MAX_HOPS else None
            if target is None:
                break
            url, hops = target, hops + 1
        if outcome_of_status(response.status) in ("refused", "server_error"):
            raise SiteRefuses(f"{url} answers {response.status}: the site does not want us now.")
        self.asked.answer = Page(
            url=url,
            edition=self.asked.edition,
            at=server_time(response.headers.get("Date"), datetime.now(UTC)),
            body=response.body,
            status=response.status,
            location=location,
        )

    async def _answer(self, url: str) -> Response:
        """Raises SiteRefuses where none came."""
        try:
            return await self.answer(
                url, edition=self.asked.edition, kind="article" if address(url) else "listing"
            )
        except NotAsked as refused:
            raise SiteRefuses(f"{url} was not asked for: {refused}") from refused
        except Exception as error:
            raise SiteRefuses(f"{url} could not be had: {outcome_of_exception(error)[1]}") from error
