"""
The pages by which readers are measured, and what stands on them.

    saved      the test cases of tests/sites: all that show an article and say so in their expected.json
    rendered   every page of the sample site in both editions, and random threads of every era (tests/forest.py)

An edge of a random thread is judged where its page proves it: not where the depth limit took it away, and not
where all that is left is a name of whom a comment may answer. Where a page shows a thread flat, whoever does
not quote answers nobody.

What expected.json does not name is not judged; nor is a nickname or a body of an article that it says is
empty: that is what our reader cannot know, not what stands there. It holds dates as written; which moment
they mean is read here by rules that share nothing with ours, and only where they leave no doubt. For all
other words ("2 hours ago") the folder of the case may have a file times.json, from words to a moment, or
to null where there is none:

    {"Вчера в 12:20": "2026-03-03T12:20+03:00", "1 мая 2019": "2019-05-01", "3 часа назад": "2026-03-04T07"}
"""

import importlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from crawler.items import Moment, ParentSource, Precision
from crawler.sample import SampleArticle, render_article, sample_articles
from crawler.sample.content import EDITIONS
from crawler.sample.content import Edition as Code
from crawler.site import Edition, Site
from crawler.sites.military_review import SITE
from tests.benchmarks.scores import ZONE, TrueComment, Truth
from tests.forest import ERAS, Forest, forest, pages, truths

CASES = Path(__file__).parents[1] / "sites"

#: Most comments of a random thread: enough to pass the depth limit.
MOST_COMMENTS = 60

#: The article on every page of a random thread.
FOREST_BODY = "The ferry has come.\n\nПаром пришёл."

#: Where the parent that an honest reader gives is its best guess.
UNPROVED_SOURCES: tuple[ParentSource, ...] = ("capped", "mention")

#: When the pages of the sample were fetched: after all of their dates, and the same on every day.
RENDERED_AT = datetime(2027, 6, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page, and what stands on it."""

    name: str
    body: bytes
    url: str
    site: Site
    edition: Edition
    fetched_at: datetime
    truth: Truth
    #: Dates that stand in expected.json and were not understood here, so that they are not judged.
    unread: tuple[str, ...] = ()

    @property
    def html(self) -> str:
        return self.body.decode(self.site.charset)


# --- saved pages ------------------------------------------------------------------------------------------


def saved_pages() -> Iterator[Page]:
    """The cases that show an article or its comments, by name."""
    return (page for page, expected in saved_cases() if "article" in expected or "comments" in expected)


def saved_cases() -> Iterator[tuple[Page, Mapping[str, Any]]]:
    """All cases by name, each with its expected.json."""
    for folder in sorted(CASES.glob("*/pages/*/")):
        expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        yield _saved_page(folder, expected), expected


def named_fields(expected: object, told: object, where: str = "") -> Iterator[tuple[str, bool]]:
    """Each field that an expected.json names, and whether it is right in what was read."""
    if isinstance(expected, Mapping):
        for name, value in expected.items():
            field = told.get(name, ...) if isinstance(told, Mapping) else ...  # equal to nothing in JSON
            yield from named_fields(value, field, f"{where}.{name}" if where else name)
    elif isinstance(expected, list) and expected:
        answers = list(told) if isinstance(told, list | tuple) else []
        # A list is read to its end: one that is too long is wrong as a whole.
        answers = [] if len(answers) > len(expected) else answers + [...] * (len(expected) - len(answers))
        for place, value in enumerate(expected):
            yield from named_fields(value, answers[place] if answers else ..., f"{where}[{place}]")
    elif isinstance(expected, list):
        yield where, isinstance(told, list | tuple) and not told
    else:
        yield where, told == expected


def _saved_page(folder: Path, expected: Mapping[str, Any]) -> Page:
    site: Site = importlib.import_module(f"crawler.sites.{folder.parent.parent.name}").SITE
    lines = (folder / "source.txt").read_text(encoding="utf-8").splitlines()
    facts = dict(line.split(": ", 1) for line in lines[:3])
    table = folder / "times.json"
    times = _Times(json.loads(table.read_text(encoding="utf-8")) if table.exists() else {})
    article = expected.get("article", {})
    comments = expected.get("comments", {}).get("comments")
    truth = Truth(
        title=article.get("title"),
        body=article.get("body") or None,
        published=times.moment(article.get("published_machine"), article.get("published_raw")),
        comments=None if comments is None else tuple(_true_comments(comments, times)),
    )
    return Page(
        name=folder.name,
        body=(folder / "page.html").read_bytes(),
        url=facts["url"],
        site=site,
        edition=site.edition(facts["edition"]),
        fetched_at=datetime.fromisoformat(facts["fetched"]),
        truth=truth,
        unread=tuple(times.unread),
    )


def _true_comments(comments: Sequence[Mapping[str, Any]], times: "_Times") -> Iterator[TrueComment]:
    parents = {comment["id"]: comment["parent_id"] for comment in comments if "parent_id" in comment}
    for comment in comments:
        yield TrueComment(
            id=comment["id"],
            author=comment.get("nickname_raw") or None,
            posted=times.moment(comment.get("posted_machine"), comment.get("posted_raw")),
            body=comment.get("body"),
            parent_id=comment.get("parent_id"),
            parent_known="parent_id" in comment,
            depth=depth(comment["id"], parents),
        )


def depth(id: int, parents: Mapping[int, int | None]) -> int | None:
    """How deep a comment stands; None where that cannot be told from these parents."""
    level = 0
    while id in parents:
        parent = parents[id]
        if parent is None:
            return level
        id, level = parent, level + 1
    return None


class _Times:
    """The moments that the dates of a case mean."""

    def __init__(self, table: Mapping[str, str | None]) -> None:
        self._table = table
        #: What could not be read.
        self.unread: list[str] = []

    def moment(self, machine: str | None, visible: str | None) -> Moment | None:
        """The moment of a date by the order of trust: what is written for machines, then what people see."""
        for text in filter(None, (machine, visible)):
            if text in self._table:
                meant = self._table[text]
                return None if meant is None else written_out(meant)
            found = written_out(text)
            if found is not None:
                return found
            self.unread.append(text)
        return None


# fmt: off
_MONTHS = {
    name: number for number, names in enumerate((
        "january января", "february февраля", "march марта", "april апреля", "may мая", "june июня",
        "july июля", "august августа", "september сентября", "october октября", "november ноября",
        "december декабря",
    ), 1) for name in names.split()
}
# fmt: on
_CLOCK = r"(?P<hour>\d{1,2}): ?(?P<minute>\d\d)"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"(?P<day>\d{{1,2}})[-.](?P<month>\d{{1,2}})[-.](?P<year>\d{{4}}),? {_CLOCK}",
        rf"(?:от )?(?P<day>\d{{1,2}}) (?P<name>[a-zа-я]+) (?P<year>\d{{4}})(?:,| в| at)? {_CLOCK}",
    )
)


def written_out(text: str) -> Moment | None:
    """The moment of a date that names its day, month and year; None where there may be doubt."""
    iso = re.fullmatch(r"\d{4}-\d\d-\d\d(?:T(\d\d)(:\d\d.*)?)?", text)
    if iso:
        precision: Precision = "minute" if iso[2] else "hour" if iso[1] else "day"
        return _at_site(datetime.fromisoformat(text), precision)
    for form in _FORMS:
        match = form.fullmatch(text.lower())
        if match:
            parts = match.groupdict()
            month = int(parts["month"]) if "month" in parts else _MONTHS.get(parts["name"])
            if month:
                numbers = (int(parts["year"]), month, int(parts["day"]), int(parts["hour"]))
                return _at_site(datetime(*numbers, int(parts["minute"])), "minute")  # noqa: DTZ001 - as written
    return None


def _at_site(at: datetime, precision: Precision) -> Moment:
    return Moment(at=at.replace(tzinfo=at.tzinfo or ZONE), precision=precision)


# --- rendered pages ---------------------------------------------------------------------------------------


def rendered_pages(seeds: Iterable[int]) -> Iterator[Page]:
    """The pages of the sample site, and for each seed those of a random thread of every era."""
    for article in sample_articles():
        for code in EDITIONS:
            yield from _rendered(article, code, f"{article.id}")
    for seed in seeds:
        for era in ERAS:
            thread = forest(Random(seed), era, most=MOST_COMMENTS)  # noqa: S311 - made up pages, not secrets
            yield from _forest_pages(thread, f"seed {seed} era {era}")


def _forest_pages(thread: Forest, name: str) -> Iterator[Page]:
    proved = truths(thread)
    for page in pages(thread):
        comments = [truth for truth in proved.values() if truth.page == page.number]
        parents = {
            truth.id: truth.parent_id for truth in comments if truth.parent_source not in UNPROVED_SOURCES
        }
        yield Page(
            name=f"{name} page {page.number}",
            body=page.html.encode(SITE.charset),
            url=page.url,
            site=SITE,
            edition=SITE.edition(thread.edition),
            fetched_at=thread.fetched_at,
            truth=Truth(
                title=thread.title,
                body=FOREST_BODY,
                published=thread.published.moment,
                comments=tuple(
                    TrueComment(
                        id=truth.id,
                        author=None if truth.author is None else truth.author[1],
                        posted=truth.posted,
                        body=truth.body,
                        parent_id=truth.parent_id,
                        parent_known=truth.id in parents,
                        depth=depth(truth.id, parents),
                    )
                    for truth in comments
                ),
            ),
        )


def _rendered(article: SampleArticle, code: Code, name: str) -> Iterator[Page]:
    edition = SITE.edition(code)
    text = article.text[code]
    for number in range(1, article.comment_pages + 1):
        path = article.path if number == 1 else f"/page,1,{number},{article.path.removeprefix('/')}"
        yield Page(
            name=f"{name} {code} page {number}",
            body=render_article(article, number, code, edition.base_url).encode(SITE.charset),
            url=edition.base_url + path,
            site=SITE,
            edition=edition,
            fetched_at=RENDERED_AT,
            truth=Truth(
                title=text.title,
                body=text.body,
                published=Moment(at=article.published_at, precision="minute"),
                comments=tuple(
                    TrueComment(
                        id=comment.id,
                        author=comment.author.nickname[code],
                        posted=Moment(at=comment.posted_at, precision="minute"),
                        body=comment.body(code),
                        parent_id=comment.parent_id,
                        parent_known=True,
                        depth=comment.depth,
                    )
                    for comment in article.comment_page(number)
                ),
            ),
        )
