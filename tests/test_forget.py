"""Somebody is forgotten: out of every row and every file, for good, and nobody else loses a word."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from crawler.errors import AlreadyRunning, BadArgument, CannotStore
from crawler.fetching.files import TORN
from crawler.fetching.records import ArchiveReader
from crawler.forget import forget
from crawler.importing import import_files
from crawler.kept_out import JOURNAL, NOT_OVERWRITTEN, finished
from crawler.reparse import Choice, reparse
from crawler.sample import SampleSite, render_article, sample_articles
from crawler.sample.markup import parsed, plain
from crawler.site import Edition
from crawler.sites.military_review import SITE
from crawler.storage import database
from crawler.storage.archive import Archive
from crawler.storage.schema import metadata
from tests.crawling import crawl, environment, rows, run
from tests.foreign import ForeignFile, Seen
from tests.forked import Ended
from tests.lives import ASKED, LONG, life
from tests.redacting import decoded
from tests.warcs import records

EN = (SITE.edition("en"),)
SECRET = "a secret of thirty-two characters"
KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgres"])

#: A member who is quoted by name, by number and inside another's quotation; a guest; and nobody's name is a word here.
MEMBER, GUEST = "nik.sever", "guest:passer-by"
NICKNAMES = {MEMBER: "Nik.Sever", GUEST: "Passer-by"}
FOLDED = ("articles", "article_states", "comments", "comment_states", "rating_states", "visits", "frontier")


def words_of(key: str) -> list[str]:
    """What nobody but this person has written on the sample site, their name, and their picture."""
    found = [NICKNAMES[key]]
    for article in sample_articles():
        for comment in article.comments:
            if comment.author.nickname["en"] == NICKNAMES[key]:
                said = plain(parsed(comment.source["en"]))
                found += [line[:30] for line in said.splitlines() if len(line) > 20]
                if comment.author.user_id is not None:
                    found.append(f"foto_{comment.author.user_id}.")
    assert len(found) > 3
    return found


def everything(url: str, folder: Path) -> str:
    """All that database and archive say, decoded."""
    parts = [repr(row) for rows_ in dump(url).values() for row in rows_]
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        parts += [path.read_bytes().decode(errors="replace") for path in file.parent.glob(f"{file.name}*")]
    assert {path.name for path in folder.iterdir()} == set(ArchiveReader(folder).files())
    for record in records(folder).values():
        parts.append(repr(record.fields))
        if record.kind != "response":
            parts.append(record.payload.decode(errors="replace"))
    for archived in ArchiveReader(folder).exchanges():
        parts.append(archived.body().text.decode(errors="replace") + repr(archived.headers))
    return decoded("\n".join(parts))


def assert_nothing_is_left(url: str, folder: Path, *keys: str) -> None:
    text = everything(url, folder)
    for key in keys:
        for words in words_of(key):
            assert words.casefold() not in text, words


def dump(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    with database.engine(url).connect() as connection:
        return {
            name: [
                dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()
            ]
            for name, table in metadata.tables.items()
        }


def forgotten(url: str, folder: Path, key: str, editions: tuple[Edition, ...] = EN, /, **how: Any) -> Any:
    given: dict[str, Any] = {
        "secret": SECRET,
        "reason": "asked for it",
        "apply": True,
        "processes": 1,
        "say": print,
    }
    return forget(url, folder, key, editions, **(given | how))


def command(url: str, folder: Path, *arguments: str, secret: str = SECRET) -> Ended:
    import sys

    variables = environment(url, WARC_DIR=str(folder), FORGET_KEY=secret)
    return run([sys.executable, "-m", "crawler.cli", *arguments], env=variables)


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite(edition="en") as served:
        yield served


@pytest.fixture(scope="module")
def crawled(site: SampleSite, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A database file and an archive that hold the whole sample site."""
    folder = tmp_path_factory.mktemp("crawled")
    url = f"sqlite:///{folder}/crawler.db"
    database.migrate(url)
    ended = crawl(url, site.url, "depth=0", WARC_DIR=str(folder / "archive"))
    assert ended.code == 0, ended.err
    return folder / "crawler.db", folder / "archive"


@pytest.fixture
def filled(crawled: tuple[Path, Path], tmp_path: Path) -> tuple[str, Path]:
    """The same, to be changed."""
    shutil.copy(crawled[0], tmp_path / "crawler.db")
    shutil.copytree(crawled[1], tmp_path / "archive")
    return f"sqlite:///{tmp_path}/crawler.db", tmp_path / "archive"


@KINDS
def test_somebody_is_forgotten_for_good(
    kind: str, site: SampleSite, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    url, folder = new_database(kind), tmp_path / "archive"
    ended = crawl(url, site.url, "depth=0", WARC_DIR=str(folder))
    assert ended.code == 0, ended.err
    text = everything(url, folder)
    assert all(words.casefold() in text for key in (MEMBER, GUEST) for words in words_of(key))

    for key in (MEMBER, GUEST):
        before = dump(url)
        edition = ["--edition", "en"] if key == MEMBER else []
        ended = command(url, folder, "forget", key, "--yes", *edition, "--reason", "a letter")
        assert ended.code == 0, ended.err
        assert NOT_OVERWRITTEN not in ended.err
        assert NICKNAMES[key].casefold() not in (ended.out + ended.err).casefold()
        assert_nothing_is_left(url, folder, key)
        assert_only_that_one_is_missing(before, dump(url), key)
        processes = "1" if key == MEMBER else "2"
        ended = command(url, folder, "verify", "--all-articles", "--edition", "en", "--processes", processes)
        assert ended.code == 0, ended.out

    after = dump(url)
    # The site still shows them.
    ended = crawl(url, site.url, "depth=0", "visit=all", WARC_DIR=str(folder), FORGET_KEY=SECRET)
    assert ended.code == 0, ended.err
    assert_nothing_is_left(url, folder, MEMBER, GUEST)
    assert unchanging(dump(url)) == unchanging(after)
    again = reparse(
        url, folder, Choice(editions=EN, again=True), apply=True, processes=1, say=print, secret=SECRET
    )
    assert again.different == 0
    assert_nothing_is_left(url, folder, MEMBER, GUEST)
    # An empty database that the archive alone fills.
    empty = new_database(kind)
    reparse(empty, folder, Choice(editions=EN), apply=True, processes=1, say=print)
    assert_nothing_is_left(empty, folder, MEMBER, GUEST)
    rebuilt = ("articles", "authors", "author_names", "comments", "comment_states", "fetches", "visits")
    one, other = dump(url), dump(empty)
    assert {name: one[name] for name in rebuilt} == {name: other[name] for name in rebuilt}


def unchanging(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """What another look at the same pages does not change."""
    moving = {"last_seen_at", "last_fetch_id", "seen_at", "fetch_id"}
    names = ("articles", "authors", "author_names", "comments", "comment_states")
    return {
        name: [
            {column: value for column, value in row.items() if name != "articles" or column not in moving}
            for row in tables[name]
        ]
        for name in names
    }


def assert_only_that_one_is_missing(
    before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]], key: str
) -> None:
    """Row by row: what was the person's says nothing any more, and what was not is as it was."""
    hashes = {"source_hash", "content_hash"}
    touched = 0
    for old, new in zip(before["comments"], after["comments"], strict=True):
        expected = dict(old)
        if old["author_key"] == key:
            expected |= {
                "author_key": None,
                "nickname_raw": "",
                "body": "",
                "quotes": [],
                "links": [],
                "images": [],
            }
        else:
            expected["quotes"] = [
                quote | {"author": None, "text": ""} if quote["author"] == NICKNAMES[key] else quote
                for quote in old["quotes"]
            ]
        if expected != old:
            touched += 1
            expected |= {name: new[name] for name in hashes}
        assert new == expected
    assert touched >= 3
    for name in ("authors", "author_names"):
        column = "key" if name == "authors" else "author_key"
        assert after[name] == [row for row in before[name] if row[column] != key]
        assert len(after[name]) < len(before[name])
    places = {"warc_file", "warc_offset", "bytes", "digest"}
    assert [without(row, places) for row in after["fetches"]] == [
        without(row, places) for row in before["fetches"]
    ]
    for name in FOLDED:
        if name != "comments":
            assert after[name] == before[name]
    noted = [row for row in after["erasures"] if row not in before["erasures"] and row["kind"] != "check"]
    assert [row["edition_id"] for row in noted] == ([1] if key == MEMBER else [1, 2])
    assert {row["reason"] for row in noted} == {"a letter"}


def without(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


# --- what may go wrong on the way ---------------------------------------------------------------------------------


class Killed(BaseException):
    """What ends a forgetting in the middle."""


STEPS = [
    "From now on nothing",
    "files are written anew",
    "stand beside the old ones",
    "knows the new files alone",
]


@pytest.mark.parametrize(
    ("step", "then"), [*((step, "forget") for step in STEPS), *((step, "crawl") for step in STEPS[2:])]
)
def test_one_that_is_killed_is_finished_by_the_next(
    step: str, then: str, filled: tuple[str, Path], site: SampleSite
) -> None:
    url, folder = filled

    def say(line: str) -> None:
        if step in line:
            raise Killed

    with pytest.raises(Killed):
        forgotten(url, folder, MEMBER, say=say)
    if then == "crawl":
        ended = crawl(url, site.url, "visit=all", WARC_DIR=str(folder), FORGET_KEY=SECRET)
        assert ended.code == 0, ended.err
        assert not (folder / JOURNAL).exists()
        is_done = step == STEPS[-1]
        # Where the transaction had not been done, what was begun is undone, and the crawl says so.
        assert ("forget that person once more" in ended.err) is not is_done
        if not is_done:
            assert "nik.sever" in everything(url, folder)
            forgotten(url, folder, MEMBER)
    else:
        forgotten(url, folder, MEMBER)
    assert_nothing_is_left(url, folder, MEMBER)
    reader = ArchiveReader(folder)
    for archived in reader.exchanges():
        known = rows(url, "SELECT warc_file, warc_offset FROM fetches WHERE id = :id", id=archived.fetch.id)
        place = {"warc_file": archived.fetch.warc_file, "warc_offset": archived.fetch.warc_offset}
        assert known == [place]
    assert not (folder / JOURNAL).exists()


def test_a_crawl_that_finishes_one_has_the_freed_rows_overwritten(
    crawled: tuple[Path, Path], new_database: Callable[[str], str], tmp_path: Path, site: SampleSite
) -> None:
    url, folder = new_database("postgres"), tmp_path / "archive"
    shutil.copytree(crawled[1], folder)
    reparse(url, folder, Choice(editions=EN), apply=True, processes=1, say=print)

    def say(line: str) -> None:
        if STEPS[-1] in line:
            raise Killed

    with pytest.raises(Killed):
        forgotten(url, folder, MEMBER, say=say)
    where = "SELECT pg_relation_filenode('comments') AS file"
    before = rows(url, where)
    ended = crawl(url, site.url, "visit=all", WARC_DIR=str(folder), FORGET_KEY=SECRET)
    assert ended.code == 0, ended.err
    assert rows(url, where) != before
    assert not (folder / JOURNAL).exists()


def test_a_crawl_of_one_edition_finishes_one_in_all(filled: tuple[str, Path], site: SampleSite) -> None:
    """As they are asked for by default: nobody else would."""
    url, folder = filled

    def say(line: str) -> None:
        if STEPS[-1] in line:
            raise Killed

    with pytest.raises(Killed):
        forgotten(url, folder, MEMBER, SITE.editions, say=say)
    ended = crawl(url, site.url, "visit=all", WARC_DIR=str(folder), FORGET_KEY=SECRET)
    assert ended.code == 0, ended.err
    assert not (folder / JOURNAL).exists()
    assert_nothing_is_left(url, folder, MEMBER)


def test_one_that_was_killed_elsewhere_is_finished_there_first(filled: tuple[str, Path]) -> None:
    """Its journal is all that tells which files were to go."""
    url, folder = filled

    def say(line: str) -> None:
        if STEPS[-1] in line:
            raise Killed

    with pytest.raises(Killed):
        forgotten(url, folder, MEMBER, say=say)
    journal = (folder / JOURNAL).read_bytes()
    other = (SITE.edition("ru"),)
    with pytest.raises(CannotStore, match="first forget that person there"):
        forgotten(url, folder, GUEST, other)
    assert (folder / JOURNAL).read_bytes() == journal
    forgotten(url, folder, MEMBER)
    forgotten(url, folder, GUEST, other)
    assert_nothing_is_left(url, folder, MEMBER)


@pytest.mark.parametrize("step", STEPS[1:])
def test_what_only_the_archive_knows_is_not_lost(step: str, filled: tuple[str, Path], tmp_path: Path) -> None:
    """Whoever is to finish what was begun cannot ask the rows of fetches, or has another database."""
    url, folder = filled
    with database.engine(url, writes=True).begin() as connection:
        for name in (
            "author_names",
            "rating_states",
            "comment_states",
            "comments",
            "article_states",
            "articles",
        ):
            connection.execute(metadata.tables[name].delete())
        connection.execute(metadata.tables["fetches"].delete())
    held = [archived.fetch.id for archived in ArchiveReader(folder).exchanges()]

    def say(line: str) -> None:
        if step in line:
            raise Killed

    with pytest.raises(Killed):
        forgotten(url, folder, MEMBER, say=say)
    names = sorted(folder.iterdir())
    other = f"sqlite:///{tmp_path}/other.db"
    database.migrate(other)
    with pytest.raises(BadArgument):
        forgotten(other, folder, MEMBER, secret="")
    assert finished(folder, in_one(other), [1, 2], lambda: None) is None
    assert sorted(folder.iterdir()) == names
    forgotten(url, folder, MEMBER)
    assert [archived.fetch.id for archived in ArchiveReader(folder).exchanges()] == held
    assert_nothing_is_left(url, folder, MEMBER)


def in_one(url: str) -> Callable[..., Any]:
    def run(work: Callable[..., Any], *args: Any) -> Any:
        with database.reading(url) as connection:
            return work(connection, *args)

    return run


def test_a_file_that_somebody_reads_still_holds_them_and_that_is_told(
    filled: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `crawler verify` does, which holds one moment of the database open."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.1)
    url, folder = filled
    file = Path(url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM comments").fetchall()
        assert not forgotten(url, folder, MEMBER).overwritten
        assert b"Nik.Sever" in file.read_bytes()
    assert forgotten(url, folder, MEMBER).overwritten
    assert_nothing_is_left(url, folder, MEMBER)


def test_what_a_killed_crawl_tore_is_destroyed(filled: tuple[str, Path]) -> None:
    url, folder = filled
    torn = folder / f"military_review-en-20261124000000-0123abcd-00001.warc.gz{TORN}"
    torn.write_bytes(b"Nik.Sever")
    forgotten(url, folder, MEMBER)
    assert not torn.exists()


def test_a_damaged_file_is_named_and_nothing_is_forgotten_by_halves(filled: tuple[str, Path]) -> None:
    url, folder = filled
    (path,) = folder.iterdir()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(CannotStore, match=path.name):
        forgotten(url, folder, MEMBER)
    assert [other.name for other in folder.iterdir()] == [path.name]


def test_a_record_that_is_lost_keeps_nobody_in_the_archive(filled: tuple[str, Path]) -> None:
    """The end of a file is missing, as in a backup that is older than the database: all else is forgotten."""
    url, folder = filled
    last = rows(url, "SELECT id, warc_offset FROM fetches ORDER BY warc_offset DESC LIMIT 1")[0]
    (path,) = folder.iterdir()
    with path.open("r+b") as file:
        file.truncate(last["warc_offset"])
    forgotten(url, folder, MEMBER)
    assert_nothing_is_left(url, folder, MEMBER)
    (new,) = folder.iterdir()
    assert new.name != path.name
    assert rows(url, "SELECT DISTINCT warc_file FROM fetches") == [{"warc_file": new.name}]
    reader = ArchiveReader(folder)
    held = {archived.fetch.id for archived in reader.exchanges()}
    assert {row["id"] for row in rows(url, "SELECT id FROM fetches")} == held | {last["id"]}


@KINDS
def test_quotations_of_which_no_page_is_left(
    kind: str, crawled: tuple[Path, Path], new_database: Callable[[str], str], tmp_path: Path
) -> None:
    """The archive is lost: rows of others do not quote the person any more, and say all else that they said."""
    url, folder = new_database(kind), tmp_path / "archive"
    shutil.copytree(crawled[1], folder)
    reparse(url, folder, Choice(editions=EN), apply=True, processes=1, say=print)
    before = dump(url)
    shutil.rmtree(folder)
    summary = forgotten(url, folder, MEMBER)
    after = dump(url)
    quoting = 0
    for old, new in zip(before["comments"], after["comments"], strict=True):
        if old["author_key"] != MEMBER:
            cut = [
                quote | {"author": None, "text": ""} if quote["author"] == NICKNAMES[MEMBER] else quote
                for quote in old["quotes"]
            ]
            quoting += cut != old["quotes"]
            assert new == old | {"quotes": cut}
    assert quoting
    assert_nothing_is_left(url, folder, MEMBER)
    concerned = {
        row["article_id"]
        for row in before["comments"]
        if row["author_key"] == MEMBER or any(q["author"] == NICKNAMES[MEMBER] for q in row["quotes"])
    }
    assert set(summary.unread) == {f"en {id}" for id in concerned}


def test_counting_changes_nothing(filled: tuple[str, Path]) -> None:
    url, folder = filled
    before, names = dump(url), sorted(folder.iterdir())
    summary = forgotten(url, folder, MEMBER, apply=False)
    assert (summary.applied, summary.files, summary.rewritten) == (False, 1, 1)
    assert summary.answers >= 3
    assert (dump(url), sorted(folder.iterdir())) == (before, names)


def test_nobody_is_forgotten_while_a_crawl_runs(filled: tuple[str, Path]) -> None:
    url, folder = filled
    running = Archive(url, EN)
    running.open()
    try:
        with pytest.raises(AlreadyRunning):
            forgotten(url, folder, MEMBER)
    finally:
        running.close()


def test_nobody_is_forgotten_in_an_archive_where_somebody_else_just_is(filled: tuple[str, Path]) -> None:
    """Editions have locks of their own, but their files stand in one folder, and it has one journal."""
    url, folder = filled
    other = (SITE.edition("ru"),)

    def say(line: str) -> None:
        if STEPS[1] in line:
            with pytest.raises(AlreadyRunning, match="just being forgotten"):
                forgotten(url, folder, GUEST, other)

    forgotten(url, folder, MEMBER, say=say)
    assert_nothing_is_left(url, folder, MEMBER)
    assert [row["edition_id"] for row in rows(url, "SELECT DISTINCT edition_id FROM erasures")] == [1]
    forgotten(url, folder, GUEST, other)


@pytest.mark.parametrize("secret", [None, "", "too short"])
def test_without_a_key_nobody_is_forgotten(secret: str | None, filled: tuple[str, Path]) -> None:
    with pytest.raises(BadArgument, match="FORGET_KEY"):
        forgotten(*filled, MEMBER, secret=secret)


def test_with_another_key_nothing_is_done(filled: tuple[str, Path], site: SampleSite) -> None:
    """Neither a crawl nor a reparse brings back whom it cannot recognise."""
    url, folder = filled
    forgotten(url, folder, MEMBER)
    before = dump(url)
    for secret in ("", "another secret of some length"):
        ended = crawl(url, site.url, "visit=all", WARC_DIR=str(folder), FORGET_KEY=secret)
        assert ended.code == 2
        assert "FORGET_KEY" in ended.err
        assert "Traceback" not in ended.err
        with pytest.raises(BadArgument, match="FORGET_KEY"):
            reparse(url, folder, Choice(editions=EN), apply=True, processes=1, say=print, secret=secret)
        if secret:
            with pytest.raises(BadArgument, match="FORGET_KEY"):
                forgotten(url, folder, GUEST, secret=secret)
        ended = command(url, folder, "verify", "--no-archive", secret=secret)
        assert "FORGET_KEY" in ended.out  # nobody was looked for
    assert "FORGET_KEY" not in command(url, folder, "verify", "--no-archive").out
    assert dump(url) == before


def test_one_key_is_for_all_editions(filled: tuple[str, Path]) -> None:
    """With another one in each, no verb could be run over both any more."""
    url, folder = filled
    forgotten(url, folder, MEMBER)
    ended = command(
        url, folder, "forget", MEMBER, "--yes", "--edition", "ru", secret="another secret of some length"
    )
    assert ended.code == 2
    assert "FORGET_KEY is not the key" in ended.err
    assert rows(url, "SELECT DISTINCT edition_id FROM erasures") == [{"edition_id": SITE.edition("en").id}]


def test_an_archive_that_still_shows_them_does_not_bring_them_back(
    filled: tuple[str, Path], crawled: tuple[Path, Path]
) -> None:
    """Somebody has put an old file back."""
    url, folder = filled
    forgotten(url, folder, MEMBER)
    after = dump(url)
    for path in folder.iterdir():
        path.unlink()
    for path in crawled[1].iterdir():
        shutil.copy(path, folder)
    with database.engine(url, writes=True).begin() as connection:
        for name in (
            "author_names",
            "rating_states",
            "comment_states",
            "comments",
            "article_states",
            "articles",
        ):
            connection.execute(metadata.tables[name].delete())
        connection.execute(metadata.tables["fetches"].delete())
    choice = Choice(editions=EN)
    for processes in (1, 2):
        reparse(url, folder, choice, apply=True, processes=processes, say=print, secret=SECRET)
    now = dump(url)
    assert now["comments"] == after["comments"]
    assert now["authors"] == after["authors"]


def test_an_empty_database_that_does_not_know_who_was_forgotten(
    filled: tuple[str, Path], new_database: Callable[[str], str]
) -> None:
    """It is told: the next crawl would bring them back."""
    url, folder = filled
    said: list[str] = []
    choice = Choice(editions=EN)
    empty = new_database("sqlite")
    reparse(empty, folder, choice, apply=True, processes=1, say=said.append)
    assert "forgotten" not in "".join(said)
    forgotten(url, folder, MEMBER)
    for known, warned in ((new_database("sqlite"), True), (url, False)):
        said.clear()
        reparse(known, folder, choice, apply=True, processes=1, say=said.append, secret=SECRET)
        assert ("brings them back" in "".join(said)) is warned


def test_nobody_of_that_name_is_kept_out_all_the_same(filled: tuple[str, Path]) -> None:
    url, folder = filled
    before = dump(url)
    summary = forgotten(url, folder, "somebody who was never seen")
    assert (summary.answers, summary.rewritten, summary.articles) == (0, 0, 0)
    after = dump(url)
    assert len(after.pop("erasures")) == 2
    before.pop("erasures")
    assert after == before


def test_postgres_keeps_nobody_among_the_commonest_values(
    crawled: tuple[Path, Path], new_database: Callable[[str], str], tmp_path: Path
) -> None:
    """The planner's statistics are a copy of what the columns say."""
    url, folder = new_database("postgres"), tmp_path / "archive"
    shutil.copytree(crawled[1], folder)
    reparse(url, folder, Choice(editions=EN), apply=True, processes=1, say=print)

    def known() -> str:
        values = "coalesce(most_common_vals::text, '') || coalesce(histogram_bounds::text, '')"
        return "".join(row["said"] for row in rows(url, f"SELECT {values} AS said FROM pg_stats"))

    with database.engine(url, writes=True).begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    assert NICKNAMES[MEMBER] in known()
    forgotten(url, folder, MEMBER)
    assert NICKNAMES[MEMBER].casefold() not in known().casefold()


def test_a_whole_life_without_somebody(new_database: Callable[[str], str], tmp_path: Path) -> None:
    """Edits, removals, returns, a rename: the archive without a person tells what the database has."""
    url, folder = new_database("sqlite"), tmp_path / "archive"
    with SampleSite(edition="en") as site:
        for later, events in life():
            for happens in events:
                happens(site)
            ended = crawl(url, site.url, f"ids={ASKED}", later=later, WARC_DIR=str(folder))
            assert ended.code in (0, 5), ended.err
    former, later_name = "cook_of_3rd", "newname77"
    assert rows(url, "SELECT renamed_to FROM authors WHERE key = :key", key=former) == [
        {"renamed_to": later_name}
    ]
    for key in (later_name, former, "zampotyl"):
        assert rows(url, "SELECT 1 FROM authors WHERE key = :key", key=key)
        summary = forgotten(url, folder, key)
        assert summary.renames == (key == later_name)
        text = everything(url, folder)
        assert key not in text
        ended = command(url, folder, "verify", "--all-articles", "--edition", "en")
        assert ended.code == 0, ended.out
    empty = new_database("sqlite")
    reparse(empty, folder, Choice(editions=EN), apply=True, processes=1, say=print)
    one, other = dump(url), dump(empty)
    rebuilt = (*FOLDED[:-1], "authors", "author_names", "fetches")
    assert {name: one[name] for name in rebuilt} == {name: other[name] for name in rebuilt}


def test_an_import_does_not_bring_them_back(new_database: Callable[[str], str], tmp_path: Path) -> None:
    url, folder = new_database("sqlite"), tmp_path / "archive"
    february, march = datetime(2018, 2, 19, tzinfo=UTC), datetime(2018, 3, 20, tzinfo=UTC)
    files = {}
    for at in (february, march):
        theirs = ForeignFile()
        for page in range(1, LONG.comment_pages + 1):
            path = LONG.path if page == 1 else f"/page,1,{page},{LONG.path[1:]}"
            body = render_article(LONG, page, "en", "http://en.topwar.ru").encode()
            theirs.common_crawl(Seen(uri=f"http://en.topwar.ru{path}", at=at, body=body))
        files[at] = theirs.written(tmp_path / f"{at:%B}.warc.gz")

    def imported(at: datetime, secret: str | None = SECRET) -> Any:
        return import_files(url, folder, [files[at]], EN, dry_run=False, say=print, secret=secret)

    assert imported(february, None).taken == LONG.comment_pages
    assert "nik.sever" in everything(url, folder)
    forgotten(url, folder, MEMBER)
    after = dump(url)
    with pytest.raises(BadArgument, match="FORGET_KEY"):
        imported(march, None)
    # The same pages are known again, though they are not the same any more.
    again = imported(february)
    assert (again.taken, again.known) == (0, LONG.comment_pages)
    assert dump(url) == after
    assert imported(march).taken == LONG.comment_pages
    text = everything(url, folder)
    assert "nik.sever" not in text
    assert "foto_3390" not in text
    assert len(rows(url, "SELECT id FROM comments")) == len(LONG.comments)
