"""What becomes of a comment from look to look, and what the site did."""

from datetime import timedelta
from typing import Any

import pytest

from crawler.fold.comments import CommentStep, unseen
from crawler.fold.content import COMMENT_CONTENT
from crawler.fold.look import Look, Row
from crawler.fold.whole import page_steps
from crawler.items import Comment, Image, Link, Quote
from crawler.normalise.threads import segment
from crawler.storage.schema import comment_states, comments, rating_states
from tests.storing import NOON, comment, normal, page

HOUR = timedelta(hours=1)
PLACES = {"root_id", "depth", "path"}


def look(hours: int, version: int = 1, **fields: Any) -> Look:
    return Look(hours, NOON + hours * HOUR, version, **fields)


def shown(
    old: Row | None, written: Comment, at: Look, *, above: tuple[int, ...] = (10, 11), article: int = 7
) -> CommentStep:
    """The comment after a look at a page that shows it alone, where it stood below those comments."""
    seen = normal(page(written, article=article), at.at)
    known = {} if old is None else {written.id: old}
    path = "".join(map(segment, (*above, written.id)))
    return page_steps(seen, seen.comments, known, at, lambda _: path, 1).steps[written.id]


def first(**fields: Any) -> Row:
    return shown(None, comment(12, 11, **fields), look(1)).row


def test_the_columns_are_those_of_the_tables() -> None:
    row = first()
    assert row.keys() == {column.name for column in comments.columns} - PLACES
    step = shown(row, comment(12, 11, body="Other.", rating=5), look(2))
    assert step.state is not None
    assert step.state.keys() == {column.name for column in comment_states.columns}
    assert step.rating is not None
    assert step.rating.keys() == {column.name for column in rating_states.columns}
    assert set(COMMENT_CONTENT) < step.state.keys()


def test_the_same_again_is_the_same_row() -> None:
    row = first(rating=1, posted_raw="3 November 2017 12:20")
    assert shown(row, comment(12, 11, rating=1, posted_raw="3 November 2017 12:20"), look(2)).row is row


ANNA = {"nickname_raw": "Anna", "profile_name": "Anna"}


@pytest.mark.parametrize(
    ("before", "now", "translated", "change"),
    [
        pytest.param({}, {"body": "Other."}, False, "edit", id="words"),
        pytest.param({}, {"body": "Other."}, True, "translation", id="words of a translation"),
        pytest.param({}, {"images": (Image(url="https://a/"),)}, True, "edit", id="pictures"),
        pytest.param(
            {"links": (Link(text="here", url="https://a/"),)},
            {"links": (Link(text="there", url="https://a/"),)},
            True,
            "translation",
            id="a link by another name",
        ),
        pytest.param(
            {"links": (Link(text="here", url="https://a/"),)},
            {"links": (Link(text="here", url="https://b/"),)},
            True,
            "edit",
            id="a link to elsewhere",
        ),
        pytest.param({}, {"quotes": (Quote(text="a", comment_id=9),)}, True, "edit", id="a quotation more"),
        pytest.param({}, ANNA, False, "rename", id="another author"),
        pytest.param({}, {"nickname_raw": "VASYA"}, False, "rename", id="another spelling"),
        pytest.param({}, ANNA | {"body": "Other."}, False, "edit", id="author and words"),
        pytest.param({}, {"parent_id": 10}, False, "move", id="another parent"),
        pytest.param(
            {"posted_raw": "3 November 2017 12:20", "body": "One."},
            {"posted_raw": "3 November 2017 12:40", "body": "One.\n\nTwo."},
            False,
            "merge",
            id="merged with a later one",
        ),
        pytest.param(
            {"posted_raw": "3 November 2017 12:20", "body": "One."},
            {"posted_raw": "3 November 2017 12:40", "body": "Two."},
            False,
            "edit",
            id="later, and other words",
        ),
        pytest.param(
            {"posted_raw": "3 November 2017 12:20"},
            {"posted_raw": "3 November 2017 12:40", "source_hash": "other"},
            False,
            "edit",
            id="another date",
        ),
        pytest.param({}, {"rating": 3}, False, None, id="a rating"),
        pytest.param({}, {"source_hash": "new layout"}, False, None, id="markup that says the same"),
    ],
)
def test_what_the_site_did(
    before: dict[str, Any], now: dict[str, Any], translated: bool, change: str | None
) -> None:
    said: dict[str, Any] = {"parent_id": 11, "parent_source": "tree"} | before | now
    step = shown(first(**before), comment(12, **said), look(2, translated=translated))
    assert step.change == change
    assert (step.state is not None) == (change is not None)
    assert step.row["fetch_id"] == (1 if change is None else 2)
    assert step.row["changed_at"] == (None if change is None else NOON + 2 * HOUR)


@pytest.mark.parametrize(
    ("version", "now", "change"),
    [
        (2, {"body": "Better read."}, None),
        (2, {"parent_id": 10}, None),
        (2, {"article": 8}, "move"),
        (1, {"parent_id": 10}, "move"),
    ],
)
def test_the_same_markup(version: int, now: dict[str, Any], change: str | None) -> None:
    row = first(source_hash="same")
    article = now.pop("article", 7)
    said: dict[str, Any] = {"parent_id": 11, "parent_source": "tree", "source_hash": "same"} | now
    step = shown(row, comment(12, **said), look(2, version), above=(11,), article=article)
    assert step.change == change
    assert step.row["reader_version"] == version
    if "body" in now:
        assert step.row["body"] == "Better read."


def test_a_clock_that_went_wrong_moves_no_date() -> None:
    row = first(source_hash="same", posted_raw="2 hours ago")
    step = shown(row, comment(12, 11, source_hash="same", posted_raw="30 minutes ago"), look(5))
    assert step.row["posted_at"] == NOON + 4.5 * HOUR  # the finer one is taken
    again = shown(step.row, comment(12, 11, source_hash="same", posted_raw="2 hours ago"), look(9))
    assert again.row is step.row


def test_missing_gone_and_back() -> None:
    row = first(rating=1)
    missing = unseen(row, look(2))
    gone = unseen(missing.row, look(4))
    back = shown(gone.row, comment(12, 11, rating=1), look(6))
    assert [step.row["state"] for step in (missing, gone, back)] == ["missing", "gone", "live"]
    assert [step.change for step in (missing, gone, back)] == ["missing", "gone", "return"]
    assert [step.row["gone_at"] for step in (missing, gone, back)] == [None, NOON + 4 * HOUR, None]
    assert back.row["changed_at"] is None
    assert back.state is not None
    assert (back.state["state"], back.state["seen_at"], back.state["until"]) == (
        "gone",
        NOON + 4 * HOUR,
        NOON + 6 * HOUR,
    )


def test_back_with_other_words() -> None:
    back = shown(unseen(first(), look(2)).row, comment(12, 11, body="Other."), look(6))
    assert (back.change, back.row["body"], back.row["changed_at"]) == ("return", "Other.", NOON + 6 * HOUR)
