"""crawler thread --as-of, history and changes: what they print, and how they say no."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection

from crawler.cli import main
from crawler.items import Link, Quote
from crawler.storage import database, queries
from crawler.storage.queries import CHANGES
from crawler.storage.types import utc_text
from tests.crawling import rows
from tests.forked import Ended
from tests.storing import EN, RU, at, comment, look, page, store
from tests.test_readme import QUERIES

WORDS = "Half of the sheet was burned by the stove, the other half we read aloud."


def tell(connection: Connection) -> None:
    """The story of comment 11: written, edited, added to, missing, gone; and of 12, who answered it."""
    others = [comment(id) for id in range(30, 36)]
    first = comment(11, body=WORDS, posted_raw="5 November 2017 12:20", rating=1)
    edited = comment(
        11, body=WORDS.replace("the stove", "a stove"), posted_raw="5 November 2017 12:20", rating=3
    )
    merged = comment(
        11, body=edited.body + "\n\nAnd it rained.", posted_raw="5 November 2017 12:40", rating=3
    )
    answer = comment(12, 11, body="I was there.", quotes=(Quote(text="the stove", author="Vasya"),))
    look(connection, page(first, answer, *others, title="Maps"), 1, sweeps=True)
    look(connection, page(edited, answer, *others, title="Maps and rain"), 2, sweeps=True)
    look(connection, page(merged, answer, *others, title="Maps and rain"), 3, sweeps=True)
    look(connection, page(answer, *others, title="Maps and rain"), 4, sweeps=True)
    look(connection, page(answer, *others, title="Maps and rain"), 90, sweeps=True)
    moved = comment(
        12,
        30,
        body="I was there.",
        quotes=(Quote(text="a stove", author="Vasya"),),
        links=(Link(text="here", url="https://example.org/map"),),
        nickname_raw="Petya",
        profile_name="Petya",
    )
    look(connection, page(moved, *others, title="Maps and rain"), 91, sweeps=True)
    store(connection, page(comment(11, body="In English.")), 95, EN)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> str:
    """A database with that story."""
    url = f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path_factory.mktemp('past') / 'told.db')}"
    with database.engine(url, writes=True).begin() as connection:
        tell(connection)
    return url


def crawler(url: str, command: str, **more: str) -> Ended:
    done = CliRunner().invoke(main, command.split(), env={"DATABASE_URL": url, "COLUMNS": "100"} | more)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Ended(done.exit_code, done.stdout, done.stderr)


def as_json(url: str, command: str) -> Any:
    ended = crawler(url, command + " --json")
    assert (ended.code, ended.err) == (0, "")
    return json.loads(ended.out)


# --- thread ----------------------------------------------------------------------------------------------------------


def test_a_thread_as_it_stood(told: str) -> None:
    ended = crawler(told, "thread 7 --edition ru --as-of 2017-11-05T15:02")
    assert ended.code == 0
    assert ended.out.splitlines()[:10] == [
        "Maps and rain",
        "? · ru · https://example.org/7-a.html",
        "As of 5 Nov 2017 15:02: 8 comments; times are those of the site (Europe/Moscow)",
        "Last read before that 5 Nov 2017 15:02, to its end 5 Nov 2017 15:02; next 5 Nov 2017 15:03",
        "",
        "Vasya · 5 Nov 2017 12:20 · +3 · edited 5 Nov 2017 15:02 · #11",
        "  Half of the sheet was burned by a stove, the other half we read aloud.",
        "└─ Vasya · ?",
        "     > Vasya: the stove",
        "     I was there.",
    ]


def test_a_thread_in_which_a_comment_was_gone(told: str) -> None:
    ended = crawler(told, "thread 7 --edition ru --as-of 2017-11-05T16:30")
    assert "7 comments; 1 more was gone by then;" in ended.out
    assert "\n(gone)\n└─ Vasya · ?\n" in ended.out
    assert WORDS[:20] not in ended.out
    missing = crawler(told, "thread 7 --edition ru --as-of 2017-11-05T15:04").out
    assert "8 comments, 1 of them missing;" in missing
    assert "missing since 5 Nov 2017 15:04 · #11" in missing


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        ("2017-11-05T15:01", "live"),
        ("2017-11-05T15:01:00", "live"),
        ("2017-11-05T12:03:59.5Z", "live"),
        ("2017-11-05T12:04Z", "missing"),
        ("2017-11-05T17:04+05:00", "missing"),
        ("2017-11-05T16:29", "missing"),
        ("2017-11-05", None),
        ("2100-01-01", None),
    ],
)
def test_the_moment_of_a_thread(told: str, moment: str, state: str | None) -> None:
    thread = as_json(told, f"thread 7 --edition ru --as-of {moment}")
    assert {row["id"]: row["state"] for row in thread["comments"]}.get(11) == state
    assert thread["gone"] == ([] if state else [11])


def test_a_thread_as_it_stood_as_json(told: str) -> None:
    thread = as_json(told, "thread 7 --edition ru --as-of 2017-11-05T15:02")
    assert thread["as_of"] == "2017-11-05T12:02:59.999999Z"
    assert (thread["last_look_at"], thread["next_look_at"]) == (
        "2017-11-05T12:02:00Z",
        "2017-11-05T12:03:00Z",
    )
    assert (thread["article"]["title"], thread["article"]["article_id"]) == ("Maps and rain", 7)
    now = as_json(told, "thread 7 --edition ru")
    assert {*now["comments"][0]} - {*thread["comments"][0]} == {"changed_at"}
    # A moment that it gives can be asked for again, and it is that moment.
    (edited,) = [row for row in thread["comments"] if row["id"] == 11]
    again = as_json(told, f"thread 7 --edition ru --as-of {edited['seen_at']}")
    assert again["comments"] == thread["comments"]


def test_the_thread_of_today_keeps_what_is_gone(told: str) -> None:
    ended = crawler(told, "thread 7 --edition ru")
    assert ended.out.splitlines()[2:6] == [
        "7 comments stored; times are those of the site (Europe/Moscow)",
        "Kept besides: 1 gone",
        "",
        "Vasya · 5 Nov 2017 12:40 · +3 · gone since 5 Nov 2017 16:30 · #11",
    ]
    assert ended.out.endswith(
        "\n`crawler history NUMBER` shows all that a comment marked #NUMBER ever was.\n"
    )
    assert "#" not in crawler(told, "thread 7 --edition en").out


def test_the_query_of_the_readme_tells_the_same(migrated_url: str) -> None:
    """A thread as it stood, for those who ask by SQL."""
    [asked] = [query for query in QUERIES if "WITH RECURSIVE" in query]
    with database.engine(migrated_url, writes=True).begin() as connection:
        tell(connection)
    for number in (1, 2, 3, 4, 89, 90, 91, 99):
        moment = f"'{utc_text(at(number))}'"
        if migrated_url.startswith("postgresql"):
            moment = f"CAST({moment} AS timestamptz)"
        query = asked.replace("(SELECT finished_at FROM crawls WHERE id = 1)", moment)
        query = query.replace("900112", "7").replace("edition_id = 1", "edition_id = 2")
        assert query.count(moment) == 1
        with database.engine(migrated_url).connect() as connection:
            found = queries.thread_as_of(connection, 7, RU.id, at(number))
        assert found is not None
        assert [
            (row["comment_id"], row["depth"], row["nickname_raw"], row["body"], row["state"])
            for row in rows(migrated_url, query)
        ] == [
            (row["id"], row["depth"], row["nickname_raw"], row["body"], row["state"])
            for row in found.comments
        ]


# --- history ---------------------------------------------------------------------------------------------------------


def test_the_history_of_a_comment(told: str) -> None:
    ended = crawler(told, "history 11 --edition ru")
    assert ended.code == 0
    assert (
        ended.out
        == """\
Comment 11 · ru · article 7 “Maps and rain”
https://example.org/7-a.html
5 states; times are those of the site (Europe/Moscow)

5 Nov 2017 15:01 – 5 Nov 2017 15:02 · new: seen first
  Vasya · 5 Nov 2017 12:20
  Half of the sheet was burned by the stove, the other half we read aloud.

5 Nov 2017 15:02 – 5 Nov 2017 15:03 · edit: other words, links or pictures, or another date
  Half of the sheet was burned by [-the-]{+a+} stove, the other half we read aloud.

5 Nov 2017 15:03 – 5 Nov 2017 15:04 · merge: joined with the next words of its author
  date: 5 Nov 2017 12:40
    before: 5 Nov 2017 12:20
  Half of the sheet was burned by a stove, the other half we read aloud.{+

  And it rained.+}

5 Nov 2017 15:04 – 5 Nov 2017 16:30 · missing: a visit that read the whole thread did not find it

5 Nov 2017 16:30 – now · gone: another such visit did not find it either

Rating: +1 from 5 Nov 2017 15:01, +3 from 5 Nov 2017 15:02
"""
    )


def test_all_that_can_differ_is_told(told: str) -> None:
    assert (
        crawler(told, "history 12").out.partition("\n\n")[2]
        == """\
5 Nov 2017 15:01 – 5 Nov 2017 16:31 · new: seen first
  Vasya · ? · answers 11
  > Vasya: the stove
  I was there.

5 Nov 2017 16:31 – now · edit: other words, links or pictures, or another date
  answers: 30
    before: 11
  name: Petya
    before: Vasya
  > Vasya: [-the-]{+a+} stove
  link {+https://example.org/map+}
"""
    )


def test_changed_words_are_coloured_on_a_terminal(told: str) -> None:
    asked, url = ["history", "11", "--edition", "ru"], {"DATABASE_URL": told}
    done = CliRunner().invoke(main, asked, env=url | {"NO_COLOR": ""}, color=True)
    assert "by \x1b[31m[-the-]\x1b[0m\x1b[32m{+a+}\x1b[0m stove" in done.stdout
    done = CliRunner().invoke(main, asked, env=url | {"NO_COLOR": "1"}, color=True)
    assert "by [-the-]{+a+} stove" in done.stdout


def test_the_history_of_a_comment_as_json(told: str) -> None:
    found = as_json(told, "history 11 --edition ru")
    assert (found["comment"]["id"], found["comment"]["edition"], found["comment"]["state"]) == (
        11,
        "ru",
        "gone",
    )
    assert [(state["change"], state["until"]) for state in found["states"]][::4] == [
        ("new", "2017-11-05T12:02:00Z"),
        ("gone", None),
    ]
    assert [sorted(state["differences"]) for state in found["states"]] == [
        [],
        ["body"],
        ["body", "posted_at", "posted_raw"],
        ["state"],
        ["state"],
    ]
    assert found["states"][3]["differences"] == {"state": {"before": "live", "after": "missing"}}
    assert [rating["rating"] for rating in found["ratings"]] == [1, 3]
    assert as_json(told, "history 11")["comment"]["edition"] == "en"


# --- changes ---------------------------------------------------------------------------------------------------------


def test_changes_newest_first(told: str) -> None:
    assert (
        crawler(told, "changes").out
        == """\
5 Nov 2017 16:31 · ru · edit · comment 12 by Petya · article 7
  answers: 30
    before: 11
  name: Petya
    before: Vasya
  > Vasya: [-the-]{+a+} stove
  link {+https://example.org/map+}
5 Nov 2017 16:30 · ru · gone · comment 11 by Vasya · article 7
  Half of the sheet was burned by a stove, the other half we read aloud. And it rained.
5 Nov 2017 15:04 · ru · missing · comment 11 by Vasya · article 7
  Half of the sheet was burned by a stove, the other half we read aloud. And it rained.
5 Nov 2017 15:03 · ru · merge · comment 11 by Vasya · article 7
  date: 5 Nov 2017 12:40
    before: 5 Nov 2017 12:20
  … a stove, the other half we read aloud.{+

  And it rained.+}
5 Nov 2017 15:02 · ru · edit · comment 11 by Vasya · article 7
  Half of the sheet was burned by [-the-]{+a+} stove, the other half we read aloud.
5 Nov 2017 15:02 · ru · edit · article 7 “Maps and rain”
  title: Maps {+and rain+}
"""
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("--oldest-first", ["edit", "edit", "merge", "missing", "gone", "edit"]),
        ("--kind merge,gone", ["gone", "merge"]),
        ("--since 2017-11-05T15:04", ["edit", "gone", "missing"]),
        ("--until 2017-11-05T15:02", ["edit", "edit"]),
        ("--since 2017-11-05T15:03 --until 2017-11-05T15:03", ["merge"]),
        ("--since 2017-11-05 --until 2017-11-05 --limit 2", ["edit", "gone"]),
        ("--until 2017-11-04", []),
        ("--edition en", []),
        ("--article 7 --kind edit", ["edit", "edit", "edit"]),
        ("--article 8", []),
    ],
)
def test_which_changes(told: str, asked: str, expected: list[str]) -> None:
    assert [one["change"] for one in as_json(told, f"changes {asked}")] == expected


def test_changes_as_json(told: str) -> None:
    newest = as_json(told, "changes --kind edit --limit 1")[0]
    assert {name: newest[name] for name in ("of", "id", "edition", "article_id", "seen_at")} == {
        "of": "comment",
        "id": 12,
        "edition": "ru",
        "article_id": 7,
        "seen_at": at(91).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    assert newest["differences"]["parent_id"] == {"before": 11, "after": 30}
    assert newest["after"]["body"] == "I was there."


def test_more_changes_than_are_shown_are_not_passed_over_in_silence(told: str) -> None:
    ended = crawler(told, "changes --limit 5")
    assert "There are more: ask for --limit 10" in ended.err
    assert crawler(told, "changes --limit 6").err == ""


def test_nothing_has_changed(told: str) -> None:
    ended = crawler(told, "changes --until 2016-01-01")
    assert (ended.code, ended.out) == (0, "Nothing that is stored has changed in this period.\n")


# --- what cannot be answered -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (
            "thread 7 --edition ru --as-of 2017-11-05T15:00",
            1,
            "is known since 5 Nov 2017 15:01, not yet as of",
        ),
        ("thread 7 --as-of 2017-11-05T15:01", 1, "is known since 5 Nov 2017 16:35"),
        ("thread 7 --as-of soon", 2, "--as-of soon: is no moment"),
        ("thread 8 --as-of 2017-11-05", 1, "The article 8 is not stored"),
        ("thread 7 --as-of 2017-11-05 --edition de", 2, "nothing of such an edition"),
        ("history 99", 1, "The comment 99 is not stored."),
        ("history 12 --edition en", 1, "The comment 12 is not stored in the edition en."),
        ("history 12 --edition de", 2, "nothing of such an edition"),
        ("history word", 2, "'word' is not a valid number"),
        ("changes --since 5.11.2017", 2, "--since 5.11.2017: is no moment"),
        ("changes --since 2017-11-06 --until 2017-11-05", 2, "the period must not end before it begins"),
        ("changes --kind edit,fly", 2, "--kind fly: the kinds are edit, merge"),
        ("changes --kind ,", 2, "--kind ,: the kinds are"),
        ("changes --edition de", 2, "nothing of such an edition"),
        ("changes --limit 0", 2, "--limit"),
        ("changes --limit 9223372036854775807", 2, "is too large"),
        ("changes --article 99999999999999999999", 2, "is too large"),
        ("history 99999999999999999999", 2, "is too large"),
        ("thread 9223372036854775808", 2, "is too large"),
    ],
)
def test_a_question_that_cannot_be_answered(told: str, command: str, code: int, said: str) -> None:
    for wanted in (command, command + " --json"):
        ended = crawler(told, wanted)
        assert (ended.code, ended.out) == (code, "")
        assert said in ended.err


def test_the_same_on_both_databases(told: str, migrated_url: str) -> None:
    with database.engine(migrated_url, writes=True).begin() as connection:
        tell(connection)
    for command in ("thread 7 --edition ru --as-of 2017-11-05T15:03", "history 11 --edition ru", "changes"):
        assert crawler(migrated_url, command) == crawler(told, command)
        assert as_json(migrated_url, command) == as_json(told, command)


def test_an_archive_in_which_nothing_is(migrated_url: str) -> None:
    assert as_json(migrated_url, "changes") == []
    assert crawler(migrated_url, "history 11").code == 1


def test_help_names_every_kind(told: str) -> None:
    shown = " ".join(crawler(told, "changes --help").out.split())
    assert ", ".join(CHANGES) in shown
