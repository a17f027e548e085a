"""Threads: any order in, the same places out."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.errors import NotUnderstood
from crawler.normalise.threads import SEGMENT_WIDTH, Place, places, segment

Pairs = list[tuple[int, int | None]]


def path(*ids: int) -> str:
    return "".join(map(segment, ids))


@st.composite
def forests(draw: st.DrawFn) -> Pairs:
    """Comments with numbers in no order; each answers one before it in the list, or none."""
    ids = draw(st.lists(st.integers(1, 10**SEGMENT_WIDTH - 1), unique=True, max_size=40))
    return [(id_, draw(st.sampled_from([None, *ids[:n]]))) for n, id_ in enumerate(ids)]


@st.composite
def tangles(draw: st.DrawFn) -> Pairs:
    """Anything: unseen parents, circles, comments that answer themselves or stand twice."""
    small = st.integers(1, 12)
    return draw(st.lists(st.tuples(small, st.none() | small), max_size=25))


@pytest.mark.parametrize(
    ("id_", "text"),
    [(1, "0000000001"), (8001234, "0008001234"), (10**10 - 1, "9999999999"), (0, "0000000000")],
)
def test_a_segment_has_a_fixed_width(id_: int, text: str) -> None:
    assert segment(id_) == text


@pytest.mark.parametrize("id_", [10**10, 2**63, -1, -(10**9)])
def test_a_number_that_would_spoil_the_order_is_refused(id_: int) -> None:
    with pytest.raises(NotUnderstood, match=str(id_)):
        segment(id_)
    with pytest.raises(NotUnderstood, match=str(id_)):
        places([(1, None), (id_, 1)])


@pytest.mark.parametrize(
    ("comments", "expected"),
    [
        pytest.param([], {}, id="no comments"),
        pytest.param(
            [(30, 10), (10, None), (20, 30), (5, None)],
            {
                5: Place(5, 0, path(5)),
                10: Place(10, 0, path(10)),
                30: Place(10, 1, path(10, 30)),
                20: Place(10, 2, path(10, 30, 20)),
            },
            id="answers before and after their parents, a parent younger than its answer",
        ),
        pytest.param(
            [(7, 3), (8, 7)],
            {7: Place(3, 1, path(3, 7)), 8: Place(3, 2, path(3, 7, 8))},
            id="a parent never seen stands as a root",
        ),
        pytest.param(
            [(4, 4), (6, 4)],
            {4: Place(4, 0, path(4)), 6: Place(4, 1, path(4, 6))},
            id="a comment that answers itself is a root",
        ),
        pytest.param(
            [(3, 2), (1, 3), (2, 1), (9, 3)],
            {
                1: Place(1, 0, path(1)),
                2: Place(1, 1, path(1, 2)),
                3: Place(1, 2, path(1, 2, 3)),
                9: Place(1, 3, path(1, 2, 3, 9)),
            },
            id="a circle is cut above its lowest number",
        ),
        pytest.param(
            [(1, None), (2, None), (5, 2), (5, 1), (5, None)],
            {1: Place(1, 0, path(1)), 2: Place(2, 0, path(2)), 5: Place(1, 1, path(1, 5))},
            id="a comment that stands twice is placed under the lowest parent",
        ),
    ],
)
def test_places(comments: Pairs, expected: dict[int, Place]) -> None:
    assert places(comments) == expected


@settings(deadline=None)
@given(forests() | tangles(), st.randoms(use_true_random=False))
def test_the_order_of_comments_does_not_matter(comments: Pairs, chance: random.Random) -> None:
    shuffled = chance.sample(comments, len(comments))
    assert places(shuffled) == places(comments)


@settings(deadline=None)
@given(forests())
def test_sorting_by_path_is_reading_order(comments: Pairs) -> None:
    answers: dict[int | None, list[int]] = {}
    for id_, parent_id in sorted(comments):
        answers.setdefault(parent_id, []).append(id_)
    in_reading_order: list[tuple[int, int]] = []

    def read(parent_id: int | None, depth: int) -> None:
        for id_ in answers.get(parent_id, []):
            in_reading_order.append((id_, depth))
            read(id_, depth + 1)

    read(None, 0)
    found = places(comments)
    by_path = sorted(found, key=lambda id_: found[id_].path.encode())
    assert [(id_, found[id_].depth) for id_ in by_path] == in_reading_order


@settings(deadline=None, max_examples=200)
@given(tangles(), tangles())
def test_every_comment_finds_a_place_that_its_path_tells(earlier: Pairs, comments: Pairs) -> None:
    found = places(comments, places(earlier))
    assert found.keys() == {id_ for id_, _ in comments}
    for id_, place in found.items():
        ancestors = [place.path[i : i + SEGMENT_WIDTH] for i in range(0, len(place.path), SEGMENT_WIDTH)]
        assert len(ancestors) == len(set(ancestors)) == place.depth + 1
        assert (ancestors[0], ancestors[-1]) == (segment(place.root_id), segment(id_))


@settings(deadline=None)
@given(forests(), st.integers(0, 40))
def test_a_thread_over_two_pages_is_placed_as_on_one(comments: Pairs, cut: int) -> None:
    first, second = comments[:cut], comments[cut:]
    known = places(first)
    assert known | places(second, known) == places(comments)


def test_known_ancestors_that_move_take_their_answers_with_them() -> None:
    known = places([(1, None), (3, 1), (4, 3)])
    found = places([(2, None), (1, 2), (9, 4)], known)
    assert found[9] == Place(2, 4, path(2, 1, 3, 4, 9))


def test_a_circle_through_known_comments_is_cut_at_a_comment_to_be_placed() -> None:
    known = places([(5, None), (1, 5)])
    assert places([(5, 1)], known) == {5: Place(5, 0, path(5))}


def test_a_chain_of_5000_answers_needs_no_recursion() -> None:
    depth = 5000
    found = places((id_, id_ - 1 or None) for id_ in range(depth, 0, -1))
    assert (found[depth].depth, found[depth].root_id) == (depth - 1, 1)


def test_a_large_thread_takes_no_more_per_comment_than_a_small_one() -> None:
    def seconds_per_comment(count: int) -> float:
        comments = [(id_, id_ // 3 or None) for id_ in range(1, count + 1)]
        best = float("inf")
        for _ in range(5):
            started = time.perf_counter()
            places(comments)
            best = min(best, time.perf_counter() - started)
        return best / count

    assert seconds_per_comment(50_000) < 10 * seconds_per_comment(1_000)
