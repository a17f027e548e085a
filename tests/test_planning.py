"""When a thread is visited again."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.items import VisitOutcome
from crawler.planning import LONGEST_RETRY, next_visit

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OUTCOMES: tuple[VisitOutcome, ...] = get_args(VisitOutcome)


@pytest.mark.parametrize(
    ("age", "wait", "reason"),
    [
        (0 * MINUTE, 30 * MINUTE, "age under 6 hours"),
        (6 * HOUR - MINUTE, 30 * MINUTE, "age under 6 hours"),
        (6 * HOUR, 2 * HOUR, "age under 24 hours"),
        (2 * DAY, 8 * HOUR, "age under 3 days"),
        (6 * DAY, DAY, "age under 7 days"),
        (29 * DAY, 7 * DAY, "age under 30 days"),
        (364 * DAY, 30 * DAY, "age under 365 days"),
        (365 * DAY, 180 * DAY, "old"),
        (-DAY, 30 * MINUTE, "age under 6 hours"),  # the site's clock is ahead of ours
    ],
)
def test_after_a_sweep_age_decides(age: timedelta, wait: timedelta, reason: str) -> None:
    planned = next_visit(outcome="swept", now=NOW, published_at=NOW - age, failures=0)
    assert planned == (NOW + wait, reason)


@pytest.mark.parametrize(
    ("outcome", "age", "wait", "reason"),
    [
        ("suspect", 0 * MINUTE, HOUR, "to confirm what is missing"),
        ("suspect", 365 * DAY, HOUR, "to confirm what is missing"),
        ("miscounted", 0 * MINUTE, 30 * MINUTE, "age under 6 hours"),
        ("miscounted", 2 * DAY, HOUR, "to count again"),
    ],
)
def test_what_is_not_trusted_is_looked_at_again_soon(
    outcome: VisitOutcome, age: timedelta, wait: timedelta, reason: str
) -> None:
    planned = next_visit(outcome=outcome, now=NOW, published_at=NOW - age, failures=0)
    assert planned == (NOW + wait, reason)


def test_an_article_of_unknown_age_counts_as_new() -> None:
    planned, _ = next_visit(outcome="swept", now=NOW, published_at=None, failures=0)
    assert planned == NOW + 30 * MINUTE


@pytest.mark.parametrize(
    ("failures", "wait"),
    [(1, 15 * MINUTE), (2, 30 * MINUTE), (5, 4 * HOUR), (10, 128 * HOUR), (11, 7 * DAY), (10**6, 7 * DAY)],
)
def test_failures_are_tried_again_ever_later(failures: int, wait: timedelta) -> None:
    planned = next_visit(outcome="unreachable", now=NOW, published_at=None, failures=failures)
    assert planned == (NOW + wait, "again after unreachable")


def test_what_moved_away_is_not_visited_again() -> None:
    assert next_visit(outcome="moved", now=NOW, published_at=NOW, failures=1) == (None, "moved away")


def test_what_was_stopped_is_due_at_once() -> None:
    assert next_visit(outcome="stopped", now=NOW, published_at=NOW, failures=0)[0] == NOW


@given(st.sampled_from(OUTCOMES), st.integers(0, 10**9), st.none() | st.timedeltas(-DAY, 9000 * DAY))
def test_every_outcome_has_a_plan(outcome: VisitOutcome, failures: int, age: timedelta | None) -> None:
    published_at = None if age is None else NOW - age
    planned, reason = next_visit(outcome=outcome, now=NOW, published_at=published_at, failures=failures)
    assert reason
    if outcome == "moved":
        assert planned is None
    else:
        assert planned is not None
        assert NOW <= planned <= NOW + max(LONGEST_RETRY, 180 * DAY)
