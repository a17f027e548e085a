"""
What comes of a page that was asked for, and what to ask next.

No network, no database, no clock: from what came and how far a visit is follows what is stored of it and where the
visit goes on. The spider asks and hands on what comes; reading the archive again goes through the same functions, so
that the same answers mean the same then.

    step      an answer in the visit of an article
    listing   an answer that should list articles
    alone     an answer that belongs to no visit
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from crawler.dle import addresses
from crawler.errors import NotUnderstood
from crawler.items import (
    ArticlePage,
    CommentAnswer,
    Exchange,
    Fetch,
    FetchKind,
    FetchOutcome,
    ListingPage,
    NormalPage,
    Visit,
    VisitOutcome,
)
from crawler.normalise import normal_page
from crawler.reading import PageReaders, read
from crawler.site import Edition, Site

logger = logging.getLogger(__name__)

#: A request that failed for a passing reason is sent again so many times.
RETRIES = 2
PASSING: frozenset[FetchOutcome] = frozenset(
    {"server_error", "incomplete", "timeout", "unreachable", "dns_error", "failed"}
)
#: Redirects in a row that are followed.
MAX_HOPS = 5
#: Comment pages of an article that are read at most: the longest threads have some thousand comments, 30 a page.
MAX_COMMENT_PAGES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReader:
    """All that must be known of a site to read its pages."""

    site: Site
    pages: PageReaders
    #: A page without those who are to be forgotten: from the number of its edition, its address and its bytes; None
    #: where nobody is, or where the pages come without them (see `crawler.kept_out`).
    without: Callable[[int, str, bytes], bytes] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of a request."""

    #: As it was noted before anybody read the page.
    fetch: Fetch
    #: The whole answer, after content decoding.
    body: bytes = b""
    #: The server's clock when it answered: relative dates count from it.
    seen_at: datetime
    #: Where the answer says that the page is now, where it says so.
    location: str | None = None
    #: How the body is written, where that is otherwise than the site's pages are: old pages in archives of others.
    charset: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a visit has come: what is asked now, and what was seen before."""

    visit: Visit
    #: Path that is asked now.
    path: str
    kind: FetchKind
    page: int = 1
    #: Numbers of the comments seen so far.
    seen: frozenset[int] = frozenset()
    #: Whether the page that is asked now was linked to, or only might be there.
    linked: bool = True
    hops: int = 0
    tries: int = 0
    #: Whether anything was asked before.
    begun: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What came of one request of a visit."""

    exchange: Exchange
    #: Where the visit goes on, unless `exchange.ends` says that it has ended.
    progress: Progress
    #: Why the page was not understood, where it was not.
    error: NotUnderstood | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What came of a request for a list of articles."""

    exchange: Exchange
    #: None where nothing was read.
    page: ListingPage | None = None
    #: Why the page was not understood, where it was not.
    error: NotUnderstood | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What an answer shows, and the fetch with the outcome that it has after reading."""

    fetch: Fetch
    page: ArticlePage | ListingPage | None = None
    normal: NormalPage | None = None
    error: NotUnderstood | None = None


# --- the visit of an article ---------------------------------------------------------------------------------------


def begun(visit: Visit) -> Progress:
    """Where a visit begins."""
    by_number = visit.path == addresses.number_path(visit.article_id)
    return Progress(visit=visit, path=visit.path, kind="number" if by_number else "article")


def step(progress: Progress, reply: Reply, reader: SiteReader) -> Step:
    """
    What came of the request that `progress` asks, and where the visit goes on.

    Never raises: a mistake of the program on one page is an outcome of its fetch too, and ends the visit.
    """
    fetch, visit = reply.fetch, progress.visit
    if not progress.begun:
        # From here on a visit is what its fetches tell, so that the archive tells the same.
        visit = replace(visit, path=asked_path(fetch.url), started_at=fetch.fetched_at)
        progress = replace(progress, visit=visit, begun=True)
    try:
        match fetch.outcome:
            case "moved":
                return _moved(progress, reply)
            case "ok":
                return _answered(progress, reply, reader)
            case _:
                return _failed(progress, fetch)
    except Exception as bug:
        logger.exception("%s could not be handled", fetch.url)
        return _ended(progress, _mistaken(fetch, bug), _not_understood(progress))


def _answered(progress: Progress, reply: Reply, reader: SiteReader) -> Step:
    visit = progress.visit
    shown = _article(reply, visit.edition, reader, visit.article_id)
    fetch, page = shown.fetch, shown.page
    if fetch.outcome == "not_found":  # the site says so, with whatever status
        return _failed(progress, fetch)
    if not isinstance(page, ArticlePage):
        return _ended(progress, fetch, _not_understood(progress), error=shown.error)
    first_seen = {comment.id for comment in page.comments.comments} - progress.seen
    progress = replace(progress, seen=progress.seen | first_seen)
    if progress.page == 1:
        progress = replace(progress, visit=replace(visit, path=page.article.path))
    following, ends = _after(page, bool(first_seen), progress)
    exchange = Exchange(
        edition=visit.edition,
        fetch=fetch,
        page=page,
        normal=shown.normal,
        seen_at=reply.seen_at,
        visit=progress.visit,
        seen_first=len(first_seen),
        ends=ends,
        seen=progress.seen if ends == "swept" else frozenset(),
    )
    return Step(exchange=exchange, progress=following)


def _after(page: ArticlePage, brought_new: bool, progress: Progress) -> tuple[Progress, VisitOutcome | None]:
    """
    Which comment page to ask next, or what came of the visit.

    The page's own links lead on. Where it shows none (threads that load by scrolling), pages are asked by their
    number, until one brings nothing new.
    """
    comments = page.comments
    ended = comments.pages is not None and progress.page >= comments.pages and comments.next_path is None
    counted = comments.stated is not None and len(progress.seen) >= comments.stated
    if ended or not brought_new or (comments.pages is None and comments.next_path is None and counted):
        return progress, "swept"
    if progress.page >= MAX_COMMENT_PAGES:
        return progress, "partial"
    number = progress.page + 1
    path = comments.next_path or addresses.comment_page_path(page.article.path, number)
    linked = comments.next_path is not None or comments.pages is not None
    following = replace(progress, path=path, kind="comments", page=number, linked=linked, tries=0, hops=0)
    return following, None


def _moved(progress: Progress, reply: Reply) -> Step:
    fetch, visit = reply.fetch, progress.visit
    path = target_path(fetch.url, reply.location, visit.edition)
    address = addresses.address(path) if path is not None else None
    if path is None or address is None or address.id != visit.article_id:
        return _ended(progress, fetch, "moved" if progress.page == 1 else "partial")
    if progress.page > 1 and address.comment_page == 1:
        # A page behind the last one leads back to the article: that proves the end, unless a link promised more.
        return _ended(progress, fetch, "partial" if progress.linked else "swept")
    if progress.hops >= MAX_HOPS:
        detail = f"more than {MAX_HOPS} redirects in a row"
        return _ended(progress, replace(fetch, outcome="failed", detail=detail), "partial")
    kind: FetchKind = "article" if progress.page == 1 else "comments"
    return Step(
        exchange=Exchange(edition=visit.edition, fetch=fetch, visit=visit),
        progress=replace(progress, path=path, kind=kind, hops=progress.hops + 1),
    )


def _failed(progress: Progress, fetch: Fetch) -> Step:
    if fetch.outcome in PASSING and progress.tries < RETRIES:
        return Step(
            exchange=Exchange(edition=progress.visit.edition, fetch=fetch, visit=progress.visit),
            progress=replace(progress, tries=progress.tries + 1),
        )
    if progress.page > 1:
        proven = fetch.outcome == "not_found" and not progress.linked
        return _ended(progress, fetch, "swept" if proven else "partial")
    if fetch.outcome in ("not_found", "refused"):
        return _ended(progress, fetch, fetch.outcome)
    return _ended(progress, fetch, "unreachable")


def _ended(
    progress: Progress, fetch: Fetch, outcome: VisitOutcome, *, error: NotUnderstood | None = None
) -> Step:
    exchange = Exchange(
        edition=progress.visit.edition,
        fetch=fetch,
        visit=progress.visit,
        ends=outcome,
        seen=progress.seen if outcome == "swept" else frozenset(),
    )
    return Step(exchange=exchange, progress=progress, error=error)


def _not_understood(progress: Progress) -> VisitOutcome:
    """What comes of a visit when the page that is asked now is not the page that we think it is."""
    return "not_understood" if progress.page == 1 else "partial"


# --- answers outside a visit ---------------------------------------------------------------------------------------


def listing(reply: Reply, edition: Edition, reader: SiteReader) -> Listed:
    """What came of a request for a listing, feed, archive or sitemap. Never raises."""
    shown = _shown(reply, edition, reader, _listing)
    page = shown.page if isinstance(shown.page, ListingPage) else None
    exchange = Exchange(edition=edition, fetch=shown.fetch, entries=page.entries if page else ())
    return Listed(exchange=exchange, page=page, error=shown.error)


def alone(reply: Reply, edition: Edition, reader: SiteReader) -> Exchange:
    """What came of a request for an article or comment page that belongs to no visit. Never raises."""
    shown = _article(reply, edition, reader, reply.fetch.article_id)
    page = shown.page if isinstance(shown.page, ArticlePage) else None
    return Exchange(
        edition=edition,
        fetch=shown.fetch,
        page=page,
        normal=shown.normal,
        seen_at=reply.seen_at if page else None,
    )


def _article(reply: Reply, edition: Edition, reader: SiteReader, article_id: int | None) -> _Shown:
    def expected(page: ArticlePage | ListingPage | CommentAnswer, fetch: Fetch) -> _Shown:
        if not isinstance(page, ArticlePage) or article_id not in (None, page.article.id):
            raise NotUnderstood(f"{fetch.url} is not the article {article_id} that was asked for")
        words = reader.site.date_words[edition.code]
        normal = normal_page(page, zone=reader.site.time_zone, words=words, seen_at=reply.seen_at)
        return _Shown(fetch=fetch, page=page, normal=normal)

    return _shown(reply, edition, reader, expected)


def _listing(page: ArticlePage | ListingPage | CommentAnswer, fetch: Fetch) -> _Shown:
    if not isinstance(page, ListingPage):
        raise NotUnderstood(f"{fetch.url} is an article where a list of articles was expected")
    return _Shown(fetch=fetch, page=page)


def _shown(
    reply: Reply,
    edition: Edition,
    reader: SiteReader,
    expected: Callable[[ArticlePage | ListingPage | CommentAnswer, Fetch], _Shown],
) -> _Shown:
    """What an answer shows; `expected` raises NotUnderstood where that is not what was asked for."""
    fetch = reply.fetch
    if fetch.outcome != "ok":
        return _Shown(fetch=fetch)
    try:
        body = reply.body
        if reader.without is not None:
            body = reader.without(edition.id, fetch.url, body)
        page = read(
            body,
            url=fetch.url,
            fetched_at=fetch.fetched_at,
            edition=edition,
            charset=reply.charset or reader.site.charset,
            pages=reader.pages,
        )
        return expected(page, fetch)
    except NotUnderstood as error:
        if error.kind == "not_found":
            return _Shown(fetch=replace(fetch, outcome="not_found", detail=str(error)))
        return _Shown(fetch=replace(fetch, outcome="not_understood", detail=str(error)), error=error)
    except Exception as bug:
        logger.exception("%s could not be handled", fetch.url)
        return _Shown(fetch=_mistaken(fetch, bug))


def _mistaken(fetch: Fetch, bug: Exception) -> Fetch:
    """A mistake of ours on one page must not end or hang a crawl: it is an outcome."""
    return replace(fetch, outcome="failed", detail=f"mistake of the program: {bug!r}"[:300])


# --- addresses -----------------------------------------------------------------------------------------------------


def asked_path(url: str) -> str:
    """The path of an address, with its query."""
    return urlsplit(url)._replace(scheme="", netloc="").geturl()


def target_path(url: str, location: str | None, edition: Edition) -> str | None:
    """
    Where a redirect leads, as a path on the site; None where it leads nowhere or away.

    Args:
        url: The address that was asked; its host is the site's too, whatever the edition's own is.
    """
    if not location:
        return None
    try:
        target = urlsplit(urljoin(url, location))
    except ValueError:
        return None
    own = {urlsplit(url).netloc, urlsplit(edition.base_url).netloc}
    if target.scheme not in {"http", "https"} or target.netloc not in own:
        return None
    return target._replace(scheme="", netloc="", fragment="").geturl()
