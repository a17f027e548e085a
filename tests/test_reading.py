"""The one door to what a page says."""

import gc
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.dle.addresses import article_path, comment_page_path
from crawler.errors import NotUnderstood
from crawler.items import ArticlePage, CommentAnswer, ListingPage
from crawler.reading import (
    MAX_ATTRIBUTES,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_TAGS,
    collecting_later,
    read,
    refuse_pathological,
)
from crawler.site import Edition
from crawler.sites.military_review import SITE
from crawler.sites.military_review.pages import PAGES
from tests.dle.forest import Node, comment, forests, rendered, shown

EN = SITE.edition("en")
URL = "https://en.topwar.ru/128836-slug.html"
SAVED = Path(__file__).parent / "sites" / "military_review" / "pages"


def page(thread: str = "", *, stated: int | None = None, url: str = URL) -> str:
    heading = f"<h3>{stated} comments</h3>" if stated is not None else ""
    return (
        f'<!DOCTYPE html><html><head><title>T</title><link rel="canonical" href="{url}"></head><body>'
        '<div id="full-story"><h1>Title</h1><div class="full-story-text">Words.</div></div>'
        f"{heading}{thread}</body></html>"
    )


def reading(
    body: bytes | str, *, url: str = URL, edition: Edition = EN
) -> ArticlePage | ListingPage | CommentAnswer:
    return read(
        body if isinstance(body, bytes) else body.encode(),
        url=url,
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
        edition=edition,
        charset=SITE.charset,
        pages=PAGES,
    )


def article(body: bytes | str, *, url: str = URL) -> ArticlePage:
    read_ = reading(body, url=url)
    assert isinstance(read_, ArticlePage)
    return read_


@pytest.mark.parametrize(
    ("url", "number"),
    [
        (URL, 1),
        (f"{URL}?utm=1#comment", 1),
        ("https://en.topwar.ru/page,1,3,128836-slug.html", 3),
        ("https://en.topwar.ru/128836-an-older-slug.html", 1),
        ("https://en.topwar.ru/index.php?newsid=128836", 1),
        ("http://127.0.0.1:8000/128836-slug.html", 1),
    ],
)
def test_the_address_says_what_a_page_should_be(url: str, number: int) -> None:
    read_ = article(page(), url=url)
    assert read_.article.path == "/128836-slug.html"
    assert read_.comments.number == number


def test_the_slug_is_the_page_s_own_where_it_moved() -> None:
    moved = page(url="https://en.topwar.ru/128836-new.html")
    assert article(moved).article.path == "/128836-new.html"


def test_a_canonical_link_to_another_site_says_nothing() -> None:
    assert article(page(url="https://mirror.example/5-a.html")).article.path == "/128836-slug.html"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>" + b" " * MAX_BYTES, "longer than 8 MiB"),
        ("Заголовок".encode("cp1251"), "not in utf-8: byte 0"),
        (page().encode()[:-20] + b"\xff</body></html>", "byte"),
        (page().replace("<h1>Title</h1>", "<h1> </h1>"), "it has no title"),
        (page().replace("<h1>Title</h1>", ""), "it has no title"),
        (page().replace("128836-slug", "128837-slug"), "shows article 128837 instead"),
        (page().partition("</body>")[0], "cut short"),
        (page(stated=125), "says that there are 125 comments"),
        (page("<div id='comment-id-5'>words</div>"), "comment 5 has no text"),
        ("", "shows no article"),
        ("<?xml version='1.0'?><rss></rss>", "shows no article"),
        ('{"comments": ""}', "shows no article"),
    ],
)
def test_what_is_no_article_page(body: bytes | str, message: str) -> None:
    with pytest.raises(NotUnderstood, match=message) as error:
        reading(body)
    assert URL in str(error.value)


def test_a_later_comment_page_may_be_empty() -> None:
    beyond = article(page(stated=125), url="https://en.topwar.ru/page,1,9,128836-slug.html")
    assert beyond.comments.comments == ()


def test_no_comments_and_none_stated() -> None:
    for stated in (None, 0):
        assert article(page(stated=stated)).comments.comments == ()


def test_a_byte_order_mark_is_no_text() -> None:
    assert article(b"\xef\xbb\xbf" + page().encode()).article.title == "Title"


def test_a_page_says_the_same_in_another_encoding() -> None:
    html = page("".join(comment(Node(id)) for id in range(1, 9))).replace("Title", "Заголовок")
    read_ = read(
        html.encode("cp1251"),
        url=URL,
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
        edition=EN,
        charset="windows-1251",
        pages=PAGES,
    )
    assert read_ == article(html)
    assert isinstance(read_, ArticlePage)
    assert read_.article.title == "Заголовок"


@pytest.mark.parametrize("was_on", [True, False])
@pytest.mark.parametrize("body", [page(), "<html>"])
def test_the_collector_is_left_as_it_was(was_on: bool, body: str) -> None:
    try:
        (gc.enable if was_on else gc.disable)()
        with suppress(NotUnderstood):
            reading(body)
        assert gc.isenabled() == was_on
    finally:
        gc.enable()


def test_reading_leaves_nothing_to_collect() -> None:
    html = page("".join(comment(Node(id)) for id in range(1, 30)))
    reading(html)
    gc.collect()
    with collecting_later():
        assert not gc.isenabled()
        reading(html)
        assert not gc.isenabled()
        assert gc.collect() == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<rss><channel></channel></rss>", None),
        ("<rss><channel>", "is cut short"),
        ("<?xml version='1.0'?><urlset></urlset>", None),
        ("<?xml version='1.0'?><html></html>", "is no feed"),
        ("<?xml version='1.0'?><x><urlset/></x>", "is no sitemap"),
        ("<?xml version='1.0'?>", "is no feed"),
        ("", "lists no articles"),
        ("<html><p>Maintenance</p></html>", "lists no articles"),
    ],
)
def test_lists_are_told_apart_by_what_they_hold(body: str, message: str | None) -> None:
    if message is None:
        assert reading(body, url="https://en.topwar.ru/rss.xml") == ListingPage(entries=())
    else:
        with pytest.raises(NotUnderstood, match=message):
            reading(body, url="https://en.topwar.ru/rss.xml")


@given(forests(), st.sampled_from(["10.5", "13", "20", "flat"]))
def test_a_whole_thread(forest: tuple[list[Node], dict[int, int | None]], era: str) -> None:
    roots, parents = forest
    thread = rendered(roots, era)  # type: ignore[arg-type]  # sampled_from widens a Literal
    read_ = article(page(thread, stated=len(parents)))
    assert {c.id for c in read_.comments.comments} == shown(roots, era)  # type: ignore[arg-type]  # as above
    for c in read_.comments.comments:
        assert c.body == f"words {c.id}"
        if era != "flat" and c.parent_source != "capped":
            assert c.parent_id == parents[c.id]


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_page_gives_an_item_or_an_error_of_ours(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(sorted(SAVED.glob("*/"))))
    url = (case / "source.txt").read_text(encoding="utf-8").splitlines()[0].removeprefix("url: ")
    body = (case / "page.html").read_bytes()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = min(len(body), start + data.draw(st.integers(0, 200)))
        piece = data.draw(
            st.one_of(
                st.binary(max_size=4),
                st.sampled_from(
                    [b"<", b">", b'"', b"</li>", b"<ol>", b"<!--", b"&#0;", b"<li id=comments-tree-item-1>"]
                ),
                st.just(body[end : end + 300]),
            )
        )
        body = body[:start] + piece + body[end:]
    try:
        read_ = reading(body, url=url)
    except NotUnderstood:
        return
    if isinstance(read_, ArticlePage):
        ids = [c.id for c in read_.comments.comments]
        assert len(ids) == len(set(ids))
        assert all(c.parent_id != c.id for c in read_.comments.comments)


@given(
    st.binary(max_size=300),
    st.sampled_from([URL, "https://en.topwar.ru/news/", "https://en.topwar.ru/rss.xml"]),
)
def test_any_bytes_give_an_item_or_an_error_of_ours(body: bytes, url: str) -> None:
    with pytest.raises(NotUnderstood):
        reading(body, url=url)


HOSTILE = {
    "nesting": "<div>" * 100_000,
    "nesting that slashes do not end": "<div/>" * 100_000,
    "nesting behind a drawing": "<svg><p></p>" + "<path/>" * 100_000,
    "nesting with stray ends": "<div></b>" * 100_000,
    "attributes": "<a " + "b=c " * 100_000 + ">",
    "attributes without values": "<a " + "b " * 100_000 + ">",
    "attributes between slashes": "<a" + "/b" * 100_000 + ">",
    "attributes that touch": "<a " + "b='c'" * 100_000 + ">",
    "tags": "<li>a" * (MAX_TAGS + 1),
    "tags that are in force everywhere": "".join(f"<p><b id={n}>x</p>" for n in range(10_000)),
}


@pytest.mark.parametrize("html", HOSTILE.values(), ids=HOSTILE.keys())
def test_pathological_pages_are_refused_fast(html: str) -> None:
    started = time.process_time()
    with pytest.raises(NotUnderstood, match=URL):
        reading(html)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * (MAX_DEPTH - 2),
        "<li>one" * 100_000,
        "<p>one" * 100_000,
        "<br>" * 100_000,
        "<a href='/x/'>one" * 10_000,
        "<svg>" + "<path/>" * 10_000 + "</svg>",
        f'<img alt="{"many words " * 2000}">',
        "<a " + "b=c " * MAX_ATTRIBUTES + ">",
        "<!-- <div> -->" * 10_000,
        "<div><b>x</b></div>" * 10_000,
        "".join(comment(Node(id)) for id in range(1, 3000)),
    ],
)
def test_what_is_large_but_harmless_is_read(html: str) -> None:
    refuse_pathological(html, URL)


def test_a_page_of_3000_unclosed_comments_is_never_read_in_part() -> None:
    """What lxml would cut off at some depth, without a word."""
    thread = "".join(
        f"<div id='comment-id-{n}'><div><div id='comm-id-{n}'>x</div></div>" for n in range(1, 3001)
    )
    with pytest.raises(NotUnderstood, match="deep"):
        reading(page(thread))


def test_comment_pages_are_asked_and_read_by_the_same_grammar() -> None:
    path = comment_page_path(article_path(128836, "slug"), 4)
    assert article(page(), url=EN.base_url + path).comments.number == 4
