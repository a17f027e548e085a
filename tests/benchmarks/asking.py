"""
How long it takes to ask what was, and whether that stays so while the archive grows: `make bench-asking`.

A thread of 5,000 comments with three states and three ratings each is asked for as it stood, among ever more comments
of other articles. CPU time of this process and, in brackets, wall time with the server's part; medians.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, text

from crawler.normalise.threads import places
from crawler.storage import database, ledger, queries
from crawler.storage.schema import (
    articles,
    authors,
    fetches,
    metadata,
)
from tests.postgres import postgres
from tests.storing import SITE

THREAD = 5_000
STATES = 3
#: Comments of other articles, each tenth of which was edited once; 100 an article.
OTHERS = (20_000, 200_000)
EDITION = 2
BEGAN = datetime(2017, 11, 5, 12, tzinfo=UTC)

BODY = "Half of the sheet was burned by the stove, and the other half we read aloud in the evenings. " * 4


def comment_rows(
    article: int, first: int, count: int, states: Callable[[int], int]
) -> Iterator[tuple[str, Any]]:
    """All rows of an article and its comments, with the names of their tables."""
    ids = range(first, first + count)
    parents = {id: None if id % 5 == 0 or id - first < 3 else id - 3 for id in ids}
    standing = places(parents.items())
    at = [BEGAN + timedelta(minutes=article) + timedelta(days=number) for number in range(STATES)]
    fetch_ids = [(article * STATES + number) * 100 + EDITION for number in range(STATES)]
    yield "articles", article_row(article, at[0], fetch_ids)
    for number in range(STATES):
        yield "fetches", fetch_row(article, fetch_ids[number], at[number])
    for id in ids:
        last = states(id) - 1
        for number in range(last):
            content = comment_row(id, article, parents[id], number)
            times = {"comment_id": id, "seen_at": at[number], "until": at[number + 1]}
            yield (
                "comment_states",
                content
                | times
                | {"fetch_id": fetch_ids[number], "change": "edit" if number else "new", "state": "live"},
            )
            yield (
                "rating_states",
                {"edition_id": EDITION, "rating": number, "fetch_id": fetch_ids[number], **times},
            )
        place = standing[id]
        yield (
            "comments",
            comment_row(id, article, parents[id], last)
            | {"id": id, "root_id": place.root_id, "depth": place.depth, "path": place.path}
            | {"rating": last, "rated_at": at[last], "rating_fetch_id": fetch_ids[last], "state": "live"}
            | {
                "change": "edit" if last else "new",
                "first_seen_at": at[0],
                "seen_at": at[last],
                "changed_at": None,
            }
            | {"state_since": at[0], "gone_at": None, "content_hash": "0", "reader_version": 1}
            | {"fetch_id": fetch_ids[last]},
        )


def article_row(article: int, at: datetime, fetch_ids: list[int]) -> dict[str, Any]:
    said: dict[str, Any] = dict.fromkeys(column.name for column in articles.columns)
    said |= {
        "id": article,
        "edition_id": EDITION,
        "url": f"https://example.org/{article}-a.html",
        "title": "Title",
    }
    said |= {"body": "", "footnotes": [], "tags": [], "images": [], "comments_stored": 0, "state": "live"}
    said |= {"change": "new", "not_found_times": 0, "first_seen_at": at, "last_seen_at": at, "seen_at": at}
    return said | {"fetch_id": fetch_ids[0], "last_fetch_id": fetch_ids[-1]}


def fetch_row(article: int, id: int, at: datetime) -> dict[str, Any]:
    said: dict[str, Any] = dict.fromkeys(column.name for column in fetches.columns)
    said |= {"id": id, "edition_id": EDITION, "article_id": article, "url": "", "kind": "article"}
    return said | {"fetched_at": at, "bytes": 0, "source": "live", "outcome": "ok"}


def comment_row(id: int, article: int, parent: int | None, number: int) -> dict[str, Any]:
    said: dict[str, Any] = {
        "edition_id": EDITION,
        "article_id": article,
        "parent_id": parent,
        "author_key": "vasya",
    }
    said |= {"parent_source": "tree" if parent else "root", "nickname_raw": "Vasya", "posted_at": BEGAN}
    said |= {"posted_raw": None, "posted_precision": "minute", "body": f"{BODY} {number}"}
    return said | {"quotes": [], "links": [], "images": [], "source_hash": f"{id} {number}"}


def write(connection: Connection, rows: Iterator[tuple[str, Any]]) -> None:
    by_table: dict[str, list[Any]] = {}
    for name, row in rows:
        by_table.setdefault(name, []).append(row)
    for table in metadata.sorted_tables:
        if table.name in by_table:
            connection.execute(insert(table), by_table[table.name])


def fill(connection: Connection, first: int, last: int) -> None:
    """Comments of other articles, from the first to the last."""
    for start in range(first, last, 100):
        article = 10_000 + start // 100
        write(connection, comment_rows(article, 10**7 + start, 100, lambda id: 1 + (id % 10 == 0)))


MOMENTS = [BEGAN + timedelta(days=number, hours=1) for number in range(STATES)]
QUESTIONS: dict[str, Callable[[Connection], object]] = {
    "thread": lambda c: queries.thread(c, 1, EDITION),
    **{
        f"as of day {number + 1}": lambda c, moment=moment: queries.thread_as_of(c, 1, EDITION, moment)  # type: ignore[misc]
        for number, moment in enumerate(MOMENTS)
    },
    "history of a comment": lambda c: queries.comment_history(c, 5, EDITION),
    "20 newest changes": lambda c: queries.changes_between(c, None, None, limit=20),
    "an hour's changes": lambda c: queries.changes_between(
        c, BEGAN + timedelta(days=1, hours=200), BEGAN + timedelta(days=1, hours=201), limit=20
    ),
    "20 newest of the article": lambda c: queries.changes_between(c, None, None, article=1, limit=20),
}


def measured(connection: Connection, question: Callable[[Connection], object]) -> str:
    question(connection)
    cpu, wall = [], []
    for _ in range(5):
        began_cpu, began = time.process_time(), time.perf_counter()
        question(connection)
        cpu.append(time.process_time() - began_cpu)
        wall.append(time.perf_counter() - began)
    return f"{1000 * statistics.median(cpu):6.0f} ({1000 * statistics.median(wall):.0f})"


def bench(url: str) -> None:
    database.migrate(url)
    filled = 0
    found: dict[str, list[str]] = {name: [] for name in QUESTIONS}
    engine = database.engine(url, writes=True)
    with engine.begin() as connection:
        ledger.save_editions(connection, SITE)
        author = dict.fromkeys(column.name for column in authors.columns) | {
            "key": "vasya",
            "edition_id": EDITION,
        }
        author |= {"nickname": "Vasya", "kind": "member", "skeleton": "vasya", "first_seen_at": BEGAN}
        connection.execute(insert(authors), author)
        write(connection, comment_rows(1, 1, THREAD, lambda _: STATES))
    for count in OTHERS:
        with engine.begin() as connection:
            fill(connection, filled, count)
        filled = count
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))
        with engine.connect() as connection:
            for name, question in QUESTIONS.items():
                found[name].append(measured(connection, question))
    head = "".join(f"{f'{count:,} others':>22}" for count in OTHERS)
    sys.stdout.write(f"{engine.dialect.name}: ms, CPU (wall)\n{'':26}{head}\n")
    for name, figures in found.items():
        sys.stdout.write(f"{name:26}{''.join(f'{figure:>22}' for figure in figures)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        bench(f"sqlite:///{folder}/bench.db")
    with postgres() as server, server.database() as address:
        bench(address)
