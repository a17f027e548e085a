"""What `crawler verify` finds: nothing where all is well, and every kind of damage by the check that it is made for."""

import fcntl
import gzip
import hashlib
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from crawler.errors import BadArgument, CannotStore
from crawler.fetching.capture import Capture, Place
from crawler.fetching.files import OPEN, TORN
from crawler.fetching.warc import WarcArchive
from crawler.sample import SampleSite
from crawler.storage import database, ledger
from crawler.storage.types import utc_text
from crawler.verify import checks
from crawler.verify.results import Result
from tests import verified
from tests.crawling import PROJECT, crawl, crawl_command, environment, rows, run
from tests.postgres import Server
from tests.short_life import BIG, DELETED, EDITED, OTHER, RESTORED, SMALL, lived
from tests.storing import fetch
from tests.verified import EDITIONS, faults
from tests.warcs import records

#: A comment of which nothing ever changed.
QUIET = BIG.comments[0].id


@dataclass(frozen=True, slots=True)
class Kept:
    """A database and its archive."""

    url: str
    folder: Path

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.warc.gz"))


@pytest.fixture(scope="module")
def sqlite_life(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The sample site's life on SQLite: to be copied, not touched."""
    folder = tmp_path_factory.mktemp("life")
    kept = Kept(f"sqlite:///{folder}/crawler.db", folder / "archive")
    database.migrate(kept.url)
    lived(kept.url, kept.folder)
    return kept


@pytest.fixture(scope="module")
def postgres_life(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """The same on Postgres."""
    with postgres_server.database() as url:
        kept = Kept(url, tmp_path_factory.mktemp("life") / "archive")
        database.migrate(url)
        lived(url, kept.folder)
        yield kept


def _copied(kept: Kept, folder: Path) -> Kept:
    shutil.copytree(kept.folder, folder / "archive")
    shutil.copy(database.database_address(kept.url).database or "", folder / "crawler.db")
    return Kept(f"sqlite:///{folder}/crawler.db", folder / "archive")


@pytest.fixture
def lite(sqlite_life: Kept, tmp_path: Path) -> Kept:
    """A copy on SQLite, to be damaged."""
    return _copied(sqlite_life, tmp_path)


@pytest.fixture
def postgres(postgres_life: Kept, postgres_server: Server, tmp_path: Path) -> Iterator[Kept]:
    """A copy on Postgres, to be damaged."""
    shutil.copytree(postgres_life.folder, tmp_path / "archive")
    with postgres_server.database(copy_of=postgres_life.url) as url:
        yield Kept(url, tmp_path / "archive")


@pytest.fixture(params=["lite", "postgres"])
def kept(request: pytest.FixtureRequest) -> Kept:
    """A copy to be damaged, on each kind."""
    copy = request.getfixturevalue(request.param)
    assert isinstance(copy, Kept)
    return copy


def looked(kept: Kept, **choice: Any) -> list[Result]:
    """What comes of all checks."""
    return verified.looked(kept.url, kept.folder, **choice)


def told(found: list[Result]) -> dict[str, str]:
    """What is told though nothing is wrong."""
    return {one.check.name: "; ".join(one.told) for one in found if one.told}


def damage(url: str, sql: str, **values: Any) -> None:
    """Change rows behind the back of all that keeps them in order; it must change something."""
    engine = database.engine(url, writes=True)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            raw = connection.connection
            raw.execute("PRAGMA foreign_keys = OFF")
        else:
            connection.execute(text("SET session_replication_role = replica"))
        for statement in sql.split(";"):
            done = connection.execute(text(statement), values)
            assert done.rowcount != 0, f"nothing was damaged by {statement}"
        connection.commit()


# --- where all is well ---------------------------------------------------------------------------------------------


def test_of_a_healthy_archive_nothing_is_said(kept: Kept) -> None:
    found = looked(kept)
    assert faults(found) == {}
    assert told(found) == {} if kept.url.startswith("sqlite") else told(found).keys() == {"file", "texts"}
    assert [one.check for one in found] == list(checks.ALL)
    by_name = {one.check.name: one.over for one in found}
    assert by_name["fold"]["articles"] == 4
    assert by_name["records"] == {"fetches": rows(kept.url, "SELECT count(*) AS n FROM fetches")[0]["n"]}
    assert by_name["files"] == {"files": 5, "records": len(records(kept.folder))}
    assert by_name["missing"] == {"absences": 22}
    assert by_name["histories"]["rating_states"] == 6
    assert by_name["facts"]["authors"] > 20


def test_it_is_the_same_with_several_processes_and_for_one_edition(lite: Kept) -> None:
    assert faults(looked(lite, processes=2)) == {}
    english, russian = EDITIONS
    assert faults(looked(lite, editions=(english,))) == {}
    found = looked(lite, editions=(russian,))
    assert faults(found) == {}
    assert sum(one.over.get("fetches", 0) + one.over.get("comments", 0) for one in found) == 0


def test_it_changes_nothing(lite: Kept) -> None:
    with closing(sqlite3.connect(lite.url.removeprefix("sqlite:///"))) as connection, connection:
        before = "\n".join(connection.iterdump())
        looked(lite)
        assert "\n".join(connection.iterdump()) == before


def test_a_sample_is_a_part_of_the_articles(lite: Kept) -> None:
    by_name = {one.check.name: one.over for one in looked(lite, sample=2)}
    assert by_name["fold"]["articles"] == 2


def test_every_check_has_a_name_of_its_own_and_a_remedy() -> None:
    assert len({check.name for check in checks.ALL}) == len(checks.ALL)
    assert all(check.means and check.remedy.endswith((".", "first.")) for check in checks.ALL)


def test_the_readme_names_every_check() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    for check in checks.ALL:
        numbers = ", ".join(map(str, check.invariants))
        assert f"| `{check.name}` | {check.means} | {numbers} |" in readme


def test_a_crawl_that_was_killed_leaves_nothing_wrong(database_url: str, tmp_path: Path) -> None:
    kept = Kept(database_url, tmp_path / "archive")
    database.migrate(kept.url)
    with SampleSite(edition="en") as site:
        asked = f"ids={','.join(str(article.id) for article in site.articles)}"
        crawling = subprocess.Popen(
            crawl_command(site.url, asked, delay="2"),  # it is far from its end when it is killed
            env=environment(kept.url, WARC_DIR=str(kept.folder)),
            stderr=subprocess.DEVNULL,
        )
        stored = "SELECT count(*) AS n FROM fetches WHERE kind = 'article'"
        deadline = time.monotonic() + 60
        while rows(kept.url, stored)[0]["n"] < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        during = looked(kept)
        crawling.kill()
        crawling.wait()
        after = looked(kept)
        assert crawling.returncode == -signal.SIGKILL
        assert crawl(kept.url, site.url, asked, WARC_DIR=str(kept.folder)).code == 0
        afterwards = looked(kept)
    assert [faults(found) for found in (during, after, afterwards)] == [{}, {}, {}]
    assert told(during)["files"] == "1 files are still written by a crawl"
    assert (
        told(after)["files"] == "1 files were left open by a crawl that was killed: the next one closes them"
    )


# --- damaged rows, found in the database alone ---------------------------------------------------------------------

_LAST_OF_SMALL = f"(SELECT max(id) FROM visits WHERE article_id = {SMALL.id})"
_SECOND_ABSENCE = (
    f"(SELECT id FROM visits WHERE article_id = {OTHER.id} AND outcome = 'not_found'"
    " ORDER BY id LIMIT 1 OFFSET 1)"
)
_LIKE_ITS_FORMER_STATE = (
    "UPDATE comments SET (body, source_hash) = (SELECT s.body, s.source_hash FROM comment_states s"
    f" WHERE s.comment_id = comments.id AND s.change = 'translation') WHERE id = {EDITED}"
)
_AS_IT_WAS_BEFORE = (
    "UPDATE article_states SET section = (SELECT section FROM articles WHERE id = article_id)"
    f" WHERE article_id = {SMALL.id}"
)
_NEVER_VISITED = (
    "INSERT INTO frontier (article_id, edition_id, url, discovered_at, discovered_via, attempts, outcome)"
    f" SELECT 1, edition_id, url, discovered_at, discovered_via, 0, 'swept' FROM frontier WHERE article_id = {BIG.id}"
)
_NOBODY = (
    "INSERT INTO authors (key, edition_id, nickname, kind, profile_name, skeleton, first_seen_at)"
    " SELECT 'nobody', edition_id, 'Nobody', 'member', 'Nobody', 'Nobody', first_seen_at FROM authors LIMIT 1"
)
_LONG_AGO = "'2001-01-01T00:00:00.000000Z'"

#: The check that must find it, what is damaged, and a part of what is said.
DAMAGES = [
    ("schema", "DROP INDEX ix_comments_not_live", "ix_comments_not_live"),
    ("views", "DROP VIEW reply_view", "view reply_view: it is not there"),
    (
        "views",
        "DROP VIEW author_view; CREATE VIEW author_view AS SELECT key FROM authors",
        "view author_view: it is another one",
    ),
    ("keys", "UPDATE fetches SET crawl_id = 77 WHERE kind = 'robots'", "is not in crawls"),
    (
        "keys",
        "INSERT INTO rating_states SELECT 77, edition_id, seen_at, until, rating, fetch_id FROM rating_states LIMIT 1",
        "rating_states: 77 1",
    ),
    ("keys", f"UPDATE frontier SET edition_id = 77 WHERE article_id = {SMALL.id}", "is not in editions"),
    ("values", f"UPDATE comments SET posted_precision = 'month' WHERE id = {QUIET}", "'month', which nobody"),
    ("values", f"UPDATE comments SET posted_precision = NULL WHERE id = {QUIET}", "are not known together"),
    ("values", f"UPDATE comments SET parent_source = 'dream' WHERE id = {QUIET}", f"comments: {QUIET} (en)"),
    ("values", f"UPDATE comment_states SET parent_source = 'dream' WHERE comment_id = {DELETED}", "nobody"),
    ("values", f"UPDATE comments SET gone_at = NULL WHERE id = {DELETED}", "gone_at is not known"),
    ("values", f"UPDATE comments SET gone_at = {_LONG_AGO} WHERE id = {DELETED}", "another moment"),
    ("values", f"UPDATE comments SET state_since = {_LONG_AGO} WHERE id = {DELETED}", "state_since"),
    ("values", "UPDATE articles SET gone_at = seen_at WHERE state = 'missing'", "gone_at is not known"),
    ("values", "UPDATE articles SET change = 'dream' WHERE state = 'live' AND change <> 'new'", "'dream'"),
    ("values", "UPDATE fetches SET source = 'dream' WHERE kind = 'robots'", "source is 'dream'"),
    ("values", "UPDATE fetches SET kind = 'dream' WHERE kind = 'robots'", "kind is 'dream'"),
    ("values", "UPDATE crawls SET state = 'asleep' WHERE id = 1", "state is 'asleep'"),
    ("values", "UPDATE crawls SET finished_at = NULL WHERE id = 1", "it has ended and runs, or neither"),
    ("values", "UPDATE hosts SET robots_state = 'dream'", "hosts: 127.0.0.1"),
    ("values", f"UPDATE frontier SET discovered_via = 'dream' WHERE article_id = {BIG.id}", "'dream'"),
    (
        "histories",
        f"UPDATE comment_states SET until = seen_at WHERE comment_id = {DELETED} AND state = 'live'",
        "does not end when the next one begins",
    ),
    (
        "histories",
        f"DELETE FROM comment_states WHERE comment_id = {EDITED} AND change = 'translation'",
        "does not end when the next one begins",
    ),
    (
        "histories",
        f"DELETE FROM comment_states WHERE comment_id = {EDITED} AND change = 'new'",
        "not the first",
    ),
    ("histories", f"DELETE FROM comment_states WHERE comment_id = {EDITED}", "its first state is missing"),
    ("histories", "DELETE FROM rating_states", "rating of comment"),
    ("histories", f"DELETE FROM article_states WHERE article_id = {SMALL.id}", f"article {SMALL.id} (en)"),
    ("histories", f"UPDATE comments SET change = 'edit' WHERE id = {QUIET}", "its first state is missing"),
    (
        "histories",
        f"UPDATE comments SET change = 'new' WHERE id = {EDITED}",
        "says wrongly that it is the first",
    ),
    ("histories", f"UPDATE comments SET first_seen_at = {_LONG_AGO} WHERE id = {QUIET}", f"comment {QUIET}"),
    ("changes", _LIKE_ITS_FORMER_STATE, "says the same as the one after it"),
    (
        "changes",
        "UPDATE rating_states SET rating = (SELECT rating FROM comments WHERE id = comment_id)",
        "rating of comment",
    ),
    (
        "changes",
        _AS_IT_WAS_BEFORE,
        f"article {SMALL.id} (en)",
    ),
    ("times", f"UPDATE comments SET rating_fetch_id = 1 WHERE id = {QUIET}", "the fetch 1 that it names"),
    (
        "times",
        f"UPDATE comments SET rating_fetch_id = (SELECT min(id) FROM fetches) WHERE id = {QUIET}",
        "of another time",
    ),
    (
        "times",
        f"UPDATE articles SET last_fetch_id = 1 WHERE id = {BIG.id}",
        "its latest fetch 1 is not stored",
    ),
    (
        "times",
        f"UPDATE articles SET last_fetch_id = (SELECT min(id) FROM fetches) WHERE id = {SMALL.id}",
        "older than its state",
    ),
    (
        "missing",
        f"UPDATE comments SET change = 'edit' WHERE id = {RESTORED}",
        "is live after gone by edit",
    ),
    ("missing", f"UPDATE comments SET change = 'return' WHERE id = {EDITED}", "is live after live by return"),
    (
        "missing",
        "UPDATE articles SET state = 'moved', change = 'move' WHERE state = 'missing'",
        "does not say so",
    ),
    ("places", f"UPDATE comments SET depth = depth + 1 WHERE id = {QUIET}", "at depth"),
    ("places", f"UPDATE comments SET root_id = 1 WHERE id = {QUIET}", f"comment {QUIET} (en)"),
    ("places", f"UPDATE comments SET path = '0' WHERE id = {QUIET}", "its path"),
    ("places", f"UPDATE comments SET parent_id = {DELETED} WHERE id = {EDITED}", f"comment {EDITED} (en)"),
    (
        "counts",
        f"UPDATE articles SET comments_stored = 3 WHERE id = {BIG.id}",
        "it says that it has 3 live comments",
    ),
    ("visits", f"UPDATE visits SET pages_read = 99 WHERE id = {_LAST_OF_SMALL}", "read more pages"),
    ("visits", f"UPDATE visits SET finished_at = {_LONG_AGO} WHERE id = {_LAST_OF_SMALL}", "begin and end"),
    ("visits", f"UPDATE visits SET last_fetch_id = 1 WHERE id = {_LAST_OF_SMALL}", "begin and end"),
    ("visits", f"UPDATE visits SET started_at = {_LONG_AGO} WHERE id = {_LAST_OF_SMALL}", "begin and end"),
    ("visits", f"UPDATE visits SET outcome = NULL, sweep = false WHERE id = {_LAST_OF_SMALL}", "no outcome"),
    ("visits", f"DELETE FROM fetches WHERE visit_id = {_SECOND_ABSENCE}", "nothing was fetched in it"),
    ("visits", f"UPDATE fetches SET article_id = 1 WHERE visit_id = {_SECOND_ABSENCE}", "of another article"),
    ("sweeps", f"UPDATE visits SET sweep = false WHERE id = {_LAST_OF_SMALL}", "its outcome is swept"),
    ("sweeps", "UPDATE visits SET unseen = NULL WHERE outcome = 'suspect'", "its outcome is suspect"),
    (
        "sweeps",
        f"UPDATE visits SET comments_stated = comments_stated + 1 WHERE id = {_LAST_OF_SMALL}",
        "lacks 1 of the comments",
    ),
    (
        "sweeps",
        f"UPDATE visits SET outcome = 'miscounted', sweep = false WHERE id = {_LAST_OF_SMALL}",
        "it is miscounted",
    ),
    (
        "sweeps",
        f"UPDATE visits SET comments_missing = 7 WHERE id = {_LAST_OF_SMALL}",
        "missed 7 comments, and 0",
    ),
    (
        "fetches",
        "UPDATE fetches SET outcome = 'timeout' WHERE kind = 'robots'",
        "outcome is timeout, and its status 2",
    ),
    (
        "fetches",
        "UPDATE fetches SET status = NULL WHERE kind = 'robots'",
        "outcome is ok, and its status None",
    ),
    ("frontier", _NEVER_VISITED, "article 1 (en): the frontier says swept"),
    ("authors", "UPDATE authors SET nickname = 'Nobody' WHERE key = 'drozd52'", "the nickname is 'Nobody'"),
    ("authors", "UPDATE authors SET skeleton = 'x' WHERE key = 'drozd52'", "the skeleton"),
    (
        "authors",
        "UPDATE authors SET kind = 'guest' WHERE key = 'drozd52'",
        "the key is not that of the guest",
    ),
    ("authors", f"UPDATE authors SET first_seen_at = {_LONG_AGO} WHERE key = 'drozd52'", "first seen"),
    ("authors", "UPDATE authors SET renamed_fetch_id = NULL WHERE renamed_to IS NOT NULL", "without a fetch"),
    ("authors", _NOBODY, "author nobody (en): no comment is theirs"),
    (
        "authors",
        "UPDATE comment_states SET author_key = 'nobody' WHERE state = 'gone'",
        "'nobody', who has no row",
    ),
    ("names", "UPDATE author_names SET nickname_raw = 'x' WHERE author_key = 'drozd52'", "and has no row"),
    ("names", "DELETE FROM author_names WHERE nickname_raw LIKE '%!'", "and has no row"),
]


def _named(value: object) -> str:
    return str(value)[:40]


@pytest.mark.parametrize(("check", "sql", "said"), DAMAGES, ids=_named)
def test_damaged_rows_are_found_by_one_check(lite: Kept, check: str, sql: str, said: str) -> None:
    _is_found(lite, check, sql, said)


# There the questions are the same whatever is damaged, but they are put in other words.
@pytest.mark.parametrize(("check", "sql", "said"), {one[0]: one for one in DAMAGES}.values(), ids=_named)
def test_each_check_works_on_postgres(postgres: Kept, check: str, sql: str, said: str) -> None:
    _is_found(postgres, check, sql, said)


def _is_found(kept: Kept, check: str, sql: str, said: str) -> None:
    damage(kept.url, sql)
    found = faults(looked(kept, archive=False))
    assert found.keys() == {check}, found
    assert said in "\n".join(found[check])


def test_each_check_of_the_database_is_proved_to_fail() -> None:
    elsewhere = {"file", "texts", "forgotten"}  # below, as they need more than a statement
    assert {check for check, _, _ in DAMAGES} | elsewhere == {check.name for check in checks.OF_DATABASE}


def test_a_comment_that_was_gone_too_soon(lite: Kept) -> None:
    """All rows agree on when the second sweep was, and it was a minute after the first."""
    (second,) = rows(lite.url, "SELECT fetch_id FROM comments WHERE id = :id", id=DELETED)
    query = "SELECT until FROM comment_states WHERE comment_id = :id AND state = 'live'"
    first_at = datetime.fromisoformat(rows(lite.url, query, id=DELETED)[0]["until"])
    damage(
        lite.url,
        "UPDATE comment_states SET until = :at WHERE state = 'missing' AND until ="
        " (SELECT fetched_at FROM fetches WHERE id = :fetch) AND comment_id IN"
        f" (SELECT id FROM comments WHERE article_id = {BIG.id});"
        "UPDATE visits SET finished_at = :at WHERE id = (SELECT visit_id FROM fetches WHERE id = :fetch);"
        "UPDATE fetches SET fetched_at = :at WHERE id = :fetch;"
        "UPDATE comments SET seen_at = :at, state_since = :at, gone_at = :at WHERE fetch_id = :fetch;"
        "UPDATE comment_states SET seen_at = :at WHERE fetch_id = :fetch",
        fetch=second["fetch_id"],
        at=utc_text(first_at + timedelta(minutes=1)),
    )
    found = faults(looked(lite, archive=False))
    assert found.keys() == {"missing"}, found
    assert all("too soon after it was missed" in one for one in found["missing"])


def test_a_comment_that_is_missing_without_a_sweep(lite: Kept) -> None:
    damage(
        lite.url,
        "UPDATE visits SET outcome = 'partial', sweep = false, comments_missing = 0"
        " WHERE id = (SELECT visit_id FROM fetches WHERE id = (SELECT fetch_id FROM comments WHERE id = :id))",
        id=DELETED,
    )
    found = faults(looked(lite, archive=False))
    assert found.keys() == {"missing"}, found
    assert "which ended no sweep of its article" in found["missing"][0]


def test_a_file_that_is_damaged(lite: Kept) -> None:
    file = Path(lite.url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(file)) as connection, connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'hosts'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as opened:
        opened.seek((page - 1) * size + 7)  # how many bytes lie between its entries
        opened.write(b"\x2a")
    found = faults(looked(lite, archive=False))
    assert found.keys() == {"file"}, found
    assert f"reported as 42 on page {page}" in found["file"][0]


@pytest.mark.parametrize(
    ("value", "column"),
    [
        ("'a' || char(0) || 'b'", "lead"),
        ("CAST(x'61eda080' AS TEXT)", "lead"),  # half of a pair
        ("""'["a\\u0000"]'""", "tags"),
        ("""'["\\ud83d"]'""", "tags"),
        ("CAST(x'5b2261eda08022' || x'5d' AS TEXT)", "tags"),
    ],
)
def test_texts_that_nobody_can_read_again(lite: Kept, value: str, column: str) -> None:
    with closing(sqlite3.connect(lite.url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(f"UPDATE articles SET {column} = {value} WHERE id = {BIG.id}")
    found = faults(looked(lite, archive=False))
    assert found == {"texts": [f"articles: {BIG.id} 1: {column} holds NUL or half of a character"]}


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            f"UPDATE articles SET tags = '[\"maps\"' WHERE id = {BIG.id}",
            "tags cannot be read: '[\"maps\"' stands",
        ),
        (
            f"UPDATE articles SET changed_at = 'x' WHERE id = {BIG.id}",
            "changed_at cannot be read: 'x' stands",
        ),
        (f"UPDATE comments SET links = '\\u' WHERE id = {QUIET}", "links cannot be read: '\\\\u' stands"),
        (
            f"UPDATE comments SET body = CAST(x'61eda080' AS TEXT) WHERE id = {QUIET}",
            "body holds NUL or half",
        ),
        (
            f"UPDATE comments SET posted_at = '2017-02-31' || substr(posted_at, 11) WHERE id = {QUIET}",
            "posted_at",
        ),
        (
            f"UPDATE comments SET posted_at = '2017-10-31' WHERE id = {QUIET}",
            "posted_at is '2017-10-31', and no",
        ),
        (
            f"UPDATE fetches SET fetched_at = 'y' WHERE article_id = {BIG.id}",
            "fetched_at cannot be read: 'y'",
        ),
    ],
    ids=_named,
)
def test_what_nobody_can_read_is_told_and_the_other_checks_are_made(lite: Kept, sql: str, said: str) -> None:
    with closing(sqlite3.connect(lite.url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(sql)
    found = looked(lite)
    assert [one.check for one in found] == list(checks.ALL)
    assert said in faults(found)["texts"][0]
    command = [sys.executable, "-m", "crawler.cli", "reparse", "--again", "--article", str(BIG.id)]
    ended = run(command, env=environment(lite.url, WARC_DIR=str(lite.folder)))
    assert "Traceback" not in ended.err
    assert ended.code == 0 or "`crawler verify` tells where" in ended.err


@pytest.mark.parametrize("value", ["'한국말'", """'["\\\\u0000", "\\ud83d\\ude00", "\\u043f"]'"""])
def test_texts_that_only_look_so(lite: Kept, value: str) -> None:
    column = "lead" if "[" not in value else "tags"
    with closing(sqlite3.connect(lite.url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(f"UPDATE articles SET {column} = {value} WHERE id = {BIG.id}")
    assert faults(looked(lite, archive=False)) == {}


def test_somebody_who_was_forgotten(kept: Kept) -> None:
    def person_hash(edition_id: int, key: str) -> str:
        return f"{edition_id} {key[::-1]}"

    assert faults(looked(kept, archive=False, person_hash=person_hash)) == {}
    columns = "author_hash, edition_id, kind, erased_at, reason"
    erased = f"INSERT INTO erasures ({columns}) VALUES (:hash, 1, 'member', :at, '')"
    at = "2026-01-01T00:00:00.000000Z"
    damage(kept.url, erased, hash=person_hash(1, "somebody else"), at=at)
    assert faults(looked(kept, archive=False, person_hash=person_hash)) == {}
    damage(kept.url, erased, hash=person_hash(1, "drozd52"), at=at)
    found = faults(looked(kept, archive=False, person_hash=person_hash))
    tables = ("authors", "author_names", "comment_states")
    assert found == {"forgotten": [f"author drozd52 (en): still in {table}" for table in tables]}
    assert "FORGET_KEY" in told(looked(kept, archive=False))["forgotten"]


# --- the archive ---------------------------------------------------------------------------------------------------


def spoiled(path: Path, offset: int) -> None:
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 0xFF
    path.write_bytes(data)


def places(kept: Kept, kind: str) -> list[Place]:
    """Where the records of a kind stand."""
    return [place for place, record in records(kept.folder).items() if record.kind == kind]


def test_a_changed_byte_in_an_answer(lite: Kept) -> None:
    place = places(lite, "response")[5]
    spoiled(lite.folder / place.file, place.offset + 300)
    found = faults(looked(lite))
    (fetch,) = rows(
        lite.url,
        "SELECT id FROM fetches WHERE warc_file = :file AND warc_offset = :offset",
        file=place.file,
        offset=place.offset,
    )
    assert found.keys() == {"records"}, found
    assert found["records"][0].startswith(f"fetch {fetch['id']}: its record at byte {place.offset}")
    assert "is damaged: it cannot be unpacked" in found["records"][0]


@pytest.mark.parametrize("kind", ["request", "warcinfo"])
def test_a_changed_byte_where_no_fetch_stands(lite: Kept, kind: str) -> None:
    place = places(lite, kind)[-1]
    spoiled(lite.folder / place.file, place.offset + 50)
    found = faults(looked(lite))
    assert found.keys() == {"files"}, found
    assert found["files"][0].startswith(f"{place.file} at byte {place.offset}: it cannot be unpacked")


def test_a_record_whose_words_are_not_those_of_its_digest(lite: Kept) -> None:
    """It can be unpacked: whoever changed it packed it again."""
    *_, place = places(lite, "response")
    path = lite.folder / place.file
    data = path.read_bytes()
    record = gzip.decompress(data[place.offset :])
    path.write_bytes(data[: place.offset] + gzip.compress(record.replace(b"HTTP/1.1 ", b"HTTP/1.0 ")))
    found = faults(looked(lite))
    assert found.keys() == {"records"}, found
    assert "its block is not the one that its digest names" in found["records"][0]


def test_an_original_that_is_damaged_takes_its_revisits_along(migrated_url: str, tmp_path: Path) -> None:
    kept = Kept(migrated_url, tmp_path / "archive")
    english = EDITIONS[0]
    archive = WarcArchive(kept.folder, {english.id: "some-en"})
    archive.open()
    with database.engine(kept.url, writes=True).begin() as connection:
        for number in (101, 201):
            body = b"The same words, again and again. " * 30
            one = replace(
                fetch(number, english, kind="listing", article_id=None, page=None, status=200),
                bytes=len(body),
                digest=hashlib.sha256(body).hexdigest(),
            )
            place = archive.save(
                Capture(
                    fetch=one,
                    request_head=b"GET / HTTP/1.1\r\n\r\n",
                    response_head=b"HTTP/1.1 200 OK\r\n\r\n",
                    body=body,
                )
            )
            noted = replace(one, warc_file=place.file, warc_offset=place.offset)
            ledger.save_fetch(connection, noted, crawl_id=None)
    archive.close()
    assert faults(looked(kept)) == {}
    (original,) = places(kept, "response")
    (revisit,) = places(kept, "revisit")
    spoiled(kept.folder / original.file, original.offset + 300)
    found = faults(looked(kept))
    assert found.keys() == {"records"}
    assert f"its record at byte {original.offset}" in found["records"][0]
    assert f"its record at byte {revisit.offset}" in found["records"][1]
    assert "its original cannot be had" in found["records"][1]


def test_a_file_that_is_cut(lite: Kept) -> None:
    *_, place = places(lite, "response")
    path = lite.folder / place.file
    path.write_bytes(path.read_bytes()[: place.offset + 200])
    found = faults(looked(lite))
    assert found.keys() == {"records"}, found
    assert "the file ends in the middle of a record" in found["records"][0]


def test_a_file_that_is_lost(lite: Kept) -> None:
    first, *_ = lite.files()
    (count,) = rows(lite.url, "SELECT count(*) AS n FROM fetches WHERE warc_file = :name", name=first.name)
    first.unlink()
    found = looked(lite)
    assert faults(found) == {
        "records": [f"{first.name}: there is no such file, and {count['n']} fetches stand in it"]
    }
    assert "4 articles cannot be read again" in told(found)["fold"]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE fetches SET digest = 'ff' WHERE kind = 'robots'", "digest ff, and "),
        ("UPDATE fetches SET bytes = 1 WHERE kind = 'robots'", "bytes 1, and "),
        (
            "UPDATE fetches SET url = 'http://127.0.0.1/x' WHERE kind = 'robots'",
            "url http://127.0.0.1/x, and ",
        ),
        ("UPDATE fetches SET status = 201 WHERE kind = 'robots'", "status 201, and 200"),
        ("UPDATE fetches SET page = 9 WHERE kind = 'robots'", "page 9, and None"),
        ("UPDATE fetches SET warc_offset = warc_offset + 1 WHERE kind = 'robots'", "stands no record of it"),
        ("UPDATE fetches SET warc_file = NULL, warc_offset = NULL WHERE kind = 'robots'", "never archived"),
        (
            "UPDATE fetches SET warc_file = 'x.warc.gz' WHERE kind = 'robots'",
            "x.warc.gz: there is no such file",
        ),
        (
            "UPDATE fetches SET id = id + 1 WHERE kind = 'robots'",
            "stands no record of it",
        ),
    ],
)
def test_a_fetch_of_which_the_archive_says_something_else(lite: Kept, sql: str, said: str) -> None:
    damage(lite.url, sql)
    found = faults(looked(lite))
    assert found.keys() == {"records"}, found
    assert len(found["records"]) == 1
    assert said in found["records"][0]


def test_a_fetch_of_which_the_database_is_wrong_is_right_in_one_made_anew(lite: Kept) -> None:
    damage(lite.url, f"UPDATE fetches SET bytes = 1 WHERE article_id = {SMALL.id}")
    [wrong] = [one for one in looked(lite) if not one.holds]
    assert "the file is right: make the rows anew" in wrong.check.remedy
    assert faults(looked(_made_anew(lite))) == {}


def test_what_only_the_archive_knows_is_told(lite: Kept) -> None:
    damage(lite.url, "DELETE FROM fetches WHERE kind = 'robots'")
    found = looked(lite)
    assert faults(found) == {}
    assert told(found) == {
        "records": "1 exchanges are known to the archive alone: `crawler reparse --apply` stores them"
    }


def test_what_crawls_left_in_the_folder_is_told(lite: Kept) -> None:
    one, other, *_ = lite.files()
    one.rename(one.with_name(one.name + OPEN))
    with other.open("rb") as file:
        other.rename(other.with_name(other.name + OPEN))
        fcntl.flock(file, fcntl.LOCK_EX)  # as a crawl does that writes it
        (lite.folder / f"some.warc.gz{TORN}").write_bytes(b"12345")
        found = looked(lite)
    assert faults(found) == {}
    assert told(found)["files"] == (
        "1 files are still written by a crawl; "
        "1 files were left open by a crawl that was killed: the next one closes them; "
        f"1 files {TORN} hold 5 bytes of records that were never whole"
    )


def test_an_exchange_that_a_running_crawl_is_about_to_store_is_no_news(lite: Kept) -> None:
    first, *_ = lite.files()
    damage(lite.url, "DELETE FROM fetches WHERE kind = 'robots'")
    path = first.rename(first.with_name(first.name + OPEN))
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "records" not in told(looked(lite))


def test_two_records_in_one(lite: Kept) -> None:
    """Our reader sees the first of them, others all that follow as well."""
    *_, path = lite.files()
    data = path.read_bytes()
    place = places(lite, "request")[-1]
    assert place.file == path.name
    both = b"".join(gzip.decompress(member) for member in (data[place.offset :],))
    path.write_bytes(data[: place.offset] + gzip.compress(both))
    found = faults(looked(lite))
    assert found.keys() == {"files", "records"}, found


# --- the archive, read again ---------------------------------------------------------------------------------------

_RATED_ONLY_ONCE = (
    f"DELETE FROM rating_states WHERE comment_id IN (SELECT id FROM comments WHERE article_id = {SMALL.id});"
    f"UPDATE comments SET rated_at = first_seen_at, rating_fetch_id = fetch_id WHERE article_id = {SMALL.id}"
    " AND change = 'new'"
)
UNFOLDED = [
    (f"UPDATE comments SET body = 'Never said.' WHERE id = {QUIET}", "comments: 1 rows differ in body"),
    (f"UPDATE comments SET content_hash = 'x' WHERE id = {QUIET}", "comments: 1 rows differ in content_hash"),
    (f"UPDATE articles SET views = 1 WHERE id = {BIG.id}", "articles: 1 rows differ in views"),
    ("UPDATE comment_states SET body = 'Never said.' WHERE change = 'translation'", "comment_states: 1 rows"),
    (
        f"UPDATE visits SET pages_expected = 9 WHERE id = {_LAST_OF_SMALL}",
        "visits: 1 rows differ in pages_exp",
    ),
    (_RATED_ONLY_ONCE, "rows are missing"),
    (
        f"UPDATE fetches SET outcome = 'not_understood' WHERE article_id = {SMALL.id}",
        "fetches are understood otherwise",
    ),
]


@pytest.mark.parametrize(("sql", "said"), UNFOLDED, ids=_named)
def test_rows_that_the_archive_does_not_say(lite: Kept, sql: str, said: str) -> None:
    damage(lite.url, sql)
    found = faults(looked(lite))
    assert "fold" in found, found
    assert found.keys() <= {"fold", "histories"}
    assert said in found["fold"][0]


def test_reparse_mends_what_the_fold_does_not_say(lite: Kept) -> None:
    damage(lite.url, f"UPDATE comments SET body = 'Never said.' WHERE id = {QUIET}")
    command = [sys.executable, "-m", "crawler.cli", "reparse", "--article", str(BIG.id), "--again", "--apply"]
    mended = run(command, env=environment(lite.url, WARC_DIR=str(lite.folder)))
    assert mended.code == 0, mended.err
    assert faults(looked(lite)) == {}


@pytest.mark.parametrize(
    ("check", "sql"),
    [
        ("keys", "UPDATE fetches SET crawl_id = 77 WHERE kind = 'robots'"),
        ("values", "UPDATE crawls SET state = 'asleep' WHERE id = 1"),
        ("fetches", "UPDATE fetches SET outcome = 'timeout' WHERE kind = 'robots'"),
    ],
)
def test_rows_of_no_article_are_mended_by_a_database_made_anew(lite: Kept, check: str, sql: str) -> None:
    damage(lite.url, sql)
    found = looked(lite)
    assert check in faults(found)
    assert (
        "`crawler reparse --apply` on an empty" in {one.check.name: one.check.remedy for one in found}[check]
    )
    assert faults(looked(_made_anew(lite))) == {}


def _made_anew(kept: Kept) -> Kept:
    """An empty database, filled from the archive as the remedies say."""
    anew = Kept(f"sqlite:///{kept.folder.parent}/anew.db", kept.folder)
    database.migrate(anew.url)
    command = [sys.executable, "-m", "crawler.cli", "reparse", "--apply"]
    made = run(command, env=environment(anew.url, WARC_DIR=str(kept.folder)))
    assert made.code == 0, made.err
    return anew


def test_articles_of_another_reader_are_told_and_left_out(lite: Kept) -> None:
    damage(
        lite.url,
        f"UPDATE fetches SET reader_version = 0 WHERE article_id = {BIG.id};"
        f"UPDATE comments SET body = 'As it was read then.' WHERE id = {QUIET}",
    )
    found = looked(lite)
    assert faults(found) == {}
    assert told(found)["fold"] == "1 articles were read by another reader: `crawler reparse --apply`"
    assert {one.check.name: one.over for one in found}["fold"]["articles"] == 3


def test_an_article_that_is_being_visited_is_told_and_left_out(lite: Kept) -> None:
    damage(
        lite.url,
        f"UPDATE visits SET outcome = NULL, sweep = false WHERE id = {_LAST_OF_SMALL};"
        "UPDATE crawls SET state = 'running', finished_at = NULL WHERE id ="
        f" (SELECT crawl_id FROM visits WHERE id = {_LAST_OF_SMALL})",
    )
    found = looked(lite)
    assert faults(found) == {}
    assert told(found)["fold"] == "1 articles are being visited"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE authors SET full_name = 'Somebody' WHERE key = 'drozd52'", "full_name"),
        ("UPDATE authors SET renamed_to = 'drozd52' WHERE renamed_to IS NOT NULL", "they are now"),
    ],
)
def test_an_author_who_is_described_otherwise(kept: Kept, sql: str, said: str) -> None:
    damage(kept.url, sql)
    found = faults(looked(kept))
    assert found.keys() == {"facts"}, found
    assert said in found["facts"][0]


# --- the command ---------------------------------------------------------------------------------------------------


def verify(kept: Kept, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "crawler.cli", "verify", *arguments]
    ended = run(command, env=environment(kept.url, WARC_DIR=str(kept.folder)))
    return ended.code, ended.out, ended.err


def test_the_command(lite: Kept) -> None:
    code, out, err = verify(lite)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == len(checks.ALL)
    assert all(line.startswith("ok     ") for line in lines)
    damage(lite.url, f"UPDATE articles SET comments_stored = 3 WHERE id = {BIG.id}")
    code, out, _ = verify(lite, "--no-archive")
    assert code == 1
    at = out.splitlines().index(
        "WRONG  counts: every article counts its live comments right (4 articles, 107 comments)"
    )
    assert out.splitlines()[at + 1 : at + 3] == [
        f"         article {BIG.id} (en): it says that it has 3 live comments, and has 85",
        f"       What to do: {checks.COUNTS.remedy}",
    ]

    code, out, _ = verify(lite, "--json", "--edition", "en", "--all-articles")
    said = json.loads(out)
    assert (code, said["holds"]) == (1, False)
    assert [one["name"] for one in said["checks"] if not one["holds"]] == ["counts", "fold"]
    assert {one["name"]: one["remedy"] for one in said["checks"]}["counts"] == checks.COUNTS.remedy


def test_what_cannot_be_used_ends_with_3(lite: Kept, tmp_path: Path) -> None:
    assert verify(Kept(f"sqlite:///{tmp_path}/none.db", lite.folder))[0] == CannotStore.exit_code
    code, out, err = verify(Kept(lite.url, tmp_path / "none"))
    assert code == CannotStore.exit_code
    assert "ok     names" in out
    assert "Set WARC_DIR to where yours is" in err
    damage(lite.url, "UPDATE alembic_version SET version_num = 'later'")
    assert verify(lite)[0] == CannotStore.exit_code


def test_arguments_that_contradict_each_other(lite: Kept) -> None:
    code, _, err = verify(lite, "--all-articles", "--sample", "3")
    assert code == BadArgument.exit_code
    assert "--all-articles goes neither with --sample nor with --no-archive" in err


def test_an_empty_database_without_an_archive(database_url: str, tmp_path: Path) -> None:
    database.migrate(database_url)
    assert faults(looked(Kept(database_url, tmp_path / "none"))) == {}
