"""
How well a page was read: what it says, beside what a reader gives.

Each score lies between 0 and 1, and a page's score in one column is an F1: the harmonic mean of how much
of what is given is right and how much of what is there was given. So leaving out and making up cost alike.

    body, text      ROUGE-LSum over words: what peers call article extraction is measured like this
    title           1 where it is the same but for white space
    day, minute     1 where the date is the right day at the site, and the right minute
    author, time    over the comments: the nickname, the moment
    parent, depth   over the comments: which comment it answers, and how deep it stands
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from crawler.items import Moment

Column = Literal["body", "title", "day", "minute", "author", "time", "text", "parent", "depth"]

ARTICLE_COLUMNS: tuple[Column, ...] = ("body", "title", "day", "minute")
COMMENT_COLUMNS: tuple[Column, ...] = ("author", "time", "text", "parent", "depth")
COLUMNS: tuple[Column, ...] = (*ARTICLE_COLUMNS, *COMMENT_COLUMNS)

#: Dates without a zone mean the site's own clock.
ZONE = ZoneInfo("Europe/Moscow")

#: Two texts are of one comment where at least so many of their words agree. Only for readers that give
#: no comment numbers.
LEAST_LIKENESS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueComment:
    """What a comment is, as far as the author of the page has written it down; None is not judged."""

    id: int
    author: str | None = None
    posted: Moment | None = None
    body: str | None = None
    #: None for a root.
    parent_id: int | None = None
    #: Whether `parent_id` was written down.
    parent_known: bool = False
    #: None also where an ancestor stands on another page.
    depth: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What a page says, as far as its author has written it down; None is not judged."""

    title: str | None = None
    body: str | None = None
    published: Moment | None = None
    #: All comments of the page, in its order.
    comments: tuple[TrueComment, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenComment:
    """A comment as a reader gives it."""

    #: None where the reader gives no numbers; then comments are matched by order and text.
    id: int | None
    author: str | None = None
    posted: Moment | None = None
    body: str = ""
    parent_id: int | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A page as a reader gives it. The default is what a reader gives that failed."""

    title: str | None = None
    body: str = ""
    published: Moment | None = None
    comments: tuple[GivenComment, ...] = ()


def page_scores(truth: Truth, given: Given) -> dict[Column, float]:
    """The scores of one page in all columns in which it can be judged."""
    scores: dict[Column, float] = {}
    if truth.body is not None:
        scores["body"] = rouge_lsum(truth.body, given.body)
    if truth.title is not None:
        scores["title"] = float(_line(truth.title) == _line(given.title))
    if truth.published is not None:
        day = replace(truth.published, precision="day")
        scores["day"] = float(same_moment(day, given.published))
        scores["minute"] = float(same_moment(truth.published, given.published))
    if truth.comments is not None:
        scores |= comment_scores(truth.comments, given.comments)
    return scores


def comment_scores(truth: Sequence[TrueComment], given: Sequence[GivenComment]) -> dict[Column, float]:
    """F1 over the comments of a page, for each column in which at least one of them is judged."""
    found = matched(truth, given)
    made_up = len(given) - len(found)
    scores: dict[Column, float] = {}
    for column, (is_judged, points) in _JUDGES.items():
        judged = [comment for comment in truth if is_judged(comment)]
        if truth and not judged:
            continue
        pairs = [(comment, found[comment.id]) for comment in judged if comment.id in found]
        scores[column] = f1(
            sum(points(comment, answer) for comment, answer in pairs),
            given=len(pairs) + made_up,
            there=len(judged),
        )
    return scores


def f1(right: float, *, given: int, there: int) -> float:
    """The harmonic mean of right ÷ given and right ÷ there; 1 where nothing is there and nothing given."""
    return 2 * right / (given + there) if given or there else 1.0


_JUDGES: Mapping[
    Column, tuple[Callable[[TrueComment], bool], Callable[[TrueComment, GivenComment], float]]
] = {
    "author": (
        lambda comment: comment.author is not None,
        lambda comment, answer: _line(comment.author) == _line(answer.author),
    ),
    "time": (
        lambda comment: comment.posted is not None,
        lambda comment, answer: comment.posted is not None and same_moment(comment.posted, answer.posted),
    ),
    "text": (
        lambda comment: comment.body is not None,
        lambda comment, answer: rouge_lsum(comment.body or "", answer.body),
    ),
    "parent": (
        lambda comment: comment.parent_known,
        lambda comment, answer: comment.parent_id == answer.parent_id,
    ),
    "depth": (
        lambda comment: comment.depth is not None,
        lambda comment, answer: comment.depth == answer.depth,
    ),
}


def same_moment(truth: Moment, given: Moment | None) -> bool:
    """Whether a date is right, as exactly as the page tells it; a date that is known less exactly is not."""
    if given is None:
        return False
    match truth.precision:
        case "day":
            return truth.at.astimezone(ZONE).date() == given.at.astimezone(ZONE).date()
        case "hour":
            return given.precision != "day" and abs(truth.at - given.at) < timedelta(hours=1)
        case "minute":
            return given.precision == "minute" and _minute(truth.at) == _minute(given.at)


def _minute(at: datetime) -> int:
    return int(at.timestamp() // 60)


def _line(text: str | None) -> str | None:
    """A short text for comparing: without invisible characters, white space folded."""
    if text is None:
        return None
    visible = "".join(
        letter for letter in unicodedata.normalize("NFC", text) if unicodedata.category(letter) != "Cf"
    )
    return " ".join(visible.split())


# --- which comment is which -------------------------------------------------------------------------------


def matched(truth: Sequence[TrueComment], given: Sequence[GivenComment]) -> dict[int, GivenComment]:
    """The given comment for each true one that has one, by its number, or else by order and text."""
    if any(comment.id is not None for comment in given):
        numbers = {comment.id for comment in truth}
        found: dict[int, GivenComment] = {}
        for answer in given:
            if answer.id is not None and answer.id in numbers:
                found.setdefault(answer.id, answer)
        return found
    likeness = [
        [_likeness(words(comment.body or ""), words(answer.body)) for answer in given] for comment in truth
    ]
    return {truth[row].id: given[column] for row, column in _best_in_order(likeness)}


def _likeness(one: Sequence[str], other: Sequence[str]) -> float:
    same = sum((Counter(one) & Counter(other)).values())
    return f1(same, given=len(other), there=len(one))


def _best_in_order(likeness: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """The pairs of rows and columns, both growing, with the largest sum of likeness; unlike ones never pair."""
    columns = len(likeness[0]) if likeness else 0
    best = [[0.0] * (columns + 1) for _ in range(len(likeness) + 1)]
    for row, values in enumerate(likeness, 1):
        for column, value in enumerate(values, 1):
            paired = best[row - 1][column - 1] + value if value >= LEAST_LIKENESS else 0.0
            best[row][column] = max(best[row - 1][column], best[row][column - 1], paired)
    pairs = []
    row, column = len(likeness), columns
    while row and column:
        if best[row][column] == best[row - 1][column]:
            row -= 1
        elif best[row][column] == best[row][column - 1]:
            column -= 1
        else:
            row, column = row - 1, column - 1
            pairs.append((row, column))
    return pairs[::-1]


# --- ROUGE-LSum -------------------------------------------------------------------------------------------


def rouge_lsum(reference: str, candidate: str) -> float:
    """
    ROUGE-L at summary level, as F1.

    Each line of the reference is compared with every line of the candidate; a word of it counts once it
    stands in one of the longest common subsequences, and no more often than the candidate has it. So the
    order of lines does not matter and the order of words within a line does.

    Our own, because the usual library throws away all letters but a to z, and half of our pages are Russian.
    """
    lines = [line for line in map(words, reference.splitlines()) if line]
    others = [line for line in map(words, candidate.splitlines()) if line]
    there = Counter(word for line in lines for word in line)
    given = Counter(word for line in others for word in line)
    left = given.copy()
    right = 0
    for line in lines:
        masks = _masks(line)
        hits = 0
        for other in others:
            if not masks.keys().isdisjoint(other):
                hits |= _common(line, masks, other)
        for place, word in enumerate(line):
            if hits >> place & 1 and left[word]:
                left[word] -= 1
                right += 1
    return f1(right, given=given.total(), there=there.total())


def words(text: str) -> list[str]:
    """The words of a text, for comparing."""
    return re.findall(r"\w+", text.casefold())


def _masks(line: Iterable[str]) -> dict[str, int]:
    """For each word the places where it stands, as bits."""
    masks: dict[str, int] = {}
    for place, word in enumerate(line):
        masks[word] = masks.get(word, 0) | 1 << place
    return masks


def _common(line: Sequence[str], masks: Mapping[str, int], other: Sequence[str]) -> int:
    """
    The places in `line` of a longest common subsequence with `other`, as bits.

    By bits, after Hyyrö: in the row of a word of `other`, bit i is 0 where taking in place i makes the
    subsequence longer. A whole row costs one addition, which a table of numbers in Python does not.
    """
    whole = (1 << len(line)) - 1
    rows = [whole]
    for word in other:
        row = rows[-1]
        same = row & masks.get(word, 0)
        rows.append((row + same | row - same) & whole)
    places = 0
    place, at = len(line) - 1, len(other)
    while place >= 0 and at:
        if rows[at] >> place & 1:
            place -= 1
        elif not rows[at - 1] >> place & 1:
            at -= 1
        else:
            places |= 1 << place
            place -= 1
            at -= 1
    return places
