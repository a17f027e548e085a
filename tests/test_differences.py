"""How a text has become another."""

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crawler.differences import MOST_WORDS, differences, marked, shortened, stretches


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("The map is old.", "The map is old.", "The map is old."),
        ("The map is old.", "The map is new.", "The map is [-old.-]{+new.+}"),
        ("The map is old.", "The big map is old.", "The {+big+} map is old."),
        ("The big map is old.", "The map is old.", "The [-big-] map is old."),
        ("One. Two. Three.", "Two. Three.", "[-One.-] Two. Three."),
        ("One. Two.", "One. Two.\n\nLater: three.", "One. Two.{+\n\nLater: three.+}"),
        ("a b c d\ne f", "a b c d\n\ne f", "a b c d[-\n-]{+\n\n+}e f"),
        ("", "Words.", "{+Words.+}"),
        ("Words.", "", "[-Words.-]"),
        ("", "", ""),
        ("a x b y c", "a z b w c", "a [-x-]{+z+} b [-y-]{+w+} c"),
        # So little is the same that it is another text.
        ("I will not go there with you.", "They say it is cold there.", None),
    ],
)
def test_marked(before: str, after: str, shown: str | None) -> None:
    assert marked(before, after) == (f"[-{before}-]{{+{after}+}}" if shown is None else shown)


def test_the_context_of_what_changed() -> None:
    before = "one two three four five six seven eight nine ten eleven"
    after = before.replace("six", "6")
    assert marked(before, after, context=2) == "… four five [-six-]{+6+} seven eight …"
    assert marked(before, after, context=9) == marked(before, after)
    both = after.replace("two", "2").replace("eleven", "11")
    assert (
        marked(before, both, context=1)
        == "one [-two-]{+2+} three four five [-six-]{+6+} seven … ten [-eleven-]{+11+}"
    )


texts = st.lists(st.sampled_from(["a", "b", "c", "d,", "\n", "\n\n"]), max_size=30).map(" ".join)


@given(texts, texts)
@example("a " * 300, "a " * 299 + "b")
def test_both_texts_stand_in_the_stretches(before: str, after: str) -> None:
    found = stretches(before, after)
    assert words("\0".join(one.text for one in found if one.became != "added")) == words(before)
    assert words("\0".join(one.text for one in found if one.became != "removed")) == words(after)
    assert all(one.text for one in found)
    assert all(one.became != other.became for one, other in pairwise(found))


def words(text: str) -> list[str]:
    """All that can be seen, and where lines end."""
    return text.replace("\0", " ").replace("\n", " ¶ ").split()


@given(texts)
def test_what_is_the_same_is_not_marked(text: str) -> None:
    assert {one.became for one in stretches(text, text)} <= {"same"}


def test_a_very_long_text_is_compared_line_by_line() -> None:
    lines = [f"This is line {number} of a very long text." for number in range(MOST_WORDS)]
    other = [*lines[:100], "Another line.", *lines[101:]]
    began = time.process_time()
    changed = [one for one in stretches("\n".join(lines), "\n".join(other)) if one.became != "same"]
    assert [one.text for one in changed] == [lines[100], "Another line."]
    assert time.process_time() - began < 5


def test_shortened() -> None:
    assert shortened("one two\nthree", 3) == "one two three"
    assert shortened("one two\nthree", 2) == "one two …"


def test_differences() -> None:
    assert differences({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 4, "c": 5}, ("a", "b")) == {"b": (2, 4)}
