"""The archive tells the exchanges of a crawl again, and no others."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.fetching.records import Archived
from crawler.items import Exchange, FetchOutcome, VisitOutcome
from crawler.rereading import exchanges
from crawler.sites import military_review, readers
from crawler.sites.military_review.pages import PAGES
from crawler.visiting import Reply, begun, step
from tests.visits import EN, NUMBER_PATH, PATH, READER, Coming, came_next, unfinished, visit, visited

Came = tuple[FetchOutcome, str]


def archived(reply: Reply, visit_id: int | None = 100) -> Archived:
    """What the archive has of it."""
    headers = [(b"Date", format_datetime(reply.seen_at).encode())]
    if reply.location:
        headers.append((b"Location", reply.location.encode()))
    return Archived(fetch=reply.fetch, crawl_id=1, visit_id=visit_id, headers=tuple(headers), sent=reply.body)


def again(*given: Archived) -> list[Exchange]:
    return list(exchanges(given, {EN.id: READER}))


def crawl(plans: Sequence[Sequence[Came]], turns: Iterator[int]) -> tuple[list[Archived], list[Exchange]]:
    """
    Visits to the same article that take turns, each as long as it goes on and its plan says what comes.

    What the archive has of them, and what was to be stored.
    """
    coming = Coming()
    going = {
        number: (begun(visit(PATH if number % 2 else NUMBER_PATH, id=number)), iter(plan))
        for number, plan in enumerate(plans, 1)
    }
    kept: list[Archived] = []
    stored: list[Exchange] = []
    while going:
        number = sorted(going)[next(turns) % len(going)]
        progress, plan = going.pop(number)
        for outcome, text in plan:
            reply = coming(progress.path, outcome, text, page=progress.page, kind=progress.kind)
            done = step(progress, reply, READER)
            kept.append(archived(reply, number))
            stored.append(done.exchange)
            if done.exchange.ends is None:
                going[number] = done.progress, plan
            break
    return kept, stored


@given(st.lists(st.lists(came_next, max_size=8), max_size=4), st.data())
def test_visits_are_told_again_as_they_were(plans: list[list[Came]], data: st.DataObject) -> None:
    turns = st.integers(0, 10)
    kept, stored = crawl(plans, iter(lambda: data.draw(turns), -1))
    assert again(*kept) == stored
    ended = {e.visit.id for e in stored if e.visit is not None and e.ends is not None}
    assert unfinished(stored).keys() == {one.visit_id for one in kept} - ended


def pages(*texts: tuple[int, str]) -> list[Archived]:
    """A visit that asked these pages, and what today's reader sees on them."""
    coming = Coming()
    return [
        archived(coming(PATH if page == 1 else f"/page,1,{page},7-a.html", "ok", text, page=page))
        for page, text in texts
    ]


@pytest.mark.parametrize(
    ("asked", "ends", "seen"),
    [
        pytest.param([(1, "7 pages=2: 11")], None, [], id="more pages than were asked"),
        pytest.param(
            [(1, "7 pages=1: 11"), (2, "7 pages=1: 12")], "swept", [11, 12], id="the end before the last page"
        ),
        pytest.param(
            [(1, "7 pages=3: 11"), (2, "junk"), (3, "7 pages=3: 13")], "partial", [], id="junk in the middle"
        ),
        pytest.param([(1, "junk"), (2, "7 pages=2: 12")], "not_understood", [], id="junk at the start"),
        pytest.param([(1, "junk"), (2, "7 pages=3: 12")], "not_understood", [], id="junk, and no end"),
        pytest.param([(1, "7 pages=3: 11"), (3, "7 pages=3: 13")], "partial", [], id="a record is lost"),
        pytest.param([(2, "7 pages=2: 12")], "partial", [], id="the first record is lost"),
        pytest.param(
            [(1, "7 pages=1: 11"), (2, "no such page")], "swept", [11], id="a page that nobody promised"
        ),
        pytest.param(
            [(1, "7 pages=2: 11"), (2, "no such page")], "partial", [], id="a page that was promised"
        ),
    ],
)
def test_another_reader_ends_a_visit_with_its_last_page_or_not_at_all(
    asked: list[tuple[int, str]], ends: VisitOutcome | None, seen: list[int]
) -> None:
    told = again(*pages(*asked))
    assert [exchange.ends for exchange in told] == [None] * (len(asked) - 1) + [ends]
    assert [exchange.seen for exchange in told] == [frozenset()] * (len(asked) - 1) + [frozenset(seen)]
    assert len(unfinished(told)) == (ends is None)


def test_what_belongs_to_no_visit() -> None:
    coming = Coming()

    def came(kind: Any, path: str, outcome: FetchOutcome, text: str = "", **fields: Any) -> Archived:
        return archived(coming(path, outcome, text, kind=kind, **fields), visit_id=None)

    robots = came("robots", "/robots.txt", "ok", "User-agent: *", article_id=None)
    junk = came("robots", "/robots.txt", "ok", "<html>", article_id=None)
    feed = came("feed", "/rss.xml", "ok", "7 8", article_id=None)
    moved = came("listing", "/news/", "moved", "/", article_id=None)
    strange = came("sitemap", "/sitemap.xml", "ok", "seven", article_id=None)
    page = came("article", PATH, "ok", "7: 11")
    other = came("article", "/9-a.html", "ok", "9: 12", article_id=9)
    wrong = came("article", "/9-a.html", "ok", "9: 12")
    gone = came("number", NUMBER_PATH, "not_found")
    all_of_them = [robots, junk, feed, moved, strange, page, other, wrong, gone]
    told = again(*all_of_them)
    assert [e.fetch and e.fetch.id for e in told] == [one.fetch.id for one in all_of_them]
    outcomes = [e.fetch.outcome for e in told if e.fetch]
    assert outcomes == ["ok", "ok", "ok", "moved", "failed", "ok", "ok", "not_understood", "not_found"]
    assert [[entry.id for entry in e.entries] for e in told] == [[], [], [7, 8], *[[]] * 6]
    assert [e.page and e.page.article.id for e in told] == [*[None] * 5, 7, 9, None, None]
    assert [e.normal is not None for e in told] == [e.page is not None for e in told]
    assert {(e.visit, e.ends, e.seen_first) for e in told} == {(None, None, 0)}
    assert unfinished(told) == {}


def test_a_body_that_cannot_be_unpacked_is_no_page() -> None:
    [page] = pages((1, "7: 11"))
    cut = replace(page, headers=(*page.headers, (b"Content-Encoding", b"gzip")), visit_id=None)
    [exchange] = again(cut)
    assert exchange.fetch == replace(
        page.fetch, outcome="incomplete", detail="the gzip body is damaged: incorrect header check"
    )
    assert exchange.page is None


def test_one_at_a_time_and_in_order() -> None:
    first, second = pages((1, "7 pages=2: 11"), (2, "7 pages=2: 12"))
    for wrong in ([second, first], [first, first]):
        with pytest.raises(ValueError, match="in the order of their numbers"):
            again(*wrong)
    with pytest.raises(KeyError):
        list(exchanges([first], {}))


def test_an_end_that_is_told_again_says_whom_the_visit_saw() -> None:
    steps, _ = visited(("ok", "7 pages=2: 11 12"), ("ok", "7 pages=2: 13"))
    told = again(*pages((1, "7 pages=2: 11 12"), (2, "7 pages=2: 13")))
    assert told[-1].seen == steps[-1].exchange.seen == {11, 12, 13}


def test_the_readers_of_all_sites() -> None:
    found = readers()
    assert found[1] is found[2]
    assert (found[1].site, found[1].pages) == (military_review.SITE, PAGES)
    sites = {reader.site.name: reader.site for reader in found.values()}
    assert len(found) == sum(len(site.editions) for site in sites.values()), "two editions have one number"
