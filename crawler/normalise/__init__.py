"""
From what a page says to what can be stored: nicknames, dates, threads, text.

The functions here are pure: they know no site, no Scrapy, no SQL and no clock; what they need is an
argument. What a site's facts are (its time zone, its words for dates) comes with the call.

    nicknames   the name as people read it, the identity behind it, look-alikes
    renames     which authors have taken another name
    timestamps  the moment that words mean, and how exactly they say it
    datewords   the words of dates in Russian and English
    threads     root, depth and reading order, from who answers whom
    numbers     which numbers can be
    text        plain text that both databases can hold
    erasure     who is forgotten, as keyed hashes

`normal_page` puts them together for one page. Threads are not part of it: a comment's place depends
on the comments of other pages, so storage works it out, from `threads.places`.
"""

import dataclasses
import operator
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from crawler.errors import UnreadableDate
from crawler.items import (
    Article,
    ArticlePage,
    Comment,
    Moment,
    NormalArticle,
    NormalComment,
    NormalPage,
    Quote,
)
from crawler.normalise import nicknames, text, timestamps
from crawler.normalise.numbers import require_possible
from crawler.site import DateWords

_Value = TypeVar("_Value")


def normal_page(
    page: ArticlePage, *, zone: ZoneInfo, words: tuple[DateWords, ...], seen_at: datetime
) -> NormalPage:
    """
    An article page as it can be stored: what was understood beside what was written.

    A date is read from the machine-readable attribute; where that is missing or unreadable, from the
    visible text; otherwise it is None, never a guess. All texts, also the written ones that are kept
    beside, are free of what a database refuses (see `text.storable`), so that no single comment can
    lose a page.

    Args:
        page: What reading returned.

        zone: Where the site's clock hangs.

        words: The languages of the edition's dates, most likely first.

        seen_at: When the page was fetched, aware: "yesterday" counts from here.

    Raises:
        NotUnderstood: The page holds a number that no article, comment, counter or rating can have.
    """
    require_possible(page)
    page = _storable(page)

    def moment(machine: str | None, visible: str | None) -> Moment | None:
        stated: Moment | None = None
        try:
            if machine:
                stated = timestamps.machine_moment(machine, zone=zone, seen_at=seen_at)
                if stated.precision != "day":
                    return stated
        except UnreadableDate:
            pass  # The visible text is the next to be trusted.
        try:
            if visible:
                shown = timestamps.moment(visible, zone=zone, words=words, seen_at=seen_at)
                # A machine's date without a time is refined by the words of the same day, never overruled.
                if stated is None or shown.at.astimezone(zone).date() == stated.at.astimezone(zone).date():
                    return shown
        except UnreadableDate:
            pass  # The written words stay, so that a better reader can try again.
        return stated

    article = page.article
    return NormalPage(
        article=_normal_article(article, moment(article.published_machine, article.published_raw)),
        comments=tuple(
            _normal_comment(comment, moment(comment.posted_machine, comment.posted_raw))
            for comment in page.comments.comments
        ),
        written=page,
    )


def _normal_article(article: Article, published: Moment | None) -> NormalArticle:
    return NormalArticle(
        written=article,
        title=text.line(article.title),
        lead=(text.clean(article.lead) or None) if article.lead else None,
        body=text.clean(article.body),
        published=published,
    )


def _normal_comment(comment: Comment, posted: Moment | None) -> NormalComment:
    return NormalComment(
        written=comment,
        author=nicknames.author(
            nickname_raw=comment.nickname_raw,
            kind=comment.author_kind,
            profile_name=comment.profile_name,
            full_name=comment.full_name,
            site_user_id=comment.site_user_id,
        ),
        posted=posted,
        body=text.clean(comment.body),
        quotes=tuple(
            Quote(
                text=text.clean(quote.text),
                author=(nicknames.nickname(quote.author) or None) if quote.author else None,
                level=quote.level,
                comment_id=quote.comment_id,
            )
            for quote in comment.quotes
        ),
    )


def _storable(value: _Value) -> _Value:
    """The same value, its texts storable, however deep they lie; the very same object where they were."""
    return cast(_Value, _with_storable_texts(value))


def _with_storable_texts(value: Any) -> Any:
    kind = type(value)
    if value is None or kind is int:
        return value
    if kind is str:
        return text.storable(value)
    if kind is tuple:
        parts = tuple(map(_with_storable_texts, value))
        return parts if any(map(operator.is_not, parts, value)) else value
    if not dataclasses.is_dataclass(kind):
        return value
    names, values_of = _fields(kind)
    values = values_of(value)
    texts = []
    deeper = False
    for each in values:
        if type(each) is str:
            texts.append(each)
        elif each is not None and each != () and type(each) is not int:
            deeper = True
    if not deeper:
        # Nearly all texts are storable, and one look at them joined is quicker than one at each.
        joined = "".join(texts)
        if text.storable(joined) is joined:
            return value
    news = tuple(map(_with_storable_texts, values))
    if not any(map(operator.is_not, news, values)):
        return value
    return kind(**dict(zip(names, news, strict=True)))


@lru_cache(maxsize=64)
def _fields(kind: type[Any]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """The names of a dataclass's fields, and a quick way to all their values."""
    names = tuple(field.name for field in dataclasses.fields(kind))
    # A getter of one name returns a bare value, so there are always two.
    values_of = operator.attrgetter(*names, names[0])
    return names, lambda value: values_of(value)[:-1]
