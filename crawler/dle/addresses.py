"""
Which page an address is, and what the addresses of pages look like.

Only paths are written here: an article has the same path in every edition, and where requests go is
the crawler's business. The grammar is that of the engine's usual setting, number and slug at the root:

    /128836-slug.html            the article with the first page of its comments
    /page,1,3,128836-slug.html   page 3 of its comments
    /page,2,128836-slug.html     page 2 of an article that is divided into pages
    /print:page,1,128836-slug.html   the same, made for paper
    /index.php?newsid=128836     the article by its number alone

Each family of engines answers the script that loads comments under an address of its own, see `AJAX`.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal
from urllib.parse import parse_qs, quote, urlsplit

_ARTICLE = re.compile(
    r"""/(?P<print>print:)?(?:page,(?P<page>[0-9]{1,6}),(?:(?P<comments>[0-9]{1,6}),)?)?
        (?P<id>[0-9]{1,18})-(?P<slug>[^/?\#\s"'<>\\]*)\.html""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"[0-9]{1,18}")
_PAGE_NUMBER = re.compile(r"[0-9]{1,6}")

AjaxEra = Literal["10", "13", "20"]
"""Engines up to 12, from 13 to 19, from 20 on; between 10.6 and 13, and between 16 and 20, nobody has looked."""

#: Path and fixed parameters of the address that answers the script which loads comments.
AJAX: dict[AjaxEra, tuple[str, dict[str, str]]] = {
    "10": ("/engine/ajax/comments.php", {}),
    "13": ("/engine/ajax/controller.php", {"mod": "comments"}),
    "20": ("/index.php", {"controller": "ajax", "mod": "comments"}),
}


@dataclass(frozen=True, slots=True)
class Address:
    """The address of an article or of one page of its comments."""

    #: Number of the article.
    id: int
    #: What stands behind the number; None in an address by number alone.
    slug: str | None
    #: Page of an article that is divided into pages; nearly always 1.
    article_page: int = 1
    #: Page of the comments.
    comment_page: int = 1
    #: Whether it is the version for paper, which shows no comments.
    printed: bool = False

    @property
    def article_path(self) -> str:
        """The one path of the article, whatever page of it this is."""
        return number_path(self.id) if self.slug is None else article_path(self.id, self.slug)


def address(url: str) -> Address | None:
    """
    What an address or path points to; None where it is not an article.

    Scheme, host, fragment and query do not matter: the number is the article's identity on every host.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # not an address at all: "http://]/"
        return None
    if parts.scheme not in ("", "http", "https"):
        return None
    if parts.path in ("/index.php", "/"):
        numbers = parse_qs(parts.query).get("newsid", [])
        if len(numbers) == 1 and _NUMBER.fullmatch(numbers[0]) and int(numbers[0]) > 0:
            return Address(int(numbers[0]), None)
        return None
    match = _ARTICLE.fullmatch(parts.path)
    if match is None or int(match["id"]) == 0:
        return None
    return Address(
        int(match["id"]),
        match["slug"],
        max(1, int(match["page"] or 1)),
        max(1, int(match["comments"] or 1)),
        match["print"] is not None,
    )


@dataclass(frozen=True, slots=True)
class AjaxAddress:
    """An address under which the engine answers a page of comments alone."""

    era: AjaxEra
    article_id: int
    #: Page of the comments.
    number: int
    #: The name of the template; the engine refuses one that it does not have.
    skin: str | None


def ajax_address(url: str) -> AjaxAddress | None:
    """Which page of comments an address or path asks the engine's script for; None where it is no such address."""
    try:
        parts = urlsplit(url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items() if len(values) == 1}
    except ValueError:
        return None
    article_id, number = asked.get("news_id", ""), asked.get("cstart", "1")
    if not (_NUMBER.fullmatch(article_id) and _PAGE_NUMBER.fullmatch(number)) or int(article_id) == 0:
        return None
    for era, (path, fixed) in AJAX.items():
        if parts.path == path and fixed.items() <= asked.items():
            return AjaxAddress(era, int(article_id), max(1, int(number)), asked.get("skin"))
    return None


def ajax_path(era: AjaxEra, article_id: int, number: int, skin: str) -> str:
    """
    The path under which an engine answers a page of comments alone.

    Args:
        number: Page of the comments, from 1.

        skin: The name of the template as the article's page gives it, see `crawler.dle.ajax.variables`.
    """
    path, fixed = AJAX[era]
    asked = {**fixed, "cstart": str(number), "news_id": str(article_id), "skin": skin, "massact": "disable"}
    return path + "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())


def article_path(id: int, slug: str) -> str:
    """The path of an article, which is also the first page of its comments."""
    return f"/{id}-{slug}.html"


def comment_page_path(path: str, number: int) -> str:
    """
    The path of a page of an article's comments.

    Args:
        path: Any path of the article. From an address by number no path of a later page can be made.

        number: 1 for the article itself.

    Raises:
        ValueError: The path is not that of an article, or is an address by number alone.
    """
    article = address(path)
    if article is None or article.slug is None:
        raise ValueError(f"{path!r} is not the path of an article, so its comment pages have no path either")
    return article.article_path if number == 1 else f"/page,1,{number},{article.id}-{article.slug}.html"


def number_path(id: int) -> str:
    """The path that the engine answers with a redirect to the article of this number."""
    return f"/index.php?newsid={id}"


def listing_path(section: str | None = None, number: int = 1) -> str:
    """The path of a page of a section ("news", "armament/drones"), or of the front page for None."""
    return _numbered("/" if section is None else f"/{section}/", number)


def day_path(day: date, number: int = 1) -> str:
    """The path of a page of the articles published on a day of the site's calendar."""
    return _numbered(f"/{day:%Y/%m/%d}/", number)


def feed_path(section: str | None = None) -> str:
    """The path of the RSS feed of a section, or of the whole site for None."""
    return "/rss.xml" if section is None else f"/{section}/rss.xml"


def _numbered(path: str, number: int) -> str:
    return path if number == 1 else f"{path}page/{number}/"
