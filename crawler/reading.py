"""
The one door to what a page says: from the bytes of an answer to an item.

The spider, reparsing, importing and probing all come through here, so that the same bytes mean the
same everywhere. What a page looks like is the site's business: its functions are handed in, and this
module knows no site.
"""

import codecs
import gc
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from crawler.dle.addresses import address, ajax_address
from crawler.dle.between import Between
from crawler.dle.recognition import garbling
from crawler.dle.repeats import shortened
from crawler.dle.skins import Skin
from crawler.dle.tags import tags
from crawler.errors import NotUnderstood
from crawler.items import ArticlePage, CommentAnswer, ListingPage
from crawler.site import Edition

#: Stands beside everything that was read, so that what an older reader understood can be found and
#: read again. Raised whenever the same bytes may mean something else.
READER_VERSION = 2

#: Longest page that is read, in bytes. The longest threads come to 3 MB; this is what a page may
#: cost in memory, not what a page is expected to be.
MAX_BYTES = 8 * 1024 * 1024

#: Deepest nesting that is read. lxml drops what stands below 1,000 levels without a word, and
#: real pages have 30; so there is room on both sides.
MAX_DEPTH = 800

#: Most attributes of a tag: lxml needs time in the square of their number.
MAX_ATTRIBUTES = 200

#: Length of a tag in bytes from which its attributes are counted; so many take at least two bytes each.
LONG_TAG = 2 * MAX_ATTRIBUTES

#: Most tags on a page: a thread of 5,000 comments has 260,000.
MAX_TAGS = 450_000

#: Most elements of one kind like <b> and <i> that are left open. HTML repeats them in every
#: paragraph that follows, so a few thousand turn a small page into a huge one.
MAX_OPEN_FORMATTING = 100

# fmt: off
_VOID = frozenset((
    b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"param", b"source",
    b"track", b"wbr",
))
_CLOSED_BY_THE_NEXT = frozenset((b"p", b"li", b"option", b"dd", b"dt", b"td", b"th", b"tr", b"a", b"nobr"))
_FORMATTING = frozenset((
    b"b", b"big", b"code", b"em", b"font", b"i", b"s", b"small", b"strike", b"strong", b"tt", b"u",
))
#: Only in these does "/>" end an element …
_SVG = frozenset((b"svg", b"g", b"symbol", b"defs"))
#: … and these end the drawing.
_NOT_SVG = frozenset((
    b"blockquote", b"body", b"br", b"center", b"dd", b"div", b"dl", b"dt", b"embed", b"h1", b"h2", b"h3", b"h4",
    b"h5", b"h6", b"head", b"hr", b"img", b"li", b"menu", b"meta", b"nobr", b"ol", b"p", b"pre", b"ruby",
    b"span", b"sub", b"sup", b"table", b"ul", b"var",
)) | _FORMATTING
# fmt: on

#: A value in quotes, which is one attribute's however many words it has.
_QUOTED = re.compile(rb"""=\s*+(?:"[^"]*+"?|'[^']*+'?)""")

_Page = TypeVar("_Page", ArticlePage, ListingPage)

_SLASH = ord("/")

#: One of these closes the outermost element of whatever is read; banners and comments may follow it.
_LAST_WORDS = ("</html", "</rss", "</feed", "</rdf", "</urlset", "</sitemapindex")

_XML_STARTS = ("<?xml", "<rss", "<feed", "<urlset", "<sitemapindex")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReaders:
    """
    How the pages of one site are read.

    Each function takes the text of a page (that of articles in UTF-8), the address that it was asked under and the
    edition, and raises NotUnderstood, naming what was missing, where the page is not what it should be.
    """

    article: Callable[[bytes, str, Edition], ArticlePage]
    listing: Callable[[str, str, Edition], ListingPage]
    feed: Callable[[str, str, Edition], ListingPage]
    sitemap: Callable[[str, str, Edition], ListingPage]
    #: Comments alone, as the engine answers the script that loads them.
    answer: Callable[[str, str, Edition], CommentAnswer]
    #: The templates that comments have had.
    comment_skins: tuple[Skin, ...] = ()


@contextmanager
def collecting_later() -> Iterator[None]:
    """
    Let Python's collector of cyclic garbage wait until a page is read, then as it was.

    Reading makes tens of thousands of objects that live until it is done and no cycles, so the collector would look at
    them again and again and find nothing: up to a fifth of the time of a long page. The switch is the whole process's.
    Of several threads the one that turns it off turns it on again, so it is never off for longer than one page.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@collecting_later()
def read(
    body: bytes,
    *,
    url: str,
    fetched_at: datetime,  # noqa: ARG001 - see below
    edition: Edition,
    charset: str,
    pages: PageReaders,
) -> ArticlePage | ListingPage | CommentAnswer:
    """
    What a page says.

    Args:
        body: The whole answer, after content decoding.

        url: The address that it was asked under. It decides what the page should be: the address
            of an article or comment page must show that article, one that comments are loaded from must answer
            comments, any other should list articles.

        fetched_at: When the answer came. Dates are returned as written, so nothing here depends
            on it yet; it is part of the door because "yesterday" means nothing without it.

        charset: How the site's pages are encoded. Decoding is strict: a page in another encoding is
            refused, never read as garbage.

        pages: How the site's pages are read.

    Raises:
        NotUnderstood: The page is too long, not in the site's encoding, built to harm a parser, or
            not the page that its address promises.
    """
    if len(body) > MAX_BYTES:
        raise NotUnderstood(
            f"{url} is longer than {MAX_BYTES // 1024 // 1024} MiB, which no page of a thread is"
        )
    text = _decoded(body, url, charset)
    if ajax_address(url) is not None:
        return pages.answer(text, url, edition)
    start = text[:200].lstrip().lower()
    if start.startswith(_XML_STARTS) and address(url) is None:
        refuse_pathological(text, url)
        if "<urlset" in text[:2000] or "<sitemapindex" in text[:2000]:
            return _whole(pages.sitemap(text, url, edition), text, url)
        return _whole(pages.feed(text, url, edition), text, url)
    if address(url) is not None:
        is_utf8 = codecs.lookup(charset).name == "utf-8"
        page = body.removeprefix(codecs.BOM_UTF8) if is_utf8 else text.encode(errors="replace")
        shortened(page, text=text, keep=True)
        del text  # One pictogram on a page makes it four times as long as its UTF-8.
        refuse_pathological(page, url)
        return _whole(pages.article(page, url, edition), last_words(page), url)
    refuse_pathological(text, url)
    return _whole(pages.listing(text, url, edition), text, url)


def last_words(page: bytes) -> str:
    """The last 20,000 characters of a page in UTF-8."""
    return page[-4 * 20_000 :].decode(errors="ignore")[-20_000:]


def _whole(page: _Page, text: str, url: str) -> _Page:
    """
    The page, if its text has an end: what its own sender cut short is whole to the network.

    Asked last, because what comes in place of a page is better called by its name.
    """
    end = text[-20_000:].lower()
    if not any(words in end for words in _LAST_WORDS):
        raise NotUnderstood(f"{url} is cut short: the page has no end")
    return page


def refuse_pathological(html: str | bytes, url: str) -> None:
    """
    Refuse a page that a tree parser would choke on, or silently cut.

    One linear look at the tags, before any parser: 8 MiB take about a second at worst. The depth is that
    of elements as a parser would nest them, estimated upwards.

    Args:
        html: The page, as text or in UTF-8.

    Raises:
        NotUnderstood: Too deep, too many tags, or too many attributes on one.
    """
    if len(html) > MAX_TAGS and (html.count("<") if isinstance(html, str) else html.count(b"<")) > MAX_TAGS:
        raise NotUnderstood(f"{url} has more than {MAX_TAGS:,} tags, and no page of a thread has so many")
    short = shortened(html, keep=True)
    if short is not None:
        try:
            # A comment closes what it opens and leaves no formatting behind, so that it adds nothing but its own
            # depth to what stands around it.
            _refuse_tags(short.between, url, MAX_DEPTH - short.depth)
        except NotUnderstood:
            pass  # It may be only as deep as that: the whole page tells.
        else:
            return
    _refuse_tags([Between(tags(html))], url, MAX_DEPTH)


def _refuse_tags(found: Iterable[Between], url: str, max_depth: int) -> None:
    nest: list[bytes] = []
    count: dict[bytes, int] = {}  # in the nest
    formatting = dict.fromkeys(_FORMATTING, 0)  # these stay in force beyond the element that they stand in
    for between in found:
        run = between.run
        if run is not None and not count.get(b"svg"):
            # Nothing but items and lists, and they close what is open: then there is no need to look at each tag.
            closes = run.closes
            if not closes or nest[-len(closes) :] == closes:
                if closes:
                    del nest[-len(closes) :]
                    for name in closes:
                        count[name] -= 1
                for name in run.opens:
                    if name == b"ol" or nest[-1:] != [b"li"]:
                        nest.append(name)
                        count[name] = count.get(name, 0) + 1
                if len(nest) > max_depth:
                    raise NotUnderstood(f"{url} nests its elements more than {MAX_DEPTH} deep")
                continue
        for name, rest in between.tags:
            if not name:  # a comment
                continue
            if len(rest) > LONG_TAG and _attributes(rest) > MAX_ATTRIBUTES:
                raise NotUnderstood(f"{url} has a tag with more than {MAX_ATTRIBUTES} attributes")
            if name[0] == _SLASH:
                name = name[1:]
                if formatting.get(name):
                    formatting[name] -= 1
                if nest and nest[-1] == name:
                    nest.pop()
                    count[name] -= 1
                elif count.get(name):
                    _close(name, nest, count)
                continue
            if name in _NOT_SVG and count.get(b"svg"):
                _close(b"svg", nest, count)
            if name in _VOID:
                continue
            if nest:
                last = nest[-1]
                if (last == name and name in _CLOSED_BY_THE_NEXT) or (last in _SVG and rest[-1:] == b"/"):
                    continue
            nest.append(name)
            count[name] = count.get(name, 0) + 1
            if len(nest) > max_depth:
                raise NotUnderstood(f"{url} nests its elements more than {MAX_DEPTH} deep")
            if name in formatting:
                formatting[name] += 1
                if formatting[name] > MAX_OPEN_FORMATTING:
                    raise NotUnderstood(
                        f"{url} leaves more than {MAX_OPEN_FORMATTING} <{name.decode()}> open"
                    )


def _close(name: bytes, nest: list[bytes], count: dict[bytes, int]) -> None:
    """Close the innermost element of this name, and all that stands in it."""
    while True:
        last = nest.pop()
        count[last] -= 1
        if last == name:
            return


def _attributes(rest: bytes) -> int:
    """How many attributes a tag has, estimated upwards."""
    bare = _QUOTED.sub(b"= ", rest).replace(b"/", b" ")
    return len(bare.split())


def _decoded(body: bytes, url: str, charset: str) -> str:
    try:
        text = body.decode(charset)
    except UnicodeDecodeError as error:
        raise NotUnderstood(f"{url} is not in {charset}: byte {error.start} cannot be decoded") from error
    lost = garbling(text)
    if lost is not None:
        raise NotUnderstood(f"{url} is garbled: it is full of {lost}", kind="garbled")
    return text.removeprefix("\ufeff")
