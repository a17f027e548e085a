"""
The pages by which readers are measured, and what stands on them.

    saved      the test cases of tests/sites: all that show an article and say so in their expected.json
    rendered   every page of the sample site in both editions, and random threads over its texts

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
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from crawler.items import Moment, Precision
from crawler.sample import SampleArticle, SampleComment, render_article, sample_articles
from crawler.sample.content import EDITIONS
from crawler.sample.content import Edition as Code
from crawler.site import Edition, Site
from crawler.sites.military_review import SITE
from tests.benchmarks.scores import ZONE, TrueComment, Truth

CASES = Path(__file__).parents[1] / "sites"

#: Comments of a random thread.
RANDOM_COMMENTS = 60

#: When the rendered pages were fetched: after all of their dates, and the same on every day.
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
    """The cases that show an article, by name."""
    for folder in sorted(CASES.glob("*/pages/*/")):
        expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        if "article" in expected or "comments" in expected:
            yield _saved_page(folder, expected)


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
    """The pages of the sample site, and for each seed those of one article with a thread of its own."""
    for article in sample_articles():
        for code in EDITIONS:
            yield from _rendered(article, code, f"{article.id}")
    for seed in seeds:
        random = Random(seed)  # noqa: S311 - made up pages, not secrets
        article = random_article(random)
        yield from _rendered(article, random.choice(EDITIONS), f"seed {seed}")


def random_article(random: Random) -> SampleArticle:
    """An article of the sample with a random thread: long chains as well as many roots."""
    texts = [
        comment
        for article in sample_articles()
        for comment in article.comments
        if "#" not in comment.source["en"] + comment.source["ru"]  # names a comment of its own thread
    ]
    made: list[SampleComment] = []
    number = random.randint(1_000_000, 90_000_000)
    for _ in range(random.randint(1, RANDOM_COMMENTS)):
        number += random.randint(1, 9)
        parent = random.choice([None, made[-1], made[-1], random.choice(made)]) if made else None
        made.append(
            replace(
                random.choice(texts),
                id=number,
                parent_id=parent.id if parent else None,
                depth=parent.depth + 1 if parent else 0,
            )
        )
    return replace(random.choice(sample_articles()), comments=tuple(made))


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
