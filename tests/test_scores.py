"""The scores of `make bench-accuracy` say what they claim to say."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.items import Moment, Precision
from tests.benchmarks.accuracy import (
    BEGIN,
    END,
    numbers,
    result,
    shortfalls,
    table,
    told_fields,
    with_section,
)
from tests.benchmarks.corpus import (
    Page,
    depth,
    named_fields,
    rendered_pages,
    saved_cases,
    saved_pages,
    written_out,
)
from tests.benchmarks.peers import Reader, ours, plain
from tests.benchmarks.scores import (
    COLUMNS,
    Given,
    GivenComment,
    TrueComment,
    Truth,
    comment_scores,
    matched,
    page_scores,
    rouge_lsum,
    same_moment,
    words,
)

MOSCOW = ZoneInfo("Europe/Moscow")
NOON = Moment(at=datetime(2017, 11, 3, 12, 20, tzinfo=MOSCOW), precision="minute")


# --- texts


@pytest.mark.parametrize(
    ("reference", "candidate", "score"),
    [
        ("a b c d", "a b c d", 1),
        ("A, b. C!", "a b c", 1),  # neither case nor punctuation
        ("Мост через Вельду", "мост через вельду", 1),
        ("a b c d", "a b", 2 * 2 / 6),  # what is left out costs
        ("a b", "a b c d", 2 * 2 / 6),  # as much as what is added
        ("a b", "b a", 1 / 2),  # the order of words counts
        ("a b\nc d", "c d\na b", 1),  # that of lines does not
        ("a b c d", "a b\nc d", 1),  # a line may be found in pieces
        ("a a", "a", 2 * 1 / 3),  # a word counts as often as it was given
        ("a b", "c d", 0),
        ("a b", "", 0),
        ("", "a b", 0),
        ("", "\n", 1),
    ],
)
def test_rouge_lsum(reference: str, candidate: str, score: float) -> None:
    assert rouge_lsum(reference, candidate) == pytest.approx(score)


short = st.lists(st.sampled_from("abc"), min_size=1, max_size=7).map(" ".join)


@given(short, short)
def test_of_single_lines_it_is_the_longest_common_subsequence(one: str, other: str) -> None:
    def subsequences(line: str, length: int) -> set[tuple[str, ...]]:
        return set(combinations(words(line), length))

    longest = max(n for n in range(8) if n == 0 or subsequences(one, n) & subsequences(other, n))
    assert rouge_lsum(one, other) == pytest.approx(2 * longest / (len(words(one)) + len(words(other))))


# --- dates


@pytest.mark.parametrize(
    ("truth", "given_at", "given_precision", "same"),
    [
        ("minute", datetime(2017, 11, 3, 9, 20, 59, tzinfo=UTC), "minute", True),
        ("minute", datetime(2017, 11, 3, 9, 21, tzinfo=UTC), "minute", False),
        ("minute", datetime(2017, 11, 3, 12, 20, tzinfo=UTC), "minute", False),  # the zone was lost
        ("minute", datetime(2017, 11, 3, 9, 20, tzinfo=UTC), "hour", False),
        ("hour", datetime(2017, 11, 3, 8, 50, tzinfo=UTC), "minute", True),
        ("hour", datetime(2017, 11, 3, 7, 50, tzinfo=UTC), "hour", False),
        ("day", datetime(2017, 11, 2, 21, 0, tzinfo=UTC), "minute", True),  # midnight at the site
        ("day", datetime(2017, 11, 2, 20, 59, tzinfo=UTC), "day", False),
    ],
)
def test_same_moment(truth: Precision, given_at: datetime, given_precision: Precision, same: bool) -> None:
    given_moment = Moment(at=given_at, precision=given_precision)
    assert same_moment(replace(NOON, precision=truth), given_moment) is same


def test_no_date_is_no_moment() -> None:
    assert not same_moment(NOON, None)


@pytest.mark.parametrize(
    ("text", "at", "precision"),
    [
        ("2017-11-03T12:20", "2017-11-03T12:20+03:00", "minute"),
        ("2017-11-03T12:20:00+00:00", "2017-11-03T15:20+03:00", "minute"),
        ("2017-11-03T12", "2017-11-03T12:00+03:00", "hour"),
        ("2017-11-03", "2017-11-03T00:00+03:00", "day"),
        ("3-11-2017, 09: 05", "2017-11-03T09:05+03:00", "minute"),
        ("03.11.2017 9:05", "2017-11-03T09:05+03:00", "minute"),
        ("3 November 2017 12: 20", "2017-11-03T12:20+03:00", "minute"),
        ("от 1 мая 2012 11:30", "2012-05-01T11:30+04:00", "minute"),
        ("24 Ноября 2021 в 02:00", "2021-11-24T02:00+03:00", "minute"),
    ],
)
def test_dates_that_leave_no_doubt(text: str, at: str, precision: Precision) -> None:
    assert written_out(text) == Moment(at=datetime.fromisoformat(at), precision=precision)


@pytest.mark.parametrize("text", ["Вчера в 12:20", "5 минут назад", "3 ноября", "3 ноябоя 2017 12:20", ""])
def test_dates_that_leave_some_are_not_judged(text: str) -> None:
    assert written_out(text) is None


# --- comments

TRUE = (
    TrueComment(id=1, author="Heron", posted=NOON, body="the river is low", parent_known=True, depth=0),
    TrueComment(id=2, author="Crane", body="it is not", parent_id=1, parent_known=True, depth=1),
)
HERON = GivenComment(id=1, author="Heron", posted=NOON, body="the river is low")
CRANE = GivenComment(id=2, author="Crane", body="it is not", parent_id=1, depth=1)


@pytest.mark.parametrize(
    ("answers", "scores"),
    [
        ((HERON, CRANE), {"author": 1, "time": 1, "text": 1, "parent": 1, "depth": 1}),
        ((CRANE, HERON), {"author": 1, "time": 1, "text": 1, "parent": 1, "depth": 1}),
        # half of what is there
        ((HERON,), {"author": 2 / 3, "time": 1, "text": 2 / 3, "parent": 2 / 3, "depth": 2 / 3}),
        # one of three made up: the second of a pair is, too
        ((HERON, CRANE, replace(CRANE, id=3)), {"author": 4 / 5, "time": 2 / 3}),
        ((HERON, CRANE, CRANE), {"author": 4 / 5, "time": 2 / 3}),
        ((HERON, replace(CRANE, parent_id=None, depth=0)), {"text": 1, "parent": 1 / 2, "depth": 1 / 2}),
        ((replace(HERON, author="Her\u200bon  "), CRANE), {"author": 1}),
        ((replace(HERON, author="heron"), CRANE), {"author": 1 / 2}),
        ((), {"author": 0, "time": 0, "text": 0, "parent": 0, "depth": 0}),
    ],
)
def test_comments(answers: tuple[GivenComment, ...], scores: dict[str, float]) -> None:
    found = comment_scores(TRUE, answers)
    assert {column: found[column] for column in found if column in scores} == pytest.approx(scores)


def test_only_what_is_written_down_is_judged() -> None:
    assert set(comment_scores((TrueComment(id=1, body="a"),), (HERON,))) == {"text"}
    assert page_scores(Truth(), Given(title="x", comments=(HERON,))) == {}
    assert set(page_scores(Truth(title="x"), Given())) == {"title"}


def test_where_there_are_no_comments_all_are_made_up() -> None:
    assert set(comment_scores((), (HERON,)).values()) == {0}
    assert set(comment_scores((), ()).values()) == {1}


@pytest.mark.parametrize(
    ("texts", "places"),
    [
        (["the river is low", "it is not"], [1, 2]),
        (["3 comments", "the river is very low", "reply", "it is not"], [1, 2]),
        (["it is not", "nothing like it"], [2]),
        (["it is not", "the river is low"], [1]),  # in the order of the page; the better one is kept
        ([], []),
    ],
)
def test_comments_without_numbers_are_matched_by_order_and_text(texts: list[str], places: list[int]) -> None:
    found = matched(TRUE, [GivenComment(id=None, body=text) for text in texts])
    assert list(found) == places


@pytest.mark.parametrize(
    ("id", "level"), [(1, 0), (2, 1), (3, 2), (4, None)], ids=["root", "answer", "below", "parent elsewhere"]
)
def test_depth_from_parents(id: int, level: int | None) -> None:
    assert depth(id, {1: None, 2: 1, 3: 2, 4: 99}) == level


# --- pages and tables


def sample_page() -> Page:
    """A page whose thread is deeper than HTML parsers follow."""
    return max(rendered_pages([]), key=lambda page: max((c.depth or 0) for c in page.truth.comments or TRUE))


def failing(page: Page) -> Given:
    raise LookupError(page.name)


PLAIN = Reader(name="plain", read=plain, gives=COLUMNS)
OURS = Reader(name="ours", read=ours, gives=COLUMNS)


def test_our_reader_reads_all_of_a_page_and_a_plain_spider_does_not() -> None:
    assert set(result(sample_page(), OURS).scores.items()) == {(column, 1) for column in COLUMNS}
    scores = result(sample_page(), PLAIN).scores
    assert scores["title"] == scores["author"] == 1
    assert 0 < scores["parent"] < 1
    assert 0 < scores["depth"] < 1


def forest_pages(*seeds: int) -> list[Page]:
    return [page for page in rendered_pages(seeds) if page.name.startswith("seed")]


def test_our_reader_reads_all_that_pages_of_every_era_prove() -> None:
    read = [result(page, OURS) for page in forest_pages(7)]
    assert {name.split(" page")[0] for name in (row.page for row in read)} == {
        f"seed 7 era {era}" for era in ("10.5", "13", "20", "flat")
    }
    assert not [row for row in read if row.failure or set(row.scores.values()) != {1}]


def test_edges_that_a_page_does_not_prove_are_not_judged() -> None:
    comments = [comment for page in forest_pages(*range(5)) for comment in page.truth.comments or ()]
    unproved = [comment for comment in comments if not comment.parent_known]
    assert 0 < len(unproved) < len(comments) / 4
    assert {comment.depth for comment in unproved} == {None}


def test_an_answer_of_comments_alone_is_read_too() -> None:
    pages = [page for page in saved_pages() if page.name.startswith("ajax_")]
    read = [result(page, OURS) for page in pages]
    assert len(read) > 3
    assert not [row for row in read if row.failure or set(row.scores.values()) - {1}]


@pytest.mark.parametrize("read", [failing, lambda _: Given()])
def test_a_reader_that_fails_gets_nothing(read: object) -> None:
    failed = result(sample_page(), Reader(name="x", read=read, gives=("title", "text")))  # type: ignore[arg-type]
    assert failed.scores == {"title": 0, "text": 0}
    assert failed.failure


def test_the_table_and_where_ours_falls_short() -> None:
    page = sample_page()
    found = {
        "ours": [result(page, Reader(name="ours", read=failing, gives=COLUMNS))],
        "title only": [result(page, Reader(name="title only", read=plain, gives=("title",)))],
    }
    lines = table(found).splitlines()
    assert lines[2] == "| ours | 0.000" + " | 0.000" * 8 + " | 1 |"
    assert lines[3] == "| title only | – | 1.000" + " | –" * 7 + " | 0 |"
    assert lines[4] == "| *pages judged*" + " | 1" * 9 + " |  |"
    assert f"{page.name}: title 0.000, title only has 1.000" in list(shortfalls(found))


def test_the_section_of_the_readme() -> None:
    assert with_section(f"a {BEGIN} old {END} b", r"\1 new") == f"a {BEGIN}\n\\1 new\n{END} b"
    with pytest.raises(ValueError, match="must stand in"):
        with_section("a", "b")


def test_seeds() -> None:
    assert numbers("1-3,7") == [1, 2, 3, 7]


def test_the_same_seed_gives_the_same_page_and_another_one_another() -> None:
    def bodies(seed: int) -> list[bytes]:
        return [page.body for page in forest_pages(seed)]

    assert bodies(1) == bodies(1) != bodies(2)


def test_there_are_saved_pages_for_every_column() -> None:
    judged = {column for page in saved_pages() for column in page_scores(page.truth, Given())}
    assert judged == set(COLUMNS)


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"id": 1, "tags": ("a", "b"), "lead": None, "more": 5}, []),
        ({"id": 2, "tags": ("a", "b"), "lead": None}, ["id"]),
        ({"id": 1, "tags": ("a",), "lead": None}, ["tags[1]"]),
        ({"id": 1, "tags": ("a", "b", "c"), "lead": None}, ["tags[0]", "tags[1]"]),  # too long
        ({"id": 1, "tags": None}, ["tags[0]", "tags[1]", "lead"]),  # no field is not an empty one
    ],
)
def test_the_fields_that_a_case_names(told: object, wrong: list[str]) -> None:
    expected = {"id": 1, "tags": ["a", "b"], "lead": None}
    assert [where for where, right in named_fields(expected, told) if not right] == wrong


def test_every_saved_case_counts_and_a_wrong_field_is_named() -> None:
    cases = {page.name: (page, expected) for page, expected in saved_cases()}
    fields = told_fields(cases.values())
    assert {where.partition(":")[0] for where, _ in fields} == set(cases)
    page, _ = cases["captcha"]
    assert told_fields([(page, {"article": {"id": 1}})]) == [("captcha: article.id", False)]
