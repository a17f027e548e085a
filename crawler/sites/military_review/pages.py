"""
What the pages of Military Review say.

Pure functions from the text of a page to an item. Each first asks whether this is the page that its
address promises, and raises NotUnderstood where it is not, naming what was missing and the address.

    articles   the article's part of a page
    lists      listings, feeds, sitemaps
    skins      where the templates put things: data
"""

import re
from dataclasses import replace

from selectolax.lexbor import LexborHTMLParser

from crawler.dle import ajax, paging
from crawler.dle.addresses import Address, address, ajax_address, ajax_path
from crawler.dle.comments import comments
from crawler.dle.patterned import NotAlike
from crawler.dle.recognition import NAMES, not_shown
from crawler.dle.repeats import Shortened, shortened
from crawler.dle.text import beginning, folded
from crawler.dle.tree import tree
from crawler.errors import NotUnderstood
from crawler.items import ArticlePage, CommentAnswer, CommentPage
from crawler.reading import PageReaders, collecting_later, last_words, refuse_pathological
from crawler.site import Edition
from crawler.sites.military_review import skins
from crawler.sites.military_review.articles import article_in, frame_of, swallows
from crawler.sites.military_review.links import base, is_own, joined, own_article
from crawler.sites.military_review.lists import feed, listing_page, sitemap

#: What stands in place of the form where a thread is closed: by hand, or by its age.
_CLOSED = re.compile(
    r"""\bcomment\w*\b.{0,60}\b(?:closed|disabled|switched\ off|no\ longer)\b
      | \bcomment\w*\b.{0,60}\b(?:only|possible)\b.{0,40}\b(?:within|during|for)\b.{0,20}\bdays?\b
      | комментир\w+.{0,60}(?:закрыт|отключ|невозмож|запрещ|прекращ|заверш)
      | комментари\w+.{0,40}(?:закрыт|отключ|больше\ не\ приним)
      | комментир\w+.{0,60}в\ течени\w+.{0,20}(?:дней|дня)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)

#: The engine's own marks of a thread, one of which a page has even where nobody has written yet.
_THREAD = (
    "#dle-comments-list, #dlemasscomments, #dle-ajax-comments, #dle-comments-form, .comments-tree-list,"
    " [id^='comment-id-']"
)


@collecting_later()
def article_page(html: bytes, url: str, edition: Edition) -> ArticlePage:
    """
    The article on a page, and the comments of one comment page.

    Args:
        html: The page in UTF-8.

    Raises:
        NotUnderstood: The page does not show the article of its address; it is cut short; it says that
            there are comments and shows none; or its comments are not built as the engine builds them.
    """
    short = shortened(html)
    if short is not None:
        try:
            return _article_page(short.html.encode(), url, edition, short)
        except (NotAlike, NotUnderstood):
            pass  # The whole page is sure to read right, and to say what is wrong with it.
    return _article_page(html, url, edition, None)


def _article_page(html: bytes, url: str, edition: Edition, short: Shortened | None) -> ArticlePage:
    where = address(url)
    if where is None:
        raise NotUnderstood(f"{url} is not the address of an article")
    if where.printed:
        raise NotUnderstood(f"{url} is {NAMES['print']}", kind="print")
    # First, so that the memory that the tags take is free again when the document takes the most.
    thread = tree(html, short.steps if short is not None else None)
    document = LexborHTMLParser(html)
    shown = _shown_address(document, url, edition)
    if shown is not None and shown.id != where.id:
        raise NotUnderstood(f"{url} shows article {shown.id} instead", kind="moved")
    skin, frame, body = frame_of(document)
    heading = (frame and frame.css_first("h1")) or document.css_first("h1")
    title = folded(heading.text()) if heading is not None else ""
    missing = None
    has_thread = document.css_first(_THREAD) is not None
    if shown is None and not has_thread and (skin is None or document.css_first("#full-story") is None):
        missing = "neither a canonical link nor the frame of one nor a thread"
    elif not title:
        missing = "it has no title"
    elif skin is None and not has_thread:
        missing = "neither its text nor its thread is where a known template has them"
    if missing is not None:
        raise not_shown(f"{url} shows no article", document, html.decode(), missing=missing)
    end = last_words(html)
    if "</html" not in end and "</html" not in end.lower():
        raise NotUnderstood(f"{url} is cut short: the page has no end")
    path = _named(document, where, shown, url, edition).article_path

    try:
        block = comments(
            document,
            thread,
            skins=skins.COMMENTS,
            base_url=base(edition),
            article_id=where.id,
            repeats=short,
        )
    except NotUnderstood as error:
        raise NotUnderstood(f"{url}: {error}") from error
    article = article_in(document, where.id, path, title, skin, frame, body, edition)
    if short is not None and swallows(article):
        raise NotAlike
    stated = article.comments_stated
    number = where.comment_page
    if stated and number == 1 and not block.comments:
        raise NotUnderstood(f"{url} says that there are {stated} comments and shows none that can be read")
    pages = paging.page_count(document, html, article_id=where.id, number=number)
    part = where.article_page
    parts = paging.part_count(document, html, article_id=where.id, part=part)
    remarks = list(block.remarks)
    if skin is None:
        remarks.append("the article's template is not known: title and comments were read, its text was not")
    if parts > 1:
        remarks.append(f"the article is divided into {parts} pages: the text is that of page {part} alone")
    return ArticlePage(
        article=replace(article, part=part, parts=parts) if parts > 1 else article,
        comments=CommentPage(
            number=number,
            comments=block.comments,
            stated=stated,
            pages=pages,
            next_path=paging.next_path(path=path, number=number, pages=pages),
            closed=_is_closed(document),
            flat=bool(block.comments) and not thread.parents,
        ),
        skin=block.skin or (skin.name if skin else "unknown"),
        remarks=tuple(remarks),
    )


def comment_answer(text: str, url: str, edition: Edition) -> CommentAnswer:
    """
    The comments that the engine answers the script which loads them.

    Raises:
        NotUnderstood: The engine refuses, or answers something else; or the comments are not built as the
            engine builds them.
    """
    where = ajax_address(url)
    if where is None:
        raise NotUnderstood(f"{url} is not an address that comments are loaded from")
    found = ajax.fragment(text, url)
    html = found.comments + found.navigation
    refuse_pathological(html, url)
    document = LexborHTMLParser(html)
    try:
        block = comments(
            document, tree(html), skins=skins.COMMENTS, base_url=base(edition), article_id=where.article_id
        )
    except NotUnderstood as error:
        raise NotUnderstood(f"{url}: {error}") from error
    if not block.comments:
        body = LexborHTMLParser(found.comments).body
        missing = None
        if found.bare and document.css_first(_THREAD) is None:
            missing = "there is neither a comment nor any mark of a thread"
        elif body is not None and beginning(body):
            missing = "there are words, but none in a comment as the engine builds them"
        if missing is not None:
            raise not_shown(f"{url} answers no comments", document, html, missing=missing)
    pages = paging.page_count(
        document, html.encode(errors="replace"), article_id=where.article_id, number=where.number
    )
    following = None
    if where.skin is not None and pages is not None and where.number < pages:
        following = ajax_path(where.era, where.article_id, where.number + 1, where.skin)
    return CommentAnswer(
        article_id=where.article_id,
        comments=CommentPage(number=where.number, comments=block.comments, pages=pages, next_path=following),
        skin=block.skin or "unknown",
        remarks=block.remarks,
    )


def _shown_address(document: LexborHTMLParser, url: str, edition: Edition) -> Address | None:
    """The article that the page itself says it shows, in its canonical link or og:url."""
    head = document.head
    if head is None:
        return None
    for node in head.css("link[rel='canonical'], meta[property='og:url']"):
        attributes = node.attributes
        place = (attributes.get("href") or attributes.get("content") or "").strip()
        shown = address(joined(url, place)) if place and is_own(place, url, edition) else None
        if shown is not None:
            return shown
    return None


def _named(
    document: LexborHTMLParser, where: Address, shown: Address | None, url: str, edition: Edition
) -> Address:
    """The article's address with its slug: the page's own, or else the one asked, or one that the page links to."""
    if shown is not None and shown.slug is not None:
        return shown
    if where.slug is None:
        for node in document.css(f"a[href*='{where.id}-']"):
            linked = own_article(node.attributes.get("href") or "", url, edition)
            if linked is not None and linked.id == where.id:
                return linked
    return where


def _is_closed(document: LexborHTMLParser) -> bool:
    """Whether the page says that no more comments are accepted."""
    return any(_CLOSED.search(beginning(node)) for node in document.css(skins.NOTICES))


PAGES = PageReaders(
    article=article_page,
    listing=listing_page,
    feed=feed,
    sitemap=sitemap,
    answer=comment_answer,
    comment_skins=skins.COMMENTS,
)
