"""
Which page an address is, and what the addresses of pages look like.

Only paths are written here: an article has the same path in every edition, and where requests go is
the crawler's business. The grammar is that of the engine's usual setting, number and slug at the root:

    /128836-slug.html            the article with the first page of its comments
    /page,1,3,128836-slug.html   page 3 of its comments
    /page,2,128836-slug.html     page 2 of an article that is divided into pages
    /index.php?newsid=128836     the article by its number alone
"""

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qs, urlsplit

_ARTICLE = re.compile(
    r"""/(?:page,(?P<page>[0-9]{1,6}),(?:(?P<comments>[0-9]{1,6}),)?)?
        (?P<id>[0-9]{1,18})-(?P<slug>[^/?\#\s"'<>\\]*)\.html""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"[0-9]{1,18}")


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
    )


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
