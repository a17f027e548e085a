"""
What a page is that is not the page asked for.

The pages themselves are saved: `instead_*` and `garbled_*` under tests/sites. Here is what holds for any page.
"""

from functools import cache
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from crawler.dle.recognition import NAMES, garbling, not_shown, recognised
from crawler.errors import OBSTACLES, PageKind
from tests.growth import growth


def kind(html: str) -> PageKind | None:
    return recognised(LexborHTMLParser(html), html)


def test_every_kind_has_a_name() -> None:
    assert set(NAMES) == set(get_args(PageKind))
    assert set(NAMES) >= OBSTACLES


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<?xml version="1.0"?>\n<rss version="2.0"></rss>', "feed"),
        ("<rss></rss>", "feed"),
        ('<?xml version="1.0"?><urlset></urlset>', "sitemap"),
        ("<sitemapindex></sitemapindex>", "sitemap"),
        ("<?xml version='1.0'?><config/>", None),
        ('{"navigation": "", "comments": ""}', "answer"),
        ('{"error": 5}', None),
        ("<p>Just words.</p>", None),
        ("", None),
        # Words that would tell, too late in a page to be a notice.
        (f"<p>{'A long story. ' * 60}</p><p>Then access was denied.</p>", None),
        # In scripts and styles nobody reads them.
        ("<script>var text = 'Access denied';</script><p>Words.</p>", None),
        # The engine's own page is never a guard's, whatever it loads.
        ("<div id='dle-content'><p>Words.</p></div><div class='g-recaptcha'></div>", None),
        ("<div id='dle-content'><p>Words.</p></div><p>Sign in to read more</p>", None),
        # A script may set a cookie or lead on, as long as there is something to read.
        (f"<script>document.cookie='a=b'; location.href='/x'</script><p>{'Words. ' * 80}</p>", None),
        ("<script>if (location.href == '/x') document.cookie == 'y';</script>", None),
        ("<p>He won 404 votes.</p>", "not_found"),
    ],
)
def test_kinds(html: str, expected: PageKind | None) -> None:
    assert kind(html) == expected


def test_the_message_says_what_it_is_or_what_is_missing() -> None:
    check = "<title>Just a moment...</title>"
    error = not_shown("/5-a.html shows no article", LexborHTMLParser(check), check, missing="it has no title")
    assert error.kind == "check"
    assert str(error).startswith("/5-a.html shows no article: it is a check for humans")
    error = not_shown("/5-a.html shows no article", LexborHTMLParser(""), "", missing="it has no title")
    assert error.kind is None
    assert str(error) == "/5-a.html shows no article: it has no title"


@given(
    st.text()
    | st.lists(st.sampled_from(["<div id='dle-content'>", "<p>", "location=", "404", "{", "<"])).map("".join)
)
def test_any_page_has_a_kind_or_none(html: str) -> None:
    assert kind(html) in {None, *get_args(PageKind)}


@pytest.mark.parametrize(
    ("begin", "piece", "times"),
    [
        ("", "<p>доступ ", 10_000),
        ("<p>", "проверка ", 20_000),
        ("", "<meta http-equiv=refresh content=", 5_000),
        ("<meta ", "a ", 100_000),
        ("<div id='dle-content'>", "<a href='/5-a.html'>публикация </a>", 5_000),
        ("<p>", "domain ", 30_000),
        ("", "document.cookie", 10_000),
    ],
)
def test_recognising_takes_linear_time(begin: str, piece: str, times: int) -> None:
    parsed = cache(LexborHTMLParser)
    assert growth(lambda html: recognised(parsed(html), html), lambda size: begin + piece * size, times) < 4


RUSSIAN = "Мост через Вельду навели за сорок минут, пишет газета округа. Ёлки стоят «у реки». "
JAPANESE = "橋は四十分で完成した。注釈があります。"


def in_markup(text: str) -> str:
    return f"<div class='comment'><p>{text}</p></div>\n" * 50


def misread(text: str, *, taken_for: str) -> str:
    """What comes of UTF-8 that somebody took for another encoding; what that one lacks is kept as a control."""
    out = []
    for byte in text.encode():
        try:
            out.append(bytes([byte]).decode(taken_for))
        except UnicodeDecodeError:
            out.append(chr(byte))
    return "".join(out)


@pytest.mark.parametrize(
    "text",
    [
        RUSSIAN,
        RUSSIAN.upper(),
        JAPANESE,
        "Ein schöner Gruß aus München, où l'été est déjà là, señor Ñuñez.",
        "São Paulo não é a capital; ações e corações. VÃO Â ÃO",
        "På en ø i åen bor en ål, og været er så gråt.",
        "În România, între Dunăre și munți, se află câteva sate.",
        "Ð",
        "",
    ],
)
def test_every_language_is_written_as_it_should_be(text: str) -> None:
    assert garbling(in_markup(text)) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (misread(RUSSIAN, taken_for="cp1251"), "UTF-8 that was read as windows-1251"),
        (
            misread(misread(RUSSIAN, taken_for="cp1251"), taken_for="cp1251"),
            "UTF-8 that was read as windows-1251",
        ),
        (misread(RUSSIAN, taken_for="latin-1"), "UTF-8 that was read as Latin letters"),
        (misread(RUSSIAN, taken_for="cp1252"), "UTF-8 that was read as Latin letters"),
        (misread(JAPANESE, taken_for="latin-1"), "UTF-8 that was read as Latin letters"),
        (
            misread(misread(RUSSIAN, taken_for="cp1252"), taken_for="cp1252"),
            "UTF-8 that was read as Latin letters twice",
        ),
        (RUSSIAN.encode("cp1251").decode("latin-1"), "windows-1251 that was read as Latin letters"),
        (RUSSIAN.encode("cp1251").decode("utf-8", "replace"), "characters that were replaced"),
    ],
)
def test_garbled_pages_are_noticed_and_named(text: str, name: str) -> None:
    found = garbling(in_markup(text))
    assert found is not None
    assert found.startswith(name)


def test_a_garbled_comment_does_not_spoil_a_page() -> None:
    pasted = misread(RUSSIAN, taken_for="cp1251") + "\ufffd" * 5
    assert garbling(in_markup(RUSSIAN) * 4 + pasted) is None
    assert garbling(in_markup("An English page. ") * 4 + pasted) is None


def test_looking_for_garbling_takes_linear_time() -> None:
    assert growth(garbling, lambda size: in_markup(RUSSIAN) * size, 100) < 4
