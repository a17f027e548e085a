"""Comments and articles as plain text."""

import base64
from html import escape
from urllib.parse import quote, urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from crawler.dle.text import Written, true_target, written
from crawler.items import Image, Link, Quote

BASE = "https://en.topwar.ru/"


def read(html: str) -> Written:
    element = LexborHTMLParser(f"<div id='comm-id-7'>{html}</div>").css_first("#comm-id-7")
    assert element is not None
    return written(element, base_url=BASE)


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ("", ""),
        ("  one \n two\t three ", "one two three"),
        ("one<br>two<br /><br>three", "one\ntwo\n\nthree"),
        ("one<br><br><br><br>two", "one\n\ntwo"),
        ("<p>one</p>\n<p>two</p>", "one\ntwo"),
        ("<p>one</p><p>&nbsp;</p><p>two</p>", "one\ntwo"),
        ("one<div>two</div>three", "one\ntwo\nthree"),
        ("a <b>bold</b>, <i>slanted</i> word", "a bold, slanted word"),
        ("a<b>b</b>c", "abc"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("5 &lt; 7 &amp; 8", "5 < 7 & 8"),
        ("so..<br>yes * there", "so..\nyes * there"),
        ("<script>var a;</script><style>b{}</style>words", "words"),
        ("one<!-- two -->three", "onethree"),
        ('<div class="signature">--------------------<br>My motto</div>words', "words"),
        (
            '<span class="comments-user-profile noncontenteditable" data-username="Ivan">Ivan</span>, no',
            "Ivan, no",
        ),
    ],
)
def test_lines(html: str, body: str) -> None:
    assert read(html).body == body


@pytest.mark.parametrize(
    ("html", "body"),
    [
        (
            'hello <!--smile:hi--><img alt="hi" src="/engine/data/emoticons/hi.gif" /><!--/smile-->',
            "hello :hi:",
        ),
        (
            'hello <img alt="hi" class="emoji" src="/engine/data/emoticons/hi.png" srcset="/hi@2x.png 2x">',
            "hello :hi:",
        ),
        ('<img alt="привет" src="/engine/data/emoticons/hi.gif">', ":hi:"),
        ('<img alt="" src="/engine/data/emoticons/hi@2x.png?v=3">', ":hi:"),
        ('<img alt="👋" class="emoji" src="/engine/data/emoticons/1f44b.png">', "👋"),
        ('<span class="emoji">👋</span>', "👋"),
    ],
)
def test_smilies(html: str, body: str) -> None:
    assert read(html).body == body
    assert read(html).images == ()


@pytest.mark.parametrize(
    ("html", "quote"),
    [
        (
            (
                '<!--QuoteBegin Partyzan --><div class="title_quote">Цитата: Partyzan</div><div class="quote">'
                "<!--QuoteEBegin-->words<!--QuoteEnd--></div><!--QuoteEEnd-->"
            ),
            Quote(text="words", author="Partyzan"),
        ),
        (
            '<!--QuoteBegin--><div class="quote"><!--QuoteEBegin-->words<!--QuoteEnd--></div><!--QuoteEEnd-->',
            Quote(text="words"),
        ),
        (
            '<div class="titlequote">Quote: Lord of 2 Hills</div><div class="quote">words</div>',
            Quote(text="words", author="Lord of 2 Hills"),
        ),
        (
            '<div class="title_quote">Цитата: 210th</div><div class="quote">words</div>',
            Quote(text="words", author="210th"),
        ),
        (
            (
                '<div class="quote_block noncontenteditable"><div class="title_quote" data-commenttime="1509700800"'
                ' data-commentuser="Ivan &amp; Co" data-commentid="55" data-commentpostid="9" data-commentgast="0">'
                '3 hours ago, <a href="/user/x/">Ivan</a> wrote:</div><div class="quote">'
                '<div class="quote_body contenteditable">words</div></div></div>'
            ),
            Quote(text="words", author="Ivan & Co", comment_id=55),
        ),
        (
            (
                '<div class="quote_block"><div class="title_quote">3 ноября 2017 12:20, Ivan написал:</div>'
                '<div class="quote">words</div></div>'
            ),
            Quote(text="words", author="Ivan"),
        ),
        ("<blockquote>words</blockquote>", Quote(text="words")),
        (
            '<div class="title_quote" data-commentid="99999999999999999999"></div><div class="quote">words</div>',
            Quote(text="words"),
        ),
    ],
)
def test_a_quotation_is_not_the_authors_own_words(html: str, quote: Quote) -> None:
    read_ = read(f"before<br>{html}after")
    assert read_.quotes == (quote,)
    assert read_.body == "before\nafter"


def test_quotations_in_quotations() -> None:
    html = (
        '<!--QuoteBegin A --><div class="title_quote">Цитата: A</div><div class="quote"><!--QuoteEBegin-->outer one'
        '<br><!--QuoteBegin B --><div class="title_quote">Цитата: B</div><div class="quote"><!--QuoteEBegin-->inner'
        "<!--QuoteEnd--></div><!--QuoteEEnd--><br>outer two<!--QuoteEnd--></div><!--QuoteEEnd-->own words"
        '<div class="quote">another</div>'
    )
    read_ = read(html)
    assert read_.body == "own words"
    assert read_.quotes == (
        Quote(text="outer one\n\nouter two", author="A", level=1),
        Quote(text="inner", author="B", level=2),
        Quote(text="another", level=1),
    )


def test_a_hidden_text_is_neither_words_nor_a_quotation() -> None:
    for notice in (
        '<div class="quote dlehidden">You may not see this.</div>',
        '<div class="quote">Внимание! У Вас нет прав для просмотра скрытого текста.</div>',
        '<div class="quote"><b>Attention!</b> You have no permission to view hidden text.</div>',
    ):
        assert read(f"one {notice}").body == "one"
        assert read(notice).quotes == ()


def test_spoilers_are_kept() -> None:
    old = (
        '<!--dle_spoiler Map --><div class="title_spoiler"><a href="javascript:ShowOrHide(\'sp1\')"><img src="/i.gif">'
        "</a>&nbsp;<a href=\"javascript:ShowOrHide('sp1')\"><!--spoiler_title-->Map<!--spoiler_title_end--></a></div>"
        '<div id="sp1" class="text_spoiler" style="display:none;"><!--spoiler_text-->the hill<!--spoiler_text_end-->'
        "</div><!--/dle_spoiler-->"
    )
    new = (
        '<div class="dle-spoiler"><div class="title_spoiler">Показать / Скрыть текст</div>'
        '<div class="text_spoiler">the hill</div></div>'
    )
    assert read(f"see {old} there").body == "see\nMap\nthe hill\nthere"
    assert read(f"see {new} there").body == "see\nthe hill\nthere"
    assert read(old).links == ()
    assert read(old).images == ()


def wrapped(url: str, form: str) -> str:
    code = quote(base64.b64encode(url.encode()).decode(), safe="")
    return form.format(code)


@pytest.mark.parametrize(
    "form",
    [
        "/engine/go.php?url={}",
        "https://topwar.ru/index.php?do=go&url={}",
        "/index.php?do=go&amp;url={}",
    ],
)
@pytest.mark.parametrize("url", ["https://example.org/a?b=c&d=ё~~>>??", "http://example.org/"])
def test_links_lead_where_they_really_lead(form: str, url: str) -> None:
    read_ = read(
        f'see <!--dle_leech_begin--><a href="{wrapped(url, form)}">this <b>page</b></a><!--dle_leech_end-->.'
    )
    assert read_.body == "see this page."
    assert read_.links == (Link(text="this page", url=url),)


@pytest.mark.parametrize(
    "href",
    [
        "/index.php?do=go&url=%%%",
        "/engine/go.php?url=AAAA",
        "/engine/go.php",
        "/index.php?do=go",
        wrapped("javascript:alert(1)", "/engine/go.php?url={}"),
    ],
)
def test_a_redirect_that_leads_nowhere_stays_as_it_is(href: str) -> None:
    assert true_target(href) == href


@given(st.text())
def test_any_target_can_be_asked_for(href: str) -> None:
    assert isinstance(true_target(href), str)


@given(st.from_regex(r"https?://[a-z0-9.-]{1,9}/[!-~]{0,12}", fullmatch=True))
def test_whole_addresses_are_joined_as_others_are(href: str) -> None:
    read_ = read(f'<a href="{escape(href)}">x</a>')
    assert [link.url for link in read_.links] == [urljoin("https://en.topwar.ru", true_target(href))]


def test_relative_links_and_links_to_nowhere() -> None:
    read_ = read('<a href="/1-a.html">a</a> <a href="#top">b</a> <a href="JavaScript:x()">c</a> <a>d</a>')
    assert read_.links == (Link(text="a", url="https://en.topwar.ru/1-a.html"),)
    assert read_.body == "a b c d"


def test_images_and_videos() -> None:
    read_ = read(
        '<!--TBegin:x|--><a class="highslide" href="/uploads/big.jpg"><img src="/uploads/thumbs/big.jpg"></a>'
        '<img src="https://img.example/b.png?w=5" alt="x"> <img src="data:image/gif;base64,AAAA">'
        '<ul class="comments-image-gallery"><li><a href="/uploads/c.jpg"><img src="/uploads/c.jpg"></a></li></ul>'
        '<iframe src="https://video.example/1"></iframe>words'
    )
    assert read_.images == (
        Image(url="https://en.topwar.ru/uploads/big.jpg"),
        Image(url="https://img.example/b.png?w=5"),
        Image(url="https://en.topwar.ru/uploads/c.jpg"),
    )
    assert read_.links == (Link(text="", url="https://video.example/1"),)
    assert read_.body == "words"


@pytest.mark.parametrize(
    ("html", "url"),
    [
        (
            (
                '<!--dle_media_begin:https://video.example/7--><iframe src="https://video.example/embed/7"></iframe>'
                "<!--dle_media_end-->"
            ),
            "https://video.example/embed/7",
        ),
        # The player is put there by a script.
        ("<!--dle_media_begin:https://video.example/7--><!--dle_media_end-->", "https://video.example/7"),
        (
            (
                '<!--dle_video_begin:/f/a.mp4|600--><div class="dleplyrplayer"><div></div></div><!--dle_video_end-->'
            ),
            "https://en.topwar.ru/f/a.mp4",
        ),
        (
            (
                '<!--dle_video_begin:/f/a.mp4--><div class="dleplyrplayer" theme="light"><video title="Ford" controls>'
                '<source type="video/mp4" src="/f/a.mp4"><source src="/f/a.webm">Your browser shows no films.'
                "</video></div><!--dle_video_end-->"
            ),
            "https://en.topwar.ru/f/a.mp4",
        ),
        ('<audio src="/f/a.mp3"></audio>', "https://en.topwar.ru/f/a.mp3"),
    ],
)
def test_films_are_links_without_words(html: str, url: str) -> None:
    read_ = read(f"before {html}after")
    assert read_.links == (Link(text="", url=url),)
    assert read_.body.split() == ["before", "after"]


@pytest.mark.parametrize(
    "html",
    [
        "<video></video>",
        '<iframe src=""></iframe>',
        "<!--dle_media_begin:/f/a.mp4-->",
        "<!--dle_media_end-->",
        "<!--dle_media_begin: --><!--dle_media_end-->",
    ],
)
def test_no_film_no_link(html: str) -> None:
    assert read(f"{html}words").links == ()


@pytest.mark.parametrize(
    ("html", "image"),
    [
        (
            (
                '<!--ThumbBegin--><a href="/uploads/posts/2026-01/a.jpg" class="highslide" target="_blank">'
                '<img src="/uploads/posts/2026-01/thumbs/a.jpg" alt=""></a><!--ThumbEnd-->'
            ),
            "https://en.topwar.ru/uploads/posts/2026-01/a.jpg",
        ),
        (
            '<a data-highslide="single" href="/uploads/a.webp"><img data-src="/uploads/thumbs/a.webp"></a>',
            "https://en.topwar.ru/uploads/a.webp",
        ),
        (
            '<!--dle_image_begin:https://e.example/a.jpg|left--><img src="https://e.example/a.jpg"><!--dle_image_end-->',
            "https://e.example/a.jpg",
        ),
        # A link around an image that leads to a page is a link, and the image stays.
        ('<a href="/5-a.html"><img src="/uploads/a.jpg"></a>', "https://en.topwar.ru/uploads/a.jpg"),
    ],
)
def test_the_image_is_the_large_one(html: str, image: str) -> None:
    assert read(f"{html} words").images == (Image(url=image),)
    assert read(f"{html} words").body == "words"


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ('a <span class="emoji" data-emoji="1f44b" title="wave">👋</span> b', "a 👋 b"),
        ("<p>one <b>two</b></p><p>three<br>four</p>", "one two\nthree\nfour"),
        ('<!--colorstart:#FF0000--><span style="color:#FF0000">red</span><!--colorend--> sea', "red sea"),
        ("<!--code1--><pre><code>a = 1</code></pre><!--ecode1-->", "a = 1"),
        (
            (
                '<div class="dle-spoiler"><div class="title_spoiler"><a href="javascript:x">Map</a></div>'
                '<div class="text_spoiler"><p>the hill</p></div></div>'
            ),
            "Map\nthe hill",
        ),
        (
            (
                '<div class="dle-spoiler"><div class="title_spoiler">Show / Hide text</div><div class="text_spoiler">'
                '<div class="quote">theirs</div>mine</div></div>'
            ),
            "mine",
        ),
    ],
)
def test_markup_of_the_editor(html: str, body: str) -> None:
    assert read(html).body == body


def test_another_comment_never_belongs_to_the_text() -> None:
    for other in (
        "<div id='comment-id-8'>not mine</div>",
        '<ol class="comments-tree-list"><li>not mine</li></ol>',
        '<li id="comments-tree-item-8">not mine</li>',
        '<div id="dle-ajax-comments">not mine</div>',
        '<div class="dle-comments-navigation">not mine</div>',
    ):
        assert read(f"mine <div>open {other}").body == "mine\nopen"


def test_depth_does_not_matter() -> None:
    assert read("<div>" * 3000 + "deep" + "</div>" * 3000 + "end").body == "deep\nend"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # The words of a new engine's title are written anew at each display.
        (
            '<div class="title_quote" data-commentuser="A" data-commenttime="1">5 minutes ago, A wrote:</div>',
            '<div class="title_quote" data-commentuser="A" data-commenttime="1">Yesterday at 12:20, A wrote:</div>',
        ),
        ('<img src="/a.jpg?v=1">', '<img src="/a.jpg?v=2">'),
        ('<p class="a">x</p>', '<p class="b">x</p>'),
        ("x<!-- a -->", "x<!-- b -->"),
        (" x ", "x\n"),
    ],
)
def test_marks_do_not_move_by_themselves(one: str, other: str) -> None:
    assert [mark for mark in read(one).marks if mark] == [mark for mark in read(other).marks if mark]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x", "y"),
        ("x<br>y", "x y"),
        ('<a href="/a/">x</a>', '<a href="/b/">x</a>'),
        ('<img src="/a.jpg">', '<img src="/b.jpg">'),
        ('<div class="title_quote">Quote: A</div>', '<div class="title_quote">Quote: B</div>'),
    ],
)
def test_marks_tell_texts_apart(one: str, other: str) -> None:
    assert read(one).marks != read(other).marks
