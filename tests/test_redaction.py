"""Pages without somebody: nothing is left of them, and of everything else nothing is changed."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html import escape, unescape
from random import Random
from urllib.parse import quote as percent_encoded
from urllib.parse import unquote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.dle.persons import member_key
from crawler.dle.redaction import redacted
from crawler.errors import NotUnderstood
from crawler.items import Quote
from crawler.kept_out import redacted_body
from crawler.sites.military_review.skins import COMMENTS
from tests.forest import ERAS, Era, Forest, Page, answers, pages
from tests.forest_people import Person
from tests.forest_reading import normal
from tests.fuzz_pages import damaged, good_pages
from tests.redacting import (
    decoded,
    is_by,
    keys_of,
    marked_forest,
    redacted_page,
    token_of,
    touched,
    untouched_parts,
)

TOLD_ATTRIBUTE = re.compile(r""" data-answers=\\?"(?:(?:quote|mention) [0-9]+)?\\?\"""")
TOLD = re.compile(r"""<\w+ data-answers=\\?"[^"\\]*\\?" id=\\?['"]comm-id-([0-9]+)""")


def check(thread: Forest, person: Person, page: Page) -> None:
    keys = keys_of(person)
    html = redacted_page(page, keys)
    shown = page.html
    changing = touched(thread, person, page)
    if not changing and html is not shown:
        raise AssertionError("something was cut from a page that does not show the person")

    # Around what is cut, every byte stays; but that what cut words told is written into the tags of their texts.
    told = {int(id) for id in TOLD.findall(html)}
    assert told <= set(changing)
    rest, at = TOLD_ATTRIBUTE.sub("", html), 0
    for part in untouched_parts(page, list(changing.values())):
        found = rest.find(part, at)
        assert found >= 0, part
        assert found == at or at > 0
        at = found + len(part)
    assert at == len(rest)

    before, after = normal(thread, page), normal(thread, replace(page, html=html))
    assert after.article == before.article
    assert after.written.remarks == before.written.remarks
    names = ("id", "parent_id", "parent_source", "posted_raw", "posted_machine", "rating")
    for old, new in zip(before.comments, after.comments, strict=True):
        for name in names:
            assert getattr(old.written, name) == getattr(new.written, name), (old.written.id, name)
        assert old.posted == new.posted
        if is_by(old.written, keys) or posted_by(thread, old.written.id) is person:
            assert new.written.nickname_raw == ""
            assert (new.author, new.body, new.quotes) == (None, "", ())
            assert (new.written.links, new.written.images, new.written.profile_name) == ((), (), None)
            continue
        assert new.author == old.author
        assert new.written.links == old.written.links
        assert new.written.images == old.written.images
        mention = mentioned(thread, old.written.id)
        if mention is person:
            assert new.body == old.body.replace(" ".join(mention.shown.split()), "", 1).strip()
        else:
            assert new.body == old.body
        for quote, kept in zip(remaining(old.quotes, person), new.quotes, strict=True):
            if quote.author == person.nickname:
                assert (kept.author, kept.text, kept.level) == (None, "", quote.level)
                assert quote.comment_id in (None, kept.comment_id)
            else:
                assert kept == quote
        if old.quotes == new.quotes and mention is not person:
            assert new.written == old.written  # also its hash

    plain = decoded(html)
    assert token_of(person) not in plain
    if person.number is not None:
        assert f"foto_{person.number}" not in plain
    again = replace(page, html=html)
    assert redacted_page(again, keys) is html


def remaining(quotes: tuple[Quote, ...], person: Person) -> list[Quote]:
    """The quotations that still stand: one that names nobody is, inside another, the words of whom that one quotes."""
    kept: list[Quote] = []
    around: list[
        tuple[str | None, bool]
    ] = []  # whose words the quotations around are, and whether they stand
    for quote in quotes:
        del around[quote.level - 1 :]
        outer = around[-1][0] if around else None
        whose = quote.author or outer
        stands = quote.author is not None or whose != person.nickname
        if stands:
            kept.append(replace(quote, level=1 + sum(stood for _, stood in around)))
        around.append((whose, stands))
    return kept


def posted_by(thread: Forest, id: int) -> Person | None:
    post = next(post for post in thread.posts if post.id == id)
    # In a skin that nobody knows a guest's name is not found: those comments say nothing of their author.
    return post.author if thread.skin in ("topwar-2021", "dle-default") or post.author.profile else None


def mentioned(thread: Forest, id: int) -> Person | None:
    return next(post for post in thread.posts if post.id == id).mentions


@pytest.mark.parametrize("era", ERAS)
@given(random=st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_page_without_somebody(era: Era, random: Random) -> None:
    thread = marked_forest(random, era)
    person = random.choice(thread.posts).author
    if person.profile is None and thread.skin not in ("topwar-2021", "dle-default"):
        return
    for page in (*pages(thread), *answers(thread)):
        check(thread, person, page)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ('"/user/Nik.Sever/"', "nik.sever"),
        ("https://topwar.ru/user/Nik%2ESever", "nik.sever"),
        ('"/user/Nik&#46;Sever/"', "nik.sever"),
        ('"/user/O&#039;Brien/"', "o'brien"),
        ("/user/O'Brien/", "o'brien"),
        ("'/user/the &quot;real&quot; one/'", 'the "real" one'),
        ("""'/user/the "real" one/#top'""", 'the "real" one'),
        ('"/user/Старый сапёр/"', "старый сапёр"),
        ('"/user/a\\b/"', "a\\b"),
        ('"/user/a<b/"', "a<b"),
        ('"/user/Tom&copyb/"', "tom"),
        (f'"/user/{"%F0%9F%98%80" * 100}/"', "😀" * 100),
        ('"/?subaction=userinfo&amp;user=O&#039;Brien"', "o'brien"),
        ('"/?subaction=userinfo&#038;user=Nik.Sever"', "nik.sever"),
        ('"/?subaction=userinfo&amp;skin=x&amp;user=Nik.Sever&amp;x=1"', "nik.sever"),
    ],
)
def test_a_link_however_its_address_is_written(address: str, key: str) -> None:
    html = f"<html><body><p>By <a href={address} title=zq0q>zq0q</a></body></html>"
    without = partial(redacted, is_forgotten={key}.__contains__, url="/", skins=COMMENTS, guests=False)
    assert without(html) == "<html><body><p>By <a></a></body></html>"
    other = html.replace("/user/", "/user/x").replace("user=", "user=x")
    assert without(other) is other


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("slash", ["/", r"\/"])
@pytest.mark.parametrize("address", ["Вася Пупкин", "Вася+Пупкин", percent_encoded("Вася Пупкин")])
def test_an_author_in_the_data_of_a_script(address: str, slash: str, *, ascii_only: bool) -> None:
    """PHP writes JSON in ASCII, and slashes with a backslash, unless it is told otherwise."""

    def page(name: str, address: str) -> str:
        author = {"@type": "Person", "name": name, "url": f"https://example.org/user/{address}/"}
        data = json.dumps({"@type": "Comment", "author": author}, ensure_ascii=ascii_only)
        data = data.replace("/", slash)
        return f'<script type="application/ld+json">{data}</script><p>Вася Пупкин is a name.</p>'

    without = partial(redacted, is_forgotten={"вася пупкин"}.__contains__, url="/", skins=COMMENTS)
    assert without(page("Вася Пупкин", address)) == page("", "")


@pytest.mark.parametrize("packed", ["<![CDATA[{}]]>".format, escape])
def test_a_link_in_a_feed(packed: Callable[[str], str]) -> None:
    html = '<p>By <a href="/user/Nik.Sever/">zq0q</a> &amp; others</p>'
    feed = "<?xml version='1.0'?><rss><channel><description>{}</description></channel></rss>"
    without = partial(redacted, is_forgotten={"nik.sever"}.__contains__, url="/", skins=COMMENTS)
    cut = "<p>By <a></a> &amp; others</p>"
    assert without(feed.format(packed(html))) == feed.format(packed(cut))


@pytest.mark.parametrize("blanks", ["", " " * 60, "\r\n" * 300])
def test_json_behind_white_space(blanks: str) -> None:
    """The engine's answer is read however much stands before it."""
    said = {"comments": "<div class='title_quote'>Цитата: Прохожий</div><blockquote>да</blockquote>"}
    text = blanks + json.dumps(said)
    without = partial(redacted, is_forgotten={"guest:прохожий"}.__contains__, url="/", skins=COMMENTS)
    assert json.loads(without(text))["comments"] == "<div class='title_quote'></div><blockquote></blockquote>"


def test_a_page_from_before_utf_8_that_nobody_can_read() -> None:
    """One byte that windows-1251 does not know keeps the reader off, but not who looks for somebody."""
    quotation = "<div class='title_quote'>Цитата: Прохожий</div>".encode("windows-1251")
    body = b"<body>\x98 " + quotation + b"</body>"
    without = partial(redacted_body, url="/", charset="utf-8", skins=COMMENTS, guests=True)
    assert (
        without(body, {"guest:прохожий"}.__contains__) == b"<body>\x98 <div class='title_quote'></div></body>"
    )
    assert without(body, {"guest:никто"}.__contains__) is body


def test_damaged_pages() -> None:
    """Whatever arrives, no address of the person's profile is left, and soon; and once is enough."""
    good = good_pages()
    cut = 0
    for number in range(400):
        page = damaged(good, 9, number)
        names = profiles_in(page.body)
        if not names:
            continue
        key = names[number % len(names)]

        without = partial(
            redacted_body,
            is_forgotten={key}.__contains__,
            url=page.url,
            charset=page.site.charset,
            skins=COMMENTS,
            guests=True,
        )
        began = time.process_time()
        html = without(page.body)
        assert time.process_time() - began < 2, number
        assert key not in profiles_in(html), number
        assert without(html) is html, number
        cut += html is not page.body
    assert cut > 100


def profiles_in(body: bytes) -> list[str]:
    """The keys of all members whose profiles are linked to anywhere in a page."""
    found = []
    for name in re.findall(rb"""/user/([^/\\"'<>\s?#]+)""", body):
        try:
            raw = unescape(name.decode()).partition("&")[0]
            found.append(member_key(unquote_plus(raw, errors="strict").strip()))
        except UnicodeDecodeError:
            continue  # no address of anybody
    return [key for key in found if key]


TAGS = (
    "div",
    "p",
    "b",
    "i",
    "ul",
    "ol",
    "li",
    "table",
    "tr",
    "td",
    "blockquote",
    "a",
    "span",
    "h2",
    "form",
    "section",
)
SOUP = st.lists(
    st.one_of(
        st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS if tag != "ol"]),
        st.sampled_from(["<br>", "zq0q ", "<img src='zq0q.jpg'>", "<!-- zq0q -->", "<script>zq0q</script>"]),
    ),
    max_size=12,
).map("".join)


@given(soup=SOUP, era=st.sampled_from(["10.5", "13", "20"]), seed=st.integers(0, 50))
@settings(max_examples=100)
def test_whatever_a_text_leaves_open_or_closes(soup: str, era: Era, seed: int) -> None:
    """Everybody keeps their place, though the text of somebody who is forgotten breaks the page."""
    thread = marked_forest(Random(seed), era, skins=["topwar-2021"])  # noqa: S311 - no secret
    person = thread.posts[0].author
    for post in thread.posts:
        if post.author is person:
            post.text = replace(post.text, html=post.text.html + soup.replace("zq0q", token_of(person)))
    for page in pages(thread):
        html = redacted_page(page, keys_of(person))
        try:
            before = normal(thread, page).comments
        except NotUnderstood:
            continue
        after = normal(thread, replace(page, html=html)).comments
        for old, new in zip(before, after, strict=True):
            if is_by(old.written, keys_of(person)):
                assert (new.author, new.written.images) == (None, ())
            else:
                assert (old.author, old.written.rating) == (new.author, new.written.rating)
            assert (old.written.parent_id, old.posted) == (new.written.parent_id, new.posted)
        assert token_of(person) not in decoded(html)
