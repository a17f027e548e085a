"""A page that is cut at any byte is never read as a whole one, however it was sent."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import brotli  # type: ignore[import-untyped]
import pytest

from crawler.fetching.bodies import looked_at
from crawler.items import Exchange, Fetch, FetchKind
from crawler.sample import Answer, SampleSite, sample_articles
from crawler.sites import readers
from crawler.storage import database
from crawler.visiting import Reply, alone, listing
from tests.crawling import crawl, rows
from tests.fetching.faultserver import Reply as ServerReply
from tests.fetching.faultserver import faultserver, raw
from tests.fetching.tiny_crawl import crawled
from tests.visits import NOON

ARTICLE = min(sample_articles(), key=lambda article: abs(len(article.comments) - 4))
LIMIT = 8 * 1024 * 1024


def naked_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
}


def page(path: str) -> tuple[str, bytes]:
    """The address and the body of a page of the sample site."""
    with SampleSite(edition="en") as site:
        body = site.answer(path).body
        return site.url + path, body if isinstance(body, bytes) else body.encode()


def read(body: bytes, url: str, kind: FetchKind) -> Exchange:
    """What would be stored of this body, if nothing were wrong with it on its way."""
    reader = readers()[1]
    edition = reader.site.edition("en")
    fetch = Fetch(id=1, edition_id=1, kind=kind, url=url, fetched_at=NOON)
    reply = Reply(fetch=fetch, body=body, seen_at=NOON)
    return alone(reply, edition, reader) if kind == "article" else listing(reply, edition, reader).exchange


def places(length: int, few: int) -> list[int]:
    """Some places to cut at, evenly spread, and all of those near the ends."""
    spread = range(0, length, max(1, length // few))
    return sorted({*spread, *range(min(40, length)), *range(max(0, length - 120), length)})


# --- what its own sender cut, so that the network cannot know -------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (ARTICLE.path, "article"),
        ("/", "listing"),
        ("/news/", "listing"),
        ("/rss.xml", "feed"),
        ("/sitemap.xml", "sitemap"),
    ],
)
def test_a_text_that_was_cut_is_not_understood_or_says_all_the_same(path: str, kind: FetchKind) -> None:
    url, body = page(path)
    whole = read(body, url, kind)
    assert whole.page or whole.entries
    understood = 0
    for end in places(len(body), few=150):
        cut = read(body[:end], url, kind)
        assert cut.fetch is not None
        if cut.fetch.outcome == "ok":
            # It lacks a few bytes behind the last word.
            understood += 1
            assert (cut.page, cut.entries) == (whole.page, whole.entries)
        else:
            assert (cut.fetch.outcome, cut.page, cut.entries) == ("not_understood", None, ())
    assert understood <= 3


@pytest.mark.parametrize("encoding", PACKERS)
def test_a_packed_body_that_was_cut_is_incomplete(encoding: str) -> None:
    url, body = page(ARTICLE.path)
    sent = PACKERS[encoding](body)
    assert looked_at(sent, encodings=[encoding.encode()], max_bytes=LIMIT).text == body
    for end in range(1, len(sent)):
        found = looked_at(sent[:end], encodings=[encoding.encode()], max_bytes=LIMIT)
        assert found.text == b""
        assert found.fault is not None
        assert found.fault[0] == "incomplete"
    # Of nothing at all there is nothing to unpack, and nothing to understand.
    nothing = looked_at(b"", encodings=[encoding.encode()], max_bytes=LIMIT)
    assert read(nothing.text, url, "article").page is None


# --- what was cut on its way -----------------------------------------------------------------------------------------


SMALL_PAGE = b"<!DOCTYPE html><html><body>" + b"<p>one</p><p>two</p>" * 12 + b"</body></html>"


@dataclass(frozen=True)
class Way:
    """A way in which a page is sent."""

    head: str
    body: bytes


def in_chunks(body: bytes, size: int = 100) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])


def ways() -> Iterator[tuple[str, Way]]:
    yield "identity", Way(f"Content-Length: {len(SMALL_PAGE)}", SMALL_PAGE)
    yield "identity, chunked", Way("Transfer-Encoding: chunked", in_chunks(SMALL_PAGE))
    yield "identity, until the connection ends", Way("X-Nothing: more", SMALL_PAGE)
    for encoding, pack in {**PACKERS, "deflate, naked": naked_deflate}.items():
        sent = pack(SMALL_PAGE)
        name = f"Content-Encoding: {encoding.split(',')[0]}"
        yield encoding, Way(f"{name}\r\nContent-Length: {len(sent)}", sent)
        yield f"{encoding}, chunked", Way(f"{name}\r\nTransfer-Encoding: chunked", in_chunks(sent))
        yield f"{encoding}, until the connection ends", Way(name, sent)


def test_whatever_is_cut_on_its_way_has_another_outcome_than_ok() -> None:
    replies: dict[str, ServerReply] = {}
    whole: set[str] = set()
    for number, (_, way) in enumerate(ways()):
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n{way.head}\r\n\r\n"
        answer = head.encode() + way.body
        spread = range(20, len(answer), len(answer) // 12)
        for end in {*spread, len(head), *range(len(answer) - 8, len(answer) + 1)}:
            replies[f"/{number}-{end}"] = raw(answer[:end])
        whole.add(f"/{number}-{len(answer)}")
    zstd = b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 4\r\n\r\n\x28\xb5\x2f\xfd"
    replies["/zstd"] = raw(zstd)  # never asked for, so never read, whole or not
    with faultserver(replies) as server:
        heard = crawled(
            [server.url + path for path in replies], PAUSE_CAP_S=0, CONCURRENT_REQUESTS_PER_DOMAIN=16
        )
        outcomes = {path: heard.only(server.url + path)["fetch"]["outcome"] for path in replies}
    assert {path for path, outcome in outcomes.items() if outcome == "ok"} == whole


def test_nothing_of_a_cut_page_is_stored(sqlite_url: str) -> None:
    """End to end: each article comes cut in another way, under headers that fit what is left of it."""
    database.migrate(sqlite_url)
    articles = sample_articles()
    with SampleSite(edition="en") as site:
        for number, article in enumerate(articles):
            body = site.answer(article.path).body
            text = body if isinstance(body, bytes) else body.encode()
            encoding = [None, *PACKERS][number % 4]
            sent = PACKERS[encoding](text) if encoding else text
            # Half of it, or all but the last bytes.
            left = len(sent) // 2 if number % 8 < 4 else len(sent) - (1 if encoding else 9)
            site.answers[article.path] = Answer(
                body=sent[:left],
                headers={"Content-Type": "text/html"} | ({"Content-Encoding": encoding} if encoding else {}),
            )
        ended = crawl(sqlite_url, site.url, "depth=0")
    assert ended.code == 5, ended.err
    assert rows(sqlite_url, "SELECT id FROM articles") == rows(sqlite_url, "SELECT id FROM comments") == []
    outcomes = {
        row["outcome"] for row in rows(sqlite_url, "SELECT outcome FROM fetches WHERE article_id > 0")
    }
    assert outcomes == {"not_understood", "incomplete"}
    ends = {row["outcome"] for row in rows(sqlite_url, "SELECT outcome FROM visits")}
    assert ends == {"not_understood", "unreachable"}
