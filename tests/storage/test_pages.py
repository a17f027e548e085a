"""Storing pages, row by row, on both databases."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, update

from crawler.items import ArticlePage, Image, Link, Quote
from crawler.normalise.threads import SEGMENT_WIDTH, Place, places, segment
from crawler.storage import database
from crawler.storage.pages import Saved
from crawler.storage.places import place_thread
from crawler.storage.schema import (
    article_states,
    articles,
    author_names,
    authors,
    comment_states,
    comments,
    rating_states,
)
from tests.storing import (
    ARTICLE,
    EN,
    RU,
    at,
    comment,
    dump,
    found,
    page,
    rows,
    store,
)


def only(connection: Connection, id: int) -> dict[str, Any]:
    """The row of one comment."""
    (row,) = (row for row in rows(connection, comments) if row["id"] == id)
    return row


def standing(connection: Connection, article: int = ARTICLE) -> dict[int, Place]:
    """The stored places of a thread."""
    return {
        row["id"]: Place(row["root_id"], row["depth"], row["path"])
        for row in rows(connection, comments)
        if row["article_id"] == article
    }


def right(connection: Connection, article: int = ARTICLE) -> dict[int, Place]:
    """Where the comments of a thread belong."""
    stored = [row for row in rows(connection, comments) if row["article_id"] == article]
    return places((row["id"], row["parent_id"]) for row in stored)


def path(*ids: int) -> str:
    return "".join(map(segment, ids))


# --- a page for the first time --------------------------------------------------------------------------------------


def test_a_new_page(connection: Connection) -> None:
    answer = comment(
        12,
        11,
        nickname_raw=" Вася\N{ZERO WIDTH SPACE} ",
        posted_raw="3 November 2017 12: 20",
        body="Нет.",
        quotes=(Quote(text="Да.", author="Петя", comment_id=11),),
        links=(Link(text="тут", url="https://example.org/"),),
        images=(Image(url="https://example.org/a.png"),),
        rating=-3,
    )
    written = page(
        comment(11, nickname_raw="Петя", profile_name=None, author_kind="guest"),
        answer,
        tags=("мир", "труд"),
        footnotes=("*",),
        published_machine="2017-11-03T09:00:00+03:00",
        views=2**40,
        comments_stated=2,
    )
    assert store(connection, written) == Saved(articles_new=1, comments_new=2, comments_changed=0)
    row = only(connection, 12)
    del row["content_hash"]
    assert row == {
        "id": 12,
        "edition_id": 1,
        "article_id": ARTICLE,
        "parent_id": 11,
        "parent_source": "tree",
        "root_id": 11,
        "depth": 1,
        "path": path(11, 12),
        "author_key": "vasya",
        "nickname_raw": " Вася\N{ZERO WIDTH SPACE} ",
        "posted_at": datetime(2017, 11, 3, 9, 20, tzinfo=UTC),
        "posted_raw": "3 November 2017 12: 20",
        "posted_precision": "minute",
        "body": "Нет.",
        "quotes": [{"author": "Петя", "text": "Да.", "level": 1, "comment_id": 11}],
        "links": [{"text": "тут", "url": "https://example.org/"}],
        "images": [{"url": "https://example.org/a.png", "caption": None}],
        "source_hash": answer.source_hash,
        "rating": -3,
        "rated_at": at(1),
        "rating_fetch_id": 1,
        "state": "live",
        "change": "new",
        "first_seen_at": at(1),
        "seen_at": at(1),
        "changed_at": None,
        "state_since": at(1),
        "gone_at": None,
        "reader_version": None,
        "fetch_id": 1,
    }
    (article,) = rows(connection, articles)
    assert article["url"] == "https://en.example.org/7-a.html"
    assert (article["tags"], article["footnotes"]) == (["мир", "труд"], ["*"])
    assert article["published_at"] == datetime(2017, 11, 3, 6, tzinfo=UTC)
    assert (article["views"], article["comments_stated"], article["comments_stored"]) == (2**40, 2, 2)
    assert (article["first_seen_at"], article["last_seen_at"]) == (at(1), at(1))
    kinds = {row["key"]: (row["kind"], row["nickname"]) for row in rows(connection, authors)}
    assert kinds == {"vasya": ("member", "Вася"), "guest:петя": ("guest", "Петя")}
    spellings = [(row["author_key"], row["nickname_raw"]) for row in rows(connection, author_names)]
    assert sorted(spellings) == [("guest:петя", "Петя"), ("vasya", " Вася\N{ZERO WIDTH SPACE} ")]


def test_editions_share_numbers_and_nothing_else(connection: Connection) -> None:
    store(connection, page(comment(11), comment(12, 11)), 1, EN)
    english = dump(connection)
    assert store(connection, page(comment(12, 11)), 2, RU) == Saved(articles_new=1, comments_new=1)
    for name, before in english.items():
        assert [row for row in dump(connection)[name] if row.get("edition_id", row.get("id")) == 1] == [
            row for row in before if row.get("edition_id", row.get("id")) == 1
        ]
    assert standing_of(connection, RU.id, 12) == (11, 1)  # its parent is stored in the other edition only


def standing_of(connection: Connection, edition: int, id: int) -> tuple[int, int]:
    (row,) = (row for row in rows(connection, comments) if (row["edition_id"], row["id"]) == (edition, id))
    return row["root_id"], row["depth"]


# --- the same page again --------------------------------------------------------------------------------------------

FULL = page(
    comment(11, rating=1, posted_raw="3 hours ago"),
    comment(12, 11, quotes=(Quote(text="Words"),), images=(Image(url="https://example.org/a.png"),)),
    comment(13, 99, nickname_raw="", profile_name=None, author_kind="unknown"),
    comment(14, 12, posted_raw="yesterday, 10:00", links=(Link(text="here", url="https://example.org/"),)),
    tags=("peace",),
    published_raw="Today, 09:00",
)


def test_the_same_fetch_again_changes_no_row(connection: Connection) -> None:
    store(connection, FULL)
    before = dump(connection)
    assert store(connection, FULL) == Saved()
    assert dump(connection) == before


def test_the_same_page_later_changes_no_comment(connection: Connection) -> None:
    store(connection, FULL, 1)
    before = dump(connection)
    assert store(connection, FULL, 4) == Saved()
    after = dump(connection)
    (article,) = after["articles"]
    assert (article["last_seen_at"], article["last_fetch_id"], article["fetch_id"]) == (at(4), 4, 1)
    assert {**after, "articles": None} == {**before, "articles": None}
    unchanged = set(article) - {"last_seen_at", "last_fetch_id"}
    assert {name: article[name] for name in unchanged} == {
        name: before["articles"][0][name] for name in unchanged
    }


# --- what changed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"body": "Other words."}, id="words"),
        pytest.param({"quotes": (Quote(text="A quote"),)}, id="quotes"),
        pytest.param({"links": (Link(text="a", url="https://example.org/"),)}, id="links"),
        pytest.param({"images": (Image(url="https://example.org/a.png"),)}, id="images"),
        pytest.param({"nickname_raw": "vasya"}, id="spelling of the name"),
        pytest.param({"profile_name": "Petya"}, id="author"),
        pytest.param({"parent_id": 10}, id="parent"),
    ],
)
def test_an_edited_comment(connection: Connection, change: dict[str, Any]) -> None:
    first = comment(12, 11, posted_raw="3 November 2017 12:20")
    said: dict[str, Any] = {"parent_id": 11, "parent_source": "tree", "posted_raw": first.posted_raw}
    edited = comment(12, **(said | change))
    store(connection, page(comment(10), comment(11), first), 1)
    before = only(connection, 12)
    assert store(connection, page(comment(10), comment(11), edited), 2) == Saved(comments_changed=1)
    after = only(connection, 12)
    assert after["changed_at"] == at(2)
    assert (after["first_seen_at"], after["state_since"]) == (at(1), at(1))
    (superseded,) = rows(connection, comment_states)
    assert (superseded["comment_id"], superseded["seen_at"], superseded["until"]) == (12, at(1), at(2))
    content = set(superseded) - {"comment_id", "seen_at", "until"}
    assert {name: superseded[name] for name in content} == {name: before[name] for name in content}
    assert standing(connection) == right(connection)


def test_a_date_that_contradicts_is_a_change(connection: Connection) -> None:
    store(connection, page(comment(11, posted_raw="3 November 2017 12:20")), 1)
    other = comment(11, posted_raw="4 November 2017 12:20", source_hash="another")
    assert store(connection, page(other), 2).comments_changed == 1
    assert only(connection, 11)["posted_raw"] == "4 November 2017 12:20"
    assert len(rows(connection, comment_states)) == 1


def test_a_date_a_minute_later_contradicts(connection: Connection) -> None:
    store(connection, page(comment(11, posted_raw="3 November 2017 12:20")), 1)
    other = comment(11, posted_raw="3 November 2017 12:21", source_hash="another")
    assert store(connection, page(other), 2).comments_changed == 1


def test_the_same_markup_read_better_is_no_change(connection: Connection) -> None:
    worse = comment(11, source_hash="same", body="Half the wo", posted_raw=None)
    store(connection, page(worse), 1, reader_version=1)
    better = comment(11, source_hash="same", body="All the words.", posted_raw="3 November 2017 12:20")
    assert store(connection, page(better), 2, reader_version=2) == Saved()
    row = only(connection, 11)
    assert (row["body"], row["posted_raw"]) == ("All the words.", "3 November 2017 12:20")
    assert (row["changed_at"], rows(connection, comment_states)) == (None, [])


def test_an_author_whom_a_better_reader_sees_no_more_is_not_kept(connection: Connection) -> None:
    """As if the better reader had read all from the start."""
    guest: dict[str, Any] = {"author_kind": "guest", "profile_name": None}
    store(connection, page(comment(11, source_hash="a", **guest), comment(12, source_hash="b", **guest)), 1)
    assert found(connection, "SELECT key FROM authors") == [("guest:vasya",)]
    one, other = comment(11, source_hash="a"), comment(12, source_hash="b", nickname_raw="vasya", **guest)
    store(connection, page(one, other), 2, reader_version=2)
    assert found(connection, "SELECT key, nickname FROM authors ORDER BY key") == [
        ("guest:vasya", "vasya"),
        ("vasya", "Vasya"),
    ]
    names = found(
        connection, "SELECT author_key, nickname_raw, fetch_id FROM author_names ORDER BY author_key"
    )
    assert names == [("guest:vasya", "vasya", 1), ("vasya", "Vasya", 1)]
    store(connection, page(one, comment(12, source_hash="b")), 3, reader_version=3)
    assert found(connection, "SELECT key FROM authors") == [("vasya",)]
    assert found(connection, "SELECT author_key, nickname_raw FROM author_names") == [("vasya", "Vasya")]


def test_other_markup_that_says_the_same_is_no_change(connection: Connection) -> None:
    store(connection, page(comment(11, source_hash="old layout")), 1)
    assert store(connection, page(comment(11, source_hash="new layout")), 2) == Saved()
    row = only(connection, 11)
    assert (row["source_hash"], row["changed_at"], rows(connection, comment_states)) == (
        "new layout",
        None,
        [],
    )


def test_words_that_were_hashed_otherwise_once_are_the_same_words(connection: Connection) -> None:
    store(connection, page(comment(11, source_hash="old layout")), 1)
    today = only(connection, 11)["content_hash"]
    connection.execute(update(comments).values(content_hash="as an older version of the program has it"))
    assert store(connection, page(comment(11, source_hash="new layout")), 2) == Saved()
    row = only(connection, 11)
    assert (row["content_hash"], row["change"], rows(connection, comment_states)) == (today, "new", [])


def test_ratings_have_a_history_of_their_own(connection: Connection) -> None:
    for number, rating in enumerate([1, 1, 5, None, -2], start=1):
        assert store(connection, page(comment(11, rating=rating)), number).comments_changed == 0
    row = only(connection, 11)
    assert (row["rating"], row["changed_at"]) == (-2, None)
    history = [(old["rating"], old["seen_at"], old["until"]) for old in rows(connection, rating_states)]
    assert history == [(1, at(1), at(3)), (5, at(3), at(5))]
    assert rows(connection, comment_states) == []


def test_an_edited_article(connection: Connection) -> None:
    store(connection, page(title="Title", views=10, comments_stated=3), 1)
    store(connection, page(title="Title", views=20), 2)
    assert rows(connection, article_states) == []
    store(connection, page(title="Better title", views=20), 3)
    (row,) = rows(connection, articles)
    assert (row["title"], row["changed_at"], row["views"]) == ("Better title", at(3), 20)
    assert row["comments_stated"] == 3  # what a page does not show is still known
    (superseded,) = rows(connection, article_states)
    assert (superseded["title"], superseded["seen_at"], superseded["until"]) == ("Title", at(1), at(3))


# --- dates, from several readings -----------------------------------------------------------------------------------

# Fetched at 12:01, 12:02 … UTC, which is 15:01, 15:02 … on the site's clock.
DATES = [
    pytest.param(["3 hours ago", "Today, 12:20"], "Today, 12:20", "minute", id="refined"),
    pytest.param(["Today, 12:20", "3 hours ago"], "Today, 12:20", "minute", id="not made vague"),
    pytest.param(["3 hours ago", "3 hours ago"], "3 hours ago", "hour", id="stays where it was read first"),
    pytest.param(["Today, 12:20", "5 November 2017 12:20"], "Today, 12:20", "minute", id="other words"),
    pytest.param([None, "5 November 2017"], "5 November 2017", "day", id="found"),
    pytest.param(["5 November 2017", "Today, 12:20"], "Today, 12:20", "minute", id="from the day"),
    pytest.param(
        ["5 November 2017", "3 hours ago", "x"], "3 hours ago", "hour", id="unreadable says nothing"
    ),
    pytest.param(["Today, 12:20", None], "Today, 12:20", "minute", id="hidden later"),
]


@pytest.mark.parametrize(("readings", "raw", "precision"), DATES)
def test_the_date_of_a_comment_gets_more_exact_in_place(
    connection: Connection, readings: list[str | None], raw: str, precision: str
) -> None:
    for number, reading in enumerate(readings, start=1):
        store(connection, page(comment(11, posted_raw=reading, source_hash=str(number))), number)
    row = only(connection, 11)
    assert (row["posted_raw"], row["posted_precision"]) == (raw, precision)
    assert (row["changed_at"], rows(connection, comment_states)) == (None, [])


@pytest.mark.parametrize(("readings", "raw", "precision"), DATES)
def test_so_does_the_date_of_an_article(
    connection: Connection, readings: list[str | None], raw: str, precision: str
) -> None:
    for number, reading in enumerate(readings, start=1):
        store(connection, page(published_raw=reading), number)
    (row,) = rows(connection, articles)
    assert (row["published_raw"], row["published_precision"]) == (raw, precision)
    assert (row["changed_at"], rows(connection, article_states)) == (None, [])


def test_an_article_published_anew(connection: Connection) -> None:
    store(connection, page(published_raw="3 November 2017 12:20"), 1)
    store(connection, page(published_raw="4 November 2017 12:20"), 2)
    (superseded,) = rows(connection, article_states)
    assert superseded["published_raw"] == "3 November 2017 12:20"
    assert rows(connection, articles)[0]["published_raw"] == "4 November 2017 12:20"


# --- parents, from several readings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        pytest.param((12, "tree"), (11, "mention"), (12, "tree"), id="a mention proves nothing"),
        pytest.param((12, "tree"), (11, "quote"), (12, "tree"), id="nor does a quotation"),
        pytest.param((12, "recovered"), (11, "capped"), (12, "recovered"), id="an ancestor is no news"),
        pytest.param((12, "tree"), (10, "capped"), (10, "capped"), id="moved to another branch"),
        pytest.param((11, "capped"), (12, "tree"), (12, "tree"), id="better known"),
        pytest.param((11, "mention"), (12, "capped"), (12, "capped"), id="proved at last"),
        pytest.param((12, "tree"), (11, "tree"), (11, "tree"), id="moved"),
        pytest.param((None, "root"), (11, "quote"), (None, "root"), id="a root stays one"),
        pytest.param((11, "mention"), (None, "root"), (None, "root"), id="is a root after all"),
    ],
)
def test_parents(
    connection: Connection,
    first: tuple[int | None, str],
    then: tuple[int | None, str],
    expected: tuple[int | None, str],
) -> None:
    others = comment(10), comment(11), comment(12, 11)
    for number, (parent, source) in enumerate((first, then), start=1):
        store(connection, page(*others, comment(13, parent, parent_source=source)), number)
    row = only(connection, 13)
    assert (row["parent_id"], row["parent_source"]) == expected
    assert standing(connection) == right(connection)


# --- older pages ----------------------------------------------------------------------------------------------------


def test_a_page_without_a_tree_does_not_make_roots_of_answers(connection: Connection) -> None:
    store(connection, page(comment(10), comment(11, 10)), 1)
    flat = page(comment(10), comment(11, None, source_hash="flat"))
    store(connection, replace(flat, comments=replace(flat.comments, flat=True)), 2)
    assert only(connection, 11)["parent_id"] == 10
    store(connection, page(comment(10), comment(11, None, source_hash="tree")), 3)
    assert only(connection, 11)["parent_id"] is None  # here the page shows that it is a root


def test_an_older_page_is_an_older_state(connection: Connection) -> None:
    store(connection, page(comment(11, body="New."), title="New", views=2), 5)
    store(connection, page(comment(11, body="Old."), title="Old", views=1), 3)
    row = only(connection, 11)
    assert (row["body"], row["first_seen_at"], row["seen_at"]) == ("New.", at(3), at(5))
    (superseded,) = rows(connection, comment_states)
    assert (superseded["body"], superseded["seen_at"], superseded["until"]) == ("Old.", at(3), at(5))
    (article,) = rows(connection, articles)
    assert (article["title"], article["views"], article["last_fetch_id"]) == ("New", 2, 5)
    assert [row["title"] for row in rows(connection, article_states)] == ["Old"]


def test_a_page_between_two_looks(connection: Connection) -> None:
    store(connection, page(comment(11, body="First.")), 1)
    # No row of the comment says that it was seen again.
    store(connection, page(comment(11, body="First.")), 5)
    store(connection, page(comment(11, body="In between.")), 3)
    history = found(connection, "SELECT body, fetch_id, until IS NULL FROM comment_history ORDER BY fetch_id")
    assert history == [("First.", 1, 0), ("In between.", 3, 0), ("First.", 5, 1)]


def test_an_older_page_adds_what_was_never_seen(connection: Connection) -> None:
    store(connection, page(comment(12, 11, nickname_raw="VASYA")), 5)
    assert store(connection, page(comment(11), comment(12, 11)), 3).comments_new == 1
    assert only(connection, 11)["first_seen_at"] == at(3)
    assert [row["nickname"] for row in rows(connection, authors)] == ["VASYA"]
    names = {row["nickname_raw"]: row["first_seen_at"] for row in rows(connection, author_names)}
    assert names == {"Vasya": at(3), "VASYA": at(5)}
    assert rows(connection, articles)[0]["comments_stored"] == 2


# --- places in the thread -------------------------------------------------------------------------------------------


def test_an_orphan_stands_below_the_number_of_its_parent(connection: Connection) -> None:
    store(connection, page(comment(13, 12), comment(14, 13)), 1)
    assert standing(connection) == {13: Place(12, 1, path(12, 13)), 14: Place(12, 2, path(12, 13, 14))}
    assert found(connection, "SELECT orphans FROM completeness_view") == []  # nothing is known of no article


def test_parents_that_come_late_move_the_whole_branch(connection: Connection) -> None:
    store(connection, page(comment(13, 12), comment(14, 13), comment(15, 14), comment(20)), 1)
    store(connection, page(comment(11), comment(12, 11)), 2)
    assert standing(connection)[15] == Place(11, 4, path(11, 12, 13, 14, 15))
    assert standing(connection) == right(connection)
    assert rows(connection, comment_states) == []
    assert {row["changed_at"] for row in rows(connection, comments)} == {None}


def test_an_orphan_that_comes_again_with_its_parent(connection: Connection) -> None:
    store(connection, page(comment(13, 12), comment(14, 13)), 1)
    store(connection, page(comment(11), comment(12, 11), comment(13, 12)), 2)
    assert standing(connection) == right(connection)


def test_a_branch_that_moves_takes_the_answers_on_other_pages_along(connection: Connection) -> None:
    store(connection, page(comment(11), comment(12), comment(13, 12)), 1)
    store(connection, page(comment(14, 13), comment(15, 14)), 2)
    store(connection, page(comment(11), comment(12, 11)), 3)
    assert standing(connection)[15].path == path(11, 12, 13, 14, 15)
    assert standing(connection) == right(connection)


def test_a_comment_that_moves_to_another_article(connection: Connection) -> None:
    store(connection, page(comment(10), comment(11, 10), comment(12, 11), comment(13, 12)), 1)
    store(connection, page(comment(20), comment(21, 12), article=8), 2)
    store(connection, page(comment(20), comment(12, 20), article=8), 3)
    assert {row["id"]: row["comments_stored"] for row in rows(connection, articles)} == {7: 3, 8: 3}
    assert standing(connection)[13] == Place(12, 1, path(12, 13))
    assert standing(connection, 8)[21] == Place(20, 2, path(20, 12, 21))
    for article in (7, 8):
        assert standing(connection, article) == right(connection, article)
    assert [row["article_id"] for row in rows(connection, comment_states)] == [7]
    # A late, older page of the first article neither takes it back nor hangs answers below it.
    store(connection, page(comment(12, 11), comment(14, 12)), 2)
    assert only(connection, 12)["article_id"] == 8
    for article in (7, 8):
        assert standing(connection, article) == right(connection, article)


def test_a_root_moves_alone(connection: Connection) -> None:
    store(connection, page(comment(10), comment(11, 10), comment(12, 11)), 1)
    store(connection, page(comment(10), article=8), 2)
    assert standing(connection) == {11: Place(10, 1, path(10, 11)), 12: Place(10, 2, path(10, 11, 12))}
    assert standing(connection, 8) == {10: Place(10, 0, path(10))}


def test_placing_a_right_thread_changes_nothing(connection: Connection) -> None:
    store(connection, FULL)
    before = dump(connection)
    assert place_thread(connection, EN, ARTICLE) == 0
    assert dump(connection) == before


@pytest.mark.parametrize("bound", [1000, 1001])
def test_a_page_of_more_comments_than_one_statement_takes(connection: Connection, bound: int) -> None:
    many = page(*(comment(id, id - 1 if id > 1 else None) for id in range(1, bound + 1)))
    assert store(connection, many, 1).comments_new == bound
    assert store(connection, many, 2) == Saved()
    assert standing(connection)[bound].depth == bound - 1


Thread = list[tuple[int, int | None]]

#: Number of a comment that others answer and no page shows.
UNSEEN = 5


@st.composite
def split_forests(draw: st.DrawFn) -> list[list[tuple[int, int | None]]]:
    """A thread, torn into pages in no order; some comments stand on several, some answer one that is never seen."""
    numbers = st.integers(UNSEEN + 1, 10**SEGMENT_WIDTH - 1)
    ids = draw(st.lists(numbers, unique=True, min_size=1, max_size=12))
    answers = [(id_, draw(st.sampled_from([None, *ids[:n], UNSEEN]))) for n, id_ in enumerate(ids)]
    once = draw(st.permutations(answers))
    pages: list[Thread] = [[] for _ in range(draw(st.integers(1, 5)))]
    for pair in once:
        for number in draw(st.sets(st.integers(0, len(pages) - 1), min_size=1, max_size=2)):
            pages[number].append(pair)
    return pages


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, Thread]]:
    """Pages of two articles on which comments move about, answer themselves, or go round in circles."""
    few = st.integers(1, 7)
    one = st.lists(st.tuples(few, st.none() | few), max_size=5, unique_by=lambda pair: pair[0])
    return draw(st.lists(st.tuples(st.sampled_from([7, 8]), one), min_size=1, max_size=8))


def written(answers: Iterable[tuple[int, int | None]], article: int = ARTICLE) -> ArticlePage:
    return page(*(comment(id_, parent) for id_, parent in answers), article=article)


class TestForests:
    """The order in which pages come does not matter to where comments stand."""

    def check_a_forest(self, connection: Connection, pages: list[Thread]) -> None:
        transaction = connection.begin()
        try:
            for number, answers in enumerate(pages, start=1):
                store(connection, written(answers), number)
                assert standing(connection) == right(connection)
            thread = {pair for answers in pages for pair in answers}
            assert standing(connection) == places(thread)
            self.check_the_view(connection, thread)
            before = dump(connection)
            for number, answers in enumerate(pages, start=1):
                assert store(connection, written(answers), number) == Saved()
            assert dump(connection) == before
        finally:
            transaction.rollback()

    def check_the_view(self, connection: Connection, thread: set[tuple[int, int | None]]) -> None:
        """`thread_view` shows each comment before its answers, branches whole, siblings by number."""
        ids = {id_ for id_, _ in thread}
        order: list[int] = []

        def read(siblings: list[int]) -> None:
            for id_ in sorted(siblings):
                order.extend([id_] if id_ in ids else [])
                read([other for other, parent in thread if parent == id_])

        read([UNSEEN, *(id_ for id_, parent in thread if parent is None)])
        shown = [id_ for (id_,) in found(connection, "SELECT comment_id FROM thread_view")]
        assert shown == order

    def check_a_history(self, connection: Connection, history: list[tuple[int, Thread]]) -> None:
        transaction = connection.begin()
        try:
            for number, (article, answers) in enumerate(history, start=1):
                store(connection, written(answers, article), number)
                for known in (7, 8):
                    assert standing(connection, known) == right(connection, known)
            stored = Counter(row["article_id"] for row in rows(connection, comments))
            assert all(row["comments_stored"] == stored[row["id"]] for row in rows(connection, articles))
        finally:
            transaction.rollback()

    #: The connection is shared, but each example's transaction is rolled back.
    shared = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    few = settings(shared, max_examples=8)

    @shared
    @given(split_forests())
    def test_forest_sqlite(self, sqlite_connection: Connection, pages: list[Thread]) -> None:
        self.check_a_forest(sqlite_connection, pages)

    @few
    @given(split_forests())
    def test_forest_postgres(self, postgres_connection: Connection, pages: list[Thread]) -> None:
        self.check_a_forest(postgres_connection, pages)

    @shared
    @given(histories())
    @example([(7, [(1, 2)]), (7, [(2, 1)]), (7, [(1, None), (2, 1)])])
    @example([(7, [(2, None), (1, 2)]), (7, [(2, 1)])])
    @example([(7, [(1, None), (2, 1), (3, 2)]), (8, [(2, None)]), (7, [(3, 2)])])
    def test_history_sqlite(self, sqlite_connection: Connection, history: list[tuple[int, Thread]]) -> None:
        self.check_a_history(sqlite_connection, history)

    @few
    @given(histories())
    def test_history_postgres(
        self, postgres_connection: Connection, history: list[tuple[int, Thread]]
    ) -> None:
        self.check_a_history(postgres_connection, history)


# --- authors --------------------------------------------------------------------------------------------------------


def test_an_author_is_described_as_the_latest_comment_shows_them(connection: Connection) -> None:
    store(connection, page(comment(11, full_name="Василий", site_user_id=5)), 1)
    later = comment(12, nickname_raw="VASYA")
    store(connection, page(comment(11, full_name="Василий", site_user_id=5), later), 2)
    (row,) = rows(connection, authors)
    assert (row["nickname"], row["full_name"], row["first_seen_at"]) == ("VASYA", None, at(1))
    assert row["site_user_id"] == 5  # it never changes, so it stays known


def test_an_author_gets_the_newest_spelling_and_keeps_all(connection: Connection) -> None:
    store(connection, page(comment(11, nickname_raw="Vasya")), 1)
    store(connection, page(comment(11), comment(12, nickname_raw="VASYA")), 2)
    assert [row["nickname"] for row in rows(connection, authors)] == ["VASYA"]
    names = {row["nickname_raw"]: row["first_seen_at"] for row in rows(connection, author_names)}
    assert names == {"Vasya": at(1), "VASYA": at(2)}


def test_the_longest_names_fit_their_indexes(connection: Connection) -> None:
    # Hardly compressible, as an index would take megabytes of one letter.
    long = "".join(chr(0x20000 + number * 7919 % 40000) for number in range(5000))
    store(connection, page(comment(11, nickname_raw=long, profile_name=long)), 1)
    (name,) = rows(connection, author_names)
    assert (len(name["author_key"]), len(name["nickname_raw"])) == (256, 256)


# --- what must not get in -------------------------------------------------------------------------------------------

DIRT = "a\0b\udc80c"


def test_unstorable_characters_in_every_text(connection: Connection) -> None:
    dirty = comment(
        11,
        nickname_raw=DIRT,
        profile_name=DIRT,
        full_name=DIRT,
        posted_raw=DIRT,
        posted_machine=DIRT,
        body=DIRT,
        quotes=(Quote(text=DIRT, author=DIRT),),
        links=(Link(text=DIRT, url=DIRT),),
        images=(Image(url=DIRT, caption=DIRT),),
        source_hash=DIRT,
    )
    everywhere = page(
        dirty,
        comment(12, author_kind="guest", nickname_raw=DIRT),
        path="/7-" + DIRT,
        title=DIRT,
        lead=DIRT,
        body=DIRT,
        footnotes=(DIRT,),
        section=DIRT,
        byline=DIRT,
        source_credit=DIRT,
        tags=(DIRT,),
        images=(Image(url=DIRT, caption=DIRT),),
        published_raw=DIRT,
        published_machine=DIRT,
    )
    store(connection, everywhere)
    stored = repr(dump(connection))
    assert "\\x00" not in stored
    assert "\\udc80" not in stored
    assert stored.count("a\ufffdb\ufffdc") > 20


def test_what_is_not_committed_is_not_there(migrated_url: str) -> None:
    engine = database.engine(migrated_url, writes=True)
    with engine.begin() as connection:
        store(connection, page(comment(11)), 1)
        before = dump(connection)

    def broken_off(connection: Connection) -> None:
        store(connection, page(comment(11, body="Other."), comment(12), article=8), 2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), engine.begin() as connection:
        broken_off(connection)
    with engine.begin() as connection:
        assert dump(connection) == before


# --- the views ------------------------------------------------------------------------------------------------------


def test_histories_hold_every_state_with_the_current_one_open(connection: Connection) -> None:
    numbers = count(1)
    for body, rating in [("One.", 1), ("Two.", 1), ("Two.", 4), ("Three.", 4)]:
        store(connection, page(comment(11, body=body, rating=rating), title=body), next(numbers))
    order = "ORDER BY seen_at"
    bodies = found(connection, f"SELECT body, until IS NULL FROM comment_history {order}")
    assert bodies == [("One.", 0), ("Two.", 0), ("Three.", 1)]
    assert found(connection, f"SELECT rating, until IS NULL FROM rating_history {order}") == [(1, 0), (4, 1)]
    titles = found(connection, f"SELECT title, until IS NULL FROM article_history {order}")
    assert titles == [("One.", 0), ("Two.", 0), ("Three.", 1)]
    for view in ("comment_history", "article_history", "rating_history"):
        spans = found(connection, f"SELECT seen_at, until FROM {view} {order}")
        assert [until for _, until in spans[:-1]] == [seen for seen, _ in spans[1:]]


def test_reply_view(connection: Connection) -> None:
    answers = [
        comment(11, posted_raw="Today, 10:00"),
        comment(12, 11, nickname_raw="Petya", profile_name="Petya"),
        comment(13, 99, nickname_raw="", profile_name=None, author_kind="unknown"),
    ]
    store(connection, page(*answers))
    shown = found(
        connection,
        "SELECT comment_id, nickname, parent_id, parent_nickname, parent_posted_at IS NULL FROM reply_view "
        "ORDER BY comment_id",
    )
    assert shown == [(12, "Petya", 11, "Vasya", False), (13, "", 99, None, True)]


def test_author_view(connection: Connection) -> None:
    store(connection, page(comment(11, posted_raw="3 November 2017 12:20"), comment(12, 11)), 1)
    store(connection, page(comment(21, posted_raw="4 November 2017 12:20"), article=8), 2)
    (row,) = found(
        connection,
        "SELECT author_key, comments, articles, first_comment_at, last_comment_at FROM author_view",
    )
    assert row[:3] == ("vasya", 3, 2)
    assert str(row[3])[:10] == "2017-11-03"
    assert str(row[4])[:10] == "2017-11-04"


def test_thread_view_names_authors_as_people_read_them(connection: Connection) -> None:
    nobody = comment(12, 11, nickname_raw="\N{ZERO WIDTH SPACE}", profile_name=None, author_kind="guest")
    store(connection, page(comment(11, nickname_raw=" Vasya "), nobody))
    shown = found(connection, "SELECT comment_id, depth, article_title, nickname FROM thread_view")
    assert shown == [(11, 0, "Title", "Vasya"), (12, 1, "Title", "\N{ZERO WIDTH SPACE}")]
