"""
What reading a page costs, and what else it could cost: `make bench-reading`.

CPU time, medians. The steps take turns, each a few times in a row, so that a machine which is slower for a while is
slower for all of them. A bare parse costs up to twice as much where the process has given its memory back to the
system and must ask for each page of it again, which is a matter of luck; look at several runs.
The parser to be measured against is lexbor through selectolax, the fastest HTML5 parser on PyPI that we know.

The idiomatic version (`parsel_page`) reads the same fields with a selector query for each field of each comment, as
the tutorials of Scrapy do; both sides read dates by our own reader, since with dateparser there is nothing to compare.
"""

import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from parsel import Selector
from selectolax.lexbor import LexborHTMLParser

from crawler.dle.repeats import shortened
from crawler.errors import UnreadableDate
from crawler.items import ArticlePage, Moment
from crawler.normalise import normal_page, timestamps
from crawler.reading import MAX_BYTES, refuse_pathological
from crawler.sample import render_article
from crawler.sites.military_review import SITE
from crawler.sites.military_review.pages import PAGES, _article_page
from tests.benchmarks.pages import ENGLISH, NOW, article_with, read_page

COMMENTS = 300
SIZES = (30, 300, 1_000, 5_000)
TURNS = 7
IN_A_ROW = 5
WORDS = SITE.date_words["en"]


def rendered(comments: int) -> bytes:
    """A page of so many comments, as the sample site shows it; its article is number 1."""
    return render_article(article_with(comments), 1, "en", ENGLISH.base_url).encode()


def quoting(comments: int) -> bytes:
    """The same, with a quotation in each comment, so that every text must be parsed."""
    quotation = rb"<div class='title_quote'>Quote: Ivan</div><div class='quote'>His words.</div>"
    return re.sub(rb"(<div id='comm-id-[0-9]+'>)", rb"\1" + quotation, rendered(comments))


def unsound(comments: int) -> bytes:
    """The same, with an element between two comments that is never closed, so that the page must be read whole."""
    return rendered(comments).replace(b"</ol>", b"</ol><center>", 1)


def article_page(body: bytes) -> ArticlePage:
    """What a page says, without the look at its safety: from bytes to items, tree and all."""
    return PAGES.article(body, f"{ENGLISH.base_url}/1-x.html", ENGLISH)


def whole_page(body: bytes) -> ArticlePage:
    """The same, with every comment read from the tree."""
    return _article_page(body, f"{ENGLISH.base_url}/1-x.html", ENGLISH, None)


def moment(words: str | None) -> Moment | None:
    try:
        return timestamps.moment(words, zone=SITE.time_zone, words=WORDS, seen_at=NOW) if words else None
    except UnreadableDate:
        return None


# --- the idiomatic version --------------------------------------------------------------------------------

_PARENT = "ancestor::li[starts-with(@id, 'comments-tree-item-')][2]/@id"
_OWN_WORDS = ".//text()[not(ancestor::*[@class='quote' or @class='title_quote'])]"


def parsel_page(html: str) -> dict[str, Any]:
    """An article page, by a selector for each field."""
    page = Selector(text=html)
    return {
        "title": page.css("h1::text").get(),
        "lead": page.css("meta[name=description]::attr(content)").get(),
        "body": "\n".join(page.css(".full-story-text ::text").getall()),
        "section": page.css(".speedbar a::attr(href)").getall()[-1],
        "byline": page.css(".meta__author::text").get(),
        "tags": page.css("a[href*='/tags/']::text").getall(),
        "images": page.css(".full-story-text img::attr(src)").getall(),
        "published": page.css("article time::attr(datetime)").get(),
        "views": page.css(".meta__views::text").get(),
        "comments": list(parsel_comments(page)),
    }


def parsel_comments(page: Selector) -> Iterator[dict[str, Any]]:
    """The comments of a page, by a selector for each field of each."""
    for comment in page.css("[id^='comment-id-']"):
        text = comment.css("[id^='comm-id-']")
        parent = comment.xpath(_PARENT).get()
        profile = comment.css(".name a::attr(href)").re_first(r"/user/([^/]+)/")
        yield {
            "id": int(comment.attrib["id"].removeprefix("comment-id-")),
            "parent": int(parent.removeprefix("comments-tree-item-")) if parent else None,
            "nickname": comment.css(".name a::text").get() or comment.css(".name::text").get(),
            "profile": unquote_plus(profile) if profile else None,
            "user": comment.css(".avatar img::attr(src)").re_first(r"foto_(\d+)"),
            "posted": moment(comment.css("time.date::text").get()),
            "rating": comment.css(".ratingtypeplusminus::text").get(),
            "body": " ".join("".join(text.xpath(_OWN_WORDS).getall()).split()),
            "smilies": text.css("img.emoji::attr(alt)").getall(),
            "quotes": text.css(".quote ::text").getall(),
            "links": text.css("a::attr(href)").getall(),
            "images": text.css("img:not(.emoji)::attr(src)").getall(),
        }


# --- measuring --------------------------------------------------------------------------------------------


def medians_ms(steps: Mapping[str, Callable[[], Any]], turns: int = TURNS) -> dict[str, float]:
    """Median CPU time of each step in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(turns):
        for name, step in steps.items():
            for _ in range(IN_A_ROW):
                begin = time.process_time()
                step()
                times[name].append(1000 * (time.process_time() - begin))
    return {name: statistics.median(each) for name, each in times.items()}


def date_texts() -> list[str]:
    """Dates in the forms that the site writes, each another one."""
    texts: list[str] = []
    for number in range(1_500):
        at = datetime(2011, 1, 1) + timedelta(minutes=5_001 * number)  # noqa: DTZ001 - the site writes no zone
        clock = f"{at:%H}: {at:%M}"
        texts += (
            f"{at.day} {WORDS[0].months[at.month - 1][0].title()} {at.year} {clock}",
            f"{at:%d-%m-%Y}, {clock}",
        )
    for number in range(60):
        for hour in range(24):
            clock = f"{hour:02}: {number:02}"
            texts += (f"Today, {clock}", f"Yesterday, {clock}", f"On Friday at {clock}")
        texts += (f"{number} minutes ago", f"{number} hours ago")
    return texts


def date_us(texts: list[str]) -> float:
    begin = time.process_time()
    for text in texts:
        moment(text)
    return 1e6 * (time.process_time() - begin) / len(texts)


#: In a process of its own, with nothing loaded but what reads. Not getrusage: its peak is the parent's, too.
_PEAK = """
import sys
from pathlib import Path

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
"""

_READING = f"""{_PEAK}
from datetime import UTC, datetime
from crawler.reading import read
from crawler.sites.military_review import SITE
from crawler.sites.military_review.pages import PAGES

body = Path(sys.argv[1]).read_bytes()
print(peak())
edition = SITE.edition("en")
now = datetime(2026, 11, 1, tzinfo=UTC)
page = read(body, url="https://en.topwar.ru/1-x.html", fetched_at=now, edition=edition, charset="utf-8", pages=PAGES)
print(peak(), len(page.comments.comments))
"""

#: The same for a bare parse, of the bytes or of a text.
_PARSING = f"""{_PEAK}
from selectolax.lexbor import LexborHTMLParser

body = Path(sys.argv[1]).read_bytes()
print(peak())
document = LexborHTMLParser(body.decode() if sys.argv[2:] else body)
print(peak())
"""


def peak_mib(script: str, body: bytes, *arguments: str) -> list[float]:
    """What a script says of a page: most memory that it has held, in MiB, before and after it. Linux only."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "page.html")
        file.write_bytes(body)
        command = [sys.executable, "-c", script, str(file), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [float(each) for each in done.stdout.split()]


def say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    body = rendered(COMMENTS)
    text = body.decode()
    page = read_page(body, 1)
    comments = page.comments.comments
    assert len(comments) == COMMENTS
    assert article_page(body) == whole_page(body) == page
    spider = parsel_page(text)["comments"]
    assert [each["id"] for each in spider] == [comment.id for comment in comments]
    assert all(
        each["posted"] == moment(comment.posted_raw) for each, comment in zip(spider, comments, strict=True)
    )

    def with_dates() -> None:
        for comment in article_page(body).comments.comments:
            moment(comment.posted_raw)

    def with_all() -> None:
        normal_page(read_page(body, 1), zone=SITE.time_zone, words=WORDS, seen_at=NOW)

    def safety() -> None:
        refuse_pathological(text, "")

    steps: dict[str, Callable[[], Any]] = {
        "bare parse": lambda: LexborHTMLParser(body.decode()),
        "bare parse, not decoded": lambda: LexborHTMLParser(body),
        "parsel, with dates": lambda: parsel_page(body.decode()),
        "reading, with dates": with_dates,
        "reading": lambda: article_page(body),
        "reading, all from the tree": lambda: whole_page(body),
        "taking repeats out": lambda: shortened(body.decode()),
        "the same, with safety scan": lambda: refuse_pathological(body.decode(), ""),
        "normalising": lambda: normal_page(page, zone=SITE.time_zone, words=WORDS, seen_at=NOW),
        "reading, safety, normalising": with_all,
    }
    short = shortened(text)
    out = len(short.repeats) if short else 0
    figures = medians_ms(steps)
    bare, parsel = figures["bare parse"], figures["parsel, with dates"]
    say(f"{COMMENTS} comments, {len(body) / 1024:.0f} KiB, {out} taken out as repeats")
    for name, figure in figures.items():
        say(
            f"{name:30} {figure:7.2f} ms  {figure / bare:6.2f} bare parses  parsel takes {parsel / figure:5.1f} as long"
        )
    say()

    pages = {size: rendered(size) for size in (0, *SIZES)}
    costs = medians_ms({str(size): partial(read_page, each, 1) for size, each in pages.items()}, turns=4)
    nothing = costs["0"]
    each = {size: 1000 * (costs[str(size)] - nothing) / size for size in SIZES}
    for size, cost in each.items():
        ms = costs[str(size)]
        say(f"{size:5} comments {ms:7.2f} ms, {cost:5.1f} µs a comment beyond {nothing:.2f} ms for none")
    say(f"the most for a comment is {max(each.values()) / min(each.values()):.2f} times the least")
    # How a page's comments are written is learned once a page, which counts above against the few that it may have.
    further = {
        f"{few} to {many}": 1000 * (costs[str(many)] - costs[str(few)]) / (many - few)
        for few, many in pairwise(SIZES)
    }
    for span, cost in further.items():
        say(f"from {span} comments {cost:5.1f} µs for each further one")
    say(f"the most for a further one is {max(further.values()) / min(further.values()):.2f} times the least")
    say()

    for name, made in (("as it is", rendered), ("a quotation in each", quoting), ("read whole", unsound)):
        fits = int(COMMENTS * MAX_BYTES / len(made(COMMENTS)))
        while len(large := made(fits)) > MAX_BYTES:
            fits -= 50
        before, peak, read = peak_mib(_READING, large)
        assert read == fits
        (_, bare_peak), (_, text_peak) = peak_mib(_PARSING, large), peak_mib(_PARSING, large, "text")
        say(
            f"{len(large) / 2**20:.2f} MiB, {fits} comments, {name}: {peak:.0f} MiB at most, {before:.0f} before;"
            f" a bare parse of its bytes {bare_peak:.0f}, of its text {text_peak:.0f}"
        )
    say()

    texts = date_texts()
    say(f"a date: {date_us(texts):.1f} µs the first time, {date_us(texts):.2f} µs once it is known")


if __name__ == "__main__":
    main()
