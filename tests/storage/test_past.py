"""What was before: threads as they stood, histories of comments, changes in a period; on both databases."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event

from crawler.items import ArticlePage, Change, Quote
from crawler.normalise.nicknames import nickname
from crawler.site import Edition
from crawler.storage import queries
from crawler.storage.queries import CHANGES, ChangeSeen, ThreadThen, changes_between, comment_history
from crawler.storage.schema import metadata
from tests.storing import ARTICLE, EN, NOON, RU, at, comment, look, page
from tests.storing import store as store_in

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def store(connection: Connection, written: ArticlePage, number: int, edition: Edition = RU) -> None:
    """Store a page, of the edition that is no translation: there, other words are an edit."""
    store_in(connection, written, number, edition)


def then(
    connection: Connection, moment: datetime, article: int = ARTICLE, edition: int = RU.id
) -> ThreadThen:
    found = queries.thread_as_of(connection, article, edition, moment)
    assert found is not None
    return found


def shown(thread: ThreadThen) -> list[tuple[int, int, str, str, int | None]]:
    """Of each comment: number, depth, words, state, rating."""
    return [(row["id"], row["depth"], row["body"], row["state"], row["rating"]) for row in thread.comments]


# --- a thread as it stood --------------------------------------------------------------------------------------------


def test_a_thread_before_and_after_an_edit(connection: Connection) -> None:
    store(connection, page(comment(11, rating=1), comment(12, 11), title="Old"), 10)
    store(connection, page(comment(11, rating=2), comment(12, 11, body="Edited."), title="New"), 20)
    store(connection, page(comment(11, rating=5), comment(12, 11, body="Edited."), comment(13, 12)), 30)
    assert queries.thread_as_of(connection, ARTICLE, RU.id, at(10) - timedelta(microseconds=1)) is None
    for moment in (at(10), at(19)):
        before = then(connection, moment)
        assert before.article["title"] == "Old"
        assert shown(before) == [(11, 0, "Words of 11.", "live", 1), (12, 1, "Words of 12.", "live", None)]
        assert (before.last_look_at, before.next_look_at) == (at(10), at(20))
    edited = then(connection, at(20))
    assert edited.article["title"] == "New"
    assert shown(edited) == [(11, 0, "Words of 11.", "live", 2), (12, 1, "Edited.", "live", None)]
    assert [row["change"] for row in edited.comments] == ["new", "edit"]
    assert shown(then(connection, at(99)))[-1] == (13, 2, "Words of 13.", "live", None)
    assert then(connection, at(99)).next_look_at is None


def test_nothing_of_another_edition_or_article_is_shown(connection: Connection) -> None:
    store(connection, page(comment(11)), 1)
    store(connection, page(comment(11, body="Слова."), comment(12)), 2, EN)
    store(connection, page(comment(21), article=8), 3)
    assert [row["id"] for row in then(connection, at(9)).comments] == [11]
    assert [row["body"] for row in then(connection, at(9), edition=EN.id).comments] == [
        "Слова.",
        "Words of 12.",
    ]
    assert queries.thread_as_of(connection, ARTICLE, EN.id, at(1)) is None
    assert queries.thread_as_of(connection, 9, RU.id, at(9)) is None


def test_a_comment_stands_where_it_stood_then(connection: Connection) -> None:
    store(connection, page(comment(11), comment(12), comment(13, 11), comment(14, 13)), 1)
    store(connection, page(comment(11), comment(12), comment(13, 12), comment(14, 13)), 2)
    assert [(row["id"], row["root_id"], row["depth"]) for row in then(connection, at(1)).comments] == [
        (11, 11, 0),
        (13, 11, 1),
        (14, 11, 2),
        (12, 12, 0),
    ]
    assert [row["id"] for row in then(connection, at(2)).comments] == [11, 12, 13, 14]


def test_a_parent_that_was_not_yet_seen(connection: Connection) -> None:
    store(connection, page(comment(12, 11)), 1)
    store(connection, page(comment(11, 5)), 2)
    assert [(row["id"], row["depth"], row["root_id"]) for row in then(connection, at(1)).comments] == [
        (12, 1, 11)
    ]
    assert [(row["id"], row["depth"], row["root_id"]) for row in then(connection, at(2)).comments] == [
        (11, 1, 5),
        (12, 2, 5),
    ]


def test_a_comment_that_moved_to_another_article(connection: Connection) -> None:
    store(connection, page(comment(11), comment(12)), 1)
    store(connection, page(comment(21), article=8), 2)
    store(connection, page(comment(21), comment(12, body="Again."), article=8), 3)
    assert [row["id"] for row in then(connection, at(2)).comments] == [11, 12]
    assert [row["id"] for row in then(connection, at(3)).comments] == [11]
    assert [row["id"] for row in then(connection, at(2), 8).comments] == [21]
    assert [row["body"] for row in then(connection, at(3), 8).comments] == ["Again.", "Words of 21."]


def test_missing_ones_are_shown_and_gone_ones_are_not(connection: Connection) -> None:
    whole = [comment(11), *(comment(id) for id in range(20, 26)), comment(12, 11)]
    without = [one for one in whole if one.id != 11]
    look(connection, page(*whole), 1, sweeps=True)
    look(connection, page(*without), 2, sweeps=True)
    look(connection, page(*without), 63, sweeps=True)
    look(connection, page(*whole), 64, sweeps=True)
    states = [
        {row["id"]: row["state"] for row in then(connection, at(number)).comments}.get(11)
        for number in (1, 2, 62, 63, 64)
    ]
    assert states == ["live", "missing", "missing", None, "live"]
    gone = then(connection, at(63))
    assert gone.gone == [11]
    # Its answer stays below its place.
    assert next((row["id"], row["depth"]) for row in gone.comments) == (12, 1)
    assert (gone.last_sweep_at, gone.last_look_at, gone.next_look_at) == (at(63), at(63), at(64))
    assert then(connection, at(64)).gone == []


def test_names_are_those_that_its_pages_showed(connection: Connection) -> None:
    store(connection, page(comment(11, nickname_raw=" Vasya\u200b ", profile_name="vasya")), 1)
    store(connection, page(comment(11, nickname_raw="Petya", profile_name="petya")), 2)
    assert [row["nickname"] for row in then(connection, at(1)).comments] == ["Vasya"]
    assert [row["nickname"] for row in then(connection, at(2)).comments] == ["Petya"]


def test_an_article_that_was_away(connection: Connection) -> None:
    store(connection, page(comment(11)), 1)
    look(connection, None, 2)
    store(connection, page(comment(11)), 3)
    assert [then(connection, at(number)).article["state"] for number in (1, 2, 3)] == [
        "live",
        "missing",
        "live",
    ]
    assert [len(then(connection, at(number)).comments) for number in (1, 2, 3)] == [1, 1, 1]


def test_a_clock_that_was_set_back(connection: Connection) -> None:
    """The order of states is that of fetches: a state that ended before it began, by the clock, is never shown."""
    look(connection, page(comment(11, body="One.")), 1, when=NOON)
    look(connection, page(comment(11, body="Two.")), 2, when=NOON + 5 * HOUR)
    look(connection, page(comment(11, body="Three.")), 3, when=NOON + HOUR)
    look(connection, page(comment(11, body="Four.")), 4, when=NOON + 2 * HOUR)

    def words(after: timedelta) -> str:
        return "".join(row["body"] for row in then(connection, NOON + after).comments)

    assert [words(hours * HOUR) for hours in (0, 0.5, 1, 1.5, 2, 4, 5, 6)] == [
        "One.",
        "One.",
        "Three.",
        "Three.",
        "Four.",
        "Four.",
        "Four.",
        "Four.",
    ]


def test_a_clock_that_was_ahead_hides_nothing_for_ever(connection: Connection) -> None:
    look(connection, page(comment(11)), 1, when=NOON + 1000 * HOUR)
    look(connection, page(comment(12), article=8), 2, when=NOON, article=8)
    assert [row["id"] for row in then(connection, NOON).comments] == [11]


@dataclass(frozen=True)
class Looked:
    """One look of a history that hypothesis made up."""

    article: int
    #: Number, parent, which words, rating; None where the article was not there.
    comments: Sequence[tuple[int, int | None, int, int | None]] | None
    sweeps: bool
    #: How much later than the look before.
    after: timedelta

    @property
    def written(self) -> ArticlePage | None:
        if self.comments is None:
            return None
        names = ("Vasya", "Petya")
        return page(
            *(
                comment(
                    id,
                    parent,
                    body=f"Words {words}.",
                    rating=rating,
                    nickname_raw=names[words % 2],
                    profile_name=names[words % 2],
                )
                for id, parent, words, rating in self.comments
            ),
            article=self.article,
            title=f"Title {len(self.comments)}",
        )


def histories(*steps: timedelta) -> st.SearchStrategy[list[Looked]]:
    few = st.integers(1, 7)
    told = st.tuples(few, st.none() | few, st.integers(1, 3), st.none() | st.integers(-1, 1))
    comments = st.lists(told, max_size=6, unique_by=lambda one: one[0])
    one = st.builds(
        Looked,
        article=st.sampled_from([7, 7, 8]),
        comments=st.none() | comments | comments | comments,
        sweeps=st.booleans(),
        after=st.sampled_from(steps),
    )
    return st.lists(one, min_size=1, max_size=9)


def live(connection: Connection, article: int) -> list[dict[str, Any]] | None:
    """The thread as `queries.thread` gives it, without those that are gone; None where the article is not known."""
    if queries.article(connection, article, RU.id) is None:
        return None
    rows = [dict(row) for row in queries.thread(connection, article, RU.id) if row["state"] != "gone"]
    for row in rows:
        del row["changed_at"]
        row["nickname"] = nickname(row["nickname_raw"])  # of the author there, of the comment here
    return rows


def asked(connection: Connection, article: int, moment: datetime) -> list[dict[str, Any]] | None:
    found = queries.thread_as_of(connection, article, RU.id, moment)
    return None if found is None else list(found.comments)


class TestThreadAsOf:
    """What is told of a moment is what was told at that moment."""

    def check(self, connection: Connection, history: list[Looked], *, later: bool) -> None:
        transaction = connection.begin()
        try:
            told: list[tuple[int, datetime, Any]] = []
            moment = NOON
            for number, one in enumerate(history, start=1):
                moment += one.after
                look(connection, one.written, number, when=moment, article=one.article, sweeps=one.sweeps)
                for article in (7, 8):
                    thread = live(connection, article)
                    assert asked(connection, article, moment) == thread
                    told.append((article, moment, thread))
            for article, moment, thread in told if later else ():
                assert asked(connection, article, moment) == thread
        finally:
            transaction.rollback()

    #: The connection is shared, but each example's transaction is rolled back.
    shared = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
    few = settings(shared, max_examples=12)

    @shared
    @given(histories(MINUTE, HOUR))
    def test_sqlite(self, sqlite_connection: Connection, history: list[Looked]) -> None:
        self.check(sqlite_connection, history, later=True)

    @few
    @given(histories(MINUTE, HOUR))
    def test_postgres(self, postgres_connection: Connection, history: list[Looked]) -> None:
        self.check(postgres_connection, history, later=True)

    # Where the clock was set back, the same moment was twice: what is told of it later is one of the two.
    @shared
    @given(histories(MINUTE, HOUR, -MINUTE, -HOUR))
    def test_clocks_that_jump(self, sqlite_connection: Connection, history: list[Looked]) -> None:
        self.check(sqlite_connection, history, later=False)


# --- the history of a comment ----------------------------------------------------------------------------------------


def test_the_history_of_a_comment(connection: Connection) -> None:
    store(connection, page(comment(11, rating=1), title="Old"), 10)
    store(connection, page(comment(11, body="Edited.", rating=2)), 20)
    store(connection, page(comment(11, body="Edited.", rating=2, parent=5)), 30)
    found = comment_history(connection, 11, RU.id)
    assert found is not None
    assert (found.comment["article_id"], found.comment["article_title"]) == (ARTICLE, "Title")
    assert [
        (row["change"], row["seen_at"], row["until"], row["body"], row["parent_id"], row["fetch_id"])
        for row in found.states
    ] == [
        ("new", at(10), at(20), "Words of 11.", None, 10),
        ("edit", at(20), at(30), "Edited.", None, 20),
        ("move", at(30), None, "Edited.", 5, 30),
    ]
    assert [(row["rating"], row["seen_at"], row["until"], row["fetch_id"]) for row in found.ratings] == [
        (1, at(10), at(20), 10),
        (2, at(20), None, 20),
    ]
    assert comment_history(connection, 11, EN.id) is None
    assert comment_history(connection, 12, RU.id) is None


# --- changes in a period ---------------------------------------------------------------------------------------------


@pytest.fixture
def eventful(connection: Connection) -> Connection:
    """A few days in which everything happens once."""
    more = [comment(id) for id in range(30, 40)]
    look(connection, page(comment(11), comment(12), *more, title="Old"), 1, sweeps=True)
    look(connection, page(comment(11, body="Edited."), comment(12), *more, title="Old"), 2, sweeps=True)
    look(connection, page(comment(11, body="Edited.", parent=30), *more, title="New"), 3, sweeps=True)
    look(connection, page(comment(11, body="Edited.", parent=30), *more, title="New"), 90, sweeps=True)
    renamed = comment(11, body="Edited.", parent=30, nickname_raw="Petya", profile_name="Petya")
    look(connection, page(renamed, comment(12), *more, title="New"), 91, sweeps=True)
    look(connection, page(comment(12), article=8), 92, article=8)
    look(connection, None, 93)
    store(connection, page(comment(41)), 94, EN)
    store(connection, page(comment(41, body="Edited.")), 95, EN)
    look(connection, page(comment(12, body="Edited."), article=8), 96, article=8)
    return connection


EVENTS = [
    ("edit", "comment", 11, 2),
    ("edit", "article", 7, 3),
    ("move", "comment", 11, 3),
    ("missing", "comment", 12, 3),
    ("gone", "comment", 12, 90),
    ("rename", "comment", 11, 91),
    ("return", "comment", 12, 91),
    ("move", "comment", 12, 92),
    ("missing", "article", 7, 93),
    ("translation", "comment", 41, 95),
    ("edit", "comment", 12, 96),
]


def told(changes: Sequence[ChangeSeen]) -> list[tuple[str, str, int, int]]:
    return [(one.change, one.of, one.id, one.fetch_id) for one in changes]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, lambda _: True),
        ({"since": at(3)}, lambda event: event[3] >= 3),
        ({"until": at(3)}, lambda event: event[3] < 3),
        ({"since": at(3), "until": at(91)}, lambda event: 3 <= event[3] < 91),
        ({"since": at(97)}, lambda _: False),
        ({"edition": EN.id}, lambda event: event[3] == 95),
        ({"edition": RU.id}, lambda event: event[3] != 95),
        ({"kinds": ["edit", "gone"]}, lambda event: event[0] in ("edit", "gone")),
        ({"article": 8}, lambda event: event[3] in (92, 96)),
        ({"article": 7, "edition": RU.id}, lambda event: event[3] < 94),
        ({"article": 9}, lambda _: False),
    ],
)
def test_changes_between(
    eventful: Connection, arguments: dict[str, Any], expected: Callable[[tuple[str, str, int, int]], bool]
) -> None:
    asked = {"since": None, "until": None} | arguments
    newest = changes_between(eventful, **asked)
    assert sorted(told(newest)) == sorted(filter(expected, EVENTS))
    assert [one.seen_at for one in newest] == sorted((one.seen_at for one in newest), reverse=True)
    oldest = changes_between(eventful, **asked, newest_first=False)
    assert told(oldest) == told(newest)[::-1]
    for limit in range(len(newest) + 2):
        assert told(changes_between(eventful, **asked, limit=limit)) == told(newest)[:limit]


def test_before_and_after(eventful: Connection) -> None:
    by_fetch = {
        (one.of, one.id, one.fetch_id): one for one in changes_between(eventful, None, None, edition=RU.id)
    }
    edit = by_fetch["comment", 11, 2]
    assert (edit.before["body"], edit.after["body"], edit.seen_at) == ("Words of 11.", "Edited.", at(2))
    move = by_fetch["comment", 11, 3]
    assert (move.before["parent_id"], move.after["parent_id"]) == (None, 30)
    assert {name for name in move.before if move.before[name] != move.after[name]} == {
        "parent_id",
        "parent_source",
    }
    rename = by_fetch["comment", 11, 91]
    assert (rename.before["author_key"], rename.after["author_key"]) == ("vasya", "petya")
    assert [
        (by_fetch["comment", 12, number].before["state"], by_fetch["comment", 12, number].after["state"])
        for number in (3, 90, 91)
    ] == [("live", "missing"), ("missing", "gone"), ("gone", "live")]
    away = by_fetch["comment", 12, 92]
    assert (away.before["article_id"], away.after["article_id"], away.article_id) == (7, 8, 8)
    title = by_fetch["article", 7, 3]
    assert (title.before["title"], title.after["title"], title.article_id) == ("Old", "New", 7)


def test_structured_columns_come_back_as_values(connection: Connection) -> None:
    store(connection, page(comment(11, quotes=(Quote(text="Old"),)), tags=("war",)), 1)
    store(connection, page(comment(11, quotes=(Quote(text="New"),)), tags=("peace",)), 2)
    of_comment, of_article = changes_between(connection, None, None, newest_first=False)[::-1]
    assert [row["quotes"][0]["text"] for row in (of_comment.before, of_comment.after)] == ["Old", "New"]
    assert (of_article.before["tags"], of_article.after["tags"]) == (["war"], ["peace"])
    assert of_comment.before["posted_at"] is None


def test_every_change_but_the_first_look_can_be_asked_for() -> None:
    every: set[Change] = {"edit", "merge", "translation", "rename", "move", "missing", "gone", "return"}
    assert set(CHANGES) == every


def test_each_change_follows_the_one_before(eventful: Connection) -> None:
    """What was after one change was before the next."""
    states: dict[tuple[str, int, int], Any] = {}
    for one in changes_between(eventful, None, None, newest_first=False):
        key = (one.of, one.id, one.edition_id)
        assert states.get(key, one.before) == one.before
        states[key] = one.after


# --- how it is asked -------------------------------------------------------------------------------------------------


@contextmanager
def statements(connection: Connection) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent meanwhile, with their parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        sent.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(connection, "before_cursor_execute", note)


QUESTIONS: dict[str, Callable[[Connection], object]] = {
    "thread": lambda connection: queries.thread_as_of(connection, ARTICLE, RU.id, at(50)),
    "history": lambda connection: comment_history(connection, 11, RU.id),
    "period": lambda connection: changes_between(connection, at(1), at(2), kinds=["edit"], limit=5),
    "newest": lambda connection: changes_between(connection, None, None, edition=RU.id, limit=5),
    "article": lambda connection: changes_between(connection, None, None, article=ARTICLE, limit=5),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_reads_a_whole_table(eventful: Connection, question: str) -> None:
    with statements(eventful) as sent:
        QUESTIONS[question](eventful)
    assert sent
    if eventful.dialect.name == "postgresql":
        # So few rows are soonest read whole; that an index could be used is what matters.
        eventful.exec_driver_sql("SET LOCAL enable_seqscan = off")
    explain = "EXPLAIN " if eventful.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    for statement, parameters in sent:
        plan = "\n".join(str(row[-1]) for row in eventful.exec_driver_sql(explain + statement, parameters))
        whole = re.findall(r"(?:Seq Scan on|SCAN) (\w+)(?! USING)", plan)
        assert set(whole).isdisjoint({*metadata.tables, *"bcmnp"}), plan  # letters are tables in views
