"""
The spider that one writes first: parsel, a CSS query for each field of each comment.

Not a straw man: it knows the engine's ids, leaves quotations out, and takes the machine-readable date
where there is one. It knows nothing of what HTML parsers make of this site's lists.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

import dateparser
from parsel import Selector

from crawler.items import Moment
from tests.benchmarks.scores import ZONE, Given, GivenComment

#: From words to a moment, or None where they are no date.
ReadDate = Callable[[str], Moment | None]

_ITEMS = "ancestor::li[starts-with(@id, 'comments-tree-item-')]"
_OWN_WORDS = ".//text()[not(ancestor::*[contains(@class, 'quote')])]"


def plain_page(html: str, read_date: ReadDate) -> Given:
    """An article page as a plain spider reads it."""
    page = Selector(text=html)
    published = page.css("article time::attr(datetime)").get() or page.css("article time::text").get()
    return Given(
        title=page.css("h1::text").get(),
        body="\n".join(page.css("article .text ::text").getall()),
        published=read_date(published) if published else None,
        comments=tuple(plain_comments(page, read_date)),
    )


def plain_comments(page: Selector, read_date: ReadDate) -> Iterator[GivenComment]:
    """The comments of a page as a plain spider reads them."""
    for comment in page.css("[id^='comment-id-']"):
        posted = (
            comment.css("time::attr(datetime)").get()
            or comment.css("time::text, .date::text, .grey::text").get()
        )
        items = comment.xpath(_ITEMS)
        parent = items[-2].attrib["id"] if len(items) > 1 else None
        yield GivenComment(
            id=int(comment.attrib["id"].removeprefix("comment-id-")),
            author=comment.css(".name a::text").get() or comment.css(".name::text").get(),
            posted=read_date(posted) if posted else None,
            body="\n".join(comment.css("[id^='comm-id-']").xpath(_OWN_WORDS).getall()),
            parent_id=int(parent.removeprefix("comments-tree-item-")) if parent else None,
            depth=max(0, len(items) - 1),
        )


def dateparser_date(language: str, fetched_at: datetime) -> ReadDate:
    """Dates by dateparser, told all that it can be told."""
    settings = {
        "TIMEZONE": ZONE.key,
        "RETURN_AS_TIMEZONE_AWARE": True,
        "RELATIVE_BASE": fetched_at.astimezone(ZONE).replace(tzinfo=None),
        "DATE_ORDER": "DMY",
    }

    def read_date(text: str) -> Moment | None:
        at = dateparser.parse(text, languages=[language], settings=settings)
        return None if at is None else Moment(at=at, precision="minute")

    return read_date
