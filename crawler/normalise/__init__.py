"""
From what a page says to what can be stored: nicknames, dates, threads, text.

The functions here are pure: they know no site, no Scrapy, no SQL and no clock; what they need is an
argument. What a site's facts are (its time zone, its words for dates) comes with the call.

    nicknames   the name as people read it, the identity behind it, look-alikes
    timestamps  the moment that words mean, and how exactly they say it
    datewords   the words of dates in Russian and English
    threads     root, depth and reading order, from who answers whom
    text        plain text that both databases can hold

`normal_page` puts them together for one page. Threads are not part of it: a comment's place depends
on the comments of other pages, so storage works it out, from `threads.places`.
"""

import dataclasses
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
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
    """
    page = _storable(page)

    def moment(machine: str | None, visible: str | None) -> Moment | None:
        try:
            if machine:
                return timestamps.machine_moment(machine, zone=zone, seen_at=seen_at)
        except UnreadableDate:
            pass  # The visible text is the next to be trusted.
        try:
            if visible:
                return timestamps.moment(visible, zone=zone, words=words, seen_at=seen_at)
        except UnreadableDate:
            pass  # The written words stay, so that a better reader can try again.
        return None

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


@lru_cache(maxsize=64)
def _field_names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _storable(value: _Value) -> _Value:
    """The same value, its texts storable, however deep they lie; the very same object where they were."""
    changed: Any = value
    if isinstance(value, str):
        changed = text.storable(value)
    elif isinstance(value, tuple):
        parts = tuple(map(_storable, value))
        if any(new is not old for new, old in zip(parts, value, strict=True)):
            changed = parts
    elif dataclasses.is_dataclass(value):
        news = {}
        for name in _field_names(type(value)):
            old = getattr(value, name)
            if old is not None and old.__class__ is not int and (new := _storable(old)) is not old:
                news[name] = new
        if news:
            changed = dataclasses.replace(value, **news)  # type: ignore[type-var]
    unchanged_or_new: _Value = changed
    return unchanged_or_new
