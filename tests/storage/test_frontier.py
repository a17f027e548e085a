"""What to visit when."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from crawler.items import Entry, VisitOutcome
from crawler.storage.bulk import Writes
from crawler.storage.frontier import (
    Known,
    Which,
    known,
    published_between,
    save_entries,
    save_visit_end,
)
from crawler.storage.schema import frontier
from crawler.storage.standing import standing
from tests.storing import EN, NOON, RU, comment, found, page, rows, store

HOUR = timedelta(hours=1)


def entries(*ids: int) -> list[Entry]:
    return [Entry(id=id, path=f"/{id}-a.html") for id in ids]


def url(id: int) -> str:
    return f"https://en.example.org/{id}-a.html"


def end(connection: Connection, id: int, outcome: VisitOutcome, hours: int = 0) -> None:
    writes = Writes(connection)
    at = NOON + hours * HOUR
    save_visit_end(writes, EN, id, standing(connection, EN, id), url(id), outcome, now=at)
    writes.send()


def only(connection: Connection) -> dict[str, Any]:
    (row,) = rows(connection, frontier)
    return row


def test_what_a_listing_points_to_is_due_at_once(connection: Connection) -> None:
    assert save_entries(connection, EN, entries(7, 8, 7), via="feed", now=NOON) == 2
    assert rows(connection, frontier)[0] == {
        "article_id": 7,
        "edition_id": 1,
        "url": "https://en.example.org/7-a.html",
        "discovered_at": NOON,
        "discovered_via": "feed",
        "next_visit_at": NOON,
        "reason": "new",
        "last_visit_at": None,
        "last_sweep_at": None,
        "attempts": 0,
        "outcome": None,
    }


def test_what_is_known_stays_as_it_is(connection: Connection) -> None:
    save_entries(connection, EN, entries(7), via="feed", now=NOON)
    end(connection, 7, "swept")
    before = only(connection)
    assert save_entries(connection, EN, entries(7), via="listing", now=NOON + HOUR) == 0
    assert only(connection) == before
    assert save_entries(connection, EN, [], via="listing", now=NOON) == 0


def test_addresses_that_no_database_takes(connection: Connection) -> None:
    dirty = Entry(id=7, path="/7-a\0\udc80.html")
    assert save_entries(connection, EN, [dirty], via="feed", now=NOON) == 1
    assert only(connection)["url"].endswith("/7-a\ufffd\ufffd.html")


def test_after_a_visit(connection: Connection) -> None:
    save_entries(connection, EN, entries(7), via="feed", now=NOON)
    expected: list[tuple[VisitOutcome, int, str]] = [
        ("unreachable", 1, "again after unreachable"),
        ("partial", 2, "again after partial"),
        ("swept", 0, "age under 6 hours"),
        ("not_found", 1, "again after not_found"),
    ]
    for hours, (outcome, attempts, reason) in enumerate(expected, start=1):
        end(connection, 7, outcome, hours)
        row = only(connection)
        assert (row["outcome"], row["attempts"], row["reason"]) == (outcome, attempts, reason)
        assert row["last_visit_at"] == NOON + hours * HOUR
        assert row["next_visit_at"] > NOON + hours * HOUR
    assert only(connection)["last_sweep_at"] == NOON + 3 * HOUR
    end(connection, 7, "moved", 9)
    assert only(connection)["next_visit_at"] is None


def test_age_counts_from_publication_where_it_is_known(connection: Connection) -> None:
    save_entries(connection, EN, entries(7, 8), via="feed", now=NOON)
    store(connection, page(published_raw="3 November 2017 12:20", article=7))
    store(connection, page(article=8))
    end(connection, 7, "swept")
    end(connection, 8, "swept")
    assert [row["reason"] for row in rows(connection, frontier)] == ["age under 3 days", "age under 6 hours"]


@pytest.mark.parametrize("outcome", ["swept", "not_found"])
def test_what_was_asked_for_by_number_becomes_known(connection: Connection, outcome: VisitOutcome) -> None:
    end(connection, 7, outcome)
    row = only(connection)
    assert (row["discovered_via"], row["outcome"]) == ("asked", outcome)
    assert row["last_visit_at"] == NOON


def test_a_visit_that_was_stopped_leaves_its_article_due(connection: Connection) -> None:
    save_entries(connection, EN, entries(7), via="feed", now=NOON)
    before = only(connection)
    end(connection, 7, "stopped", 1)
    assert only(connection) == before
    end(connection, 8, "stopped", 1)  # asked for by number
    assert [k.article_id for k in known(connection, 1, "due", now=NOON + HOUR)] == [7, 8]


@pytest.fixture
def several(connection: Connection) -> Connection:
    """7 was visited and is due · 8 was visited and is not · 9 has moved away · 10 and 11 are new."""
    save_entries(connection, EN, entries(7, 8, 9, 10), via="feed", now=NOON)
    save_entries(connection, EN, entries(11), via="feed", now=NOON + HOUR)
    save_entries(connection, RU, entries(12), via="feed", now=NOON)
    end(connection, 7, "swept", 1)
    end(connection, 8, "swept", 3)
    end(connection, 9, "moved", 1)
    return connection


@pytest.mark.parametrize(
    ("which", "limit", "ids", "expected"),
    [
        ("due", None, None, [10, 11, 7]),
        ("due", 2, None, [10, 11]),
        ("new", None, None, [10, 11]),
        ("all", None, None, [10, 11, 7, 8, 9]),
        ("all", 0, None, []),
        ("all", None, [9, 7, 99], [7, 9]),
        ("due", None, [8, 7], [7]),
        ("all", None, [], []),
        ("all", None, range(8, 200_000), [10, 11, 8, 9]),
        ("all", 3, range(8, 200_000), [10, 11, 8]),
    ],
)
def test_known(
    several: Connection, which: Which, limit: int | None, ids: list[int] | None, expected: list[int]
) -> None:
    there = known(several, EN.id, which, now=NOON + 2 * HOUR, limit=limit, article_ids=ids)
    assert there == [Known(article_id=id, url=url(id)) for id in expected]


def test_published_between(connection: Connection) -> None:
    for number, day in enumerate(["2 November 2017 23:59", "3 November 2017 00:00", "4 November 2017 00:00"]):
        store(connection, page(article=7 + number, published_raw=day), number)
    store(connection, page(article=20), 9)
    midnight = NOON.replace(day=2, hour=21)  # in Moscow
    assert published_between(connection, EN.id, midnight, midnight + 24 * HOUR) == [8]
    assert published_between(connection, RU.id, midnight, midnight + 24 * HOUR) == []


def test_completeness_view(connection: Connection) -> None:
    save_entries(connection, EN, entries(7, 8, 9, 10), via="feed", now=NOON)
    store(connection, page(comment(11, posted_raw="Today, 10:00"), comments_stated=1), 1)
    store(connection, page(comment(22, 21), comments_stated=2, article=8), 2)
    store(connection, page(article=9), 3)
    for id in (7, 8, 9):
        end(connection, id, "swept")
    shown = found(
        connection,
        "SELECT article_id, comments_stated, comments_stored, orphans, undated, last_outcome, complete "
        "FROM completeness_view ORDER BY article_id",
    )
    assert shown == [
        (7, 1, 1, 0, 0, "swept", True),
        (8, 2, 1, 1, 1, "swept", False),
        (9, None, 0, 0, 0, "swept", False),
        (10, None, None, 0, 0, None, False),
    ]
