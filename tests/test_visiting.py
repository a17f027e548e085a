"""What comes of the answers in a visit, and where it goes on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.items import FetchOutcome
from crawler.visiting import (
    MAX_COMMENT_PAGES,
    MAX_HOPS,
    RETRIES,
    alone,
    begun,
    listing,
    step,
    target_path,
)
from tests.visits import EN, NOON, NUMBER_PATH, PATH, READER, Coming, came_next, visit, visited

#: What the site replies → how the visit ends, the paths it asked, how many comments it saw first at each step
VISITS: dict[str, tuple[list[tuple[FetchOutcome, str]], str | None, list[str], list[int]]] = {
    "one page": ([("ok", "7 pages=1: 11 12")], "swept", [PATH], [2]),
    "no comments": ([("ok", "7:")], "swept", [PATH], [0]),
    "all that were stated": ([("ok", "7 stated=2: 11 12")], "swept", [PATH], [2]),
    "linked pages": (
        [("ok", "7 pages=2 next=/page,1,2,7-a.html: 11 12"), ("ok", "7 pages=2: 12 13")],
        "swept",
        [PATH, "/page,1,2,7-a.html"],
        [2, 1],
    ),
    "not yet": ([("ok", "7 pages=2: 11")], None, [PATH], [1]),
    "by number, until one brings nothing": (
        [("ok", "7 stated=9: 11"), ("ok", "7 stated=9: 12"), ("ok", "7 stated=9: 12")],
        "swept",
        [PATH, "/page,1,2,7-a.html", "/page,1,3,7-a.html"],
        [1, 1, 0],
    ),
    "by number, until there is none": (
        [("ok", "7 stated=9: 11"), ("not_found", "")],
        "swept",
        [PATH, "/page,1,2,7-a.html"],
        [1, 0],
    ),
    "by number, until one leads back": (
        [("ok", "7 stated=9: 11"), ("moved", PATH)],
        "swept",
        [PATH, "/page,1,2,7-a.html"],
        [1, 0],
    ),
    "a promised page leads back": (
        [("ok", "7 pages=2: 11"), ("moved", PATH)],
        "partial",
        [PATH, "/page,1,2,7-a.html"],
        [1, 0],
    ),
    "a promised page is not there": (
        [("ok", "7 pages=2: 11"), ("not_found", "")],
        "partial",
        [PATH, "/page,1,2,7-a.html"],
        [1, 0],
    ),
    "a promised page is another one": (
        [("ok", "7 pages=2: 11"), ("ok", "nothing")],
        "partial",
        [PATH, "/page,1,2,7-a.html"],
        [1, 0],
    ),
    "number, then address": (
        [("moved", "https://en.example.org/7-b.html#x"), ("ok", "7: 11"), ("ok", "7: 11")],
        "swept",
        [NUMBER_PATH, "/7-b.html", "/page,1,2,7-a.html"],
        [0, 1, 0],
    ),
    "moved to another article": ([("moved", "/8-a.html")], "moved", [PATH], [0]),
    "moved to the front page": ([("moved", "/")], "moved", [PATH], [0]),
    "moved to another host": ([("moved", "https://example.com/7-a.html")], "moved", [PATH], [0]),
    "moved to nowhere": ([("moved", "")], "moved", [PATH], [0]),
    "moved in circles": (
        [("moved", PATH)] * (MAX_HOPS + 1),
        "partial",
        [PATH] * (MAX_HOPS + 1),
        [0] * (MAX_HOPS + 1),
    ),
    "not there": ([("not_found", "")], "not_found", [PATH], [0]),
    "not there, says the page": ([("ok", "no such page")], "not_found", [PATH], [0]),
    "refused": ([("refused", "")], "refused", [PATH], [0]),
    "not the page that we think it is": ([("ok", "hello")], "not_understood", [PATH], [0]),
    "another article": ([("ok", "8: 11")], "not_understood", [PATH], [0]),
    "a comment of a number that none can have": ([("ok", f"7: 11 {2**40}")], "not_understood", [PATH], [0]),
    "a mistake of the program": ([("ok", "7 pages=many: 11")], "not_understood", [PATH], [0]),
    "a mistake of the program, later": (
        [("ok", "7 pages=2: 11"), ("ok", "7 pages=many: 12")],
        "partial",
        [PATH, "/page,1,2,7-a.html"],
        [1, 0],
    ),
    "trouble that passes": (
        [("server_error", ""), ("timeout", ""), ("ok", "7 pages=1: 11")],
        "swept",
        [PATH] * 3,
        [0, 0, 1],
    ),
    "trouble that stays": ([("incomplete", "")] * (RETRIES + 1), "unreachable", [PATH] * 3, [0] * 3),
    "trouble that stays, later": (
        [("ok", "7 pages=2: 11"), ("server_error", ""), ("timeout", ""), ("server_error", "")],
        "partial",
        [PATH, *["/page,1,2,7-a.html"] * 3],
        [1, 0, 0, 0],
    ),
}


@pytest.mark.parametrize("replies", VISITS)
def test_how_visits_go_on_and_end(replies: str) -> None:
    came, ends, paths, seen_first = VISITS[replies]
    steps, asked = visited(*came, path=NUMBER_PATH if paths[0] == NUMBER_PATH else PATH)
    assert [done.exchange.ends for done in steps] == [None] * (len(steps) - 1) + [ends]
    assert asked == paths
    assert [done.exchange.seen_first for done in steps] == seen_first
    assert len(steps[-1].exchange.seen) == (sum(seen_first) if ends == "swept" else 0)
    for done in steps:
        visit_now = done.exchange.visit
        assert visit_now is not None
        assert (visit_now.id, visit_now.started_at) == (100, NOON + timedelta(minutes=1))
        assert (done.exchange.page is None) == (done.exchange.normal is None)
        assert (done.exchange.page is None) == (done.exchange.seen_at is None)


@pytest.mark.parametrize(
    ("text", "outcome", "detail"),
    [
        ("7: 11", "ok", None),
        ("no such page", "not_found", f"http://127.0.0.1:8000{PATH} says that there is no such page"),
        ("hello", "not_understood", f"http://127.0.0.1:8000{PATH} shows no article"),
        (
            "8: 11",
            "not_understood",
            f"http://127.0.0.1:8000{PATH} is not the article 7 that was asked for",
        ),
        (
            f"7: {2**40}",
            "not_understood",
            f"{2**40} is no number of a comment: those have 1 to 10 digits.",
        ),
        (
            "7 stated=x: 11",
            "failed",
            "mistake of the program: ValueError(\"invalid literal for int() with base 10: 'x'\")",
        ),
    ],
)
def test_the_outcome_of_an_article_is_known_when_it_is_read(
    text: str, outcome: FetchOutcome, detail: str | None
) -> None:
    reply = Coming()(PATH, "ok", text)
    of_visit, of_none = step(begun(visit()), reply, READER).exchange, alone(reply, EN, READER)
    expected = replace(reply.fetch, outcome=outcome, detail=detail)
    assert of_visit.fetch == of_none.fetch == expected
    assert of_visit.page == of_none.page
    assert of_visit.normal == of_none.normal
    assert (of_none.visit, of_none.ends, of_none.seen_first) == (None, None, 0)
    assert of_visit.seen_at == of_none.seen_at == (reply.seen_at if outcome == "ok" else None)


def test_relative_dates_count_from_the_clock_of_the_server() -> None:
    reply = replace(Coming()(PATH, "ok", "7: 11"), seen_at=datetime(2017, 11, 3, 20, tzinfo=UTC))
    normal = alone(reply, EN, READER).normal
    assert normal is not None
    posted = normal.comments[0].posted
    assert posted is not None
    assert posted.at == datetime(2017, 11, 2, 7, tzinfo=UTC)


def test_a_page_of_no_visit_need_not_be_of_an_article_that_was_asked_for() -> None:
    reply = Coming()(PATH, "ok", "8: 11", article_id=None)
    exchange = alone(reply, EN, READER)
    assert exchange.page is not None
    assert exchange.page.article.id == 8


def test_a_check_for_humans_is_told_to_who_asks() -> None:
    [done], _ = visited(("ok", "check"))
    assert done.error is not None
    assert done.error.kind == "check"
    [done], _ = visited(("ok", "no such page"))
    assert done.error is None


def test_a_thread_without_end_is_left_at_last() -> None:
    progress = replace(begun(visit()), page=MAX_COMMENT_PAGES, path="/page,1,500,7-a.html")
    done = step(progress, Coming()(progress.path, "ok", "7 pages=900 next=/x: 11"), READER)
    assert done.exchange.ends == "partial"


@pytest.mark.parametrize(
    ("outcome", "text", "expected", "entries"),
    [
        ("ok", "7 8", "ok", [7, 8]),
        ("ok", "", "ok", []),
        ("ok", "no such page", "not_found", []),
        ("ok", "seven", "failed", []),
        ("not_found", "", "not_found", []),
        ("moved", "/rss.xml", "moved", []),
        ("timeout", "", "timeout", []),
    ],
)
def test_lists(outcome: FetchOutcome, text: str, expected: FetchOutcome, entries: list[int]) -> None:
    came = listing(Coming()("/news/", outcome, text), EN, READER)
    exchange = came.exchange
    assert exchange.fetch is not None
    assert exchange.fetch.outcome == expected
    assert [entry.id for entry in exchange.entries] == entries
    assert (came.page is None) == (expected != "ok")
    assert exchange.visit is None


def test_an_article_is_no_list_of_articles() -> None:
    came = listing(Coming()(PATH, "ok", "7: 11"), EN, READER)
    assert came.exchange.fetch is not None
    assert came.exchange.fetch.outcome == "not_understood"
    assert came.error is not None


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/7-a.html", "/7-a.html"),
        ("7-a.html?x=1#y", "/7-a.html?x=1"),
        ("http://127.0.0.1:8000/a", "/a"),
        ("https://en.example.org/a", "/a"),
        ("//en.example.org/a", "/a"),
        ("http://127.0.0.1/a", None),
        ("https://example.org/a", None),
        ("ftp://en.example.org/a", None),
        ("mailto:a@en.example.org", None),
        ("http://]/", None),
        ("", None),
        (None, None),
    ],
)
def test_where_a_redirect_leads(location: str | None, path: str | None) -> None:
    assert target_path("http://127.0.0.1:8000/x/", location, EN) == (
        path if location != "7-a.html?x=1#y" else "/x/7-a.html?x=1"
    )


#: Only a page that brings new comments leads to a next one, and there are nine of those.
MOST_REQUESTS = (9 + 1) * (1 + RETRIES + MAX_HOPS)


@given(st.lists(came_next, min_size=1, max_size=20), st.sampled_from([PATH, NUMBER_PATH]))
def test_whatever_comes_a_visit_ends_and_only_a_whole_one_says_whom_it_saw(
    came: list[tuple[FetchOutcome, str]], path: str
) -> None:
    coming, progress = Coming(), begun(visit(path))
    seen: set[int] = set()
    for outcome, text in islice(cycle(came), MOST_REQUESTS):
        asked = progress
        done = step(progress, coming(progress.path, outcome, text), READER)
        exchange, progress = done.exchange, done.progress
        if exchange.page is not None:
            before = len(seen)
            seen |= {comment.id for comment in exchange.page.comments.comments}
            assert exchange.seen_first == len(seen) - before
        assert exchange.seen == (seen if exchange.ends == "swept" else set())
        if exchange.ends is not None:
            return
        assert (progress.page, progress.tries + progress.hops) > (asked.page, asked.tries + asked.hops)
    pytest.fail("the visit has no end")
