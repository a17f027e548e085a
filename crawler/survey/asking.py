"""
Which pages to ask for: some twenty, one after the other, as politely as a crawl.

The requests go through the same middlewares as those of a crawl: robots.txt obeyed, the delay kept, the same
User-Agent. The spider is a conversation: what it asks next depends on what it was told.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.http import Response

from crawler.arguments import parsed
from crawler.dle import addresses
from crawler.errors import BadArgument, NotUnderstood, SiteRefuses, Stop
from crawler.fetching.conversation import Conversation, conversation_settings, hold, same_host_target
from crawler.fetching.exchange import outcome_of_exception
from crawler.fetching.headers import server_time
from crawler.fetching.notices import NotAsked
from crawler.items import FetchKind, ListingPage
from crawler.site import Edition
from crawler.sites.military_review import SITE
from crawler.sites.military_review.pages import PAGES
from crawler.survey.questions import answers, summary
from crawler.survey.received import Purpose, Received, Survey, file_name, keep, write

Say = Callable[[str], object]

#: Requests of a survey at most, robots.txt included. It needs about 20; more would be a crawl.
MAX_REQUESTS = 22

#: Redirects of one page that are followed, on the same host.
MAX_HOPS = 2

#: An article of 2017 whose thread is known, and one from the time before threads were trees.
SEED_ARTICLE = 128836
OLD_ARTICLE = 64149

#: An edition that was seen, and that no crawl knows. Its number is for this survey only.
SEEN_ELSEWHERE = Edition(
    id=99, code="ja", base_url="https://ja.topwar.ru", language="ja", translation_of="ru"
)

#: Where scripts ask for a page of comments: engine 13 to 16, engine 20.
AJAX_PATHS = ("/engine/ajax/controller.php?mod=comments", "/index.php?controller=ajax&mod=comments")

_HREF = re.compile(r"""\bhref\s*=\s*["']([^"'\s]{1,500})["']""", re.IGNORECASE)
_SKIN = re.compile(r"\bdle_skin\s*=\s*'([\w.-]{1,60})'")

_KINDS: dict[Purpose, FetchKind] = {
    "robots": "robots",
    "front": "listing",
    "feed": "feed",
    "sitemap": "sitemap",
    "comments": "comments",
    "beyond": "comments",
    "ajax": "comments",
}


def ask_site(
    edition: str, base_url: str | None, folder: Path, say: Say, *, delay_s: float | None = None
) -> int:
    """
    Ask the site what nobody knows of it; show the answers, and keep them and the pages in the folder.

    Args:
        edition: Code of the edition that is asked most. Where there is no `base_url`, the others are asked a little.

        base_url: Where the requests go instead of the edition's own host.

        delay_s: Seconds between two requests; the crawler's own delay by default. A shorter one is for a `base_url`
            on this machine only.

    Returns:
        0 where the site answered, 4 where it cannot be reached or does not want us.

    Raises:
        BadArgument: No such edition, not an address, or too short a delay.
        CannotStore: The folder cannot be written.
    """
    settings = conversation_settings(origin=base_url, delay_s=delay_s)
    survey = _survey(edition, base_url, settings["ROBOTSTXT_USER_AGENT"])
    write(folder / "answers.md", b"The survey has not come to its end.\n")
    others = "".join(f", {edition.base_url}" for edition in survey.editions[1:])
    say(
        f"Asking {survey.main.base_url}{others}: at most {MAX_REQUESTS} requests, "
        f"{settings.getfloat('DOWNLOAD_DELAY'):g} s apart, as {settings['USER_AGENT']}"
    )
    hold(settings, Interview, survey=survey, folder=folder, say=say)
    ended = survey.stopped_by
    if ended is not None and not isinstance(ended, SiteRefuses):
        raise ended
    given = answers(survey)
    for answer in given if ended is None else [answer for answer in given if answer.told]:
        say(f"\n{answer.question}\n" + "\n".join(f"  {line}" for line in answer.text.splitlines()))
    write(folder / "answers.md", summary(survey, given, now=datetime.now(UTC)).encode())
    say(f"\n{survey.answered} answers came. The answers are in {folder / 'answers.md'}, the pages beside it.")
    if ended is None:
        return 0
    say(f"\n{ended}")
    return ended.exit_code


def _survey(edition: str, base_url: str | None, user_agent: str) -> Survey:
    """Raises BadArgument where there is no such edition, or the address is none."""
    given = {"edition": edition} | ({"base_url": base_url} if base_url else {})
    arguments = parsed(given, SITE, today=datetime.now(SITE.time_zone).date())
    if len(arguments.editions) != 1:
        raise BadArgument(f"--edition {edition}: name one edition; the others are asked a little anyway.")
    main = arguments.editions[0]
    others = [other for other in (*SITE.editions, SEEN_ELSEWHERE) if other != main]
    return Survey(
        site=SITE,
        readers=PAGES,
        # Behind another address there is only one edition.
        editions=(replace(main, base_url=arguments.origin(main)), *([] if base_url else others)),
        user_agent=user_agent,
    )


class Interview(Conversation):
    """Asks one page after the other; what comes goes into the survey and the folder."""

    name: ClassVar[str] = "survey"  # type: ignore[misc]  # Scrapy's is one of the instance

    def __init__(self, *, survey: Survey, folder: Path, say: Say) -> None:
        super().__init__()
        self.survey = survey
        self.folder = folder
        self.say = say
        self._asking = survey.main

    def fail(self, error: Exception) -> None:
        self.survey.stopped_by = error

    async def talk(self) -> None:
        survey, main = self.survey, self.survey.main
        self.crawler.signals.connect(self._robots_came, signal=signals.response_received)
        await self._ask(main, "front", addresses.listing_path())
        await self._ask(main, "feed", addresses.feed_path())
        if survey.found("front") is None and survey.found("feed") is None:
            raise _refusal(survey)
        await self._ask(main, "sitemap", "/sitemap.xml")
        path = busiest_article(survey)
        if path is not None:
            await self._thread(path)
        await self._ask(main, "seed", addresses.number_path(SEED_ARTICLE))
        await self._ask(main, "old", addresses.number_path(OLD_ARTICLE))
        for edition in survey.editions[1:]:
            if path is not None:
                await self._ask(edition, "article", path)
            await self._ask(edition, "feed", addresses.feed_path())
            await self._ask(edition, "sitemap", "/sitemap.xml")

    async def _thread(self, path: str) -> None:
        """The comment pages of an article, in all the ways in which they may be had."""
        survey, main = self.survey, self.survey.main
        await self._ask(main, "article", path)
        article = survey.found("article")
        if article is None:
            return
        path = urlsplit(article.url).path
        if await self._ask(main, "comments", addresses.comment_page_path(path, 2), follow=False):
            await self._ask(
                main, "beyond", addresses.comment_page_path(path, 1 + comment_pages(survey)), follow=False
            )
        skin = _SKIN.search(article.text)
        address = addresses.address(path)
        paths = AJAX_PATHS if "controller=ajax" not in article.text else AJAX_PATHS[::-1]
        for ajax in paths:
            query = f"&cstart=2&news_id={address.id if address else 0}&skin={skin[1] if skin else ''}"
            if await self._ask(main, "ajax", ajax + query, follow=False):
                break

    async def _ask(self, edition: Edition, purpose: Purpose, path: str, *, follow: bool = True) -> bool:
        """Ask for a page; whether it came with status 200."""
        url, hops = edition.base_url + path, 0
        while True:
            page = await self._exchange(edition, purpose, url)
            location = page.header("Location")[0] if page.header("Location") else None
            target = same_host_target(url, page.status, location) if follow and hops < MAX_HOPS else None
            if target is None:
                return page.status == 200
            url, hops = target, hops + 1

    async def _exchange(self, edition: Edition, purpose: Purpose, url: str) -> Received:
        if len(self.survey.asked) >= MAX_REQUESTS:
            return self._note(
                edition, purpose, url, failure=f"was not asked: {MAX_REQUESTS} requests were made"
            )
        self._asking = edition
        try:
            response = await self.answer(url, edition=edition, kind=_KINDS.get(purpose, "article"))
        except NotAsked as refused:
            return self._note(edition, purpose, url, failure=f"was not asked: {refused}")
        except Exception as error:  # noqa: BLE001 - whatever it was, no usable page came
            return self._note(
                edition, purpose, url, failure=f"failed: {outcome_of_exception(error)[1]}", sent=True
            )
        return self._came(edition, purpose, response)

    def _robots_came(self, response: Response, request: Request) -> None:
        """Signal: robots.txt is asked for by a middleware, on the way to the first page of each host."""
        if request.meta.get("is_robots"):
            self._came(self._asking, "robots", response)

    def _came(self, edition: Edition, purpose: Purpose, response: Response) -> Received:
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name in response.headers
            for value in response.headers.getlist(name)
        )
        at = datetime.now(UTC)
        number = 1 + sum(
            each.edition == edition and each.file is not None for each in self.survey.all(purpose)
        )
        page = self._note(
            edition,
            purpose,
            response.url,
            at=at,
            seen_at=server_time(response.headers.get("Date"), at),
            status=response.status,
            headers=headers,
            body=response.body,
            sent=True,
            file=file_name(purpose, edition, str(response.headers.get("Content-Type")), number),
        )
        keep(self.folder, page)
        return page

    def _note(self, edition: Edition, purpose: Purpose, url: str, **what: Any) -> Received:
        now = datetime.now(UTC)
        page = Received(edition=edition, purpose=purpose, url=url, **({"at": now, "seen_at": now} | what))
        self.survey.received.append(page)
        self.say(f"  {url}: {page.failure or f'{page.status}, {len(page.body):,} bytes'}")
        return page


def _refusal(survey: Survey) -> Stop:
    """Why the survey ends before it began."""
    last = survey.received[-1]
    why = last.failure or f"answered {last.status}"
    return SiteRefuses(
        f"{survey.main.base_url} gave neither its front page nor its feed: {last.url} {why}. Nothing more was asked."
    )


def busiest_article(survey: Survey) -> str | None:
    """Path of the article with the most comments on the front page, or of any article there or in the feed."""
    front, feed = survey.found("front"), survey.found("feed")
    for page in (front, feed):
        if page is None:
            continue
        try:
            listing = survey.read(page)
        except NotUnderstood:
            continue
        if isinstance(listing, ListingPage) and listing.entries:
            # Where no counts are shown, the last card is the oldest and has had the most time.
            newest_last = enumerate(listing.entries)
            return max(newest_last, key=lambda each: (each[1].comments_stated or 0, each[0]))[1].path
    for page in (front, feed):
        for href in _HREF.findall(page.text if page else ""):
            address = addresses.address(href)
            if address is not None and address.slug is not None:
                return address.article_path
    return None


def comment_pages(survey: Survey) -> int:
    """How many comment pages the article that was asked for has, as far as it says; at least 2, as one was asked."""
    article = survey.found("article")
    try:
        pages = survey.article(article).comments.pages if article else None
    except NotUnderstood:
        pages = None
    return max(2, pages or 0)
