"""Which authors have taken another name."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.normalise.renames import renames


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([("heron", "crane")] * 2, {"heron": "crane"}),
        ([("heron", "crane")] * 3 + [("stork", "stork")], {"heron": "crane"}),
        # One comment may be misread, or have been given to another by hand.
        ([("heron", "crane")], {}),
        # Others keep the old name, or have got a third one.
        ([("heron", "crane")] * 5 + [("heron", "heron")], {}),
        ([("heron", "crane")] * 2 + [("heron", "stork")] * 2, {}),
        # Pages that were read again earlier have the new name already.
        ([("heron", "crane")] * 2 + [("crane", "crane")] * 3, {"heron": "crane"}),
        # Two exchange their names, and one takes a name that another has just left.
        ([("heron", "crane"), ("crane", "heron")] * 2, {"heron": "crane", "crane": "heron"}),
        ([("heron", "crane"), ("crane", "stork")] * 2, {"heron": "crane", "crane": "stork"}),
        # Everybody becomes the same one: a layout has changed, or accounts were joined.
        ([("heron", "crane"), ("stork", "crane")] * 4, {}),
        ([("heron", "crane")] * 4 + [("stork", "crane")], {}),
        # A deleted account, and a guest who is now a member, or another guest.
        ([("heron", "guest:heron")] * 4, {}),
        ([("guest:heron", "heron")] * 4, {}),
        ([("guest:heron", "guest:crane")] * 4, {}),
        ([("unknown:heron", "heron")] * 4, {}),
        ([("heron", "unknown:heron")] * 4, {}),
        ([("heron", "heron")] * 4, {}),
        ([], {}),
    ],
)
def test_renames(seen: list[tuple[str, str]], expected: dict[str, str]) -> None:
    assert renames(seen) == expected


def test_how_many_comments_are_several() -> None:
    assert renames([("heron", "crane")] * 4, least_comments=5) == {}
    assert renames([("heron", "crane")] * 5, least_comments=5) == {"heron": "crane"}


keys = st.sampled_from(["heron", "crane", "stork", "guest:heron"])


@given(st.lists(st.tuples(keys, keys)), st.randoms(use_true_random=False))
def test_the_order_of_comments_does_not_matter(seen: list[tuple[str, str]], random: Random) -> None:
    shuffled = random.sample(seen, len(seen))
    assert renames(shuffled) == renames(seen)


@given(st.lists(st.tuples(keys, keys)))
def test_no_two_authors_become_one_and_none_becomes_itself(seen: list[tuple[str, str]]) -> None:
    found = renames(seen)
    assert len(set(found.values())) == len(found)
    assert all(old != new for old, new in found.items())
