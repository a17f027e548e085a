"""The sample site keeps its promises: the other tests take it as the ground truth."""

import gzip
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from urllib.parse import unquote_plus, urlsplit
from urllib.request import urlopen
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest

from crawler.items import Link, Quote
from crawler.sample import (
    Answer,
    Both,
    SampleArticle,
    SampleComment,
    SampleSite,
    markup,
    render_article,
    sample_articles,
)
from crawler.sample.content import EDITIONS, Edition
from crawler.sample.pages import SECTIONS

KITCHEN = 900123
BASE = "http://sample.example"


def kitchen() -> SampleArticle:
    """The article with the long thread."""
    return next(article for article in sample_articles() if article.id == KITCHEN)


def comments() -> list[SampleComment]:
    return [comment for article in sample_articles() for comment in article.comments]


@pytest.fixture(scope="module", params=EDITIONS)
def site(request: pytest.FixtureRequest) -> Iterator[SampleSite]:
    with SampleSite(edition=request.param) as site:
        yield site


def asked(site: SampleSite, path: str, **headers: str) -> tuple[HTTPResponse, bytes]:
    """The answer as sent: no redirect followed, nothing decompressed."""
    connection = HTTPConnection("127.0.0.1", urlsplit(site.url).port or 0, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


# What it says


def test_the_threads_have_the_promised_sizes() -> None:
    sizes = Counter(len(article.comments) for article in sample_articles())
    assert len(sample_articles()) >= 12
    assert (sizes[0], sizes[1], sizes[9]) == (1, 1, 1)
    assert [size for size in sizes if size >= 80] == [86]


def test_the_long_thread_has_three_pages_and_reaches_depth_seven() -> None:
    article = kitchen()
    assert article.comment_pages == 3
    assert max(comment.depth for comment in article.comments) == 7
    pages = [article.comment_page(number) for number in (1, 2, 3)]
    assert all(pages)
    assert article.comment_page(4) == ()
    assert sorted(comment.id for page in pages for comment in page) == [c.id for c in article.comments]


def test_numbers_are_unique_and_grow_from_question_to_answer() -> None:
    ids = [comment.id for comment in comments()]
    assert len(set(ids)) == len(ids)
    for article in sample_articles():
        assert [comment.id for comment in article.comments] == sorted(c.id for c in article.comments)
        for comment in article.comments:
            assert comment.parent_id is None or comment.parent_id < comment.id


def test_a_merged_comment_is_younger_than_its_answer() -> None:
    posted = {comment.id: comment.posted_at for comment in comments()}
    assert all(moment.utcoffset() == UTC.utcoffset(None) for moment in posted.values())
    early = [c for c in comments() if c.parent_id is not None and c.posted_at < posted[c.parent_id]]
    assert len(early) == 1
    assert all(c.posted_at > article.published_at for article in sample_articles() for c in article.comments)


def test_there_is_something_of_everything() -> None:
    authors = {comment.author for comment in comments()}
    members = {person.profile_name for person in authors} - {None}
    guests = {person.nickname.ru for person in authors if person.profile_name is None}
    assert len(members & guests) == 1
    assert {21, 0, -3, None} <= {comment.rating for comment in comments()}
    assert any(" " in name for name in members if name)
    assert any("+" in name for name in members if name)
    assert any(person.nickname.en != person.nickname.ru for person in authors)
    assert any(person.signature for person in authors)
    for edition in EDITIONS:
        quotes = [quote for comment in comments() for quote in comment.quotes(edition)]
        assert {quote.level for quote in quotes} == {1, 2}
        assert any(quote.author is None for quote in quotes)
        assert any(quote.comment_id for quote in quotes)
        assert any(comment.links(edition) for comment in comments())
        assert any(comment.images(edition) for comment in comments())
        assert any(":hi:" in comment.body(edition) for comment in comments())


def test_quotations_name_comments_of_their_own_article() -> None:
    for article in sample_articles():
        for comment in article.comments:
            for quote in (*comment.quotes("en"), *comment.quotes("ru")):
                if quote.comment_id is not None:
                    quoted = article.comment(quote.comment_id)
                    assert quote.author == quoted.author.nickname.en == quoted.author.nickname.ru
                    assert quote.text in quoted.body("en") + quoted.body("ru")


@pytest.mark.parametrize("edition", EDITIONS)
def test_each_edition_is_complete_and_in_its_own_letters(edition: Edition) -> None:
    def cyrillic(text: str) -> bool:
        return bool(re.search("[а-яё]", text, re.IGNORECASE))

    for article in sample_articles():
        text = article.text[edition]
        assert 3 <= len(text.paragraphs) <= 6
        assert text.tags
        for part in (text.title, text.lead, *text.paragraphs, text.byline, *text.footnotes):
            assert cyrillic(part) == (edition == "ru"), part
        assert (text.caption is None) or article.image
        for comment in article.comments:
            assert cyrillic(comment.body(edition)) == (edition == "ru"), comment


# The small markup


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("one\ntwo", "one\ntwo"),
        ("one\n\ntwo", "one\n\ntwo"),
        ("so  be\u00a0it :hi:", "so be it :hi:"),
        ("at 12:20:30", "at 12:20:30"),
        ("take:\n[list]\nsalt\na knife\n[/list]\nready", "take:\nsalt\na knife\nready"),
        ("see [url=https://a.example/?b=c]there[/url].", "see there."),
        ("look\n[gallery]/a.jpg /b.jpg[/gallery]", "look"),
        ("[quote=nick]theirs[/quote]\nmine", "mine"),
        ("before [quote]theirs[/quote] after", "before\nafter"),
    ],
)
def test_plain_text(source: str, plain: str) -> None:
    assert markup.plain(markup.parsed(source)) == plain


def test_quotations_nest() -> None:
    nodes = markup.parsed("[quote=b #7][quote=a]first[/quote]\nsecond[/quote]\nthird")
    assert list(markup.quotes(nodes)) == [
        Quote(author="b", text="second", level=1, comment_id=7),
        Quote(author="a", text="first", level=2),
    ]


@pytest.mark.parametrize("source", ["[quote]never ends", "never began[/quote]"])
def test_quotations_that_do_not_balance_are_refused(source: str) -> None:
    with pytest.raises(ValueError, match="a quotation"):
        markup.parsed(source)


def test_a_link_goes_through_the_redirect_with_its_target_in_base64() -> None:
    nodes = markup.parsed("[url=https://a.example/?b=c&d]there[/url]")
    assert markup.links(nodes) == (Link(text="there", url="https://a.example/?b=c&d"),)
    shown = markup.html(nodes, base_url=BASE, quotation=lambda _, inner: inner)
    assert f'href="{BASE}/index.php?do=go&amp;url=aHR0cHM6Ly9hLmV4YW1wbGUvP2I9YyZk"' in shown


# How it looks


class Tree(HTMLParser):
    """
    Reads a page as tokens, which is the only way to see the true parents below the depth limit.

    Collects for each comment the comment around it, the number of lists around it, and the
    visible text of its author's name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.parents: dict[int, int | None] = {}
        self.lists: dict[int, int] = {}
        self.names: dict[int, str] = {}
        self._open: list[str] = []
        self._in_name = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in ("ol", "ul", "li"):
            self._open.append(attributes.get("id") or tag)
        if tag == "li" and (found := re.fullmatch(r"comments-tree-item-(\d+)", attributes.get("id") or "")):
            around = [item for item in self._open[:-1] if item.startswith("comments-tree-item-")]
            self.parents[int(found[1])] = int(around[-1].rpartition("-")[2]) if around else None
            self.lists[int(found[1])] = self._open.count("ol")
        if attributes.get("class") == "name truncate":
            self._in_name = True

    def handle_data(self, data: str) -> None:
        if self._in_name and data.strip():
            self.names[list(self.parents)[-1]] = data
            self._in_name = False

    def handle_endtag(self, tag: str) -> None:
        if tag in ("ol", "ul", "li"):
            closed = self._open.pop()
            assert closed == tag or (tag == "li" and closed.startswith("comments-tree-item-"))


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("article", sample_articles(), ids=lambda article: str(article.id))
def test_the_tree_on_the_pages_is_the_thread(article: SampleArticle, edition: Edition) -> None:
    parents: dict[int, int | None] = {}
    for number in range(1, article.comment_pages + 1):
        page = render_article(article, number, edition, BASE)
        tree = Tree()
        tree.feed(page)
        assert list(tree.parents) == [comment.id for comment in article.comment_page(number)]
        assert not parents.keys() & tree.parents.keys()
        parents |= tree.parents
        for comment_id in tree.parents:
            comment = article.comment(comment_id)
            assert tree.names[comment_id] == comment.author.nickname[edition]
            assert tree.lists[comment_id] == min(comment.depth, 5) + 1
            for element in ("comment-id", "comm-id"):
                assert page.count(f"id='{element}-{comment_id}'") == 1
    assert parents == {comment.id: comment.parent_id for comment in article.comments}


def test_dates_are_written_as_the_editions_write_them() -> None:
    english, russian = (render_article(kitchen(), 1, edition, BASE) for edition in EDITIONS)
    assert '<time class="date c-muted">3 November 2017 09: 21</time>' in english
    assert '<time class="date c-muted">3 ноября 2017 09:21</time>' in russian
    assert kitchen().comments[0].posted_at == datetime(2017, 11, 3, 6, 21, tzinfo=UTC)
    for page in (english, russian):
        assert '<time class="meta__time" datetime="2017-11-03T09:15">' in page


def test_profile_links_hold_the_original_name() -> None:
    page = render_article(kitchen(), 1, "en", BASE)
    profiles = re.findall(rf'href="{BASE}/user/([^"/]+)/">([^<]+)</a>', page)
    assert ("%D0%9B%D0%BE%D1%80%D0%B4+%D0%9A%D0%B0%D1%88%D0%B0", "Lord Porridge") in profiles
    assert ("T%2B34", "T+34") in profiles
    names = {comment.author.profile_name for comment in kitchen().comments}
    assert {unquote_plus(name) for name, _ in profiles} <= names


@pytest.mark.parametrize(
    ("count", "heading"),
    [(0, "0 комментариев"), (1, "1 комментарий"), (3, "3 комментария"), (11, "11 комментариев")],
)
def test_russian_counts(count: int, heading: str) -> None:
    article = kitchen()
    page = render_article(replace(article, comments=article.comments[:count]), 1, "ru", BASE)
    assert f">{heading}<" in page


# How it answers


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/page/2/", 200),
        ("/page/5/", 200),
        ("/page/6/", 404),
        ("/news/page/2/", 200),
        ("/news/page/3/", 404),
        ("/armament/", 200),
        ("/armament/drones/", 200),
        ("/cooking/", 404),
        ("/2017/11/03/", 200),
        ("/2017/11/04/", 404),
        ("/2017/02/30/", 404),
        ("/rss.xml", 200),
        ("/news/rss.xml", 200),
        ("/cooking/rss.xml", 404),
        ("/robots.txt", 200),
        ("/sitemap.xml", 200),
        (kitchen().path, 200),
        (f"/page,1,2,{kitchen().path[1:]}", 200),
        (f"/page,1,3,{kitchen().path[1:]}", 200),
        (f"/page,1,4,{kitchen().path[1:]}", 301),
        (f"/page,1,1,{kitchen().path[1:]}", 301),
        (f"/{KITCHEN}-wrong-slug.html", 301),
        (f"/index.php?newsid={KITCHEN}", 301),
        ("/index.php?newsid=1", 404),
        ("/index.php?newsid=x", 404),
        ("/900999-nothing.html", 404),
        ("/user/kettle77/", 404),
        ("/nonsense", 404),
    ],
)
def test_routes(site: SampleSite, path: str, status: int) -> None:
    response, body = asked(site, path)
    assert response.status == status
    assert int(response.headers["Content-Length"]) == len(body)
    assert parsedate_to_datetime(response.headers["Date"]).tzinfo is not None
    if status == 301:
        assert response.headers["Location"] == site.url + kitchen().path
    else:
        assert response.headers["Content-Type"].endswith("; charset=utf-8")
    if status == 404:
        assert {"en": "Information", "ru": "Информация"}[site.edition] in body.decode()


def cards(page: bytes) -> list[str]:
    """Paths of the articles that a listing shows."""
    links = re.findall(r'<a class="item-link" href="([^"]+)">', page.decode())
    return [urlsplit(link).path for link in links]


def test_listings_show_every_article_once_and_newest_first(site: SampleSite) -> None:
    shown = [path for number in range(1, 6) for path in cards(asked(site, f"/page/{number}/")[1])]
    newest = sorted(site.articles, key=lambda article: article.published_at, reverse=True)
    assert shown == [article.path for article in newest]


def test_each_section_shows_its_articles_and_those_below_it(site: SampleSite) -> None:
    for section in SECTIONS:
        expected = {a.path for a in site.articles if f"{a.section}/".startswith(f"{section}/")}
        pages = [asked(site, f"/{section}/page/{number}/")[1] for number in (1, 2)]
        assert {path for page in pages for path in cards(page)} == expected


def test_the_day_archive_is_of_the_sites_own_calendar(site: SampleSite) -> None:
    late = replace(kitchen(), id=900125, published_at=datetime(2017, 11, 3, 21, 30, tzinfo=UTC))
    with SampleSite(edition=site.edition, articles=(late,)) as other:
        assert cards(asked(other, "/2017/11/04/")[1]) == [late.path]


def test_the_feed_is_xml_with_the_newest_ten_and_moscow_time(site: SampleSite) -> None:
    channel = ElementTree.fromstring(asked(site, "/rss.xml")[1]).find("channel")  # noqa: S314 our own text
    assert channel is not None
    items = channel.findall("item")
    newest = sorted(site.articles, key=lambda article: article.published_at, reverse=True)[:10]
    for item, article in zip(items, newest, strict=True):
        assert item.findtext("link") == site.url + article.path
        assert item.findtext("title") == article.text[site.edition].title
        published = item.findtext("pubDate") or ""
        assert published.endswith(" +0300")
        assert parsedate_to_datetime(published) == article.published_at


def test_robots_txt_allows_what_is_read_and_closes_what_the_engine_closes(site: SampleSite) -> None:
    robots = RobotFileParser()
    robots.parse(asked(site, "/robots.txt")[1].decode().splitlines())
    assert robots.can_fetch("any", f"{site.url}/page,1,2,{kitchen().path[1:]}")
    assert robots.can_fetch("any", f"{site.url}/index.php?newsid={KITCHEN}")
    assert not robots.can_fetch("any", f"{site.url}/user/kettle77/")
    assert robots.site_maps() == [f"{site.url}/sitemap.xml"]


def test_the_sitemap_has_every_article(site: SampleSite) -> None:
    sitemap = ElementTree.fromstring(asked(site, "/sitemap.xml")[1])  # noqa: S314 our own text
    locations = {element.text for element in sitemap.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")}
    assert locations == {site.url + article.path for article in site.articles}


def test_gzip_only_for_those_who_take_it(site: SampleSite) -> None:
    _, as_is = asked(site, "/")
    response, packed = asked(site, "/", **{"Accept-Encoding": "gzip, deflate"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == as_is


# What tests do to it


@pytest.fixture
def own_site() -> Iterator[SampleSite]:
    """A site that one test may change."""
    with SampleSite() as site:
        yield site


def test_a_canned_answer_takes_precedence_until_it_is_removed(own_site: SampleSite) -> None:
    own_site.answers["/rss.xml"] = Answer(status=503, headers={"Retry-After": "9"}, body="busy")
    response, body = asked(own_site, "/rss.xml")
    assert (response.status, response.headers["Retry-After"], body) == (503, "9", b"busy")
    del own_site.answers["/rss.xml"]
    assert asked(own_site, "/rss.xml")[0].status == 200


def test_a_canned_answer_may_set_the_clock_and_break_off(own_site: SampleSite) -> None:
    date = "Fri, 03 Nov 2017 09:20:00 GMT"
    own_site.answers["/"] = Answer(headers={"Date": date, "Content-Length": "100"}, body="half")
    with pytest.raises(IncompleteRead):
        asked(own_site, "/")
    own_site.answers["/"] = Answer(headers={"Date": date})
    assert asked(own_site, "/")[0].headers.get_all("Date") == [date]


def test_a_canned_answer_may_take_its_time(own_site: SampleSite) -> None:
    own_site.answers["/"] = Answer(delay_s=0.05)
    began = time.monotonic()
    asked(own_site, "/")
    assert time.monotonic() - began >= 0.05


def test_requests_are_remembered_with_their_time(own_site: SampleSite) -> None:
    asked(own_site, "/robots.txt", **{"User-Agent": "tester"})
    asked(own_site, "/?a=b")
    first, second = own_site.requests
    assert (first.path, second.path) == ("/robots.txt", "/?a=b")
    assert first.headers["User-Agent"] == "tester"
    assert first.at <= second.at


def test_the_thread_may_change_between_two_crawls(own_site: SampleSite) -> None:
    article = own_site.article(KITCHEN)
    root, answer = article.comments[0], article.answers(article.comments[0].id)[0]

    own_site.put(article.rewritten(answer.id, en="On second thoughts, no.", ru="Хотя нет."))
    assert b">On second thoughts, no.</div>" in asked(own_site, article.path)[1]

    own_site.put(article.without(root.id))
    page = asked(own_site, article.path)[1].decode()
    assert not any(f"'comment-id-{comment.id}'" in page for comment in article.branch(root))

    late = replace(answer, id=9000001, parent_id=answer.id, source=Both(en="Late.", ru="Поздно."))
    own_site.put(article.with_comment(late))
    assert own_site.article(KITCHEN).comment(9000001).depth == answer.depth + 1
    assert b"'comment-id-9000001'" in asked(own_site, article.path)[1]
    assert len(own_site.articles) == len(sample_articles())


def test_one_connection_serves_many_pages_and_ends_with_the_site() -> None:
    with SampleSite() as site:
        connection = HTTPConnection("127.0.0.1", urlsplit(site.url).port or 0, timeout=10)
        for path in ("/", kitchen().path, "/nonsense"):
            connection.request("GET", path)
            connection.getresponse().read()
        kept = connection.sock
        assert kept is not None
    assert kept.recv(1) == b""
    connection.close()


def test_it_serves_in_the_foreground_and_says_where() -> None:
    command = [sys.executable, "-m", "crawler.sample", "--edition", "ru", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
            assert found is not None
            with urlopen(found[0], timeout=10) as response:  # noqa: S310 our own loopback address
                assert '<html lang="ru">' in response.read().decode()
        finally:
            process.terminate()


def test_a_taken_port_is_said_in_one_line(own_site: SampleSite) -> None:
    port = str(urlsplit(own_site.url).port)
    command = [sys.executable, "-m", "crawler.sample", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Port {port} cannot be had")
    assert done.stderr.count("\n") == 1
