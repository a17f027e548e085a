"""
What one page of 300 comments costs, from its bytes to its rows: `make bench`.

CPU time, median of many runs in one process. Each figure stands beside the cost of merely parsing the same page in the
same run, because machines and their moods differ and ratios do not.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from crawler.items import ArticlePage, Fetch
from crawler.normalise import normal_page
from crawler.reading import read
from crawler.sample import SampleArticle, SampleComment, render_article, sample_articles
from crawler.sites.military_review import SITE
from crawler.sites.military_review.pages import PAGES
from crawler.storage import database, ledger
from crawler.storage.bulk import Writes
from crawler.storage.pages import save_page
from crawler.storage.standing import standing

COMMENTS = 300
RUNS = 15
ENGLISH = SITE.edition("en")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def article_with(comments: int, *, number: int = 1, first_id: int = 1_000_000) -> SampleArticle:
    """An article whose first page has so many comments: eight roots, the rest their answers, four levels deep."""
    model = max(sample_articles(), key=lambda article: len(article.comments))
    texts = [comment for comment in model.comments if "quote" not in comment.source["en"]]
    made: list[SampleComment] = []
    for place in range(comments):
        parent = None if place < 8 else made[place - 8]
        parent = parent if parent is None or parent.depth < 4 else made[place % 8]
        made.append(
            replace(
                texts[place % len(texts)],
                id=first_id + place,
                parent_id=parent.id if parent else None,
                depth=parent.depth + 1 if parent else 0,
            )
        )
    return replace(model, id=number, comments=tuple(made))


def fetches() -> Iterator[Fetch]:
    """Fetches, each later than the one before."""
    for number in range(1, 1_000_000):
        moment = NOW + timedelta(seconds=number)
        yield Fetch(id=number * 100 + 1, edition_id=1, kind="article", url="https://x/", fetched_at=moment)


def cpu_ms(work: Callable[[], Any], runs: int = RUNS) -> float:
    """Median CPU time of one call, in milliseconds."""
    times = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        times.append(1000 * (time.process_time() - begin))
    return statistics.median(times)


def read_page(body: bytes, number: int) -> ArticlePage:
    url = f"https://en.topwar.ru/{number}-x.html"
    page = read(body, url=url, fetched_at=NOW, edition=ENGLISH, charset="utf-8", pages=PAGES)
    assert isinstance(page, ArticlePage)
    return page


def main(url: str | None) -> None:
    article = article_with(COMMENTS)
    body = render_article(article, 1, "en", "https://en.topwar.ru").encode()
    page = read_page(body, article.id)
    assert len(page.comments.comments) == COMMENTS
    words = SITE.date_words["en"]
    normal = normal_page(page, zone=SITE.time_zone, words=words, seen_at=NOW)
    figures = {
        "bare parse": cpu_ms(lambda: LexborHTMLParser(body.decode())),
        "read": cpu_ms(lambda: read_page(body, article.id)),
        "normalise": cpu_ms(lambda: normal_page(page, zone=SITE.time_zone, words=words, seen_at=NOW)),
    }
    with tempfile.TemporaryDirectory() as folder:
        address = url or f"sqlite:///{folder}/bench.db"
        database.migrate(address)
        later = fetches()
        numbers = iter(range(1, 1_000_000))

        def renumbered() -> Any:
            shift = next(numbers) * 1000
            comments = tuple(
                replace(
                    comment,
                    written=replace(
                        comment.written,
                        id=comment.written.id + shift,
                        parent_id=comment.written.parent_id and comment.written.parent_id + shift,
                    ),
                )
                for comment in normal.comments
            )
            written = replace(normal.article.written, id=article.id + shift)
            return replace(normal, article=replace(normal.article, written=written), comments=comments)

        with database.engine(address, writes=True).connect() as connection:
            with connection.begin():
                ledger.save_editions(connection, SITE)

            def store(one: Any) -> None:
                with connection.begin():
                    writes = Writes(connection)
                    known = standing(connection, ENGLISH, one.article.written.id)
                    save_page(writes, ENGLISH, one, next(later), known)
                    writes.send()

            new = iter([renumbered() for _ in range(RUNS)])
            figures["store new"] = cpu_ms(lambda: store(next(new)))
            store(normal)
            figures["store unchanged"] = cpu_ms(lambda: store(normal))
    sys.stdout.write(f"{COMMENTS} comments, {len(body) / 1024:.0f} KiB, on {address.split(':')[0]}\n")
    for name, figure in figures.items():
        sys.stdout.write(
            f"{name:16} {figure:6.1f} ms CPU  {figure / figures['bare parse']:5.1f} bare parses\n"
        )
    whole = figures["read"] + figures["normalise"] + figures["store new"]
    sys.stdout.write(f"{'whole new page':16} {whole:6.1f} ms CPU\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
