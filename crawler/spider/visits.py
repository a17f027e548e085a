"""Visiting an article: its page, then all its comment pages, until the end of the thread is proven."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.dle import addresses
from crawler.errors import NotUnderstood, Stop
from crawler.fetching.exchange import Asked, server_time
from crawler.fetching.politeness import CrawlEnds
from crawler.items import ArticlePage, Exchange, Fetch, FetchKind, Visit, VisitOutcome
from crawler.spider.limits import MAX_HOPS, PASSING, RETRIES

if TYPE_CHECKING:
    from crawler.spider import ThreadSpider

logger = logging.getLogger(__name__)

#: Articles of an edition that are read at a time: one is being asked for while the other's page is being stored.
AT_ONCE = 2
#: Comment pages of an article that are read at most: the longest threads have some thousand comments, 30 a page.
MAX_COMMENT_PAGES = 500


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


class Visits:
    """The visits of a crawl. Whoever asks for one waits for `room` first; its end gives the room back."""

    def __init__(self, spider: ThreadSpider) -> None:
        self.spider = spider
        self.room = asyncio.Semaphore(AT_ONCE * len(spider.arguments.editions))

    def request(self, visit: Visit) -> Request:
        """The first page of a visit."""
        kind: FetchKind = "number" if visit.path == addresses.number_path(visit.article_id) else "article"
        return self._request(Progress(visit=visit, path=visit.path, kind=kind))

    def _request(self, progress: Progress) -> Request:
        asked = Asked(
            edition_id=progress.visit.edition.id,
            kind=progress.kind,
            crawl_id=self.spider.crawl_ids[progress.visit.edition.id],
            visit_id=progress.visit.id,
            article_id=progress.visit.article_id,
            page=progress.page,
        )
        return self.spider.request(
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
        try:
            if fetch.outcome == "moved":
                yield from self._moved(response, fetch, progress)
            elif fetch.outcome != "ok":
                yield from self._failed(fetch, progress)
            else:
                yield from self._answered(response, fetch, progress)
        except Exception as bug:
            # A mistake of ours on one page must not end or hang the crawl: it is an outcome.
            logger.exception("%s could not be handled", response.url)
            fetch = replace(fetch, outcome="failed", detail=f"mistake of the program: {bug!r}"[:300])
            yield self._end(progress, "not_understood" if progress.page == 1 else "partial", fetch)

    def not_visited(self, failure: Failure) -> Iterator[Any]:
        """Errback: a page of an article was not asked for, or not answered."""
        request: Request = failure.request  # type: ignore[attr-defined]  # Scrapy puts it there
        progress: Progress = request.cb_kwargs["progress"]
        fetch = self.spider.failed_fetch(failure, request, progress.visit.edition)
        if fetch is not None:
            yield from self._failed(fetch, progress)
        elif isinstance(failure.value, (CrawlEnds, Stop)):
            yield self._end(progress, "stopped")
        else:
            yield self._end(progress, "refused" if progress.page == 1 else "partial")

    def _answered(self, response: Response, fetch: Fetch, progress: Progress) -> Iterator[Any]:
        try:
            page = self.spider.read(response, progress.visit.edition)
            if not isinstance(page, ArticlePage) or page.article.id != progress.visit.article_id:
                raise NotUnderstood(
                    f"{response.url} is not the article {progress.visit.article_id} that was asked for"
                )
        except NotUnderstood as error:
            if error.kind == "not_found":  # the site says so, with whatever status
                yield from self._failed(replace(fetch, outcome="not_found", detail=str(error)), progress)
                return
            self.spider.tallies[fetch.edition_id].met(error)
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
            self.room.release()
            yield replace(exchange, ends=ends)
        else:
            yield exchange
            yield self._request(following)

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
        path = self.spider.target_path(response, progress.visit.edition)
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
            yield self._request(replace(progress, path=path or "", kind=kind, hops=progress.hops + 1))

    def _failed(self, fetch: Fetch, progress: Progress) -> Iterator[Any]:
        if fetch.outcome in PASSING and progress.tries < RETRIES:
            yield Exchange(edition=progress.visit.edition, fetch=fetch, visit=progress.visit)
            yield self._request(replace(progress, tries=progress.tries + 1))
        elif progress.page > 1:
            proven = fetch.outcome == "not_found" and not progress.linked
            yield self._end(progress, "swept" if proven else "partial", fetch)
        elif fetch.outcome in ("not_found", "refused"):
            yield self._end(progress, fetch.outcome, fetch)
        else:
            yield self._end(progress, "unreachable", fetch)

    def _end(self, progress: Progress, outcome: VisitOutcome, fetch: Fetch | None = None) -> Exchange:
        self.room.release()
        visit = progress.visit
        return Exchange(edition=visit.edition, fetch=fetch, visit=visit, ends=outcome)
