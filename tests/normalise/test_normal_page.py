"""One page through all of it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.errors import NotUnderstood
from crawler.items import (
    Article,
    ArticlePage,
    Comment,
    CommentPage,
    Image,
    Link,
    Moment,
    NormalPage,
    Quote,
)
from crawler.normalise import normal_page
from crawler.normalise.datewords import ENGLISH, RUSSIAN

SEEN = datetime(2017, 11, 5, 12, 34, tzinfo=UTC)
any_text = st.text(st.characters(exclude_categories=()), max_size=20)


def written(*comments: dict[str, Any], **article: Any) -> ArticlePage:
    a_comment: dict[str, Any] = {
        "parent_id": None,
        "parent_source": "root",
        "nickname_raw": "Vasya",
        "author_kind": "guest",
        "source_hash": "0",
    }
    an_article: dict[str, Any] = {"id": 7, "path": "/7-a.html", "title": "Title"}
    return ArticlePage(
        article=Article(**(an_article | article)),
        comments=CommentPage(
            number=1,
            comments=tuple(Comment(**({"id": n} | a_comment | c)) for n, c in enumerate(comments, start=1)),
        ),
        skin="2021",
    )


def normal(page: ArticlePage) -> NormalPage:
    return normal_page(page, zone=ZoneInfo("Europe/Moscow"), words=(RUSSIAN, ENGLISH), seen_at=SEEN)


def test_a_page_is_understood_beside_what_was_written() -> None:
    page = written(
        {
            "nickname_raw": " Вася ",
            "author_kind": "member",
            "profile_name": "Vasya",
            "posted_raw": "Вчера, 12: 20",
            "body": " Да. \r\n\r\n\r\n Нет. ",
            "quotes": (Quote(text=" слова  ", author=" Петя\N{ZERO WIDTH SPACE} ", level=2, comment_id=5),),
        },
        {"nickname_raw": "", "posted_raw": "вот-вот"},
        title=" Новый \n заголовок ",
        lead="\n",
        body="Раз.\r\nДва.",
        published_raw="3 ноября 2017 10:00",
    )
    result = normal(page)
    assert result.written is page
    assert result.article.written is page.article
    assert (result.article.title, result.article.lead, result.article.body) == (
        "Новый заголовок",
        None,
        "Раз.\nДва.",
    )
    assert result.article.published == Moment(at=datetime(2017, 11, 3, 7, tzinfo=UTC), precision="minute")

    first, second = result.comments
    assert first.written is page.comments.comments[0]
    assert first.author is not None
    assert (first.author.key, first.author.nickname) == ("vasya", "Вася")
    assert first.posted == Moment(at=datetime(2017, 11, 4, 9, 20, tzinfo=UTC), precision="minute")
    assert first.body == "Да.\n\nНет."
    assert first.quotes == (Quote(text="слова", author="Петя", level=2, comment_id=5),)
    assert (second.author, second.posted) == (None, None)


@pytest.mark.parametrize(
    ("machine", "visible", "at"),
    [
        ("2017-11-03T12:20", "Вчера, 10:00", datetime(2017, 11, 3, 9, 20, tzinfo=UTC)),
        ("2017-02-31T12:20", "Вчера, 10:00", datetime(2017, 11, 4, 7, 0, tzinfo=UTC)),
        ("", "Вчера, 10:00", datetime(2017, 11, 4, 7, 0, tzinfo=UTC)),
        (None, "Вчера, 10:00", datetime(2017, 11, 4, 7, 0, tzinfo=UTC)),
        # A date without a time: words of the same day tell it, words of another day do not overrule it.
        ("2017-11-04", "Вчера, 10:00", datetime(2017, 11, 4, 7, 0, tzinfo=UTC)),
        ("2017-11-03", "Вчера, 10:00", datetime(2017, 11, 2, 21, 0, tzinfo=UTC)),
        ("2017-11-03", "31 февраля 2017", datetime(2017, 11, 2, 21, 0, tzinfo=UTC)),
        ("2099-01-01T00:00", "31 февраля 2017", None),
        (None, None, None),
    ],
)
def test_machine_readable_dates_are_trusted_first_and_none_is_made_up(
    machine: str | None, visible: str | None, at: datetime | None
) -> None:
    page = written(
        {"posted_machine": machine, "posted_raw": visible}, published_machine=machine, published_raw=visible
    )
    result = normal(page)
    for found in (result.article.published, result.comments[0].posted):
        assert (found.at if found else None) == at


@settings(deadline=None, max_examples=100)
@given(any_text, any_text)
def test_nothing_on_a_page_can_keep_it_from_being_stored(one: str, other: str) -> None:
    page = written(
        {
            "nickname_raw": one,
            "full_name": other,
            "author_kind": "member",
            "profile_name": other,
            "posted_raw": one,
            "body": other,
            "quotes": (Quote(text=one, author=other),),
            "links": (Link(text=one, url=other),),
            "images": (Image(url=one, caption=other),),
        },
        title=one,
        lead=other,
        tags=(one, other),
        footnotes=(other,),
        images=(Image(url=other),),
        byline=one,
    )
    everything = normal(page)
    texts = texts_in(everything)
    assert all("\0" not in text for text in texts)
    "".join(texts).encode()


def texts_in(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [text for part in value for text in texts_in(part)]
    names = getattr(type(value), "__slots__", ())
    return (
        [text for name in names for text in texts_in(getattr(value, name))]
        if isinstance(names, tuple)
        else []
    )


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(written({}, {"id": 10**10}), id="comment"),
        pytest.param(written({}, {"id": 2**70}), id="comment beyond every column"),
        pytest.param(written({}, {"parent_id": 2**70, "parent_source": "tree"}), id="parent"),
        pytest.param(written({}, {"id": -1}), id="negative"),
        pytest.param(written({}, id=2**63), id="article"),
        pytest.param(written({"rating": 2**31}), id="rating"),
        pytest.param(written({"site_user_id": 2**63}), id="member"),
        pytest.param(written({}, views=2**63), id="views"),
        pytest.param(written({}, comments_stated=2**31), id="stated"),
        pytest.param(
            replace(written({}), comments=CommentPage(number=1, comments=(), pages=2**31)), id="pages"
        ),
    ],
)
def test_a_number_that_cannot_be(bad: ArticlePage) -> None:
    """No column and no path could hold it, so such a page comes no further."""
    with pytest.raises(NotUnderstood, match=r"\d{9}|-1"):
        normal(bad)
