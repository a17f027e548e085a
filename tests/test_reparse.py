"""The archive read again: the same rows from nothing, better rows from a better reader."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import select, text

from crawler.reading import READER_VERSION
from crawler.reparse import Choice, Counts, Summary, reparse
from crawler.sample import SampleArticle, SampleSite
from crawler.sites.military_review import SITE
from crawler.storage import database
from crawler.storage.schema import metadata
from tests.crawling import crawl, crawler, rows
from tests.lives import ASKED, LONG, LOST, SHORT, life
from tests.verified import faults, looked

#: What rule 1 of the archive says can be rebuilt from it.
REBUILT = (
    "articles",
    "article_states",
    "authors",
    "author_names",
    "comments",
    "comment_states",
    "rating_states",
    "fetches",
    "visits",
)
EN = (SITE.edition("en"),)

Lived = Callable[[str], tuple[str, Path]]


def dump(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of what can be rebuilt."""
    with database.engine(url).connect() as connection:
        return {
            name: [
                dict(row)
                for row in connection.execute(
                    select(metadata.tables[name]).order_by(*metadata.tables[name].primary_key)
                ).mappings()
            ]
            for name in REBUILT
        }


def read_again(url: str, folder: Path, *, apply: bool = True, processes: int = 1, **choice: Any) -> Summary:
    chosen = Choice(editions=EN, **choice)
    return reparse(url, folder, chosen, apply=apply, processes=processes, say=print)


@pytest.fixture(scope="module")
def lived(new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """By kind of database: one that saw the whole life of three articles, and its archive."""
    made: dict[str, tuple[str, Path]] = {}

    def of(kind: str) -> tuple[str, Path]:
        if kind not in made:
            folder = tmp_path_factory.mktemp(f"lived-{kind}") / "archive"
            url = new_database(kind)
            with SampleSite(edition="en") as site:
                for later, events in life():
                    for happens in events:
                        happens(site)
                    ended = crawl(url, site.url, f"ids={ASKED}", later=later, WARC_DIR=str(folder))
                    assert ended.code in (0, 5), ended.err
            made[kind] = url, folder
        return made[kind]

    return of


KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


@KINDS
def test_verify_has_nothing_to_say_of_it(lived: Lived, kind: str) -> None:
    url, folder = lived(kind)
    found = looked(url, folder)
    assert faults(found) == {}
    by_name = {one.check.name: one.over for one in found}
    assert by_name["fold"]["articles"] == 3
    assert by_name["missing"]["absences"] > 10


@KINDS
def test_a_life_leaves_all_its_states(lived: Lived, kind: str) -> None:
    url, _ = lived(kind)
    assert rows(url, "SELECT count(*) AS n FROM visits")[0]["n"] >= 30
    changes = {row["change"] for row in rows(url, "SELECT DISTINCT change FROM comment_history")}
    assert changes >= {"new", "translation", "merge", "move", "rename", "missing", "gone", "return"}
    outcomes = {row["outcome"] for row in rows(url, "SELECT DISTINCT outcome FROM visits")}
    assert outcomes >= {"swept", "suspect", "not_found", "not_understood", "unreachable"}
    lost = rows(url, "SELECT state FROM article_history WHERE article_id = :id ORDER BY fetch_id", id=LOST.id)
    assert [row["state"] for row in lost] == ["live", "missing", "gone", "live"]
    renamed = rows(url, "SELECT renamed_to FROM authors WHERE renamed_to IS NOT NULL")
    assert [row["renamed_to"] for row in renamed] == ["newname77"]
    state = rows(url, "SELECT state FROM comments WHERE id = :id", id=SHORT.comments[-1].id)
    assert [row["state"] for row in state] == ["gone"]


@KINDS
def test_an_empty_database_becomes_the_one_that_the_archive_tells_of(
    lived: Lived, kind: str, new_database: Callable[[str], str]
) -> None:
    url, folder = lived(kind)
    empty = new_database(kind)
    summary = read_again(empty, folder)
    assert (summary.articles, summary.unread) == (3, {})
    before, after = dump(url), dump(empty)
    for name in REBUILT:
        assert after[name] == before[name], name
    # Of what only the archive knew nothing differs: it is new.
    assert {name: counts.updated for name, counts in summary.tables.items() if counts.updated} == {}
    assert (summary.tables["visits"].inserted, summary.outcomes) == (len(after["visits"]), {})
    known = rows(empty, "SELECT article_id, outcome, attempts FROM frontier ORDER BY 1")
    assert known == rows(url, "SELECT article_id, outcome, attempts FROM frontier ORDER BY 1")
    # Nothing is left to do, also not for the reader of a whole page.
    assert read_again(empty, folder).articles == 0


@KINDS
def test_what_is_stored_is_what_the_archive_says(lived: Lived, kind: str) -> None:
    url, folder = lived(kind)
    before = dump(url)
    assert read_again(url, folder, apply=False).articles == 0
    summary = read_again(url, folder, again=True)
    assert (summary.articles, summary.different, summary.unknown) == (3, 0, 0)
    assert dump(url) == before


@pytest.fixture
def copied(lived: Lived, tmp_path: Path) -> tuple[str, Path]:
    """A database of one's own that saw that life, and its archive."""
    url, folder = lived("sqlite")
    name = shutil.copy(url.removeprefix("sqlite:///"), tmp_path / "copy.db")
    return f"sqlite:///{name}", Path(shutil.copytree(folder, tmp_path / "archive"))


def spoil(url: str, *statements: str) -> None:
    with database.engine(url, writes=True).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_better_reader_is_no_change(copied: tuple[str, Path]) -> None:
    url, folder = copied
    before = dump(url)
    id = LONG.comments[0].id
    spoil(
        url,
        f"UPDATE comments SET body = 'Misread', posted_at = NULL, reader_version = 0 WHERE id = {id}",
        f"UPDATE fetches SET reader_version = 0 WHERE article_id = {LONG.id} AND reader_version = {READER_VERSION}",
    )
    shown = read_again(url, folder, apply=False)
    assert (shown.articles, shown.different) == (1, 1)
    body, posted_at = shown.columns["comments", "body"], shown.columns["comments", "posted_at"]
    assert (body.count, body.examples[0][:2]) == (1, (f"comments {id}", "Misread"))
    assert (posted_at.count, posted_at.examples[0][1]) == (1, None)
    assert shown.tables["comments"].updated == 1
    assert dump(url) != before
    read_again(url, folder)
    assert dump(url) == before


def test_articles_that_were_stored_before_it_was_noted_who_read_them(copied: tuple[str, Path]) -> None:
    url, folder = copied
    before = dump(url)
    command.downgrade(database.alembic_config(url), "0003")
    database.migrate(url)
    assert faults(looked(url, folder)) == {}
    summary = read_again(url, folder)
    assert (summary.articles, summary.different) == (3, 0)
    assert dump(url) == before
    assert read_again(url, folder).articles == 0


def test_pages_that_were_not_understood_are_read_at_last(copied: tuple[str, Path]) -> None:
    url, folder = copied
    before = dump(url)
    # As if the first look at an article had been at a layout that nobody knew then.
    asked = "SELECT min(id) AS id FROM fetches WHERE article_id = :id AND outcome = 'ok'"
    first = rows(url, asked, id=LOST.id)[0]["id"]
    spoil(
        url,
        "UPDATE fetches SET outcome = 'not_understood', detail = 'no article', reader_version = 0 "
        f"WHERE id = {first}",
        f"DELETE FROM article_states WHERE article_id = {LOST.id} AND fetch_id = {first}",
    )
    shown = read_again(url, folder, article_ids=(LOST.id,))
    assert shown.outcomes == {("not_understood", "ok"): 1}
    assert shown.tables["article_states"].inserted == 1
    assert dump(url) == before


@pytest.mark.parametrize(("home", "stored"), [(LONG, SHORT), (SHORT, LONG)], ids=["long", "short"])
def test_articles_that_turn_out_to_share_a_comment_count_once(
    copied: tuple[str, Path], home: SampleArticle, stored: SampleArticle
) -> None:
    url, folder = copied
    before = dump(url)
    edited = "SELECT comment_id FROM comment_states"
    unedited = f"SELECT max(id) AS id FROM comments WHERE article_id = :id AND id NOT IN ({edited})"
    id = rows(url, unedited, id=home.id)[0]["id"]
    # Nothing but the pages of its own article tells that it stands there.
    spoil(url, f"UPDATE comments SET article_id = {stored.id} WHERE id = {id}")
    fetched = rows(url, "SELECT count(*) AS n FROM fetches WHERE article_id IS NOT NULL")[0]["n"]
    shown = read_again(url, folder, apply=False, again=True)
    assert (shown.articles, shown.different, shown.fetches) == (3, 2, fetched)
    assert shown.tables["comments"] == Counts(updated=1)
    assert shown.columns["comments", "article_id"].examples == [(f"comments {id}", stored.id, home.id)]
    written = read_again(url, folder, again=True)
    assert (written.articles, written.different, written.fetches) == (3, 2, fetched)
    assert dump(url) == before


def test_it_goes_on_where_it_was_ended(copied: tuple[str, Path]) -> None:
    url, folder = copied
    spoil(url, f"UPDATE fetches SET reader_version = 0 WHERE reader_version = {READER_VERSION}")
    assert read_again(url, folder, article_ids=(SHORT.id,)).articles == 1
    assert read_again(url, folder, apply=False).articles == 2
    assert read_again(url, folder, processes=2).articles == 2
    assert read_again(url, folder).articles == 0


def test_by_crawl_and_by_day(copied: tuple[str, Path]) -> None:
    url, folder = copied
    [last] = rows(url, "SELECT max(id) AS id FROM crawls")
    [day] = rows(url, "SELECT max(fetched_at) AS at FROM fetches")
    assert read_again(url, folder, apply=False, again=True, crawl_id=last["id"]).articles == 3
    assert read_again(url, folder, apply=False, again=True, crawl_id=99).articles == 0
    when = date.fromisoformat(day["at"][:10])
    assert read_again(url, folder, apply=False, again=True, day=when).articles == 3
    assert read_again(url, folder, apply=False, again=True, day=date(2017, 11, 3)).articles == 0


def test_the_last_day_of_the_calendar(copied: tuple[str, Path]) -> None:
    url, folder = copied
    assert read_again(url, folder, again=True, day=date.max).articles == 0


def test_a_damaged_record_leaves_its_article_as_it_is(copied: tuple[str, Path]) -> None:
    url, folder = copied
    before = dump(url)
    [row] = rows(
        url,
        "SELECT warc_file, warc_offset FROM fetches WHERE article_id = :id ORDER BY id LIMIT 1",
        id=SHORT.id,
    )
    file = folder / row["warc_file"]
    data = bytearray(file.read_bytes())
    data[row["warc_offset"] + 200] ^= 0xFF
    file.write_bytes(data)
    for processes in (1, 2):
        summary = read_again(url, folder, again=True, processes=processes)
        assert summary.articles == 2
        assert f"en {SHORT.id}" in summary.unread
        assert row["warc_file"] in summary.unread[f"en {SHORT.id}"]
    assert dump(url) == before


@pytest.mark.parametrize(("moved", "to"), [(LONG, SHORT), (SHORT, LONG)])
def test_a_fetch_that_somebody_moved_leaves_both_articles_as_they_are(
    copied: tuple[str, Path], moved: SampleArticle, to: SampleArticle
) -> None:
    url, folder = copied
    fetch_id = rows(url, "SELECT max(id) AS id FROM fetches WHERE article_id = :id", id=moved.id)[0]["id"]
    spoil(url, f"UPDATE fetches SET article_id = {to.id} WHERE id = {fetch_id}")
    before = dump(url)
    for apply in (False, True):
        summary = read_again(url, folder, again=True, apply=apply)
        assert summary.articles == 1
        assert summary.unread.keys() == {f"en {moved.id}", f"en {to.id}"}
        for problem in summary.unread.values():
            assert f"fetch {fetch_id} is of article {to.id} in the table fetches" in problem
            assert f"its visit of article {moved.id}" in problem
            assert "`crawler verify`" in problem
    assert dump(url) == before
    assert "visits" in faults(looked(url, folder))
    spoil(url, f"UPDATE fetches SET article_id = {moved.id} WHERE id = {fetch_id}")
    assert not read_again(url, folder, again=True).unread


def test_the_verb(copied: tuple[str, Path]) -> None:
    url, folder = copied
    id = LONG.comments[0].id
    spoil(
        url,
        f"UPDATE comments SET body = 'Misread', reader_version = 0 WHERE id = {id}",
        f"UPDATE fetches SET reader_version = 0 WHERE article_id = {LONG.id} AND reader_version = {READER_VERSION}",
    )
    shown = crawler(url, "reparse", WARC_DIR=str(folder))
    assert shown.code == 0
    assert "body: 1\n" in shown.out
    assert f"comments {id}: 'Misread' → " in shown.out
    assert shown.out.endswith("Nothing was written; --apply does that.\n")
    written = crawler(url, "reparse", "--apply", "--processes", "2", WARC_DIR=str(folder))
    assert written.out.endswith("Written.\n")
    assert "all is read by today's reader" in crawler(url, "reparse", WARC_DIR=str(folder)).out
    assert crawler(url, "reparse", "--edition", "xx", WARC_DIR=str(folder)).code == 2


@pytest.mark.parametrize("asked", ["--article 7 --apply", "--crawl 99 --again", "--day 2010-01-01"])
def test_a_choice_that_nothing_is_of(copied: tuple[str, Path], asked: str) -> None:
    url, folder = copied
    ended = crawler(url, "reparse", *asked.split(), WARC_DIR=str(folder))
    assert ended.out.startswith("Nothing to do: nothing of the kind is stored.")


@pytest.mark.parametrize("asked", ["", "--apply", "--again"])
def test_without_an_archive_nothing_is_read_again(copied: tuple[str, Path], asked: str) -> None:
    url, folder = copied
    ended = crawler(url, "reparse", *asked.split(), WARC_DIR=str(folder / "elsewhere"))
    assert (ended.code, ended.out) == (3, "")
    assert "elsewhere cannot be read: No such file or directory. Set WARC_DIR to where yours is." in ended.err
