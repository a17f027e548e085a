"""What is asked of a crawl by `-a name=value`, checked before anything is opened or sent."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from crawler.errors import BadArgument
from crawler.site import Edition, Site

Discover = Literal["feed", "listing", "sitemap", "archive", "none"]
Which = Literal["due", "new", "all", "none"]

#: What each argument means, as the error about an unknown one lists them; README.md has the table.
MEANINGS: Mapping[str, str] = {
    "edition": "en, ru or both: en,ru",
    "url": "these articles only: addresses, or @file with one a line",
    "ids": "these article numbers: 128000-128999,130001",
    "since": "articles published from this day on: 2017-11-01",
    "until": "… to this day, included",
    "sections": "discover in these sections only: news,armament",
    "discover": "feed, listing, sitemap, archive, none",
    "visit": "due, new, all, none",
    "limit": "at most so many articles",
    "depth": "how many pages of a listing; 0 = to the end",
    "base_url": "where the requests go instead of the edition's own host",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What is asked of a crawl."""

    editions: tuple[Edition, ...]
    urls: tuple[str, ...] = ()
    ids: tuple[range, ...] = ()
    since: date | None = None
    until: date | None = None
    sections: tuple[str, ...] = ()
    discover: frozenset[Discover] = frozenset({"feed", "listing"})
    visit: Which = "due"
    limit: int | None = None
    #: Pages of a listing to walk at most; None = to the end.
    depth: int | None = 5
    base_url: str | None = None

    @property
    def choose_articles(self) -> bool:
        """Whether the articles are chosen by the arguments themselves, not by what is due."""
        return bool(self.urls or self.ids or self.since)

    def origin(self, edition: Edition) -> str:
        """Where the requests for this edition go: scheme and host, no slash at the end."""
        return self.base_url or edition.base_url

    def article_ids(self) -> Iterator[int]:
        """Every number of `ids`, in the order asked."""
        for numbers in self.ids:
            yield from numbers


def parsed(given: Mapping[str, str], site: Site, *, today: date) -> Arguments:
    """
    The arguments that were given, checked against what the site has.

    Args:
        today: The day at the site, for `since` without `until`.

    Raises:
        BadArgument: Says which argument makes no sense, why, and what would.
    """
    for name in given:
        if name not in MEANINGS:
            known = "\n".join(f"  {name:9} {meaning}" for name, meaning in MEANINGS.items())
            raise BadArgument(f"There is no argument {name!r}. These there are:\n{known}")
    editions = tuple(_edition(code, site) for code in _list(given.get("edition", site.editions[0].code)))
    if not editions or len(set(editions)) < len(editions):
        raise BadArgument(f"edition={given['edition']}: name each edition once, such as edition=en,ru")
    since, until = _days(given, today)
    urls = tuple(_urls(given["url"])) if "url" in given else ()
    ids = tuple(_numbers(part) for part in _list(given["ids"])) if "ids" in given else ()
    for name, value in (("url", urls), ("ids", ids)):
        if name in given and not value:
            raise BadArgument(f"{name}={given[name]}: names no article.")
    chosen = bool(urls or ids or since)
    discover = _discover(given.get("discover", "none" if chosen else "feed,listing"))
    return Arguments(
        editions=editions,
        urls=urls,
        ids=ids,
        since=since,
        until=until,
        sections=tuple(_section(name, site) for name in _list(given.get("sections", ""))),
        discover=discover,
        visit=_which(given.get("visit", "all" if chosen else "due")),
        limit=_number(given, "limit", least=1),
        depth=(5 if "depth" not in given else _number(given, "depth", least=0) or None),
        base_url=_base_url(given["base_url"], editions) if "base_url" in given else None,
    )


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _edition(code: str, site: Site) -> Edition:
    try:
        return site.edition(code)
    except KeyError:
        codes = ", ".join(edition.code for edition in site.editions)
        raise BadArgument(f"edition={code}: {site.title} has the editions {codes}.") from None


def _section(name: str, site: Site) -> str:
    if name.strip("/") not in site.sections:
        raise BadArgument(f"sections={name}: {site.title} has the sections {', '.join(site.sections)}.")
    return name.strip("/")


def _day(name: str, text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day of the calendar has no zone
    except ValueError:
        raise BadArgument(f"{name}={text}: is not a day of the calendar. Write it as 2017-11-03.") from None


def _days(given: Mapping[str, str], today: date) -> tuple[date | None, date | None]:
    since = _day("since", given["since"]) if "since" in given else None
    until = _day("until", given["until"]) if "until" in given else None
    if since is None:
        if until is not None:
            raise BadArgument(f"until={until}: from which day on? Add since=YYYY-MM-DD.")
        return None, None
    if since > today:
        raise BadArgument(f"since={since}: that day has not come yet; today is {today} at the site.")
    until = min(until or today, today)
    if until < since:
        raise BadArgument(f"since={since} until={until}: the first day must not be after the last.")
    return since, until


def _numbers(text: str) -> range:
    found = re.fullmatch(r"([0-9]{1,10})(?:-([0-9]{1,10}))?", text)
    if not found:
        raise BadArgument(
            f"ids={text}: is no article number and no range. Write ids=128836 or ids=128000-128999."
        )
    first = int(found[1])
    last = int(found[2] or first)
    if last < first:
        raise BadArgument(f"ids={text}: the range runs backwards. Write ids={last}-{first}.")
    return range(first, last + 1)


def _urls(text: str) -> Iterator[str]:
    if not text.startswith("@"):
        yield from _list(text)
        return
    try:
        lines = Path(text[1:]).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadArgument(f"url={text}: the file {text[1:]} cannot be read: {error}") from None
    yield from (line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _discover(text: str) -> frozenset[Discover]:
    ways: dict[str, Discover] = {way: way for way in get_args(Discover)}
    try:
        asked = frozenset(ways[part] for part in _list(text))
    except KeyError as unknown:
        raise BadArgument(f"discover={unknown.args[0]}: the ways are {', '.join(ways)}.") from None
    if not asked or ("none" in asked and len(asked) > 1):
        raise BadArgument(f"discover={text}: name at least one way, or none alone.")
    return asked - {"none"}


def _which(text: str) -> Which:
    ways: dict[str, Which] = {way: way for way in get_args(Which)}
    if text not in ways:
        raise BadArgument(f"visit={text}: can be {', '.join(ways)}.")
    return ways[text]


def _number(given: Mapping[str, str], name: str, *, least: int) -> int | None:
    if name not in given:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", given[name]) or int(given[name]) < least:
        raise BadArgument(f"{name}={given[name]}: must be a whole number, {least} or more.")
    return int(given[name])


def _base_url(text: str, editions: tuple[Edition, ...]) -> str:
    parts = urlsplit(text)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.path not in {"", "/"}
        or parts.query
    ):
        raise BadArgument(f"base_url={text}: must be scheme and host, such as http://127.0.0.1:8000")
    if len(editions) > 1:
        raise BadArgument("base_url stands for the host of one edition: name one with edition=…")
    return f"{parts.scheme}://{parts.netloc}"
