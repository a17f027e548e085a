"""
Damaged pages: whatever arrives, reading it gives an item or NotUnderstood, and soon. `make fuzz-pages` tries 10,000.

The saved pages of all sites and some of random threads are flipped, cut, spliced, and their tags exchanged.
Page number n of a seed is always the same: `damaged(good_pages(), seed, n)` makes it again.
"""

import argparse
import importlib
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random

from crawler.errors import NotUnderstood
from crawler.items import ArticlePage
from crawler.normalise import normal_page
from crawler.normalise.threads import places
from crawler.reading import PageReaders, read
from crawler.site import Edition, Site
from crawler.sites.military_review import SITE as MILITARY_REVIEW
from crawler.sites.military_review.pages import PAGES
from tests.forest import ERAS, forest, pages

#: In seconds of our own work: longer than any page may take.
LONGEST = 2.0

_TAG = re.compile(rb"<[^<>]{1,300}>")
_NUMBER = re.compile(rb"[0-9]+")
_NAME = re.compile(rb"(?<=<)/?[a-z0-9]+|[a-z_-]+(?==)")

#: What no saved page has, and some page will.
_ODDITIES = (
    b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"<", b">", b"<!--", b"-->", b"<![CDATA[",
    b"&#0;", b"&#xD800;", b"&#99999999;", b"&nbsp", b"<script>", b"<textarea>", b"<plaintext>", b"<svg>",
    b"<template>", b"<select>", b"<table>", b"<frameset>", b"</p>", b"</body>", b"</html>", b"<a href='http://['>",
    b"<base href='//x'>", b"<div>" * 300, b"<b>" * 60, b"<i class=x>" * 40, b"<ol><li>" * 200, b"</div>" * 50,
    b"<div id='comment-id-1'>", b'<li id="comments-tree-item-7">', b"<div id='comm-id-1'>", b"9" * 400,
    "२٣".encode(), b"<time datetime='9999-12-31T23:59'>", b"<a href='/user/%00%FF/'>x</a>", b"\r", b"\x85",
    b"<img src='//[' class='emoji'>", b"<a href='/index.php?do=go&url=%%%'>x</a>", b"total_comments_pages= '999999'",
    b"<div class='quote'>" * 100, b"<!--QuoteBegin x -->",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A page as it came, and all that reading it needs."""

    name: str
    body: bytes
    url: str
    fetched_at: datetime
    site: Site
    edition: Edition
    pages: PageReaders


def saved_pages() -> list[Fetched]:
    """The saved pages of all sites: see tests/sites/test_pages.py."""
    found = []
    for folder in sorted(Path(__file__).parent.glob("sites/*/pages/*/")):
        name = folder.parent.parent.name
        site: Site = importlib.import_module(f"crawler.sites.{name}").SITE
        lines = (folder / "source.txt").read_text(encoding="utf-8").splitlines()
        facts = dict(line.split(": ", 1) for line in lines[:3])
        found.append(
            Fetched(
                name=folder.name,
                body=(folder / "page.html").read_bytes(),
                url=facts["url"],
                fetched_at=datetime.fromisoformat(facts["fetched"]),
                site=site,
                edition=site.edition(facts["edition"]),
                pages=importlib.import_module(f"crawler.sites.{name}.pages").PAGES,
            )
        )
    return found


def rendered_pages() -> list[Fetched]:
    """Pages of random threads, which are larger and hold every kind of text: see tests/forest.py."""
    return [
        Fetched(
            name=f"era {era}, seed {seed}, page {page.number}",
            body=page.html.encode(),
            url=page.url,
            fetched_at=thread.fetched_at,
            site=MILITARY_REVIEW,
            edition=MILITARY_REVIEW.edition(thread.edition),
            pages=PAGES,
        )
        for era in ERAS
        for seed in range(5)
        for thread in [forest(Random(seed), era, most=60)]  # noqa: S311 - no secret
        for page in pages(thread)
    ]


def good_pages() -> list[Fetched]:
    """What is to be damaged."""
    return saved_pages() + rendered_pages()


def understood(page: Fetched) -> bool:
    """
    Whether a page is read to the end: item, dates and names, places in the thread.

    Raises nothing but what is a mistake of ours.
    """
    try:
        item = read(
            page.body,
            url=page.url,
            fetched_at=page.fetched_at,
            edition=page.edition,
            charset=page.site.charset,
            pages=page.pages,
        )
        if isinstance(item, ArticlePage):
            words = page.site.date_words[page.edition.code]
            normal = normal_page(item, zone=page.site.time_zone, words=words, seen_at=page.fetched_at)
            places((comment.written.id, comment.written.parent_id) for comment in normal.comments)
    except NotUnderstood:
        return False
    return True


def damaged(good: Sequence[Fetched], seed: int, number: int) -> Fetched:
    """The damaged page of a number: one of the good ones, hurt one to four times."""
    random = Random(f"{seed}/{number}")  # noqa: S311 - no secret
    page = random.choice(good)
    body = page.body
    for _ in range(random.choice((1, 1, 2, 4))):
        body = random.choice(_DAMAGES)(random, body, random.choice(good).body)
    if random.random() < 0.5 and b"</html" not in body[-1_000:]:
        body += b"</body></html>"  # a page without its end is refused before much of it is read
    return replace(page, body=body)


def _flip(random: Random, body: bytes, _other: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(random.choice((1, 3, 30)) if changed else 0):
        place = random.randrange(len(changed))
        # In one of four pages any bit, so that it is no UTF-8 any more; else a letter becomes another one.
        changed[place] ^= 1 << random.randrange(8 if random.random() < 0.01 or changed[place] > 127 else 7)
    return bytes(changed)


def _flip_letters(random: Random, body: bytes, _other: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(random.choice((1, 10, 100)) if changed else 0):
        place = random.randrange(len(changed))
        if changed[place] < 128:
            changed[place] = random.randrange(9, 127)
    return bytes(changed)


def _cut(random: Random, body: bytes, _other: bytes) -> bytes:
    return body[: random.randint(0, len(body))]


def _drop(random: Random, body: bytes, _other: bytes) -> bytes:
    start, end = _span(random, body)
    return body[:start] + body[end:]


def _repeat(random: Random, body: bytes, _other: bytes) -> bytes:
    start, end = _span(random, body)
    return body[:end] + body[start:end] * random.choice((1, 1, 5)) + body[end:]


def _splice(random: Random, body: bytes, other: bytes) -> bytes:
    """The start of a page and the end of another."""
    return body[: random.randint(0, len(body))] + other[random.randint(0, len(other)) :]


def _graft(random: Random, body: bytes, other: bytes) -> bytes:
    """A piece of another page in the middle of this one."""
    start, end = _span(random, other)
    place = random.randint(0, len(body))
    return body[:place] + other[start:end] + body[place:]


def _swap_tags(random: Random, body: bytes, _other: bytes) -> bytes:
    for _ in range(random.choice((1, 5, 20))):
        tags = [match.span() for match in _TAG.finditer(body)]
        if len(tags) < 2:
            break
        (a, b), (c, d) = sorted(random.sample(tags, 2))
        body = body[:a] + body[c:d] + body[b:c] + body[a:b] + body[d:]
    return body


def _drop_tags(random: Random, body: bytes, _other: bytes) -> bytes:
    share = random.choice((0.01, 0.1, 0.5))
    return _TAG.sub(lambda match: b"" if random.random() < share else match[0], body)


def _rename(random: Random, body: bytes, _other: bytes) -> bytes:
    """Names of elements and attributes, exchanged among themselves."""
    names = _NAME.findall(body) or [b"x"]
    return _NAME.sub(lambda match: random.choice(names) if random.random() < 0.02 else match[0], body)


def _renumber(random: Random, body: bytes, _other: bytes) -> bytes:
    numbers = (b"0", b"1", b"-1", b"00", b"99999999999999999999", b"9" * 5_000, b"", b"1e9", b"4294967296")
    return _NUMBER.sub(lambda match: random.choice(numbers) if random.random() < 0.02 else match[0], body)


def _oddity(random: Random, body: bytes, _other: bytes) -> bytes:
    odd = random.choice(_ODDITIES)
    for _ in range(random.choice((1, 1, 10))):
        place = random.randint(0, len(body))
        body = body[:place] + odd + body[place:]
    return body


def _span(random: Random, body: bytes) -> tuple[int, int]:
    start = random.randint(0, len(body))
    return start, min(len(body), start + random.choice((1, 30, 1_000, 10_000)))


_DAMAGES: Sequence[Callable[[Random, bytes, bytes], bytes]] = (
    _flip,
    _flip_letters,
    _cut,
    _drop,
    _repeat,
    _splice,
    _graft,
    _swap_tags,
    _drop_tags,
    _rename,
    _renumber,
    _oddity,
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_pages", description=__doc__)
    parser.add_argument("--number", type=int, default=10_000, help="how many pages (10,000)")
    parser.add_argument("--seed", type=int, default=0, help="of the damages (0)")
    parser.add_argument("--keep", type=Path, help="folder for the pages on which reading fails")
    arguments = parser.parse_args()
    good = good_pages()
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    started = time.monotonic()
    for number in range(arguments.number):
        page = damaged(good, arguments.seed, number)
        before = time.process_time()
        try:
            outcome = "read" if understood(page) else "not understood"
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            outcome = f"{type(error).__name__}: {error}"[:100]
        seconds = time.process_time() - before
        slowest = max(slowest, seconds)
        if seconds > LONGEST:
            outcome = f"took more than {LONGEST:.0f} s"
        outcomes[outcome] += 1
        if outcome not in ("read", "not understood"):
            sys.stdout.write(f"page {number} of seed {arguments.seed} ({page.name}): {outcome}\n")
            if arguments.keep:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{arguments.seed}-{number}.html").write_bytes(page.body)
    sys.stdout.write(
        f"{arguments.number:,} pages in {time.monotonic() - started:.0f} s, the slowest {slowest:.2f} s: "
        + ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common())
        + "\n"
    )
    sys.exit(0 if outcomes.keys() <= {"read", "not understood"} else 1)


if __name__ == "__main__":
    main()
