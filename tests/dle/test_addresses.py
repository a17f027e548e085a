"""The grammar of addresses."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.dle.addresses import (
    AJAX,
    Address,
    AjaxAddress,
    AjaxEra,
    address,
    ajax_address,
    ajax_path,
    article_path,
    comment_page_path,
    day_path,
    feed_path,
    listing_path,
    number_path,
)

slugs = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.,%", max_size=30)
ids = st.integers(1, 10**18 - 1)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/128836-armiya.html", Address(128836, "armiya")),
        ("https://en.topwar.ru/128836-armiya.html", Address(128836, "armiya")),
        ("http://topwar.ru/128836-armiya.html?x=y#comment", Address(128836, "armiya")),
        ("//topwar.ru/128836-armiya.html", Address(128836, "armiya")),
        ("/page,1,3,128836-armiya.html#comment", Address(128836, "armiya", 1, 3)),
        ("/page,1,1,128836-armiya.html", Address(128836, "armiya", 1, 1)),
        ("/page,2,128836-armiya.html", Address(128836, "armiya", 2, 1)),
        ("/128836-.html", Address(128836, "")),
        ("/128836-a-b.c,d.html", Address(128836, "a-b.c,d")),
        ("/00128836-armiya.html", Address(128836, "armiya")),
        ("/index.php?newsid=128836", Address(128836, None)),
        ("https://topwar.ru/?newsid=128836", Address(128836, None)),
        ("/index.php?newsid=1&newsid=2", None),
        ("/index.php?newsid=0", None),
        ("/index.php?newsid=abc", None),
        ("/index.php?do=lastcomments", None),
        ("/0-nothing.html", None),
        ("/news/", None),
        ("/news/128836-armiya.html", None),
        ("/reklama.html", None),
        ("/128836.html", None),
        ("/128836-armiya.htm", None),
        ("/128836-armiya.html/more", None),
        ("/128836-ar miya.html", None),
        ("/print:page,1,128836-armiya.html", Address(128836, "armiya", printed=True)),
        ("/page,0,0,128836-armiya.html", Address(128836, "armiya")),
        ("mailto:128836-armiya.html", None),
        ("javascript:/128836-armiya.html", None),
        ("http://]/128836-armiya.html", None),
        ("/\u0661\u0662-armiya.html", None),
        ("", None),
    ],
)
def test_address(url: str, expected: Address | None) -> None:
    assert address(url) == expected


@given(ids, slugs, st.integers(1, 999))
def test_what_is_written_is_read(id: int, slug: str, number: int) -> None:
    path = comment_page_path(article_path(id, slug), number)
    read = address(path)
    assert read is not None
    assert (read.id, read.slug, read.comment_page) == (id, slug, number)
    assert read.article_path == article_path(id, slug)
    assert comment_page_path(path, number) == path


@given(st.sampled_from(sorted(AJAX)), ids, st.integers(1, 999_999), st.text(min_size=1))
def test_an_address_that_comments_are_loaded_from(era: AjaxEra, id: int, number: int, skin: str) -> None:
    path = ajax_path(era, id, number, skin.encode(errors="replace").decode())
    assert ajax_address(path) == AjaxAddress(era, id, number, skin.encode(errors="replace").decode())
    assert address(path) is None


@pytest.mark.parametrize(
    ("era", "expected"),
    [
        ("10", "/engine/ajax/comments.php?cstart=2&news_id=5&skin=vo&massact=disable"),
        ("13", "/engine/ajax/controller.php?mod=comments&cstart=2&news_id=5&skin=vo&massact=disable"),
        ("20", "/index.php?controller=ajax&mod=comments&cstart=2&news_id=5&skin=vo&massact=disable"),
    ],
)
def test_addresses_of_each_era(era: AjaxEra, expected: str) -> None:
    assert ajax_path(era, 5, 2, "vo") == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/engine/ajax/comments.php?news_id=5", AjaxAddress("10", 5, 1, None)),
        ("/engine/ajax/comments.php?cstart=0&news_id=5&skin=a+b", AjaxAddress("10", 5, 1, "a b")),
        ("https://x.example/index.php?controller=ajax&mod=comments&news_id=5", AjaxAddress("20", 5, 1, None)),
        ("/engine/ajax/comments.php?cstart=2", None),
        ("/engine/ajax/comments.php?news_id=0", None),
        ("/engine/ajax/comments.php?news_id=5&news_id=6", None),
        ("/engine/ajax/comments.php?news_id=5&cstart=x", None),
        ("/engine/ajax/controller.php?news_id=5", None),
        ("/engine/ajax/controller.php?mod=rating&news_id=5", None),
        ("/index.php?newsid=5", None),
        ("/index.php?mod=comments&news_id=5", None),
        ("http://]", None),
    ],
)
def test_what_comments_are_loaded_from(url: str, expected: AjaxAddress | None) -> None:
    assert ajax_address(url) == expected


@given(ids)
def test_an_article_by_its_number(id: int) -> None:
    read = address(number_path(id))
    assert read == Address(id, None)
    assert read.article_path == number_path(id)


def test_the_first_comment_page_is_the_article() -> None:
    assert comment_page_path("/page,1,7,5-a.html", 1) == "/5-a.html"


@pytest.mark.parametrize("path", ["/news/", "/index.php?newsid=5"])
def test_what_has_no_comment_pages(path: str) -> None:
    with pytest.raises(ValueError, match="not the path of an article"):
        comment_page_path(path, 2)


@given(st.text())
def test_any_text_is_an_address_or_none(text: str) -> None:
    read = address(text)
    assert read is None or address(read.article_path) is not None


def test_lists() -> None:
    assert listing_path() == "/"
    assert listing_path(None, 3) == "/page/3/"
    assert listing_path("armament/drones", 1) == "/armament/drones/"
    assert listing_path("news", 2) == "/news/page/2/"
    assert day_path(date(2017, 11, 3)) == "/2017/11/03/"
    assert day_path(date(2017, 11, 3), 2) == "/2017/11/03/page/2/"
    assert feed_path() == "/rss.xml"
    assert feed_path("news") == "/news/rss.xml"
