"""
What came of each HTTP exchange: one `items.Fetch`, whatever happened.

Two downloader middlewares with room between them: `Exchanges` next to the downloader notes what came,
`WholeBodies` further up lets nothing damaged through. What lies between (an archive) sees every
answer as it was sent, the damaged ones too, and under its number.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urldefrag

from OpenSSL import SSL
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http import Headers, Response, TextResponse
from scrapy.responsetypes import responsetypes
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.python.failure import Failure

from crawler.errors import Stop
from crawler.fetching.bodies import ENCODINGS, Body, looked_at
from crawler.fetching.clock import Clock
from crawler.fetching.headers import one_line
from crawler.fetching.numbers import Numbers
from crawler.items import Fetch, FetchKind, FetchOutcome


class Unusable(IgnoreRequest):
    """An answer came that cannot be used; the text says why."""


class IncompleteBody(Unusable):
    """The body is shorter than it should be, or damaged; the text says how that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asks for. The spider puts it into `meta["asked"]`; what lacks it is not noted."""

    edition_id: int
    kind: FetchKind
    #: Numbers of the crawl and the visit for which it is asked.
    crawl_id: int | None = None
    visit_id: int | None = None
    #: The article that is asked for.
    article_id: int | None = None
    #: The comment page that is asked for.
    page: int | None = None


def outcome_of_status(status: int) -> FetchOutcome:
    """What an HTTP status says. Of 2xx it says only that an answer came: the page must still be read."""
    if 200 <= status < 300:
        return "ok"
    if 300 <= status < 400 and status != 304:
        return "moved"
    if status in (404, 410):
        return "not_found"
    if 400 <= status < 500:
        return "refused"
    if 500 <= status < 600:
        return "server_error"
    return "failed"  # 304 where nothing was conditional, or a number that HTTP does not know


def outcome_of_exception(exception: BaseException) -> tuple[FetchOutcome, str]:
    """What an exception of the downloader says, and one line on it."""
    return _outcome_of_causes(exception), one_line(f"{type(exception).__name__}: {_said(exception)}")


def _outcome_of_causes(exception: BaseException) -> FetchOutcome:
    match exception:
        case CannotResolveHostError():
            return "dns_error"
        case DownloadTimeoutError():
            return "timeout"
        case ResponseDataLossError():
            return "incomplete"
        case DownloadCancelledError():
            return "too_big"  # the one thing for which Scrapy itself cancels a download
        case DownloadConnectionRefusedError():
            return "unreachable"
    causes = _causes(exception)
    # A failed handshake is also a lost connection: so trust first.
    if any(isinstance(cause, SSL.Error) or _is_wrong_name(cause) for cause in causes):
        return "tls_error"
    if any(isinstance(cause, (ConnectError, ConnectionClosed, ConnectionError)) for cause in causes):
        return "unreachable"
    return "failed"


def _causes(exception: BaseException) -> list[BaseException]:
    """The exception, what it was raised from, and what Twisted packs into `reasons`, to the bottom."""
    found: list[BaseException] = []
    open_ends: list[BaseException | None] = [exception]
    while open_ends:
        cause = open_ends.pop()
        if cause is None or cause in found:
            continue
        found.append(cause)
        open_ends.append(cause.__cause__)
        reasons = getattr(cause, "reasons", None)
        if isinstance(reasons, (list, tuple)):
            open_ends.extend(r.value if isinstance(r, Failure) else r for r in reasons)
    return found


def _is_wrong_name(cause: BaseException) -> bool:
    # service_identity's VerificationError and CertificateError; the library is Twisted's, not ours.
    return type(cause).__module__.startswith("service_identity")


def _said(exception: BaseException) -> str:
    """The innermost words: Twisted wraps the reason in lists of failures that nobody wants to read."""
    if isinstance(exception, DownloadFailedError):
        innermost = [cause for cause in _causes(exception) if not getattr(cause, "reasons", None)][-1]
        if innermost is not exception:
            return f"{type(innermost).__name__}: {innermost}"
    if isinstance(exception, ResponseDataLossError):
        return "the body is shorter than it should be"
    if isinstance(exception, DownloadCancelledError):
        return str(exception) or "the body is longer than we read"
    return str(exception) or "no further word"


class Exchanges:
    """
    Downloader middleware, next to the downloader: puts a `Fetch` into `meta["fetch"]`.

    It is there after every exchange, answered or not, and absent where nothing was sent.
    """

    def __init__(self, *, max_bytes: int, ids: Numbers | None = None, clock: Clock | None = None) -> None:
        """
        Args:
            max_bytes: Longest body that is read, unpacked; 0 for no bound.
        """
        self._max_bytes = max_bytes
        self._clock = clock or Clock()
        self._ids = ids or Numbers(clock=self._clock.wall)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(max_bytes=crawler.settings.getint("DOWNLOAD_MAXSIZE"))

    def continue_after(self, edition_id: int, last_id: int) -> None:
        """Give only fetch numbers above `last_id`, the highest that is stored of this edition."""
        self._ids.continue_after(edition_id, last_id)

    def process_request(self, request: Request) -> None:
        # A request that is sent again (a retry, a redirect) is a copy that carries the old meta.
        request.meta.pop("fetch", None)
        request.meta.pop("body", None)
        request.headers["Accept-Encoding"] = ", ".join(ENCODINGS)

    def process_response(self, request: Request, response: Response) -> Response:
        outcome = outcome_of_status(response.status)
        detail = None if outcome == "ok" else f"HTTP {response.status}"
        body = request.meta["body"] = _body(response, self._max_bytes)
        if body.fault is not None and outcome == "ok":
            outcome, detail = body.fault[0], one_line(body.fault[1])
        fetch = self._new_fetch(request)
        if fetch is not None:
            request.meta["fetch"] = replace(
                fetch,
                status=response.status,
                bytes=len(response.body),
                digest=hashlib.sha256(response.body).hexdigest() if response.body else None,
                outcome=outcome,
                detail=detail,
            )
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        if isinstance(exception, (IgnoreRequest, Stop)):
            return  # nothing was sent
        fetch = self._new_fetch(request)
        if fetch is not None:
            outcome, detail = outcome_of_exception(exception)
            request.meta["fetch"] = replace(fetch, outcome=outcome, detail=detail)

    def _new_fetch(self, request: Request) -> Fetch | None:
        asked = request.meta.get("asked")
        if not isinstance(asked, Asked):
            return None  # a person is trying something out in `scrapy shell`
        return Fetch(
            id=self._ids.next(asked.edition_id),
            edition_id=asked.edition_id,
            kind=asked.kind,
            url=urldefrag(request.url).url,
            fetched_at=self._clock.wall(),
            article_id=asked.article_id,
            page=asked.page,
        )


class WholeBodies:
    """
    Downloader middleware, above `Exchanges`: unpacks bodies, and stops what is not whole.

    A damaged 2xx becomes `IncompleteBody` or `Unusable` in the errback. Of any other status only the
    number counts, so there a damaged body is left out and the callback gets the rest.
    """

    def process_response(self, request: Request, response: Response) -> Response:
        body: Body = request.meta.pop("body")
        if body.fault is not None and 200 <= response.status < 300:
            kind = IncompleteBody if body.fault[0] == "incomplete" else Unusable
            raise kind(f"{request.url}: {body.fault[1]}")
        if body.text == response.body:
            return response
        headers = Headers(response.headers)
        headers.pop("Content-Encoding", None)
        return _as_it_is(response, headers, body.text)


def _as_it_is(response: Response, headers: Headers, body: bytes) -> Response:
    """The response with another body, and of the kind that this one is of: a packed text is no text to Scrapy."""
    kind = responsetypes.from_args(headers=headers, url=response.url, body=body)
    guess_anew = {"encoding": None} if issubclass(kind, TextResponse) else {}
    return response.replace(cls=kind, body=body, headers=headers, **guess_anew)


def _body(response: Response, max_bytes: int) -> Body:
    if response.status == 206:
        return Body(fault=("incomplete", "HTTP 206: a part, though we always ask for the whole"))
    return looked_at(
        response.body,
        encodings=response.headers.getlist("Content-Encoding"),
        headers=sum(len(response.headers.getlist(name)) for name in response.headers),
        flags=response.flags,
        max_bytes=max_bytes,
    )
