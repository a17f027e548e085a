"""
Archive first: no answer is read before it stands in its file as it came, and none is stored before that is on the disk.

The middleware stands between `Exchanges`, which numbers every exchange, and `WholeBodies`, which stops what is damaged:
so it sees each answer once, still packed, the damaged ones too, those of robots.txt too.
"""

import logging
from dataclasses import replace
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Headers, Response

from crawler.errors import CannotStore
from crawler.fetching.bodies import Body, packings
from crawler.fetching.capture import Capture, Truncation
from crawler.fetching.exchange import Asked
from crawler.fetching.rewriting import Without, capture_without
from crawler.fetching.warc import WarcArchive
from crawler.items import Fetch

logger = logging.getLogger(__name__)

_VERSIONS: Final = ("HTTP/1.0", "HTTP/1.1")
_NEVER_ARCHIVED: Final = frozenset((b"proxy-authorization", b"authorization"))


class ArchiveFirst:
    """
    Downloader middleware: writes every exchange that has a `Fetch` into the WARC archive and notes where.

    An exchange that cannot be archived has not taken place: its `Fetch` is taken away, and the errback gets
    `crawler.errors.CannotStore`, upon which the crawl must stop.
    """

    def __init__(self) -> None:
        self._archive: WarcArchive | None = None
        self._without: Without | None = None

    def write_to(self, archive: WarcArchive, without: Without | None = None) -> None:
        """
        Write into this archive from now on; who opened it closes it. Call it before the first request.

        Args:
            without: Takes those who are to be forgotten out of a body, before it reaches the disk or a reader; None
                where nobody is.
        """
        self._archive, self._without = archive, without

    def process_response(self, request: Request, response: Response) -> Response:
        self._save(request, response)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        self._save(request, None)

    def _save(self, request: Request, response: Response | None) -> None:
        fetch: Fetch | None = request.meta.get("fetch")
        if fetch is None or fetch.warc_file is not None:
            return  # nothing was sent, or somebody tries something out in `scrapy shell`
        try:
            if self._archive is None:
                raise CannotStore(
                    "No archive was opened for what comes: the extension CrawlRecords does that."
                )
            kept = self._redacted(capture(fetch, request, response))
            # Into the system's memory: the disk is waited for by the thread that stores, see `WarcArchive.sync`.
            place = self._archive.save(kept)
        except CannotStore:
            del request.meta["fetch"]
            raise
        if kept.redacted_on is not None and request.meta["body"].fault is None:
            request.meta["body"] = Body(kept.body)
        request.meta["fetch"] = replace(kept.fetch, warc_file=place.file, warc_offset=place.offset)

    def _redacted(self, capture: Capture) -> Capture:
        """Without those who are to be forgotten."""
        if self._without is None:
            return capture
        try:
            return capture_without(capture, self._without)
        except Exception:  # a mistake of ours must neither bring anybody back nor end the crawl
            logger.exception("%s is archived without its body", capture.fetch.url)
            return capture_without(capture, lambda _edition, _url, _text: b"")


def capture(fetch: Fetch, request: Request, response: Response | None) -> Capture:
    """What is archived of an exchange; `response` is None where no answer came."""
    asked: Asked = request.meta["asked"]
    url = urlsplit(fetch.url)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    host = "" if "Host" in request.headers else f"\r\nHost: {url.netloc.rpartition('@')[2]}"
    without_answer = Capture(
        fetch=fetch,
        crawl_id=asked.crawl_id,
        visit_id=asked.visit_id,
        request_head=_head(f"{request.method} {target} HTTP/1.1{host}", request.headers),
    )
    if response is None:
        return without_answer
    version = response.protocol if response.protocol in _VERSIONS else "HTTP/1.1"
    direct = response.ip_address is not None and "proxy" not in request.meta
    return replace(
        without_answer,
        response_head=_head(
            f"{version} {response.status} {_phrase(response.status)}",
            response.headers,
            body_length=len(response.body),
        ),
        body=response.body,
        packed=bool(packings(response.headers.getlist("Content-Encoding"))),
        truncated=_truncation(request.meta.get("body"), response.flags),
        ip_address=str(response.ip_address) if direct else None,
    )


def _head(first_line: str, headers: Headers, *, body_length: int | None = None) -> bytes:
    """
    A head as it travels, from Scrapy's headers.

    Args:
        body_length: Of the body that follows. Lines that say otherwise (a Content-Length without a body after 304,
            chunks that the client has joined) would mislead readers and are renamed.
    """
    lines = [first_line.encode("ascii", "replace")]
    for name in headers:
        lower = name.lower()
        if lower in _NEVER_ARCHIVED:
            continue
        for value in headers.getlist(name):
            misleads = body_length is not None and (
                lower == b"transfer-encoding" or (lower == b"content-length" and value != b"%d" % body_length)
            )
            # No line may end another way than it did: a value with a line feed in it is a line of its own to some.
            flat = b" ".join(value.splitlines())
            lines.append((b"X-Crawler-" if misleads else b"") + name + b": " + flat)
    return b"\r\n".join([*lines, b"", b""])


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _truncation(body: Body | None, flags: list[str]) -> Truncation | None:
    if body is None or body.fault is None or body.fault[0] != "incomplete":
        return None
    return "disconnect" if {"partial", "dataloss"} & set(flags) else "unspecified"
