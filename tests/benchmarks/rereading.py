"""
How fast an archive is read again, on one core: `make bench-rereading`.

Pages of 30 comments, packed as a site sends them, each asked once. CPU time of one process; the shares tell where
it goes, and stay the same on other machines.
"""

import gzip
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastwarc.warc import ArchiveIterator as FastIterator

from crawler.fetching.capture import Capture
from crawler.fetching.records import ArchiveReader
from crawler.fetching.warc import WarcArchive
from crawler.items import Fetch
from crawler.rereading import exchanges
from crawler.sample import render_article
from crawler.sites import readers
from tests.benchmarks.pages import NOW, article_with

PAGES = 600
COMMENTS = 30
REQUEST = b"GET /x HTTP/1.1\r\nHost: en.topwar.ru\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n"


def written(folder: Path) -> int:
    """An archive of pages of their own; the length of one, unpacked, in bytes."""
    archive = WarcArchive(folder, {1: "military_review-en"})
    archive.open()
    length = 0
    for number in range(1, PAGES + 1):
        article = article_with(COMMENTS, number=number, first_id=number * 1000)
        page = render_article(article, 1, "en", "https://en.topwar.ru").encode()
        length = len(page)
        body = gzip.compress(page, 6)
        fetch = Fetch(
            id=number * 100 + 1,
            edition_id=1,
            kind="article",
            url=f"https://en.topwar.ru{article.path}",
            fetched_at=NOW + timedelta(seconds=number),
            status=200,
            bytes=len(body),
            digest=hashlib.sha256(body).hexdigest(),
            article_id=number,
            page=1,
        )
        head = (
            "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 01 Nov 2026 12:00:00 GMT\r\n"
            f"Content-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        archive.save(
            Capture(
                fetch=fetch,
                crawl_id=1,
                visit_id=number * 100 + 1,
                request_head=REQUEST,
                response_head=head.encode(),
                body=body,
                packed=True,
            )
        )
    archive.close()
    return length


def cpu_s(work: Callable[[], Iterable[Any]]) -> tuple[float, int]:
    """CPU time in seconds of going through something, and how much there was."""
    begin = time.process_time()
    count = sum(1 for _ in work())
    return time.process_time() - begin, count


def by_fastwarc(folder: Path) -> Iterable[Any]:
    """The answers, as the fastest reader of WARC files gives them, its digests checked."""
    for path in folder.glob("*.warc.gz"):
        with path.open("rb") as file:
            for record in FastIterator(file, parse_http=False):
                if record.headers["WARC-Type"] == "response" and record.verify_block_digest():
                    record.parse_http(auto_decode="none")
                    yield record.reader.read()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        length = written(folder)
        reader = ArchiveReader(folder)
        ways: dict[str, Callable[[], Iterable[Any]]] = {
            "index": reader.index,
            "records by FastWARC": lambda: by_fastwarc(folder),
            "records": reader.exchanges,
            "records, unpacked": lambda: (archived.body() for archived in reader.exchanges()),
            "exchanges": lambda: exchanges(reader.exchanges(), readers()),
        }
        found = {way: cpu_s(work) for way, work in ways.items()}
    assert {count for _, count in found.values()} == {PAGES}
    whole = found["exchanges"][0]
    sys.stdout.write(f"{PAGES} pages of {COMMENTS} comments, {length / 1024:.0f} KiB\n")
    for way, (seconds, count) in found.items():
        sys.stdout.write(
            f"{way:20} {1000 * seconds / count:6.2f} ms CPU  {count / seconds:7.0f} a second"
            f"  {100 * seconds / whole:5.1f} % of all\n"
        )


if __name__ == "__main__":
    main()
