"""The sample site on loopback."""

import gzip
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from threading import Thread
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from crawler.sample import pages
from crawler.sample.content import ZONE, Edition, SampleArticle, sample_articles

_ARTICLE = re.compile(r"/(?:page,1,(?P<page>\d{1,6}),)?(?P<id>\d{1,12})-[^/]*\.html")
_LISTING = re.compile(r"(?P<path>/(?:(?!page/)[a-z0-9]+/)*)(?:page/(?P<page>\d{1,6})/)?")
_FEED = re.compile(r"/(?:(?P<section>[a-z/]+)/)?rss\.xml")
_DAY = re.compile(r"/(?P<year>\d{4})/(?P<month>\d\d)/(?P<day>\d\d)/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the site answers; in `SampleSite.answers` it stands for whatever the path really has."""

    status: int = 200
    #: They replace the site's own, the Date too. A Content-Length given here is sent as it is, and the
    #: connection closed after the body: so a test can break off in the middle.
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | str = b""
    #: How long the site thinks before it answers, in seconds.
    delay_s: float = 0.0


class Request(NamedTuple):
    """A request that the site received."""

    #: `time.monotonic()` when its headers were read.
    at: float
    path: str
    headers: dict[str, str]


class SampleSite:
    """
    One edition of the sample site, served on loopback by threads of its own.

        with SampleSite(edition="en") as site:
            urlopen(site.url + "/rss.xml")

    What it serves is decided anew for every request, so a test may change it in between: `put` another
    version of an article, or set `answers["/rss.xml"] = Answer(status=503, headers={"Retry-After": "9"})`.
    """

    def __init__(
        self, *, edition: Edition = "en", port: int = 0, articles: tuple[SampleArticle, ...] | None = None
    ) -> None:
        """
        Args:
            port: 0 takes any free one.

            articles: What to serve, in any order; the whole sample by default.

        Raises:
            OSError: The port is taken.
        """
        self.edition: Edition = edition
        self.articles = sample_articles() if articles is None else articles
        #: Canned answers by path with its query, as in the request line.
        self.answers: dict[str, Answer] = {}
        #: All requests so far, in the order of their arrival.
        self.requests: list[Request] = []
        self._server = _Server(("127.0.0.1", port), self)
        #: Scheme, host and port, without a slash at the end.
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.05,), name="sample site", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve_forever(self) -> None:
        """Serve in this thread, until KeyboardInterrupt."""
        try:
            self._server.serve_forever()
        finally:
            self._server.server_close()

    def article(self, article_id: int) -> SampleArticle:
        """The article as it is now. Raises KeyError where there is none."""
        for article in self.articles:
            if article.id == article_id:
                return article
        raise KeyError(article_id)

    def put(self, article: SampleArticle) -> None:
        """Serve this version of the article from now on, or add it if its number is new."""
        self.articles = (*(other for other in self.articles if other.id != article.id), article)

    def answer(self, target: str) -> Answer:
        """What the site answers to a request for `target`: a path with its query."""
        if target in self.answers:
            return self.answers[target]
        url = urlsplit(target)
        if url.path == "/robots.txt":
            return _found(pages.render_robots(self.url), "text/plain")
        if url.path == "/sitemap.xml":
            return _found(pages.render_sitemap(self._newest_first(), self.url), "application/xml")
        if url.path == "/index.php":
            return self._by_number(url.query)
        if match := _FEED.fullmatch(url.path):
            return self._feed(url.path, match["section"])
        if match := _ARTICLE.fullmatch(url.path):
            return self._article(target, int(match["id"]), int(match["page"] or 1))
        if match := _LISTING.fullmatch(url.path):
            return self._listing(match["path"], int(match["page"] or 1))
        return self._not_found()

    def _newest_first(self) -> tuple[SampleArticle, ...]:
        return tuple(sorted(self.articles, key=lambda article: article.published_at, reverse=True))

    def _in_section(self, section: str) -> tuple[SampleArticle, ...]:
        """A section shows its subsections' articles too."""
        return tuple(a for a in self._newest_first() if f"{a.section}/".startswith(f"{section}/"))

    def _feed(self, path: str, section: str | None) -> Answer:
        if section is None:
            articles = self._newest_first()
        elif section in pages.SECTIONS:
            articles = self._in_section(section)
        else:
            return self._not_found()
        feed = pages.render_feed(articles, path=path, edition=self.edition, base_url=self.url)
        return _found(feed, "application/rss+xml")

    def _article(self, target: str, article_id: int, page: int) -> Answer:
        try:
            article = self.article(article_id)
        except KeyError:
            return self._not_found()
        if 1 <= page <= article.comment_pages and target == pages.comments_path(article, page):
            return _found(pages.render_article(article, page, self.edition, self.url))
        return self._moved_to(article)

    def _by_number(self, query: str) -> Answer:
        number = parse_qs(query).get("newsid", [""])[0]
        try:
            return self._moved_to(self.article(int(number)))
        except (KeyError, ValueError):
            return self._not_found()

    def _listing(self, path: str, page: int) -> Answer:
        section = path.strip("/")
        if path == "/":
            articles, title = self._newest_first(), pages.home_title(self.edition)
        elif section in pages.SECTIONS:
            articles, title = self._in_section(section), pages.section_title(section, self.edition)
        elif day := _day(path):
            articles = tuple(a for a in self._newest_first() if a.published_at.astimezone(ZONE).date() == day)
            title = pages.day_title(day, self.edition)
        else:
            return self._not_found()
        listing = pages.render_listing(
            articles, path=path, page=max(1, page), title=title, edition=self.edition, base_url=self.url
        )
        return self._not_found() if listing is None else _found(listing)

    def _moved_to(self, article: SampleArticle) -> Answer:
        return Answer(status=301, headers={"Location": self.url + article.path})

    def _not_found(self) -> Answer:
        page = pages.render_not_found(self.edition, self.url)
        return Answer(status=404, headers={"Content-Type": "text/html; charset=utf-8"}, body=page)


def _found(body: str, media_type: str = "text/html") -> Answer:
    return Answer(headers={"Content-Type": f"{media_type}; charset=utf-8"}, body=body)


def _day(path: str) -> date | None:
    """The day of an archive's path; None where it is none, or no day of any calendar."""
    match = _DAY.fullmatch(path)
    try:
        return date(int(match["year"]), int(match["month"]), int(match["day"])) if match else None
    except ValueError:
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], site: SampleSite) -> None:
        self.site = site
        self.connections: set[socket] = set()
        super().__init__(address, _Handler)

    def server_close(self) -> None:
        """A site that is gone also answers no more on connections kept alive."""
        super().server_close()
        for connection in tuple(self.connections):
            with suppress(OSError):
                connection.shutdown(SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    #: Headers and body leave together; waiting to fill a packet would cost 40 ms a page.
    wbufsize = -1
    disable_nagle_algorithm = True
    #: Seconds after which an idle connection is closed.
    timeout = 60

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        site = self.server.site
        site.requests.append(Request(time.monotonic(), self.path, dict(self.headers)))
        answer = site.answer(self.path)
        if answer.delay_s:
            time.sleep(answer.delay_s)
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        headers = {"Server": "nginx", "Date": self.date_time_string(), **answer.headers}
        length_given = "Content-Length" in headers
        if isinstance(answer.body, str) and not length_given and self._takes_gzip():
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        if length_given:
            headers["Connection"] = "close"
        elif answer.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            headers["Content-Length"] = str(len(body))
        self.send_response_only(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _takes_gzip(self) -> bool:
        return "gzip" in self.headers.get("Accept-Encoding", "")

    def handle(self) -> None:
        """A client that hangs up is nobody's error here."""
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Silence: `SampleSite.requests` is the log."""
