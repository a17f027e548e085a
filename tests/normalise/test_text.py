"""Plain text for both databases."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crawler.normalise.text import MAX_BYTES, clean, line, storable

any_text = st.text(st.characters(exclude_categories=()))
untidy_text = st.text(
    st.sampled_from("ab \t\n\r\x00\x0b\x0c\x1f\x85\xa0\u2028\u2029\u3000\u200b\ud800\udc00")
)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("", ""),
        ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
        ("one\N{LINE SEPARATOR}two\N{PARAGRAPH SEPARATOR}three", "one\ntwo\nthree"),
        (" a  b\tc\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}d \n  e ", "a b c d\ne"),
        ("\n\n one\n \n\t\n\n two \n\n", "one\n\ntwo"),
        ("one\n\ntwo", "one\n\ntwo"),
        ("a\x0cb\x0bc", "a b c"),
        ("a\x01b\x1b[31m\x7f\x9bc", "ab[31mc"),
        ("a \x01 b", "a b"),
        ("a\n\x01\n\x02\nb", "a\n\nb"),
        ("ad\0min", "ad\N{REPLACEMENT CHARACTER}min"),
        ("a\ud800b", "a\N{REPLACEMENT CHARACTER}b"),
        ("a\udc00\ud800", "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"),
        ("\ud83d\ude00", "\N{GRINNING FACE}"),
        ("left \N{RIGHT-TO-LEFT OVERRIDE}right", "left \N{RIGHT-TO-LEFT OVERRIDE}right"),
        (":hi: <b>не тег</b>", ":hi: <b>не тег</b>"),
    ],
)
def test_what_is_kept_of_a_text(raw: str, kept: str) -> None:
    assert clean(raw) == kept


@settings(deadline=None, max_examples=300)
@given(any_text | untidy_text)
@example("\n\n\n\x00\n\n\n")
def test_any_text_can_be_stored_and_cleaning_it_again_changes_nothing(raw: str) -> None:
    text = clean(raw)
    text.encode()
    assert clean(text) == text == text.strip()
    assert not {chr(code) for code in (*range(10), *range(11, 32), *range(127, 160))} & set(text)
    assert "\n\n\n" not in text
    assert "  " not in text
    assert line(raw) == " ".join(text.split())


@pytest.mark.parametrize("letter", ["x", "ы", "\N{GRINNING FACE}", "ы "])
def test_a_text_without_end_is_cut_between_characters(letter: str) -> None:
    text = clean(letter * MAX_BYTES)
    assert MAX_BYTES - 4 <= len(text.encode()) <= MAX_BYTES
    assert (letter * MAX_BYTES).startswith(text)
    assert clean(text) == text


def test_a_good_text_is_the_same_object() -> None:
    text = "Хороший текст"
    assert storable(text) is text


@settings(deadline=None)
@given(any_text)
def test_what_cannot_be_stored_is_replaced_and_nothing_else(raw: str) -> None:
    joined = raw.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    assert storable(raw) == "".join(
        "\N{REPLACEMENT CHARACTER}" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in joined
    )
