"""
Discover, visit, follow: how a site of numbered articles with paged comments is crawled.

A site's own spider is this class with its facts and its page functions. There are no selectors here, and pages send no
requests: `reading.read` says what a page is, and this class decides what to ask next.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Self
from urllib.parse import urljoin, urlsplit

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.arguments import Arguments, parsed
from crawler.dle import addresses
from crawler.errors import BadArgument, NotUnderstood, SiteRefuses, Stop
from crawler.fetching import NotAsked
from crawler.fetching.exchange import Asked, server_time
from crawler.fetching.politeness import CrawlEnds
from crawler.fetching.robots import RobotsForbid
from crawler.items import ArticlePage, Exchange, Fetch, FetchKind, ListingPage, Visit, VisitOutcome
from crawler.reading import PageReaders, read
from crawler.site import Edition, Site
from crawler.storage import frontier
from crawler.storage.archive import Archive
from crawler.storage.ledger import begin_visit
from crawler.storage.pages import Saved

logger = logging.getLogger(__name__)

#: Articles of an edition that are read at a time: one is being asked for while the other's page is being stored.
VISITS_AT_ONCE = 2
#: A request that failed for a passing reason is sent again so many times.
RETRIES = 2
PASSING = frozenset({"server_error", "incomplete", "timeout", "unreachable", "dns_error", "failed"})
#: Redirects in a row that are followed.
MAX_HOPS = 5
#: Comment pages of an article that are read at most: the longest threads have some thousand comments, 30 a page.
MAX_COMMENT_PAGES = 500
#: Pages of a day's archive that are walked at most.
MAX_DAY_PAGES = 50
#: The days of the archive that `discover=archive` looks at without `since`.
ARCHIVE_DAYS = 2


@dataclass(slots=True)
class Tally:
    """What a crawl of one edition has done so far."""

    #: Pages that were answered and understood.
    pages: int = 0
    #: Whether the site answered anything that tells of a site: a page, or that there is none.
    answered: bool = False
    articles: int = 0
    comments_new: int = 0
    comments_changed: int = 0
    #: Exchanges that failed, for whatever reason but "there is no such page".
    errors: int = 0
    not_understood: int = 0
    #: Visits that came to their end.
    visits: int = 0
    #: Visits that are to be done, as far as is known.
    planned: int = 0
    #: Why the site would not have us, or did not answer; None while it does.
    refusal: str | None = None
    #: What the latest failure was, in words.
    last_failure: str | None = None

    def add(self, exchange: Exchange, saved: Saved) -> None:
        """Count an exchange that was stored."""
        self.articles += saved.articles_new
        self.comments_new += saved.comments_new
        self.comments_changed += saved.comments_changed
        self.visits += exchange.ends is not None
        if exchange.fetch is not None:
            self.pages += exchange.fetch.outcome == "ok"
            self.judge(exchange.fetch)

    def judge(self, fetch: Fetch) -> None:
        """Take account of how an exchange went, whatever it was for."""
        match fetch.outcome:
            case "ok":
                self.answered = True
            case "moved" | "not_found":
                self.answered = True
            case "not_understood":
                self.answered = True
                self.not_understood += 1
                self.fail(f"{fetch.url}: {fetch.outcome} ({fetch.detail})")
            case _:
                self.fail(f"{fetch.url}: {fetch.outcome} ({fetch.detail})")

    def fail(self, what: str) -> None:
        """Count a failure."""
        self.errors += 1
        self.last_failure = what


@dataclass(slots=True)
class Progress:
    """How far a visit has come."""

    visit: Visit
    #: Path that is asked now.
    path: str
    kind: FetchKind = "article"
    page: int = 1
    #: Numbers of the comments seen so far.
    seen: set[int] = field(default_factory=set)
    #: Whether the page that is asked now was linked to, or only might be there.
    linked: bool = True
    hops: int = 0
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A listing, feed, archive or sitemap, and how far it has been walked."""

    edition: Edition
    kind: FetchKind
    path: str
    number: int = 1
    max_pages: int | None = 1
    #: Go on only while a page brings articles that nobody knew of.
    while_new: bool = True
    hops: int = 0
    tries: int = 0


class ThreadSpider(Spider):
    """
    One polite incremental crawl: discover, visit what is due, stop. README.md has its arguments.

    Attributes that the extension `CrawlRecords` fills before the crawl starts: `archive`, `crawl_ids`.
    """

    site: ClassVar[Site]
    pages: ClassVar[PageReaders]

    archive: Archive
    #: Number of the crawl's row, by edition.
    crawl_ids: dict[int, int]

    def __init__(self, name: str | None = None, **given: str) -> None:
        super().__init__(name)
        self.arguments: Arguments = parsed(given, self.site, today=datetime.now(self.site.time_zone).date())
        self.given = given
        self.tallies = {edition.id: Tally() for edition in self.arguments.editions}
        #: Why the crawl had to end early; None while it goes on.
        self.stopped_by: Stop | None = None
        self.asked = {address.id: address.article_path for address in map(self._address, self.arguments.urls)}
        self._room = asyncio.Semaphore(VISITS_AT_ONCE * len(self.arguments.editions))
        self._walks = 0
        self._walked = asyncio.Event()
        #: Articles that the arguments choose by their days, by edition.
        self._listed: dict[int, set[int]] = {edition.id: set() for edition in self.arguments.editions}

    @classmethod
    def of(cls, crawler: Crawler) -> Self:
        """The spider of this crawl."""
        spider = crawler.spider
        assert isinstance(spider, cls), f"this component works with a {cls.__name__}, not with {spider!r}"
        return spider

    def stop(self, reason: Stop) -> None:
        """End the crawl: what is under way is finished, nothing more is asked."""
        if self.stopped_by is None:
            self.stopped_by = reason
            self._end_soon = asyncio.ensure_future(
                self.crawler.engine.close_spider_async(reason="stopped early")
            )

    def _address(self, url: str) -> addresses.Address:
        """The article that an argument names."""
        hosts = {
            urlsplit(origin).netloc for edition in self.arguments.editions for origin in self._hosts(edition)
        }
        address = addresses.address(url)
        if address is None or (urlsplit(url).netloc or next(iter(hosts))) not in hosts:
            raise BadArgument(
                f"url={url}: is no article of {self.site.title}. "
                f"Write {self.arguments.editions[0].base_url}/128836-some-title.html, or use ids=128836."
            )
        return address

    def _hosts(self, edition: Edition) -> tuple[str, str]:
        return edition.base_url, self.arguments.origin(edition)

    # --- discover, then visit -----------------------------------------------------------------------------------

    async def start(self) -> AsyncIterator[Any]:
        walks = [walk for edition in self.arguments.editions for walk in self._discovery(edition)]
        self._walks = len(walks)
        for walk in walks:
            yield self._walk_request(walk)
        if walks:
            await self._walked.wait()
        if self.arguments.visit == "none":
            return
        async for edition, article_id, path in self._targets():
            if self.tallies[edition.id].refusal is not None:
                continue
            await self._room.acquire()
            now = datetime.now(UTC)
            try:
                visit_id = await self.archive.run(
                    begin_visit,
                    crawl_id=self.crawl_ids[edition.id],
                    edition_id=edition.id,
                    article_id=article_id,
                    now=now,
                )
            except Stop as stop:
                self.stop(stop)
                return
            visit = Visit(id=visit_id, edition=edition, article_id=article_id, path=path, started_at=now)
            kind: FetchKind = "number" if path == addresses.number_path(article_id) else "article"
            yield self._visit_request(Progress(visit=visit, path=path, kind=kind))

    def _discovery(self, edition: Edition) -> Iterator[Walk]:
        """The pages at which looking for articles begins."""
        asked = self.arguments
        for section in asked.sections or (None,):
            if "feed" in asked.discover:
                yield Walk(edition=edition, kind="feed", path=addresses.feed_path(section))
        if "listing" in asked.discover:
            for section in asked.sections or self.site.sections:
                path = addresses.listing_path(section, 1)
                yield Walk(edition=edition, kind="listing", path=path, max_pages=asked.depth)
        if "sitemap" in asked.discover:
            yield Walk(edition=edition, kind="sitemap", path="/sitemap.xml")
        if asked.since is not None or "archive" in asked.discover:
            for day in self._days():
                path = addresses.day_path(day, 1)
                yield Walk(
                    edition=edition, kind="archive", path=path, max_pages=MAX_DAY_PAGES, while_new=False
                )

    def _days(self) -> Iterator[date]:
        today = datetime.now(self.site.time_zone).date()
        last = self.arguments.until or today
        day = self.arguments.since or last - timedelta(days=ARCHIVE_DAYS - 1)
        while day <= last:
            yield day
            day += timedelta(days=1)

    async def _targets(self) -> AsyncIterator[tuple[Edition, int, str]]:
        """What to visit: edition, article number and path, the editions in turn."""
        waiting = [(edition, iter(await self._chosen(edition))) for edition in self.arguments.editions]
        left = self.arguments.limit
        while waiting and left != 0:
            for edition, targets in list(waiting):
                target = next(targets, None)
                if target is None:
                    waiting.remove((edition, targets))
                    continue
                yield edition, *target
                if left is not None:
                    left -= 1
                    if left == 0:
                        return

    async def _chosen(self, edition: Edition) -> Iterable[tuple[int, str]]:
        """Number and path of each article of an edition to visit; notes how many there are."""
        asked = self.arguments
        which: frontier.Which = "all" if asked.visit == "none" else asked.visit
        now = datetime.now(UTC)
        ids: list[int] | None = None
        if asked.choose_articles:
            ids = list(dict.fromkeys([*self.asked, *asked.article_ids(), *await self._published(edition)]))
        everyone = await self.archive.run(
            frontier.known, edition.id, "all" if ids else which, now=now, article_ids=ids
        )
        paths = {
            known.article_id: urlsplit(known.url)._replace(scheme="", netloc="").geturl()
            for known in everyone
        }
        if ids is None:
            targets = list(paths.items())
        else:
            allowed = set(ids)
            if which != "all":  # of those that are known, only the due or new ones
                some = await self.archive.run(frontier.known, edition.id, which, now=now, article_ids=ids)
                allowed -= paths.keys() - {known.article_id for known in some}
            targets = [
                (number, self.asked.get(number) or paths.get(number) or addresses.number_path(number))
                for number in ids
                if number in allowed
            ]
        self.tallies[edition.id].planned = len(targets[: asked.limit])
        return targets

    async def _published(self, edition: Edition) -> list[int]:
        """Numbers of the articles of the days that were asked for: those listed there and those stored."""
        since, until = self.arguments.since, self.arguments.until
        if since is None or until is None:
            return []
        first = datetime.combine(since, time(), self.site.time_zone)
        last = datetime.combine(until + timedelta(days=1), time(), self.site.time_zone)
        stored = await self.archive.run(frontier.published_between, edition.id, first, last)
        return sorted(self._listed[edition.id] | set(stored))

    # --- listings, feeds, archives, sitemaps --------------------------------------------------------------------

    def _walk_request(self, walk: Walk) -> Request:
        return self._request(
            walk.edition,
            walk.path,
            Asked(edition_id=walk.edition.id, kind=walk.kind),
            callback=self.walked,
            errback=self.not_walked,
            cb_kwargs={"walk": walk},
        )

    async def walked(self, response: Response, walk: Walk) -> AsyncIterator[Any]:
        """Callback: a page that points to articles has been answered."""
        fetch: Fetch = response.meta["fetch"]
        following: Walk | None = None
        entries: ListingPage | None = None
        if fetch.outcome == "moved":
            following = self._redirected_walk(response, walk)
        elif fetch.outcome in PASSING and walk.tries < RETRIES:
            following = replace(walk, tries=walk.tries + 1)
        elif fetch.outcome == "ok":
            try:
                entries = self._listing(response, walk.edition)
            except NotUnderstood as error:
                fetch = replace(fetch, outcome="not_understood", detail=str(error))
            else:
                following = await self._next_walk(entries, walk)
        if walk.kind == "archive" and entries is not None:
            self._listed[walk.edition.id].update(entry.id for entry in entries.entries)
        yield Exchange(edition=walk.edition, fetch=fetch, entries=entries.entries if entries else ())
        if following is not None:
            yield self._walk_request(following)
        else:
            self._walk_ended()

    async def not_walked(self, failure: Failure) -> AsyncIterator[Any]:
        """Errback: a page that points to articles was not asked for, or not answered."""
        request: Request = failure.request  # type: ignore[attr-defined]  # Scrapy puts it there
        walk: Walk = request.cb_kwargs["walk"]
        fetch = self._failed_fetch(failure, request, walk.edition)
        if fetch is not None:
            yield Exchange(edition=walk.edition, fetch=fetch)
            if fetch.outcome in PASSING and walk.tries < RETRIES:
                yield self._walk_request(replace(walk, tries=walk.tries + 1))
                return
        self._walk_ended()

    def _walk_ended(self) -> None:
        self._walks -= 1
        if self._walks == 0:
            self._walked.set()

    def _listing(self, response: Response, edition: Edition) -> ListingPage:
        page = self._read(response, edition)
        if not isinstance(page, ListingPage):
            raise NotUnderstood(f"{response.url} is an article where a list of articles was expected")
        return page

    async def _next_walk(self, page: ListingPage, walk: Walk) -> Walk | None:
        if page.next_path is None or (walk.max_pages is not None and walk.number >= walk.max_pages):
            return None
        if walk.while_new:
            ids = [entry.id for entry in page.entries]
            known = await self.archive.run(
                frontier.known, walk.edition.id, "all", now=datetime.now(UTC), article_ids=ids
            )
            if len(known) >= len(set(ids)):
                return None
        return replace(walk, path=page.next_path, number=walk.number + 1, tries=0, hops=0)

    def _redirected_walk(self, response: Response, walk: Walk) -> Walk | None:
        path = self._target_path(response, walk.edition)
        if path is None or walk.hops >= MAX_HOPS:
            return None
        return replace(walk, path=path, hops=walk.hops + 1)

    # --- visits -------------------------------------------------------------------------------------------------

    def _visit_request(self, progress: Progress) -> Request:
        asked = Asked(
            edition_id=progress.visit.edition.id,
            kind=progress.kind,
            article_id=progress.visit.article_id,
            page=progress.page,
        )
        return self._request(
            progress.visit.edition,
            progress.path,
            asked,
            callback=self.visited,
            errback=self.not_visited,
            cb_kwargs={"progress": progress},
            # A thread that was begun is finished before the next one: a crawl that is killed leaves few half-read.
            priority=progress.page,
        )

    def visited(self, response: Response, progress: Progress) -> Iterator[Any]:
        """Callback: a page of an article has been answered."""
        fetch: Fetch = response.meta["fetch"]
        if fetch.outcome == "moved":
            yield from self._moved(response, fetch, progress)
        elif fetch.outcome != "ok":
            yield from self._failed(fetch, progress)
        else:
            yield from self._answered(response, fetch, progress)

    def not_visited(self, failure: Failure) -> Iterator[Any]:
        """Errback: a page of an article was not asked for, or not answered."""
        request: Request = failure.request  # type: ignore[attr-defined]  # Scrapy puts it there
        progress: Progress = request.cb_kwargs["progress"]
        fetch = self._failed_fetch(failure, request, progress.visit.edition)
        if fetch is not None:
            yield from self._failed(fetch, progress)
        elif isinstance(failure.value, CrawlEnds):
            yield self._end(progress, "stopped")
        else:
            yield self._end(progress, "refused" if progress.page == 1 else "partial")

    def _answered(self, response: Response, fetch: Fetch, progress: Progress) -> Iterator[Any]:
        try:
            page = self._read(response, progress.visit.edition)
            if not isinstance(page, ArticlePage) or page.article.id != progress.visit.article_id:
                raise NotUnderstood(
                    f"{response.url} is not the article {progress.visit.article_id} that was asked for"
                )
        except NotUnderstood as error:
            fetch = replace(fetch, outcome="not_understood", detail=str(error))
            yield self._end(progress, "not_understood" if progress.page == 1 else "partial", fetch)
            return
        for remark in page.remarks:
            logger.warning("%s: %s", response.url, remark)
        first_seen = {comment.id for comment in page.comments.comments} - progress.seen
        progress.seen |= first_seen
        if progress.page == 1:
            progress.visit = replace(progress.visit, path=page.article.path)
        following, ends = self._after(page, bool(first_seen), progress)
        exchange = Exchange(
            edition=progress.visit.edition,
            fetch=fetch,
            page=page,
            seen_at=server_time(response.headers, fetch.fetched_at),
            visit=progress.visit,
            seen_first=len(first_seen),
        )
        if following is None:
            self._room.release()
            yield replace(exchange, ends=ends)
        else:
            yield exchange
            yield self._visit_request(following)

    def _after(
        self, page: ArticlePage, brought_new: bool, progress: Progress
    ) -> tuple[Progress | None, VisitOutcome | None]:
        """
        Which comment page to ask next, or what came of the visit.

        The page's own links lead on. Where it shows none (threads that load by scrolling), pages are asked by their
        number, until one brings nothing new.
        """
        comments = page.comments
        ended = comments.pages is not None and progress.page >= comments.pages and comments.next_path is None
        counted = comments.stated is not None and len(progress.seen) >= comments.stated
        if ended or not brought_new or (comments.pages is None and comments.next_path is None and counted):
            return None, "swept"
        if progress.page >= MAX_COMMENT_PAGES:
            return None, "partial"
        number = progress.page + 1
        path = comments.next_path or addresses.comment_page_path(page.article.path, number)
        linked = comments.next_path is not None or comments.pages is not None
        following = replace(progress, path=path, kind="comments", page=number, linked=linked, tries=0, hops=0)
        return following, None

    def _moved(self, response: Response, fetch: Fetch, progress: Progress) -> Iterator[Any]:
        path = self._target_path(response, progress.visit.edition)
        address = addresses.address(path) if path is not None else None
        if address is None or address.id != progress.visit.article_id:
            yield self._end(progress, "moved" if progress.page == 1 else "partial", fetch)
        elif progress.page > 1 and address.comment_page == 1:
            # A page behind the last one leads back to the article: that proves the end, unless a link promised more.
            yield self._end(progress, "partial" if progress.linked else "swept", fetch)
        elif progress.hops >= MAX_HOPS:
            detail = f"more than {MAX_HOPS} redirects in a row"
            yield self._end(progress, "partial", replace(fetch, outcome="failed", detail=detail))
        else:
            yield Exchange(edition=progress.visit.edition, fetch=fetch, visit=progress.visit)
            kind: FetchKind = "article" if progress.page == 1 else "comments"
            yield self._visit_request(replace(progress, path=path or "", kind=kind, hops=progress.hops + 1))

    def _failed(self, fetch: Fetch, progress: Progress) -> Iterator[Any]:
        if fetch.outcome in PASSING and progress.tries < RETRIES:
            yield Exchange(edition=progress.visit.edition, fetch=fetch, visit=progress.visit)
            yield self._visit_request(replace(progress, tries=progress.tries + 1))
        elif progress.page > 1:
            proven = fetch.outcome == "not_found" and not progress.linked
            yield self._end(progress, "swept" if proven else "partial", fetch)
        elif fetch.outcome in ("not_found", "refused"):
            yield self._end(progress, fetch.outcome, fetch)
        else:
            yield self._end(progress, "unreachable", fetch)

    def _end(self, progress: Progress, outcome: VisitOutcome, fetch: Fetch | None = None) -> Exchange:
        self._room.release()
        visit = progress.visit
        return Exchange(edition=visit.edition, fetch=fetch, visit=visit, ends=outcome)

    # --- requests and answers -----------------------------------------------------------------------------------

    def _request(self, edition: Edition, path: str, asked: Asked, **how: Any) -> Request:
        return Request(
            self.arguments.origin(edition) + path,
            headers={"Accept-Language": edition.language},
            meta={"asked": asked},
            # Nothing may drop a request in silence: each is asked for a reason and has one outcome.
            dont_filter=True,
            **how,
        )

    def _read(self, response: Response, edition: Edition) -> ArticlePage | ListingPage:
        fetch: Fetch = response.meta["fetch"]
        return read(
            response.body,
            url=response.url,
            fetched_at=fetch.fetched_at,
            edition=edition,
            charset=self.site.charset,
            pages=self.pages,
        )

    def _target_path(self, response: Response, edition: Edition) -> str | None:
        """Where a redirect leads, as a path on the site; None where it leads nowhere or away."""
        location = (response.headers.get("Location") or b"").decode("latin-1")
        try:
            target = urlsplit(urljoin(response.url, location))
        except ValueError:
            return None
        own = {urlsplit(origin).netloc for origin in self._hosts(edition)}
        if not location or target.scheme not in {"http", "https"} or target.netloc not in own:
            return None
        return target._replace(scheme="", netloc="", fragment="").geturl()

    def _failed_fetch(self, failure: Failure, request: Request, edition: Edition) -> Fetch | None:
        """The exchange behind an errback; None where nothing was sent. Notes that a site does not want us."""
        fetch: Fetch | None = request.meta.get("fetch")
        if not isinstance(failure.value, NotAsked):
            return fetch
        tally = self.tallies[edition.id]
        if isinstance(failure.value, CrawlEnds):
            return None
        if isinstance(failure.value, RobotsForbid):
            tally.fail(str(failure.value))
        elif tally.refusal is None:
            tally.refusal = str(failure.value)
            if all(tally.refusal for tally in self.tallies.values()):
                self.stop(SiteRefuses(tally.refusal))
        return None
