"""Comments as the engine answers the script that loads them, and what a page tells that script."""

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.dle.ajax import Variables, fragment, variables
from crawler.errors import NotUnderstood

URL = "https://topwar.ru/engine/ajax/comments.php?cstart=2&news_id=5&skin=vo"

#: What JSON can hold and a database can, too.
texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts, texts | st.none())
def test_what_the_engine_says_is_read(comments: str, navigation: str | None) -> None:
    answer = json.dumps({"comments": comments, "navigation": navigation, "last_update_id": 7})
    read = fragment(answer, URL)
    assert (read.comments, read.navigation) == (comments, navigation or "")


@pytest.mark.parametrize(
    ("answer", "comments"),
    [
        (r'{"comments": "<a href=\"x\">it\'s<\/a>"}', '<a href="x">it\'s</a>'),
        (r'{"comments": "one\vtwo\x"}', "one twox"),
        (r'{"comments": "a\\b\u0436\n"}', "a\\bж\n"),
        ('{"comments": "tab\there\nand there"}', "tab\there\nand there"),
        ('\ufeff {"comments": null, "navigation": false}', ""),
        ('{"comments": ""}', ""),
        (" <ol><li>HTML</li></ol>", " <ol><li>HTML</li></ol>"),
    ],
)
def test_answers_that_were_put_together_by_hand(answer: str, comments: str) -> None:
    assert fragment(answer.removeprefix("\ufeff"), URL).comments == comments


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("Hacking attempt!", "refused by the engine"),
        ("", "neither JSON nor HTML"),
        ("words", "neither JSON nor HTML"),
        ('{"comments": "cut sho', "neither JSON nor HTML"),
        ("[]", "no field of this name"),
        ("null", "no field of this name"),
        ("NaN", "no field of this name"),
        ('{"error": true}', "no field of this name"),
        ('{"comments": 5}', "no text"),
        ('{"comments": ["<div>"]}', "no text"),
        ('{"comments": "x", "navigation": {"2": "/x"}}', "no text"),
        (r'{"comments": "a\ud83d"}', "half a character"),
        (r'{"comments": "x", "navigation": "\udc00"}', "half a character"),
        ('{"comments": ' + "9" * 5000 + "}", "neither JSON nor HTML"),
        ('{"comments": ' + "[" * 200_000 + "}", "nests too deep"),
        ("[" * 200_000, "nests too deep"),
        ('{"a":' * 100_000, "nests too deep"),
    ],
)
def test_what_is_no_answer(answer: str, message: str) -> None:
    with pytest.raises(NotUnderstood, match=message) as error:
        fragment(answer, URL)
    assert URL in str(error.value)
    assert len(str(error.value)) < 500


@given(
    st.text() | st.text('{}[]":\\,comments 1') | texts.map(lambda text: json.dumps({"comments": text})[:-3])
)
def test_any_text_gives_a_fragment_or_an_error_of_ours(answer: str) -> None:
    with suppress(NotUnderstood):
        fragment(answer, URL)


@pytest.mark.parametrize("bomb", ['{"comments": "' + "\\v" * 4_000_000, "\\" * 8_000_000, '{"comments": "\\'])
def test_escapes_are_mended_in_linear_time(bomb: str) -> None:
    started = time.process_time()
    with pytest.raises(NotUnderstood):
        fragment(bomb, URL)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (
            (
                "<script>var dle_root='/'; var dle_skin = 'vo-2021';</script><script type=\"text/javascript\">\n"
                "var dle_news_id= '5'; var total_comments_pages= '4'; var current_comments_page= \"2\";</script>"
            ),
            Variables(skin="vo-2021", article_id=5, pages=4, page=2),
        ),
        ("<script>dle_news_id = 5;\nvar total_comments_pages=12</script>", Variables(article_id=5, pages=12)),
        ("<SCRIPT>var dle_skin='a'; var dle_skin='b'</SCRIPT>", Variables(skin="b")),
        ("<script>var dle_skin='../../etc'</script>", Variables()),
        ("<script>var dle_skin=''; var total_comments_pages='0';</script>", Variables()),
        ("<script>var total_comments_pages='9999999';</script>", Variables()),
        ("<script>var my_dle_skin='a'; dle_skins='b'</script>", Variables()),
        ("<p>var dle_skin='written in a comment'; total_comments_pages='500'</p>", Variables()),
        ("&lt;script&gt;var dle_skin='x'&lt;/script&gt;", Variables()),
        ("<script>var dle_skin='never closed'", Variables()),
        ("", Variables()),
    ],
)
def test_variables(html: str, expected: Variables) -> None:
    assert variables(html) == expected


@pytest.mark.parametrize("html", ["<script>" * 100_000, "<script " * 200_000, "var dle_skin='" * 100_000])
def test_variables_are_looked_for_in_linear_time(html: str) -> None:
    started = time.process_time()
    assert variables(html) == Variables()
    assert variables(f"<script>{html}</script>").skin is None
    assert time.process_time() - started < 2
