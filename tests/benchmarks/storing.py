"""
What storing costs, beside the least that the same rows can cost: `make bench-storing`.

New comments are stored as a crawl stores them: one exchange after another through `save_exchange`, with its fetch,
visit, article, authors, names and comments, and the visit's end in the frontier; each page is the first of an article
of its own, which is the dearest case. A batch of 1,000 comments is one such page. As many on 33 small pages in one
transaction stand beside it, without a bar: what belongs to a page is written 33 times there.

Beside it the very same rows of `comments`, and nothing else, are written into an equal table (columns, indexes, foreign
keys) with a commit as often, by the driver and from tuples that stand ready in its own types: on Postgres by COPY, on
SQLite by `executemany`. So all that is ours counts against us: what Python does, what the other tables cost, every
question that is asked before anything is written. On Postgres COPY of bytes that stand ready is told as well, which no
program has before it has made them.

Wall time, medians of single transactions: on Postgres most of it is waiting for the server. All that is compared takes
turns of ten transactions, so that a machine which is slower for a while is slower for all of it, and so that each
follows upon its like: what lies between the turns, the making of pages above all, leaves the processor's caches filled
with other things. CPU time is that of our process and of the server's that works for it; it says more where the machine
has other things to do. Postgres is started here with its own settings: fsync on, synchronous_commit on. The database is
empty at first and never analysed by hand.
"""

import argparse
import re
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from crawler.items import NormalPage
from crawler.storage import database
from crawler.storage.schema import articles, comments
from tests.benchmarks.archiving import archive_share
from tests.benchmarks.stores import Storing, Times, say, say_ratio, say_times, stored
from tests.benchmarks.threads import Threads
from tests.postgres import Server, postgres

PAGE = 30
BATCH = 1_000
#: Transactions of one kind that follow upon each other.
TURN = 10
FEW, MANY = 50_000, 5_000_000


# --- Postgres ------------------------------------------------------------------------------------------------------


class Copying:
    """A table equal to `comments`, into which the same rows are copied."""

    def __init__(self, url: str, name: str) -> None:
        self._connection = psycopg.connect(plain(url))
        self.server_pid = self._connection.info.backend_pid
        self._name = name
        self._connection.execute(f"CREATE TABLE {name} (LIKE comments INCLUDING ALL)")
        for (definition,) in self._connection.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = 'comments'::regclass AND contype = 'f'"
        ).fetchall():
            self._connection.execute(f"ALTER TABLE {name} ADD {definition}")
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()

    def copy(self, rows: Sequence[Any], times: Times) -> None:
        """The rows as psycopg takes them."""
        with times.once():
            with self._connection.cursor().copy(f"COPY {self._name} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            self._connection.commit()

    def copy_bytes(self, rows: bytes, times: Times) -> None:
        """The rows as Postgres takes them."""
        with times.once():
            with self._connection.cursor().copy(f"COPY {self._name} FROM STDIN") as copy:
                copy.write(rows)
            self._connection.commit()


class Watching:
    """Looks at a Postgres database without taking part."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(plain(url), autocommit=True)

    def close(self) -> None:
        self._connection.close()

    def one(self, sql: str) -> Any:
        row = self._connection.execute(sql).fetchone()
        assert row is not None
        return row[0]

    def wal(self) -> int:
        """Bytes of WAL that were ever written."""
        return int(self.one("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))

    def comments(self, pages: Sequence[NormalPage]) -> list[tuple[Any, ...]]:
        """The stored comments of these pages, in the order of their numbers and as text, which COPY takes soonest."""
        with self._connection.cursor().copy(self._copied(pages)) as copy:
            return list(copy.rows())

    def comment_bytes(self, pages: Sequence[NormalPage]) -> bytes:
        """The same as COPY writes them."""
        with self._connection.cursor().copy(self._copied(pages)) as copy:
            return b"".join(copy)

    def _copied(self, pages: Sequence[NormalPage]) -> str:
        articles = ",".join(str(page.article.written.id) for page in pages)
        return f"COPY (SELECT * FROM comments WHERE article_id IN ({articles}) ORDER BY id) TO STDOUT"

    def dead_comments(self) -> int:
        """Dead row versions of comments, after the server has had time to count them."""
        time.sleep(1.5)
        return int(self.one("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'comments'"))


def plain(url: str) -> str:
    return url.replace("+psycopg", "", 1)


def beside_copy(server: Server, sizes: Sequence[int], rounds: int, least: float | None = None) -> None:
    """New and unchanged pages of these sizes, stored together in one transaction, beside COPY of the same rows."""
    with server.database() as url:
        database.migrate(url)
        storing, watching = Storing(url), Watching(url)
        equal, another = Copying(url, "equal_table"), Copying(url, "another_equal_table")
        new, same = Times(storing.server_pid), Times(storing.server_pid)
        copied, bytes_copied = Times(equal.server_pid), Times(another.server_pid)
        wal_new, wal_same = [], []
        threads = Threads()
        for _ in range(rounds // TURN):
            turn = [[threads.page(size) for size in sizes] for _ in range(TURN)]
            before = watching.wal()
            for pages in turn:
                stored(storing, pages, new, new=True)
            wal_new.append((watching.wal() - before) / TURN)
            for rows in [watching.comments(pages) for pages in turn]:
                equal.copy(rows, copied)
            for bytes_of_them in [watching.comment_bytes(pages) for pages in turn]:
                another.copy_bytes(bytes_of_them, bytes_copied)
            before = watching.wal()
            for pages in turn:
                stored(storing, pages, same, new=False)
            wal_same.append((watching.wal() - before) / TURN)
        dead = watching.dead_comments()
        for each in (storing, watching, equal, another):
            each.close()
    comments = sum(sizes)
    say(f"Postgres, {described(sizes)}, {rounds} times")
    say_times("new", new, f", {statistics.median(wal_new) / 1024:.1f} KiB of WAL")
    say_times("unchanged", same, f", {statistics.median(wal_same) / 1024:.1f} KiB of WAL")
    say_times("COPY", copied)
    say_times("COPY of ready bytes", bytes_copied)
    say(f"  {comments / new.ms * 1000:,.0f} new comments a second; {dead} dead tuples in comments")
    say_ratio("new, beside COPY into an equal table", copied.ms / new.ms, least=least)
    say_ratio("the same in CPU time, ours and the server's", copied.cpu_ms / new.cpu_ms, least=least)
    say_ratio("new, beside COPY of bytes that stand ready", bytes_copied.ms / new.ms)
    twice_and_a_half = None if least is None else 2.5
    say_ratio("unchanged, as many times as fast as new", new.ms / same.ms, least=twice_and_a_half)
    say_ratio("the same in CPU time", new.cpu_ms / same.cpu_ms, least=twice_and_a_half)
    say_ratio("dead tuples", dead, most=0)


def described(sizes: Sequence[int]) -> str:
    pages = "a page" if len(sizes) == 1 else f"{len(sizes)} pages"
    return f"{pages} of {sizes[0]} comments in a transaction"


# --- the same at another size --------------------------------------------------------------------------------------

#: How far the numbers of a copy of everything are from those of the copy before it. All numbers that are stored are
#: below the first of these, so the first three digits of each part of a path are free.
APART = 10_000_000

#: What differs between a row and its copy number n.
_COPIED = {name: f"{name} + n * {APART}" for name in ("id", "article_id", "parent_id", "root_id")} | {
    "path": r"regexp_replace(path, '...(.{7})', lpad(n::text, 3, '0') || '\1', 'g')"
}


def fill(url: str, copies: int) -> None:
    """Put so many copies of every article and comment beside what is there, under numbers of their own."""
    with psycopg.connect(plain(url)) as connection:
        (may,) = connection.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() or (False,)
        if may:  # no foreign key is looked up: the copies refer to each other as the originals do
            connection.execute("SET session_replication_role = replica")
        for table in (articles, comments):
            names = ", ".join(column.name for column in table.columns)
            values = ", ".join(_COPIED.get(column.name, column.name) for column in table.columns)
            connection.execute(
                f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {table.name}, generate_series(1, {copies}) n"
            )


def grown(server: Server, few: int, many: int, rounds: int) -> None:
    """What a page costs where few comments are stored, and where many are."""
    pages: list[NormalPage] = []
    with server.database() as small_url:
        database.migrate(small_url)
        storing = Storing(small_url)
        threads = Threads()
        for _ in range(-(-few // (PAGE * 20))):
            some = [threads.page(PAGE) for _ in range(20)]
            storing.store([storing.exchange(page) for page in some])
            pages += some
        storing.close()
        with server.database(copy_of=small_url) as large_url:
            begin = time.monotonic()
            fill(large_url, many // few - 1)
            filled_s = time.monotonic() - begin
            stores = {"few": Storing(small_url), "many": Storing(large_url)}
            times = {
                (size, kind): Times(one.server_pid)
                for size, one in stores.items()
                for kind in ("new", "unchanged", "unchanged later")
            }
            fresh = Threads(first=1_000_000_000)
            for number in range(rounds):
                page = fresh.page(PAGE)
                old = pages[(number * 37) % len(pages)]
                for size, one in stores.items():
                    stored(one, [page], times[size, "new"], new=True)
                    stored(one, [page], times[size, "unchanged"], new=False)
                    stored(one, [old], times[size, "unchanged later"], new=False)
            watching = Watching(large_url)
            there = watching.one("SELECT count(*) FROM comments")
            analysed = watching.one("SELECT count(*) FROM pg_stats WHERE tablename = 'comments'")
            watching.close()
            for one in stores.values():
                one.close()
    say(
        f"Postgres, a page of {PAGE} where {there:,} comments are stored, beside {len(pages) * PAGE:,} "
        f"(filled in {filled_s:.0f} s; {'analysed by autovacuum' if analysed else 'never analysed'})"
    )
    for kind in ("new", "unchanged", "unchanged later"):
        small, large = times["few", kind], times["many", kind]
        say_times(f"{kind}, few", small)
        say_times(f"{kind}, many", large)
        say_ratio(f"{kind}, many beside few", large.ms / small.ms, most=1.3)
        say_ratio("the same in CPU time", large.cpu_ms / small.cpu_ms, most=1.3)


# --- SQLite --------------------------------------------------------------------------------------------------------


class Inserting:
    """
    A table equal to `comments` in an SQLite file of its own, into which the same rows are inserted.

    Not in the same file: whoever writes first where the other has just written finds its cache of no use, and one of
    two writers that take turns pays for the checkpoints of both.

    Args:
        file: Of the equal table; made anew.

        stored: The database whose comments are taken.
    """

    def __init__(self, file: Path, stored: Path) -> None:
        self._stored = sqlite3.connect(stored, isolation_level=None)
        # The settings of `crawler.storage.database`, but for the statement that begins a transaction.
        self._connection = sqlite3.connect(file, isolation_level=None)
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {setting}")
        definitions = self._stored.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'comments' AND type IN ('table', 'index') AND sql > ''"
        ).fetchall()
        # What its rows refer to: the keys alone.
        for table, keys in (
            ("editions", "id"),
            ("articles", "id, edition_id"),
            ("authors", "key, edition_id"),
        ):
            self._connection.execute(f"CREATE TABLE {table} ({keys}, PRIMARY KEY ({keys}))")
        for (definition,) in definitions:
            self._connection.execute(
                re.sub(r"\b(pk_|ix_|fk_)?comments", r"\1equal_table", definition, count=2)
            )

    def close(self) -> None:
        self._connection.close()
        self._stored.close()

    def rows(self, pages: Sequence[NormalPage]) -> list[tuple[Any, ...]]:
        """The stored comments of these pages; what they refer to is put where the equal table is."""
        articles = ",".join(str(page.article.written.id) for page in pages)
        mine = f"FROM comments WHERE article_id IN ({articles})"
        for table, keys in (
            ("editions", "edition_id"),
            ("articles", "article_id, edition_id"),
            ("authors", "author_key, edition_id"),
        ):
            places = ",".join("?" * len(keys.split()))
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                f"INSERT OR IGNORE INTO {table} VALUES ({places})",
                self._stored.execute(f"SELECT DISTINCT {keys} {mine}"),
            )
            self._connection.execute("COMMIT")
        return self._stored.execute(f"SELECT * {mine} ORDER BY id").fetchall()

    def insert(self, rows: list[tuple[Any, ...]], times: Times) -> None:
        places = ",".join("?" * len(rows[0]))
        with times.once():
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(f"INSERT INTO equal_table VALUES ({places})", rows)
            self._connection.execute("COMMIT")


def beside_executemany(sizes: Sequence[int], rounds: int, least: float | None = None) -> None:
    """New and unchanged pages of these sizes, stored together in one transaction, beside plain inserts."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "bench.db")
        database.migrate(f"sqlite:///{file}")
        storing, inserting = Storing(f"sqlite:///{file}"), Inserting(Path(folder, "equal.db"), file)
        new, same, inserted = Times(), Times(), Times()
        threads = Threads()
        for _ in range(rounds // TURN):
            turn = [[threads.page(size) for size in sizes] for _ in range(TURN)]
            for pages in turn:
                stored(storing, pages, new, new=True)
            for rows in [inserting.rows(pages) for pages in turn]:
                inserting.insert(rows, inserted)
            for pages in turn:
                stored(storing, pages, same, new=False)
        storing.close()
        inserting.close()
    say(f"SQLite, {described(sizes)}, {rounds} times")
    say_times("new", new)
    say_times("unchanged", same)
    say_times("executemany", inserted)
    say(f"  {sum(sizes) / new.ms * 1000:,.0f} new comments a second")
    say_ratio("new, beside executemany into an equal table", inserted.ms / new.ms, least=least)
    say_ratio("unchanged, as many times as fast as new", new.ms / same.ms)


def main() -> None:
    arguments = argparse.ArgumentParser(description="Measure what storing costs.")
    arguments.add_argument(
        "--quick", action="store_true", help="fewer rounds, and 500,000 comments for 5 million"
    )
    quick = arguments.parse_args().quick
    share = 4 if quick else 1
    one, batch = (PAGE,), (BATCH,)
    many = (PAGE,) * (BATCH // PAGE)
    with postgres(durable=True) as server:
        say(server.description)
        beside_copy(server, one, 600 // share, 0.4)
        beside_copy(server, batch, 40 // share, 0.33)
        beside_copy(server, many, 40 // share)
        grown(server, FEW, MANY // (10 if quick else 1), 200 // share)
    say(f"SQLite {sqlite3.sqlite_version}")
    beside_executemany(one, 600 // share, 0.4)
    beside_executemany(batch, 120 // share, 0.4)
    beside_executemany(many, 40 // share)
    archive_share(2000 // share)


if __name__ == "__main__":
    main()
