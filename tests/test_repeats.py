"""A page without the comments that only repeat others reads as the whole page does."""

import re
import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.dle.addresses import address
from crawler.dle.kinds import VARYING
from crawler.dle.repeats import shortened
from crawler.errors import NotUnderstood
from crawler.items import ArticlePage
from crawler.reading import MAX_DEPTH, refuse_pathological
from crawler.sample import render_article, sample_articles
from crawler.sites.military_review import SITE, skins
from crawler.sites.military_review.pages import PAGES, _article_page
from tests.fuzz_pages import damaged, rendered_pages, saved_pages

EN = SITE.edition("en")
URL = "https://en.topwar.ru/9-slug.html"

TEXTS = (
    "Words.",
    "Two lines<br />and <br> three &amp; &lt;b&gt; &#036;&nbsp;",
    'A smilie <!--smile:hi--><img alt="hi" class="emoji" src="/engine/data/emoticons/hi.png"><!--/smile-->!',
    '<!--smile:am--><img style="border: none;" alt="am" src="/engine/data/emoticons/am.gif" /><!--/smile-->',
    "",
    " \n ",
    "a\x01b\x0cc\u2028d",
    "An &unknown; &#0; reference & more",
    '<div class="quote">quoted</div>own',
    "<b>bold</b> <a href='/user/x/'>x</a> <a href='/page,1,7,9-slug.html'>y</a>",
    "<ul><li>one</li></ul>",
    "\ue0003\ue001",
    "a\0b",
    "<b>bold</b>\0",
    "&quot;a&quot; &#039;b&#039; &#x27;c&#x27; &amp;quot;",
    '<div class="title_quote">Quote: Ivan</div><div class="quote">Words.</div>own',
    '<!--QuoteBegin Ivan --><div class="quote"><div class="quote">inner</div>outer</div><i>own</i>',
    '<span class="comments-user-profile" data-username="Ivan">Ivan</span>, yes',
    '<div class="title_quote" data-commentid="2" data-commentuser="Ivan">Ivan</div><div class="quote">Two</div>own',
    '<img src="/uploads/a.jpg" alt=""><article>x</article><time datetime="2017-11-03T12:20">y</time>',
)
NAMES = (
    '<a onclick="Other(\'{0}\')" href="https://topwar.ru/user/{0}/">{0}</a>',
    '<a onclick="ShowProfile(\'{0}\')" href="https://topwar.ru/user/{0}/">{0}</a>',
    '<a href="/user/{0}/">{0}</a> (Ivan)',
    '<a href="mailto:{0}@example.org">{0}</a>',
    "{0}",
    '<a href="/user/%FF/">{0}</a>',
    "",
)
AVATARS = ('<img src="/uploads/fotos/foto_{1}.jpg" alt="{0}">', '<img src="/no.png" alt="">', "")
DATES = ("3 November 2017 12: 2{1}", "{1} hours ago", "", "24 Nov &laquo;2021&raquo; 02:0{1}")
RATINGS = (
    "",
    '<span class="ratingtypeplusminus ignore-select ratingplus">+{1}</span>',
    '<span class="ratingtypeplusminus ignore-select ratingminus">-{1}</span>',
    '<i data-comments-likes-id="{2}">{1}</i><i data-comments-dislikes-id="{2}">3</i>',
)
ODDITIES = (
    "<b>", "</b>", "<p>", "</p>", "<div>", "</div>", "<a href='#'>", "<li>", "</li>", "</ol>", "<table>", "<svg>",
    "<select>", "<i><b>", "<script>", "<!--", "-->", "&", '"', ">", "<", "<h3>7 comments</h3>", "\r\n", "<template>",
    "<div id='comment-id-3'>", "<div id='comm-id-3'>", "<script>x</script>", '<li class="comments-tree-item">AD</li>',
    "<time datetime='2017-11-03T12:20'>x</time>", "<div class='banner'><ins>AD</ins></div>", "</form>", "<!-- x -->",
)  # fmt: skip


def comment(random: Random, id: int) -> str:
    who, number = random.choice(("Ivan", "Ы%D0", "a+b")), random.randint(1, 9)
    parts = [random.choice(options) for options in (AVATARS, NAMES, DATES, RATINGS, TEXTS)]
    avatar, name, date, rating, text = (part.format(who, number, id) for part in parts)
    return (
        f'<div id=\'comment-id-{id}\'><div class="comment-head"><div class="avatar">{avatar}</div>'
        f'<div class="name">{name}</div><time class="date">{date}</time></div>'
        f"<div id='comm-id-{id}'>{text}</div><div class=\"foot\">{rating}</div></div>"
    )


def page(comments: list[str], *, before: str = "", after: str = "") -> str:
    items = "".join(
        f'<li id="comments-tree-item-{n}" class="comments-tree-item">{html}</li>\n'
        for n, html in enumerate(comments, 1)
    )
    return (
        f'<!DOCTYPE html><html><head><title>T</title><link rel="canonical" href="{URL}"></head><body>'
        '<div id="full-story"><h1>Title</h1><div class="full-story-text">Words.</div></div>'
        f'{before}<ol class="comments-tree-list">{items}</ol>{after}</body></html>'
    )


def nested(random: Random, comments: list[str], *, banners: float = 0.1) -> str:
    """The same comments, many of them as answers to others, with banners before some."""
    html = page(comments)
    depth = 0
    parts = html.split("</li>\n<li id")
    joined = parts[0]
    for part in parts[1:]:
        up = random.randint(0, depth) if random.random() < 0.4 else 0
        down = not up and random.random() < 0.5
        if random.random() < banners:
            joined += '</li><li class="comments-tree-item"><div class="banner">AD</div>'
        joined += '\n<ol class="comments-tree-list"><li id' if down else "</li></ol>" * up + "</li>\n<li id"
        depth += down - up
        joined += part
    return joined.replace("</li>\n</ol></body>", "</li></ol>" * depth + "</li>\n</ol></body>")


def plain(id: int, *, text: str = "words", more: str = "") -> str:
    return (
        f'<div id=\'comment-id-{id}\'><div class="comment-head"><span class="name">Ivan</span>'
        f"<span class=\"date\">3 November 2017 12: 20</span></div>{more}<div id='comm-id-{id}'>{text}</div></div>"
    )


def reading(html: str, url: str = URL, edition: str = "en") -> object:
    """The item, or what is said of a page that is not understood."""
    try:
        return PAGES.article(html.encode(), url, SITE.edition(edition))
    except NotUnderstood as error:
        return str(error)


def whole(html: str, url: str = URL, edition: str = "en") -> object:
    """The same, from the tree of the whole page, which needs no proof."""
    try:
        return _article_page(html.encode(), url, SITE.edition(edition), None)
    except NotUnderstood as error:
        return str(error)


def repeated(html: str) -> int:
    short = shortened(html)
    return len(short.repeats) if short else 0


@settings(max_examples=300)
@given(st.randoms(use_true_random=False))
def test_random_pages(random: Random) -> None:
    html = page([comment(random, id) for id in range(1, random.randint(3, 30))])
    assert reading(html) == whole(html)


@settings(max_examples=300)
@given(st.randoms(use_true_random=False))
def test_random_threads(random: Random) -> None:
    html = nested(random, [comment(random, id) for id in range(1, random.randint(3, 40))])
    read = reading(html)
    assert read == whole(html)
    assert isinstance(read, ArticlePage)
    assert not any("close" in remark for remark in read.remarks)


@settings(max_examples=300)
@given(st.randoms(use_true_random=False))
def test_damaged_pages(random: Random) -> None:
    comments = [comment(random, id) for id in range(1, random.randint(4, 16))]
    html = page(comments, before=random.choice(("", "", "<form><main>", "<p>", "<b>", "<ul>")))
    for _ in range(random.randint(1, 3)):
        at = random.choice([match.start() for match in re.finditer("[<>]|d-", html)])
        html = html[:at] + random.choice(ODDITIES) + html[at + random.choice((0, 0, 0, 1, 6)) :]
    assert reading(html) == whole(html)


@pytest.mark.parametrize("edition", ["en", "ru"])
def test_the_sample_site(edition: str) -> None:
    base = SITE.edition(edition).base_url
    found = 0
    for article in sample_articles():
        for number in range(1, article.comment_pages + 1):
            html = render_article(article, number, "ru" if edition == "ru" else "en", base)
            assert reading(html, base + article.path, edition) == whole(html, base + article.path, edition)
            found += repeated(html)
    assert found


def test_saved_pages_and_random_threads_good_and_damaged() -> None:
    good = [fetched for fetched in saved_pages() + rendered_pages() if b"comment-id-" in fetched.body]
    for fetched in good + [damaged(good, 3, number) for number in range(150)]:
        html, url, edition = fetched.body.decode("utf-8", "replace"), fetched.url, fetched.edition.code
        if address(url) is not None:
            assert reading(html, url, edition) == whole(html, url, edition), fetched.name


def test_most_comments_of_a_page_are_repeats() -> None:
    html = page([plain(id) for id in range(1, 101)])
    assert repeated(html) == 99
    short = shortened(html)
    assert short is not None
    assert len(short.html) < len(html) / 2
    read = reading(html)
    assert isinstance(read, ArticlePage)
    assert [c.body for c in read.comments.comments] == ["words"] * 100
    assert read == whole(html)


def test_what_is_left_empty_goes_with_the_comments() -> None:
    comments = [plain(id) for id in range(1, 201)]
    flat, deep = page(comments), nested(Random(7), comments, banners=0)  # noqa: S311 - no secrets
    for html in (flat, deep):
        short = shortened(html)
        assert short is not None
        assert len(short.html) < len(page(comments[:4]))
        assert reading(html) == whole(html)


def test_a_quotation_is_parsed_apart() -> None:
    quotation = '<div class="title_quote">Quote: Ivan</div><div class="quote">words</div>own'
    html = page([plain(1), plain(2, text=quotation), plain(3, text=quotation), plain(4)])
    assert repeated(html) == 2
    read = reading(html)
    assert isinstance(read, ArticlePage)
    assert [(c.body, [q.text for q in c.quotes]) for c in read.comments.comments] == [
        ("words", []),
        ("own", ["words"]),
        ("own", ["words"]),
        ("words", []),
    ]
    assert read == whole(html)


@pytest.mark.parametrize("text", ["<a href='#'>x</a>", "<span data-username='x'>x</span>"])
def test_what_is_looked_for_in_every_comment_stays_in_the_page(text: str) -> None:
    html = page([plain(id, text=text) for id in range(1, 5)])
    assert repeated(html) == 0
    html = page([plain(1), *(plain(id, text=text) for id in range(2, 5)), plain(5)])
    assert repeated(html) == 1
    assert reading(html) == whole(html)


@pytest.mark.parametrize(
    "between",
    [
        '<li class="comments-tree-item"><div class="banner">AD</div></li>',
        "<script async src='//ads.example/x.js'>load(1)</script>",
        "<!-- an advertisement -->",
        "\r\n",
    ],
)
def test_what_may_stand_between_comments(between: str) -> None:
    html = page([plain(1), plain(2)]).replace("</ol>", f"{between}{plain(3)}{plain(4)}</ol>")
    assert repeated(html) == 3
    assert reading(html) == whole(html)


def test_what_stands_in_the_item_of_a_comment_is_its_own() -> None:
    stray = '<div class="comment-head"><span class="name">Other</span></div>'
    html = page([plain(1), plain(2), stray + plain(3), plain(4) + stray])
    assert repeated(html) == 3
    assert reading(html) == whole(html)


@pytest.mark.parametrize(
    "odd",
    [
        plain(3, more="<div>"),
        plain(3, more="<b><i></b></i>"),
        plain(3, more="<p><div></div></p>"),
        plain(3, more="<table></table>"),
        plain(3, more="<a><a></a></a>"),
        plain(3, more="<ul><li>one<li>two</ul>"),
        plain(3, more="<li>in no list</li>"),
        plain(3, more="<script>'<b>'</script>"),
        plain(3, more=plain(4)),
        plain(3, more="<DIV></DIV>"),
        plain(3, more="<div/>"),
        plain(1),
        "words" + plain(3),
        "<b>" + plain(3),
    ],
)
def test_where_a_page_is_read_whole(odd: str) -> None:
    html = page([plain(1), plain(2), odd, plain(5)])
    assert shortened(html) is None
    assert reading(html) == whole(html)


@pytest.mark.parametrize(
    "around",
    [
        "<p>", "<b>", "<a href='/x/'>", "<table>", "<!--", "<textarea>", "<svg>", "<i><div></i>",
        "<div id='comm-id-5'>stray</div>", "<div id=comment-id-5></div>", "<div id=comm-id-5></div>",
        "<li id='comments-tree-item-5'>stray</li>",
    ],
)  # fmt: skip
def test_what_reaches_into_the_comments(around: str) -> None:
    html = page([plain(id) for id in range(1, 9)], before=around)
    assert reading(html) == whole(html)


def test_depth_is_counted_with_what_was_taken_out() -> None:
    """The comments themselves are nested four deep, behind `html`, `body`, list and item."""
    for depth in range(MAX_DEPTH - 12, MAX_DEPTH + 1):
        html = page([plain(id) for id in range(1, 5)], before="<div>" * depth)
        assert said_of_safety(html) == said_of_safety(unknown(html))


@pytest.mark.parametrize("seed", range(40))
def test_depth_is_that_of_lists_however_they_close(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - no secrets
    html = nested(random, [plain(id) for id in range(1, 30)], banners=random.choice((0, 0.2)))
    tags_of_tree = r"</li>|</ol>|<ol class=.comments-tree-list.>"
    html = re.sub(tags_of_tree, lambda match: match[0] if random.random() < 0.9 else "", html)
    before = random.choice(("", "<svg>", "<li>"))
    assert reading(html) == whole(html)
    said = set()
    for depth in range(MAX_DEPTH - 60, MAX_DEPTH, 3):
        deep = html.replace("<h1>", "<div>" * depth + before + "<h1>")
        said.add(said_of_safety(deep))
        assert said_of_safety(deep) == said_of_safety(unknown(deep))
    assert len(said) == 2


def test_items_need_no_list() -> None:
    html = page([plain(id) for id in range(1, 5)])
    html = html.replace('<ol class="comments-tree-list">', "").replace("</ol>", "")
    assert repeated(html) == 3
    assert said_of_safety(html) == ""
    assert reading(html) == whole(html)


def unknown(html: str) -> str:
    """The same page, in which comments begin as no template writes them, so that it is read whole."""
    changed = re.sub("(comment-id-[0-9]+'|comm-id-[0-9]+')>", r"\1 >", html)
    assert shortened(html)
    assert shortened(changed) is None
    return changed


def said_of_safety(html: str) -> str:
    try:
        refuse_pathological(html, URL)
    except NotUnderstood as error:
        return str(error)
    return ""


def test_an_answer_is_kept_until_the_same_page_is_asked_for_again() -> None:
    html = page([plain(1), plain(2)]).encode()
    first = shortened(html, keep=True)
    assert shortened(html) is first
    assert shortened(html) is not first


def test_no_skin_looks_at_what_varies() -> None:
    for skin in skins.COMMENTS:
        selectors = f"{skin.recognises} {skin.author} {skin.date} {skin.full_name} {skin.avatar}"
        looked_at = re.findall(r"\[([\w-]+)\s*([~|^$*]?=)\s*'?(\w*)", selectors)
        assert all(name not in VARYING or (name, how) == ("onclick", "^=") for name, how, _ in looked_at)
        assert not re.search(r"\.rating(plus|minus|zero)\b", selectors)


# fmt: off
HOSTILE = (
    "<li ", '<li a="', "<!--", "<!---", "<script", "<script>", "<", "<a=", "</", "a", " ", "\n", "-", "<br>", "&amp;",
    "&", "<div>", "</div>", "<ol>", "<b></b>", "<!--a-->", "<!--smile:a-->", '<!--smile:a--><img src="', "/emoticons/",
    '<a href="/user/', "<div id='comment-id-7'>", "<div id='comment-id-7'></div>",
    "<div id='comment-id-7'><div id='comm-id-7'>x</div></div>",
)
# fmt: on


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_pages_take_linear_time(piece: str) -> None:
    thread = page([plain(1), plain(2), plain(3)])
    at = thread.index("words")

    def cost(length: int) -> float:
        html = thread[:at] + piece * (length // len(piece)) + thread[at:]
        started = time.process_time()
        shortened(html)
        return time.process_time() - started

    small, large = (min(cost(length) for _ in range(3)) for length in (50_000, 500_000))
    assert large < 30 * max(small, 0.005)
