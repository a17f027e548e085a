"""How many comment pages there are, and which is next."""

import pytest
from selectolax.lexbor import LexborHTMLParser

from crawler.dle.paging import count, next_path, page_count, part_count, stated_count


def pages(html: str, number: int = 1) -> int | None:
    return page_count(LexborHTMLParser(html), html.encode(), article_id=5, number=number)


@pytest.mark.parametrize(
    ("html", "number", "expected"),
    [
        ('<span>1</span> <a href="https://topwar.ru/page,1,2,5-a.html#comment">2</a>', 1, 2),
        ('<a href="/page,1,2,5-a.html">2</a> <span>...</span> <a href="/page,1,14,5-a.html">14</a>', 1, 14),
        ('<a href="/5-a.html#comment">1</a> <a href="/page,1,2,5-a.html#comment">2</a> <span>3</span>', 3, 3),
        ("<a href=\"#\" onclick=\"CommentsPage('4', '5', '/x'); return false;\">4</a>", 1, 4),
        ("<script>var dle_news_id= '5'; var total_comments_pages= '3';</script>", 1, 3),
        ("<script>var total_comments_pages = 12;</script>", 1, 12),
        ('<a href="/page,1,9,6-other.html">9</a>', 1, None),
        ("<a href=\"#\" onclick=\"CommentsPage('9', '6', '/x')\">9</a>", 1, None),
        ("<p>no paging</p>", 1, None),
        ("<p>a comment that says total_comments_pages= '500'</p>", 1, None),
    ],
)
def test_page_count(html: str, number: int, expected: int | None) -> None:
    assert pages(html, number) == expected


@pytest.mark.parametrize(
    ("path", "number", "pages", "expected"),
    [
        ("/5-a.html", 1, 3, "/page,1,2,5-a.html"),
        ("/5-a.html", 2, 3, "/page,1,3,5-a.html"),
        ("/5-a.html", 3, 3, None),
        ("/5-a.html", 1, None, None),
        ("/index.php?newsid=5", 1, 3, None),
    ],
)
def test_next_path(path: str, number: int, pages: int | None, expected: str | None) -> None:
    assert next_path(path=path, number=number, pages=pages) == expected


@pytest.mark.parametrize(
    ("html", "part", "expected"),
    [
        ('<a href="/page,2,5-a.html">2</a> <a href="https://topwar.ru/page,3,5-a.html">3</a>', 1, 3),
        ('<a href="/5-a.html">1</a> <a href="/page,2,5-a.html">2</a>', 3, 3),
        ('<a href="/page,1,4,5-a.html">4</a>', 1, 1),  # of the comments
        ('<a href="/page,2,4,5-a.html">4</a>', 1, 2),
        ('<a href="/page,2,6-other.html">2</a>', 1, 1),
        ("", 1, 1),
    ],
)
def test_part_count(html: str, part: int, expected: int) -> None:
    assert part_count(LexborHTMLParser(html), html.encode(), article_id=5, part=part) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h3>125 comments</h3>", 125),
        ("<h3><i></i>1 comment</h3>", 1),
        ("<h2>1 204 комментария</h2>", 1204),
        ("<h3>1&nbsp;204 комментария</h3>", 1204),
        ("<h3>15 注釈</h3>", 15),
        ("<h4>Комментарии (7)</h4>", 7),
        ("<h4>Comments: 7</h4>", 7),
        ('<div data-comms="3"></div>', 3),
        ("<h3>Comments</h3>", None),
        ("<h2>In 2017 he commented on 3 wars</h2>", None),
        ("<p>125 comments</p>", None),
    ],
)
def test_stated_count(html: str, expected: int | None) -> None:
    assert stated_count(LexborHTMLParser(html)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("15 680", 15680), (" 7\n", 7), ("1\u00a0000", 1000), ("1,2K", None), ("", None), ("-3", None)],
)
def test_count(text: str, expected: int | None) -> None:
    assert count(text) == expected
