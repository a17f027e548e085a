"""How many comment pages a thread has, which is next, and how many comments the page says there are."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser

from crawler.dle.addresses import address, comment_page_path
from crawler.dle.ajax import variables
from crawler.dle.text import beginning

_PAGE_CALL = re.compile(r"CommentsPage\(\s*'([0-9]{1,6})'\s*,\s*'([0-9]{1,18})'")
#: "125 comments", "125 комментариев", "Comments: 125", "Комментарии (125)", "15 注釈".
_STATED = re.compile(
    r"""(?P<before>\d{1,3}(?:[ \u00a0\u202f]\d{3})+|\d+)\s*(?:comments?\b|комментари|注釈|コメント)
      | (?:comments?|комментари\w*)\s*[:(]\s*(?P<after>\d{1,3}(?:[ \u00a0\u202f]\d{3})+|\d+)\s*\)?\s*$
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HEADINGS = "h2, h3, h4, .section-title, .comments-title, .b-head"


def page_count(document: LexborHTMLParser, html: bytes, *, article_id: int, number: int) -> int | None:
    """
    How many comment pages the thread has, by the page's links, AJAX links or script.

    Args:
        html: The same page, in UTF-8.

        number: Which comment page this is. The page does not link to itself, and may be the last.

    Returns:
        The largest number that any of them names; None where the page says nothing, which with
        the engine's own paging means one page, but with an unknown one may not.
    """
    # To look at the text first spares most pages the search for links.
    paged = b",%d-" % article_id in html or b"CommentsPage(" in html
    numbers = list(_linked(document, article_id)) if paged else []
    if numbers:
        numbers.append(number)
    # What the engine's script says where comments are loaded while the reader scrolls.
    if b"total_comments_pages" in html and (loaded := variables(html.decode()).pages) is not None:
        numbers.append(loaded)
    return max(numbers, default=None)


def next_path(*, path: str, number: int, pages: int | None) -> str | None:
    """
    The path of the comment page behind this one; None where the page names none.

    Args:
        path: The article's path.

        number: Which comment page this is.

        pages: What `page_count` found.
    """
    if pages is None or number >= pages:
        return None
    article = address(path)
    if article is None or article.slug is None:
        return None
    return comment_page_path(path, number + 1)


def part_count(document: LexborHTMLParser, html: bytes, *, article_id: int, part: int) -> int:
    """
    How many pages an article is divided into, by the page's links.

    Args:
        html: The same page, in UTF-8.

        part: Which of them this page is. It does not link to itself, and may be the last.
    """
    if b",%d-" % article_id not in html:
        return part
    targets = (
        address(node.attributes.get("href") or "") for node in document.css(f"a[href*=',{article_id}-']")
    )
    return max(part, *(target.article_page for target in targets if target and target.id == article_id), 1)


def stated_count(document: LexborHTMLParser) -> int | None:
    """How many comments the heading above the thread says there are; None where there is none."""
    for node in document.css("[data-comms]"):
        digits = node.attributes.get("data-comms") or ""
        if re.fullmatch(r"[0-9]{1,7}", digits):
            return int(digits)
    for node in document.css(_HEADINGS):
        match = _STATED.search(beginning(node)[:100])
        if match:
            return count(match["before"] or match["after"])
    return None


def count(text: str) -> int | None:
    """A number of things as the site writes it, with spaces between the thousands: "15 680"."""
    digits = "".join(text.split())
    return int(digits) if re.fullmatch(r"[0-9]{1,12}", digits) else None


def _linked(document: LexborHTMLParser, article_id: int) -> Iterator[int]:
    """The numbers of the comment pages that the page links to or loads on a click."""
    # The last of two pages links to the article alone, which is the first.
    selector = "a[href*='/page,'], a[onclick*='CommentsPage'], .dle-comments-navigation a[href]"
    for node in document.css(selector):
        attributes = node.attributes
        target = address(attributes.get("href") or "")
        if target is not None and target.id == article_id:
            yield target.comment_page
        match = _PAGE_CALL.search(attributes.get("onclick") or "")
        if match and int(match[2]) == article_id:
            yield int(match[1])
