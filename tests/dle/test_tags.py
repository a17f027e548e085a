"""The tags of a page as a browser sees them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.dle.tags import list_tags, tags
from tests.growth import growth


def names(html: str) -> list[str]:
    return [name.decode() for name, _ in tags(html) if name]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>a</p>", ["p", "/p"]),
        ("<LI CLASS=X>", ["li"]),
        ('<a title="a > b"><b>', ["a", "b"]),
        ("<a title='>'><b>", ["a", "b"]),
        ("<a title=it's><b title=it's>", ["a", "b"]),
        ('<a title = ">"><b>', ["a", "b"]),
        ("<!-- <p> --><b>", ["b"]),
        ("<!--><b>", ["b"]),
        ("<!--QuoteBegin nick --><p>", ["p"]),
        ("<!doctype html><html>", ["html"]),
        ("<script>'<li>'</script><b>", ["/script", "b"]),
        ("<style>a>b{}</style ><b>", ["/style", "b"]),
        ("<script>'</style>'<li></script>", ["/script"]),
        ("<textarea><li></textarea>", ["/textarea"]),
        ("<scripts><li>", ["scripts", "li"]),
        ("1 < 2 <b>", ["b"]),
        ("< li><b>", ["b"]),
        ("</ li><b>", ["b"]),
        ("<?php <li>?><b>", ["b"]),
        ("<br/><b>", ["br", "b"]),
        ("<li", ["li"]),
        ('<li title="never closed <b>', ["li"]),
        ("<script><li>", []),
    ],
)
def test_tags(html: str, expected: list[str]) -> None:
    assert names(html) == expected


# fmt: off
PIECES = (
    "<li", "</li", "<ol>", "</ul>", "<b ", ">", "<!--", "-->", '"', "'", "=", "<script", "</script>", "<", "/", "!",
    "li", " ", "a", "<title>", "</title ", "é", "<!", "<LI>", "\n",
)
HOSTILE = (
    "<li ", '<li "', '<li a="', "<!--", "<script", "<script>", "<", "<a=", "<!", "</", "<title></title", "<li>a",
    "a", " ", "='", "<b =  ", "<b a", "< ",
)
# fmt: on


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_both_scans_see_the_same_lists(html: str) -> None:
    wanted = re.compile(rb"/?(?:ol|ul|li)")
    all_tags = tags(html)
    # A name at the very end of the page ends no tag that a parser would see.
    if all_tags and not all_tags[-1][1] and re.search(r"</?(?:ol|ul|li)$", html, re.IGNORECASE):
        all_tags.pop()
    of_all = [tag for tag in all_tags if wanted.fullmatch(tag[0])]
    assert [tag for tag in list_tags(html) if tag[0]] == of_all


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_pages_take_linear_time(piece: str) -> None:
    def scanned(html: str) -> None:
        tags(html)
        list_tags(html)

    assert growth(scanned, lambda length: piece * (length // len(piece)), 50_000) < 4
