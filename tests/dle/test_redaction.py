"""What is cut from a page when somebody is forgotten, case by case."""

import json
from html import escape
from urllib.parse import quote_plus

import pytest

from crawler.dle.persons import member_key, name_keys
from crawler.dle.redaction import may_show, redacted
from crawler.normalise.nicknames import author
from crawler.sites.military_review.skins import COMMENTS

URL = "https://en.topwar.ru/901-old-bridge.html"


def without(key: str, html: str, url: str = URL) -> str:
    """The page without the author of this key."""
    return redacted(html, {key}.__contains__, url=url, skins=COMMENTS)


def link(name: str) -> str:
    path = quote_plus(name)
    return (
        f"<a onclick=\"ShowProfile('{path}', '/user/{path}/', '0'); return false;\" "
        f'href="https://topwar.ru/user/{path}/">{escape(name)}</a>'
    )


def comment(id: int, who: str, text: str, *, around: str = "") -> str:
    return (
        f'<div id=\'comment-id-{id}\'><div class="comment"><div class="comment-head">'
        f'<div class="avatar"><img src="/a/{id}.jpg" alt="Going {id}"></div><div class="name">{who}</div>'
        f'<time class="date">3 November 2017 12: 2{id}</time></div>'
        f"<div id='comm-id-{id}'>{text}</div>{around}</div></div>"
    )


def blank(id: int, *, around: str = "") -> str:
    """A comment of which nothing but its place is left."""
    return (
        f'<div id=\'comment-id-{id}\'><div class="comment"><div class="comment-head">'
        f'<div class="avatar"><img></div><div class="name">{{}}</div>'
        f'<time class="date">3 November 2017 12: 2{id}</time></div>'
        f"<div id='comm-id-{id}'></div>{around}</div></div>"
    )


BLANK_LINK = '<a onclick="ShowProfile()"></a>'


@pytest.mark.parametrize(
    "name",
    [
        "Going",
        "going",
        "GOING",
        "Мир",
        "123",
        "C++",
        "100%",
        "O'Neil",
        'Ann "Owl"',
        "<b>",
        "R&D",
        "a/b?c#d",
        "ё",
        "%41",
    ],
)
def test_a_members_comment(name: str) -> None:
    other = comment(2, link(f"{name} 2"), f"{escape(name)}! Going to Мир 123, said {escape(name)}.")
    page = comment(1, link(name), "Secret <b>words</b><br><img src='/me.jpg'>") + other
    assert without(name.casefold(), page) == blank(1).format(BLANK_LINK) + other
    # A guest of the same name is somebody else, and so is who is called nearly so.
    assert without(f"guest:{name.casefold()}", page) is page
    assert without(f"{name.casefold()}x", page) is page


@pytest.mark.parametrize("who", ["Going", '<a href="mailto:going@example.org">Going</a>'])
def test_a_guests_comment(who: str) -> None:
    others = comment(2, link("Going"), "Going on") + comment(3, "Going by", "Going by")
    html = without("guest:going", comment(1, who, "Secret") + others)
    assert html == blank(1).format("<a></a>" if "<a" in who else "") + others


def test_whatever_stands_in_the_comment_goes_with_it() -> None:
    around = (
        '<div class="signature">--------------------<br />Motto</div><!-- Going -->'
        '<a href="#" onclick="dle_ins(\'Going\'); return false;" title="Going">Reply to Going</a>'
        '<script>var who = "Going";</script><span data-comments-likes-id="1" data-who="Going">4</span>'
    )
    html = without("going", comment(1, link("Going"), "Secret", around=around) + comment(2, link("Owl"), "x"))
    left = (
        '<div class="signature"><br /></div><a></a><script></script><span data-comments-likes-id="1">4</span>'
    )
    assert html == blank(1, around=left).format(BLANK_LINK) + comment(2, link("Owl"), "x")


OLD = (
    '<!--QuoteBegin {0} --><div class="title_quote">Quote: {0}</div>'
    '<div class="quote"><!--QuoteEBegin-->{1}<!--QuoteEnd--></div><!--QuoteEEnd-->'
)
EDITOR = '<div class="title_quote">Цитата: {0}</div><div class="quote">{1}</div>'
BY_16 = (
    '<div class="quote_block"><div class="title_quote" data-commenttime="15" data-commentuser="{0}">'
    '3 November 2017 12: 20, {0} wrote:</div><div class="quote"><div class="quote_body">{1}</div></div></div>'
)
BY_20 = (
    '<div class="quote_block"><div class="title_quote" data-commenttime="15" data-commentuser="{0}"'
    ' data-commentid="{2}" data-commentpostid="901" data-commentgast="0">'
    'Today, <a href="/user/{0}/">{0}</a> wrote:</div>'
    '<div class="quote"><div class="quote_body">{1}</div></div></div>'
)
NOBODYS = '<!--QuoteBegin--><div class="quote"><!--QuoteEBegin-->{1}<!--QuoteEnd--></div><!--QuoteEEnd-->'


@pytest.mark.parametrize("outer", [OLD, EDITOR, BY_16, BY_20])
@pytest.mark.parametrize("inner", [OLD, EDITOR, BY_16, BY_20])
def test_quotations_in_quotations(outer: str, inner: str) -> None:
    """Of each only what is the person's own goes; and what is quoted without a name inside it."""
    of_other = inner.format("Owl", "kept", 77)
    html = without(
        "going", comment(2, link("Owl"), outer.format("Going", f"one {of_other} two", 78) + "words")
    )
    assert "kept" in html
    assert "words" in html
    assert "Going" not in html.replace('alt="Going 2"', "")
    assert "one" not in html
    assert "two" not in html
    html = without(
        "going",
        comment(2, link("Owl"), outer.format("Owl", f"one {inner.format('Going', 'cut', 77)} two", 78)),
    )
    assert "one" in html
    assert "two" in html
    assert "cut" not in html
    assert "Going" not in html.replace('alt="Going 2"', "")


def test_a_quotation_without_a_name_is_whose_it_stands_in() -> None:
    alone = comment(2, link("Owl"), NOBODYS.format("", "free"))
    assert without("going", alone) is alone
    html = without("going", comment(2, link("Owl"), OLD.format("Going", NOBODYS.format("", "free"))))
    assert "free" not in html


@pytest.mark.parametrize(
    ("quotation", "cut"),
    [
        (OLD.format("Going", "the river"), False),  # the namesake's words
        (OLD.format("Going", "the road"), True),  # the forgotten one's
        (OLD.format("Going", "both say"), True),
        (OLD.format("Going", "nobody says"), True),  # in doubt
        (OLD.format("GOING", "the river"), False),
        (OLD.format("Goings", "the road"), False),  # another name
        (BY_20.format("Going", "the road", 2), False),  # a number is sure
        (BY_20.format("Going", "the river", 1), True),
        (BY_20.format("Owl", "the river", 1), True),
    ],
)
def test_whose_quotation_it_is_among_namesakes(quotation: str, cut: bool) -> None:
    """A guest is forgotten; a member of the same name is not."""
    others = comment(2, link("Going"), "See the river. We both say.")
    page = comment(1, "Going", "See the road. We both say.") + others + comment(3, link("Owl"), quotation)
    html = without("guest:going", page)
    assert (quotation not in html) is cut
    assert others in html


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<a href="/user/Going/">Going</a> said', "<a></a> said"),
        ('<a rel="x" href="/user/going/news/">news</a>', '<a href="/user/going/news/" rel="x">news</a>'),
        ('<a href="https://topwar.ru/index.php?subaction=userinfo&amp;user=Going">his page</a>', "<a></a>"),
        ('<a href="/engine/go.php?url=aHR0cHM6Ly90b3B3YXIucnUvdXNlci9Hb2luZy8%3D">him</a>', "<a></a>"),
        ('<span class="comments-user-profile" data-username="Going" data-userurl="/user/Going/">G</span>, hi',
         '<span class="comments-user-profile"></span>, hi'),
        ('<a href="#" onclick="dle_ins(\'Going\')">answer</a>', '<a href="#">answer</a>'),
        ("Going? Where is Going going?", "Going? Where is Going going?"),
        ('<img alt="Going" src="/Going.jpg">', '<img alt="Going" src="/Going.jpg">'),
    ],
)  # fmt: skip
def test_links_and_mentions_in_others_words(before: str, after: str) -> None:
    html = without("going", comment(2, link("Owl"), f"a {before} b"))
    if "/news/" in before:
        assert "oing" not in html.replace('alt="Going 2"', "")
    else:
        assert html == comment(2, link("Owl"), f"a {after} b")


def test_the_byline_of_an_article() -> None:
    page = (
        '<html><head><title>Going home</title><meta name="author" content="Going"></head><body>'
        '<div id="full-story"><article><h1>Going home</h1><div class="meta__author">{}</div>'
        '<meta itemprop="author" content="Going"><div class="pfull-cont">Going, Going.</div></article></div>'
        "</body></html>"
    )
    linked = page.format('<a href="/user/Going/">Going</a>')
    html = without("going", linked)
    assert html.count("Going") == 4
    assert 'content="Going"' not in html
    # Where it does not link to the person it is a word like any other.
    plain = page.format("Going")
    assert without("going", plain) is plain


def test_feeds() -> None:
    feed = (
        '<?xml version="1.0"?><rss><channel><item><title>Going home</title><dc:creator>{}</dc:creator>'
        "<description><![CDATA[Going. {}]]></description></item></channel></rss>"
    )
    linked = '<a href="/user/Going/">Going</a>'
    html = without("going", feed.format("<![CDATA[Going]]>", linked), "https://topwar.ru/rss.xml")
    assert html == feed.format("<![CDATA[]]>", "<a></a>")
    other = feed.format("Going home", "")
    assert without("going", other) is other


@pytest.mark.parametrize("escape_slashes", [False, True])
def test_answers_to_the_script(escape_slashes: bool) -> None:
    url = "https://topwar.ru/engine/ajax/controller.php?mod=comments&cstart=1&news_id=901&skin=vo"
    other = comment(2, link("Owl"), 'Сова 😀 "quoted"\n')

    def answer(html: str) -> str:
        text = json.dumps({"navigation": None, "comments": html})
        return text.replace("/", "\\/") if escape_slashes else text

    html = without("мир 😀", answer(comment(1, link("Мир 😀"), "Secret 😀") + other), url)
    assert html == answer(blank(1).format(BLANK_LINK) + other)


@pytest.mark.parametrize(
    "page",
    [
        "<div id='comment-id-1'><b class=\"name\">"
        + link("Going")
        + "</b><p>Secret</p></div>",  # no text element
        comment(1, link("Going"), "Secret")[:-30],  # cut short
        comment(1, link("Going"), "Secret <div><div>") + '<div class="dle-comments-navigation">2</div>',
        comment(1, link("Going"), "Secret <table><tr><td>x"),
        comment(1, link("Going"), "Secret" + "<div>" * 900),
        '{"comments": "'
        + comment(1, link("Going"), "Secret").replace('"', '\\"')[:-40],  # JSON that is cut short
        '<li id="comments-tree-item-1"><p>' + link("Going") + "</p><div id='comm-id-1'>Secret</div></li>",
    ],
)
def test_pages_that_nobody_understands(page: str) -> None:
    html = without("going", page)
    plain = html.replace("Going 1", "")
    assert "Going" not in plain
    assert "Secret" not in plain
    if "navigation" in page:
        assert '<div class="dle-comments-navigation">2</div>' in html


def test_what_no_parser_is_to_be_trusted_with() -> None:
    page = comment(1, link("Going"), "Secret") + comment(2, link("Owl"), OLD.format("Going", "said"))
    html = redacted(page, {"going"}.__contains__, url=URL, skins=COMMENTS, readable=False)
    assert "/user/Going" not in html
    assert "Quote: Going" not in html
    assert "QuoteBegin Going" not in html
    assert "said" not in html


def test_spellings_that_are_known_of_somebody() -> None:
    """The profile's name is another than the nickname that a translated edition shows."""
    page = comment(2, link("Owl"), EDITOR.format("Lord of Ferries", "the river") + "kept")
    assert without("lord", page) is page
    keys = {"lord", "name:lord of ferries"}
    html = redacted(page, keys.__contains__, url=URL, skins=COMMENTS)
    assert "Lord" not in html
    assert "river" not in html
    # Whoever else bears that name and writes these words keeps them.
    page += comment(3, link("Lord of Ferries"), "See the river.")
    assert redacted(page, keys.__contains__, url=URL, skins=COMMENTS) is page


@pytest.mark.parametrize("name", ["Going", " Мир\u200b ", "ΑΣ", "İ", "ß" * 300, "x" * 400, "a\0b"])
def test_keys_are_those_of_authors(name: str) -> None:
    member = author(nickname_raw="x", kind="member", profile_name=name)
    assert member is not None
    assert member_key(name) == member.key
    for kind in ("guest", "unknown"):
        who = author(nickname_raw=name, kind=kind, profile_name=None)
        assert who is not None
        assert who.key in name_keys(name)


def test_a_page_that_shows_nobody_is_not_taken_apart() -> None:
    asked = set()

    def is_forgotten(key: str) -> bool:
        asked.add(key)
        return False

    page = comment(1, link("Going"), "words") + comment(2, "Owl", "more")
    assert redacted(page, is_forgotten, url=URL, skins=COMMENTS) is page
    assert {"going", "guest:owl", "unknown:owl", "name:owl"} <= asked
    asked.clear()
    assert not may_show(page, is_forgotten, guests=False)
    assert "going" in asked
    assert "guest:owl" not in asked


@pytest.mark.parametrize("tags", ["<ul></li></ul>", "<div><ul></li>"])
def test_tags_stay_where_taking_some_out_would_move_an_answer(tags: str) -> None:
    """The list keeps the end in it from closing the comment's own item, outside of which the answer would stand."""
    start, end = tags.split("</li>")

    def page(going: str) -> str:
        item = '<li id="comments-tree-item-{}" class="comments-tree-item">'.format
        return (
            f'<ol class="comments-tree-list">{item(1)}{going}<ol class="comments-tree-list">{item(2)}'
            f"{comment(2, link('Other'), 'Yes.')}</li></ol></li>{item(3)}{comment(3, link('Other'), 'No.')}</li></ol>"
        )

    shown = page(comment(1, link("Going"), f"{start}words</li>more words{end}"))
    assert without("going", shown) == page(
        blank(1).format(BLANK_LINK).replace("></div></div>", f">{tags}</div></div>")
    )


def test_what_a_cut_text_leaves_open_stays_open_in_the_next() -> None:
    """A parser takes the bold type of the first text for that of the second, whose hash is to stay the same."""
    other = comment(2, link("Other"), "Yes.")
    tags = "<div><b><div><div>"
    expected = blank(1).format(BLANK_LINK).replace("></div></div>", f">{tags}</div></div>") + other
    assert without("going", comment(1, link("Going"), f"{tags}words") + other) == expected


def test_what_follows_the_thread_stays_though_a_comment_is_left_open() -> None:
    rest = '<div id="dle-ajax-comments"></div><p title="x">Going on</p>'
    assert without("going", comment(1, link("Going"), "Secret <div>") + rest).endswith(rest)
