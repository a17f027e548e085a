"""What lists of articles say: listings, feeds, sitemaps."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from crawler.dle import paging
from crawler.dle.recognition import NAMES, not_shown, recognised
from crawler.dle.text import folded
from crawler.errors import OBSTACLES, NotUnderstood
from crawler.items import Entry, ListingPage
from crawler.site import Edition
from crawler.sites.military_review import skins
from crawler.sites.military_review.links import is_own, joined, own_article, path_of

if TYPE_CHECKING:
    from parsel import Selector

#: "&#xD800;" to "&#xDFFF;", also in decimal.
_HALF_CHARACTER = re.compile(
    r"&#(?:x0*d[89a-f][0-9a-f]{2}|0*(?:5529[6-9]|55[3-9]\d\d|56\d{3}|57[0-2]\d\d|573[0-3]\d|5734[0-3]));",
    re.IGNORECASE,
)

#: "/news/page/2/"
_PAGE_PATH = re.compile(r"(.*/)page/([0-9]{1,6})/")


def listing_page(html: str, url: str, edition: Edition) -> ListingPage:
    """
    The articles that a section, a day or the front page lists, in the order of the page.

    Raises:
        NotUnderstood: The page is not one of the engine's, or links to articles in no known way.
    """
    page = _selector(html, "html")
    entries: dict[int, Entry] = {}
    for link in page.css(skins.CARD_LINKS):
        target = own_article(link.xpath("@href").get(""), url, edition)
        if target is None or target.id in entries:
            continue
        card = link.xpath("ancestor::article[1]") or link.xpath(
            "ancestor::*[contains(@class,'shortstory')][1]"
        )
        times = card.css("time")
        entries[target.id] = Entry(
            id=target.id,
            path=target.article_path,
            title=folded(link.xpath("string()").get("")) or None,
            published_raw=_first(times.xpath("@datetime").getall())
            or _first(times.xpath("string()").getall()),
            comments_stated=_first_count(card.css(skins.CARD_COMMENTS).xpath("string()").getall()),
        )
    if not entries:
        document = LexborHTMLParser(html)
        content = document.css_first("#dle-content")
        if content is None:
            missing = "it has neither cards nor the engine's #dle-content"
            raise not_shown(f"{url} lists no articles", document, html, missing=missing)
        links = (node.attributes.get("href") or "" for node in content.css("a"))
        if any(own_article(href, url, edition) for href in links):
            raise NotUnderstood(f"{url} links to articles, but not in a card of any known template")
        # "Nothing found" is what stands behind the last page of a section, and on a day without news.
        kind = recognised(document, html)
        if kind in OBSTACLES or kind == "login":
            raise NotUnderstood(f"{url} lists no articles: it is {NAMES[kind]}", kind=kind)
    return ListingPage(entries=tuple(entries.values()), next_path=_next_listing(page, url))


def feed(xml: str, url: str, edition: Edition) -> ListingPage:
    """
    The articles in an RSS feed, also in the one for Dzen.

    Raises:
        NotUnderstood: It is no feed.
    """
    document = _xml(xml)
    if not document.xpath("/*[local-name()='rss' or local-name()='RDF']"):
        raise NotUnderstood(f"{url} is no feed: there is no rss element")
    return _entries(
        (
            (
                _texts(item, "link") + _texts(item, "guid"),
                _first(_texts(item, "title")),
                _first(_texts(item, "pubDate")),
            )
            for item in document.xpath("//*[local-name()='item']")
        ),
        url,
        edition,
    )


def sitemap(xml: str, url: str, edition: Edition) -> ListingPage:
    """
    The articles in a sitemap, or the further sitemaps that an index of them names.

    Raises:
        NotUnderstood: It is neither.
    """
    document = _xml(xml)
    if document.xpath("/*[local-name()='sitemapindex']"):
        paths = [
            urlsplit(place).path
            for item in document.xpath("/*/*[local-name()='sitemap']")
            for place in _texts(item, "loc")
            if is_own(place, url, edition)
        ]
        return ListingPage(entries=(), lists=tuple(dict.fromkeys(paths)))
    if not document.xpath("/*[local-name()='urlset']"):
        raise NotUnderstood(f"{url} is no sitemap: there is neither an urlset nor a sitemapindex")
    return _entries(
        (
            (_texts(item, "loc"), None, _first(_texts(item, "lastmod")))
            for item in document.xpath("/*/*[local-name()='url']")
        ),
        url,
        edition,
    )


def _entries(
    found: Iterator[tuple[list[str], str | None, str | None]], url: str, edition: Edition
) -> ListingPage:
    entries: dict[int, Entry] = {}
    for places, title, published in found:
        for place in places:
            target = own_article(place, url, edition)
            if target is not None:
                entries.setdefault(
                    target.id,
                    Entry(id=target.id, path=target.article_path, title=title, published_raw=published),
                )
                break
    return ListingPage(entries=tuple(entries.values()))


def _next_listing(page: "Selector", url: str) -> str | None:
    """The path of the next page of a listing, where the page links to any later one."""
    path = urlsplit(url).path or "/"
    match = _PAGE_PATH.fullmatch(path)
    base, number = (match[1], int(match[2])) if match else (path, 1)
    for href in page.css(skins.LISTING_PAGES).xpath("@href").getall():
        later = _PAGE_PATH.fullmatch(path_of(joined(url, href)))
        if later and later[1] == base and int(later[2]) > number:
            return f"{base}page/{number + 1}/"
    return None


def _xml(text: str) -> "Selector":
    """The document, without references to halves of characters, over which the XML parser stumbles."""
    return _selector(_HALF_CHARACTER.sub("\ufffd", text), "xml")


def _selector(text: str, kind: Literal["html", "xml"]) -> "Selector":
    # Imported here because lxml takes more memory than all of ours, and what reads articles again needs none of it.
    from parsel import Selector

    return Selector(text=text, type=kind)


def _texts(item: "Selector", name: str) -> list[str]:
    found = item.xpath(f"./*[local-name()='{name}']").xpath("string()").getall()
    return [text for text in map(folded, found) if text]


def _first(texts: list[str]) -> str | None:
    return next((text for text in map(folded, texts) if text), None)


def _first_count(texts: list[str]) -> int | None:
    return paging.count(texts[0]) if texts else None
