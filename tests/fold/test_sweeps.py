"""What a visit that saw the end of a thread proves of the comments that it did not see."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.fold.sweeps import APART, Swept, swept

NOON = datetime(2017, 11, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TEN = frozenset(range(1, 11))


def earlier(
    outcome: str, minutes_ago: int, *, seen: int = 10, stated: int | None = None, unseen: Sequence[int] = ()
) -> Mapping[str, Any]:
    """The row of an earlier visit."""
    return {
        "outcome": outcome,
        "finished_at": NOON - minutes_ago * MINUTE,
        "comments_seen": seen,
        "comments_stated": stated,
        "unseen": list(unseen) or None,
    }


def after(
    seen: frozenset[int],
    *before: Mapping[str, Any],
    stated: int | None = None,
    live: frozenset[int] = TEN,
    missing: Mapping[int, int] | None = None,
) -> Swept:
    """What is proven at noon; `missing` says how many minutes ago a comment went missing."""
    since = {id: NOON - ago * MINUTE for id, ago in (missing or {}).items()}
    return swept(seen, stated, at=NOON, live=live, missing_since=since, earlier=before)


def test_all_are_there() -> None:
    assert after(TEN) == Swept(outcome="swept")


def test_one_is_missing() -> None:
    assert after(TEN - {3}) == Swept(outcome="swept", missing=(3,))


@pytest.mark.parametrize(("minutes_ago", "gone"), [(59, ()), (60, (11,)), (600, (11,)), (-5, ())])
def test_missing_for_an_hour_is_gone(minutes_ago: int, gone: tuple[int, ...]) -> None:
    assert after(TEN, missing={11: minutes_ago}) == Swept(outcome="swept", gone=gone)


def test_a_fifth_is_believed_and_more_is_suspect() -> None:
    assert after(TEN - {1, 2}).missing == (1, 2)
    assert after(TEN - {1, 2, 3}, missing={11: 90}) == Swept(outcome="suspect", unseen=(1, 2, 3))


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param([earlier("suspect", 59, unseen=[1, 2, 3])], None, id="too early"),
        pytest.param([earlier("suspect", 60, unseen=[1, 2, 3])], (1, 2, 3), id="an hour later"),
        pytest.param([earlier("suspect", 60, unseen=[1, 2])], (1, 2, 3), id="and a few more"),
        pytest.param(
            [earlier("suspect", 10, unseen=[1, 2, 3]), earlier("suspect", 70, unseen=[1, 2, 3, 4])],
            (1, 2, 3),
            id="seen suspect every half hour",
        ),
        pytest.param(
            [earlier("suspect", 10, unseen=[2, 3, 4]), earlier("suspect", 70, unseen=[1, 2, 3])],
            (1, 2, 3),
            id="one of them was seen between",
        ),
        pytest.param(
            [earlier("swept", 10), earlier("suspect", 70, unseen=[1, 2, 3])], None, id="all were seen"
        ),
        pytest.param(
            [earlier("miscounted", 10), earlier("suspect", 70, unseen=[1, 2, 3])],
            (1, 2, 3),
            id="a visit between that proves nothing",
        ),
        pytest.param(
            [earlier("partial", 10), earlier("suspect", 70, unseen=[1, 2, 3])], (1, 2, 3), id="a partial one"
        ),
    ],
)
def test_a_suspect_visit_is_confirmed(
    before: list[Mapping[str, Any]], expected: tuple[int, ...] | None
) -> None:
    found = after(TEN - {1, 2, 3}, *before)
    if expected is None:
        assert found == Swept(outcome="suspect", unseen=(1, 2, 3))
    else:
        assert found == Swept(outcome="swept", missing=expected)


def test_what_is_missing_only_now_waits_where_it_is_much() -> None:
    suspect = earlier("suspect", 60, unseen=[1, 2, 3])
    assert after(frozenset({10}), suspect) == Swept(outcome="swept", missing=(1, 2, 3))


@pytest.mark.parametrize(
    ("stated", "before", "outcome"),
    [
        pytest.param(10, [], "swept", id="as stated"),
        pytest.param(None, [], "swept", id="nothing stated"),
        pytest.param(12, [], "miscounted", id="the first time"),
        pytest.param(
            12, [earlier("miscounted", 5, seen=9, stated=11)], "swept", id="by the same amount again"
        ),
        pytest.param(12, [earlier("swept", 5, seen=9, stated=11)], "swept", id="that is its drift"),
        pytest.param(12, [earlier("swept", 5, seen=10, stated=10)], "miscounted", id="by another amount"),
        pytest.param(
            12,
            [earlier("partial", 1, seen=3, stated=5), earlier("miscounted", 5, seen=9, stated=11)],
            "swept",
            id="a partial visit does not count",
        ),
        pytest.param(8, [], "miscounted", id="fewer than there are"),
    ],
)
def test_a_stated_count_that_differs(
    stated: int | None, before: list[Mapping[str, Any]], outcome: str
) -> None:
    assert after(TEN, *before, stated=stated).outcome == outcome


def test_a_miscounted_visit_marks_nothing() -> None:
    assert after(TEN - {3}, stated=10, missing={11: 90}) == Swept(outcome="miscounted")


ids = st.frozensets(st.integers(1, 12))


@given(
    ids,
    ids,
    st.none() | st.integers(0, 12),
    st.dictionaries(st.integers(20, 24), st.integers(-10, 200)),
    st.lists(
        st.builds(
            earlier,
            st.sampled_from(["swept", "suspect", "miscounted", "partial"]),
            st.integers(0, 200),
            seen=st.integers(0, 12),
            stated=st.none() | st.integers(0, 12),
            unseen=st.lists(st.integers(1, 12), min_size=1),
        ),
        max_size=4,
    ),
)
def test_only_what_was_not_seen_is_marked_and_only_by_a_sweep(
    seen: frozenset[int],
    live: frozenset[int],
    stated: int | None,
    missing: dict[int, int],
    before: list[Mapping[str, Any]],
) -> None:
    for visit in before:
        if visit["outcome"] == "suspect" and visit["unseen"] is None:
            return
    found = after(seen, *before, live=live, stated=stated, missing=missing)
    assert live - seen >= set(found.missing)
    assert missing.keys() - seen >= set(found.gone)
    assert all(missing[id] >= APART / MINUTE for id in found.gone)
    if found.outcome != "swept":
        assert found.missing == found.gone == ()
    assert (found.unseen is not None) == (found.outcome == "suspect")
