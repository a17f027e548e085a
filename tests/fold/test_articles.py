"""What becomes of an article from look to look."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from crawler.fold.articles import absent, seen
from crawler.fold.content import ARTICLE_CONTENT, article_content
from crawler.fold.look import Look, Row
from crawler.storage.schema import article_states, articles
from tests.storing import EN, NOON, normal, page

DAY = timedelta(days=1)


def look(days: float, **fields: Any) -> Look:
    return Look(int(days * 100) + 1, NOON + days * DAY, 1, **fields)


def shown(old: Row | None, days: float, **said: Any) -> tuple[Row, Row | None]:
    """The row after a page that says this, and the state that it leaves behind."""
    article = normal(page(**said)).article
    content = article_content(article, EN) | {"id": 7, "edition_id": 1}
    step = seen(old, content, article.written, look(days))
    return step.row, step.state


def missed(old: Row, *days: float, moved: bool = False) -> tuple[Row, list[str]]:
    """The row after these days on which it was not there, and what was noted of them."""
    changes = []
    for day in days:
        step = absent(old, moved=moved, look=look(day))
        if step.state is not None:
            changes.append(step.row["change"])
        old = step.row
    return old, changes


def test_the_columns_are_those_of_the_tables() -> None:
    row, _ = shown(None, 0)
    assert row.keys() == {column.name for column in articles.columns}
    _, state = shown(row, 1, title="Other")
    assert state is not None
    assert state.keys() == {column.name for column in article_states.columns}
    assert set(ARTICLE_CONTENT) < state.keys()


@pytest.mark.parametrize(
    ("said", "translated", "change"),
    [
        ({"title": "Other"}, False, "edit"),
        ({"title": "Other"}, True, "translation"),
        ({"body": "Other."}, True, "translation"),
        ({"path": "/7-b.html"}, True, "edit"),
        ({"views": 9}, False, None),
        ({}, False, None),
    ],
)
def test_changes(said: dict[str, Any], translated: bool, change: str | None) -> None:
    first, _ = shown(None, 0)
    article = normal(page(**said)).article
    content = article_content(article, EN) | {"id": 7, "edition_id": 1}
    step = seen(first, content, article.written, look(1, translated=translated))
    assert (step.row["change"] if step.state else None) == change
    assert (step.row["changed_at"] is None) == (change is None)


@pytest.mark.parametrize(
    ("days", "changes", "state"),
    [
        ([1], ["missing"], "missing"),
        ([1, 2], ["missing"], "missing"),
        ([1, 2, 3], ["missing"], "missing"),
        ([1, 9], ["missing"], "missing"),
        ([1, 2, 7.9], ["missing"], "missing"),
        ([1, 2, 8], ["missing", "gone"], "gone"),
        ([1, 2, 3, 4, 8, 9, 10], ["missing", "gone"], "gone"),
    ],
)
def test_three_times_in_seven_days_is_gone(days: list[float], changes: list[str], state: str) -> None:
    first, _ = shown(None, 0)
    row, noted = missed(first, *days)
    assert (noted, row["state"]) == (changes, state)
    assert (row["gone_at"] is not None) == (state == "gone")
    assert row["changed_at"] is None


def test_it_returns_and_the_counting_begins_anew() -> None:
    row, _ = missed(shown(None, 0)[0], 1, 2)
    row, state = shown(row, 3)
    assert (row["state"], row["change"], row["not_found_times"]) == ("live", "return", 0)
    assert state is not None
    assert state["state"] == "missing"
    row, changes = missed(row, 4, 11)
    assert (row["state"], changes) == ("missing", ["missing"])


def test_moved_is_no_way_to_be_gone() -> None:
    row, changes = missed(shown(None, 0)[0], 1, 2, 10, moved=True)
    assert (row["state"], row["gone_at"], changes) == ("moved", None, ["move"])


def test_a_clock_that_was_set_back_takes_nothing_away() -> None:
    first, _ = shown(None, 5)
    back = seen(
        first,
        {**{name: first[name] for name in ARTICLE_CONTENT}, "id": 7, "edition_id": 1},
        normal(page()).article.written,
        Look(600, NOON, 1),
    )
    assert back.row["last_seen_at"] == first["last_seen_at"] == NOON + 5 * DAY
    assert isinstance(back.row["seen_at"], datetime)
