"""The main job, end to end: the sample site on loopback, a real crawl, real rows on SQLite and Postgres."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from crawler.sample import Answer, SampleComment, SampleSite, sample_articles
from crawler.sample.content import EDITIONS, Edition
from crawler.storage import database
from crawler.storage.queries import thread
from tests.crawling import (
    BIG,
    EDITION_IDS,
    PROJECT,
    SMALL,
    article_ids,
    content,
    crawl,
    crawl_command,
    crawler,
    environment,
    rows,
    utc,
)

# --- what is stored ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_crawl_stores_all_that_the_site_says(url: str, edition: Edition) -> None:
    with SampleSite(edition=edition) as site:
        ended = crawl(url, site.url, f"edition={edition}", "depth=0")
    assert (ended.code, ended.out) == (0, ""), ended.err
    assert "crawl: finished" in ended.err

    base = {"en": "https://en.topwar.ru", "ru": "https://topwar.ru"}[edition]
    stored = {row["id"]: row for row in rows(url, "SELECT * FROM articles")}
    assert stored.keys() == {article.id for article in sample_articles()}
    for article in sample_articles():
        row, text = stored[article.id], article.text[edition]
        assert row["edition_id"] == EDITION_IDS[edition]
        assert row["url"] == base + article.path
        assert row["title"] == text.title
        assert [line for line in row["body"].split("\n") if line] == list(text.paragraphs)
        assert row["byline"] == text.byline
        assert row["source_credit"] == text.source_credit
        assert (row["views"], row["rating"]) == (article.views, article.rating)
        assert (row["comments_stated"], row["comments_stored"]) == (
            len(article.comments),
            len(article.comments),
        )

    comments = {
        row["id"]: row
        for row in rows(
            url,
            "SELECT c.*, a.nickname, a.profile_name, a.kind FROM comments c LEFT JOIN authors a"
            " ON a.key = c.author_key AND a.edition_id = c.edition_id",
        )
    }
    for article in sample_articles():
        for comment in article.comments:
            row, author = comments.pop(comment.id), comment.author
            assert row["article_id"] == article.id
            assert (row["parent_id"], row["depth"]) == (comment.parent_id, comment.depth)
            assert row["nickname"] == author.nickname[edition]
            assert row["kind"] == ("member" if author.profile_name else "guest")
            assert row["author_key"] == (
                author.profile_name.casefold()
                if author.profile_name
                else f"guest:{row['nickname'].casefold()}"
            )
            assert utc(row["posted_at"]) == comment.posted_at
            assert row["posted_precision"] == "minute"
            assert row["rating"] == comment.rating
            assert row["body"] == comment.body(edition)
    assert comments == {}


def test_what_is_quoted_and_linked_is_kept_apart(lite: str) -> None:
    with SampleSite(edition="en") as site:
        assert crawl(lite, site.url, "depth=0").code == 0
    with database.reading(lite) as connection:
        for article in sample_articles():
            for row, comment in zip(
                thread(connection, article.id, 1), reading_order(article.comments), strict=True
            ):
                assert row["id"] == comment.id
                assert [(q["author"], q["text"], q["level"]) for q in row["quotes"]] == [
                    (q.author, q.text, q.level) for q in comment.quotes("en")
                ]
                assert [(link["text"], link["url"]) for link in row["links"]] == [
                    (link.text, link.url) for link in comment.links("en")
                ]


def reading_order(comments: tuple[SampleComment, ...], parent: int | None = None) -> Iterator[SampleComment]:
    for comment in sorted((c for c in comments if c.parent_id == parent), key=lambda c: c.id):
        yield comment
        yield from reading_order(comments, comment.id)


def test_a_second_crawl_adds_nothing(url: str) -> None:
    with SampleSite(edition="en") as site:
        assert crawl(url, site.url, "depth=0").code == 0
        first = content(url)
        again = crawl(url, site.url, "depth=0", "visit=all")
    assert again.code == 0
    assert " 0 new articles, 0 new and 0 changed comments" in again.err
    assert content(url) == first


@pytest.mark.parametrize("archive", ["kept", "carried away"])
def test_what_another_reader_has_read_otherwise_is_read_again(url: str, tmp_path: Path, archive: str) -> None:
    """As after an update, where nobody has run `crawler reparse`: the site has changed nothing."""
    folder = tmp_path / "archive"
    of_then = "reader_version = 0, source_hash = 'of then', body = 'Misread.'"
    with SampleSite(edition="en") as site:
        assert crawl(url, site.url, f"ids={SMALL.id}", WARC_DIR=str(folder)).code == 0
        before = rows(url, "SELECT id, body, change FROM comments ORDER BY id")
        with database.engine(url, writes=True).begin() as connection:
            connection.exec_driver_sql(f"UPDATE comments SET {of_then} WHERE article_id = {SMALL.id}")
        if archive == "carried away":
            shutil.rmtree(folder)
        ended = crawl(url, site.url, f"ids={SMALL.id}", WARC_DIR=str(folder))
        assert ended.code == 0, ended.err
    after = rows(url, "SELECT id, body, change FROM comments ORDER BY id")
    states = rows(url, "SELECT body FROM comment_states")
    if archive == "kept":
        assert (after, states) == (before, [])
    else:  # then nobody can tell
        assert "what differs counts as a change" in ended.err
        assert [row["body"] for row in after] == [row["body"] for row in before]
        assert {row["body"] for row in states} == {"Misread."}


def test_every_exchange_and_visit_has_its_row(lite: str) -> None:
    with SampleSite(edition="en") as site:
        assert crawl(lite, site.url, "depth=0").code == 0
        asked = [request.path for request in site.requests]
    fetches = rows(lite, "SELECT url, kind, status, outcome, digest, bytes, id FROM fetches ORDER BY id")
    assert [fetch["url"].removeprefix(site.url) for fetch in fetches] == asked
    assert asked[0] == "/robots.txt"
    assert {fetch["outcome"] for fetch in fetches} == {"ok"}
    assert all(len(fetch["digest"]) == 64 and fetch["bytes"] > 0 for fetch in fetches)
    visits = rows(lite, "SELECT * FROM visits")
    assert len(visits) == len(sample_articles())
    assert {(visit["outcome"], visit["sweep"]) for visit in visits} == {("swept", 1)}
    of_big = next(visit for visit in visits if visit["article_id"] == BIG.id)
    assert (of_big["pages_read"], of_big["pages_expected"]) == (3, 3)
    assert of_big["comments_seen"] == of_big["comments_new"] == of_big["comments_stated"] == len(BIG.comments)
    frontier = rows(lite, "SELECT * FROM frontier")
    assert len(frontier) == len(sample_articles())
    assert all(row["outcome"] == "swept" and row["next_visit_at"] > row["last_visit_at"] for row in frontier)
    [crawl_row] = rows(lite, "SELECT * FROM crawls")
    assert crawl_row["state"] == "finished"
    assert crawl_row["comments_new"] == sum(len(article.comments) for article in sample_articles())
    [host] = rows(lite, "SELECT * FROM hosts")
    assert host["robots_state"] == "rules"
    assert [row["complete"] for row in rows(lite, "SELECT complete FROM completeness_view")] == [1] * len(
        visits
    )


def test_an_edited_comment_keeps_its_earlier_words(url: str) -> None:
    edited = SMALL.comments[0]
    with SampleSite(edition="en") as site:
        assert crawl(url, site.url, f"ids={SMALL.id}").code == 0
        site.put(SMALL.rewritten(edited.id, en="I have thought again.", ru="Я передумал."))
        ended = crawl(url, site.url, f"ids={SMALL.id}")
    assert "0 new and 1 changed comments" in ended.err
    states = rows(
        url, "SELECT body FROM comment_history WHERE comment_id = :id ORDER BY seen_at", id=edited.id
    )
    assert [state["body"] for state in states] == [edited.body("en"), "I have thought again."]


# --- what is asked for ------------------------------------------------------------------------------------------


def test_articles_by_their_numbers(lite: str) -> None:
    first, second = sample_articles()[:2]
    with SampleSite(edition="en") as site:
        ended = crawl(lite, site.url, f"ids={first.id},{second.id}-{second.id + 1}")
        assert "/rss.xml" not in {request.path for request in site.requests}
    assert ended.code == 0
    assert article_ids(lite) == {first.id, second.id}
    outcomes = {row["article_id"]: row["outcome"] for row in rows(lite, "SELECT * FROM visits")}
    assert outcomes == {first.id: "swept", second.id: "swept", second.id + 1: "not_found"}


def test_articles_by_their_addresses(lite: str, tmp_path: Path) -> None:
    first, second, third = sample_articles()[:3]
    (tmp_path / "wanted").write_text(f"# mine\nhttps://en.topwar.ru{third.path}\n")
    with SampleSite(edition="en") as site:
        assert (
            crawl(lite, site.url, f"url=https://en.topwar.ru{first.path},{site.url}{second.path}").code == 0
        )
        assert article_ids(lite) == {first.id, second.id}
        assert crawl(lite, site.url, f"url=@{tmp_path}/wanted").code == 0
    assert article_ids(lite) == {first.id, second.id, third.id}


def test_articles_of_some_days(lite: str) -> None:
    day = (BIG.published_at + timedelta(hours=3)).date()
    expected = {a.id for a in sample_articles() if (a.published_at + timedelta(hours=3)).date() == day}
    with SampleSite(edition="en") as site:
        assert crawl(lite, site.url, f"since={day}", f"until={day}").code == 0
    assert article_ids(lite) == expected


def test_articles_of_a_section_and_no_more_than_asked(lite: str) -> None:
    with SampleSite(edition="en") as site:
        assert crawl(lite, site.url, "sections=opinions", "limit=1").code == 0
        assert len(article_ids(lite)) == 1
        assert crawl(lite, site.url, "sections=opinions").code == 0
    assert article_ids(lite) == {a.id for a in sample_articles() if a.section.split("/")[0] == "opinions"}


@pytest.mark.parametrize("way", ["feed", "listing", "sitemap"])
def test_each_way_of_discovering(lite: str, way: str) -> None:
    with SampleSite(edition="en") as site:
        assert crawl(lite, site.url, f"discover={way}", "visit=none", "depth=0").code == 0
    known = {row["article_id"]: row["discovered_via"] for row in rows(lite, "SELECT * FROM frontier")}
    assert set(known.values()) == {way}
    assert len(known) == (10 if way == "feed" else len(sample_articles()))
    assert article_ids(lite) == set()


def test_an_index_of_sitemaps(lite: str) -> None:
    with SampleSite(edition="en") as site:
        site.answers["/news_pages.xml"] = site.answer("/sitemap.xml")
        index = "".join(
            f"<sitemap><loc>{site.url}{path}</loc></sitemap>" for path in ("/news_pages.xml", "/sitemap.xml")
        )
        site.answers["/sitemap.xml"] = Answer(
            body=f'<?xml version="1.0"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{index}</sitemapindex>',
            headers={"Content-Type": "application/xml"},
        )
        assert crawl(lite, site.url, "discover=sitemap", "visit=none").code == 0
    assert len(rows(lite, "SELECT * FROM frontier")) == len(sample_articles())


def test_an_article_that_is_not_due_is_left_alone(lite: str) -> None:
    with SampleSite(edition="en") as site:
        assert crawl(lite, site.url, "depth=0").code == 0
        before = len(site.requests)
        assert crawl(lite, site.url, "depth=0").code == 0
        asked = {request.path for request in site.requests[before:]}
    assert not asked & {article.path for article in sample_articles()}


# --- manners ----------------------------------------------------------------------------------------------------


def test_requests_are_a_second_apart_and_say_who_asks(lite: str) -> None:
    with SampleSite(edition="en") as site:
        assert crawl(lite, site.url, f"ids={SMALL.id}", delay="1", CONTACT="me@example.org").code == 0
        times = [request.at for request in site.requests]
        headers = [request.headers for request in site.requests]
    assert len(times) >= 3
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(times))
    for sent in headers:
        assert "me@example.org" in sent["User-Agent"]
        assert not sent.keys() & {"Cookie", "Referer", "Authorization"}


@pytest.mark.parametrize(
    ("robots", "because"),
    [
        (Answer(body="User-agent: *\nDisallow: /\n", headers={"Content-Type": "text/plain"}), "forbids"),
        (Answer(status=503), "could not be had"),
        (Answer(status=403), "could not be had"),
        (Answer(body="<html>checking your browser</html>"), "no robots.txt"),
    ],
)
def test_without_the_leave_of_robots_nothing_is_asked(lite: str, robots: Answer, because: str) -> None:
    with SampleSite(edition="en") as site:
        site.answers["/robots.txt"] = robots
        ended = crawl(lite, site.url, f"ids={SMALL.id}")
        asked = {request.path for request in site.requests}
    assert ended.code == 4
    assert because in ended.err
    assert asked == {"/robots.txt"}
    assert article_ids(lite) == set()
    assert [row["state"] for row in rows(lite, "SELECT state FROM crawls")] == ["failed"]


def test_a_host_that_asks_us_to_wait_is_left_alone_by_the_next_crawl_too(lite: str) -> None:
    with SampleSite(edition="en") as site:
        site.answers[SMALL.path] = Answer(status=429, headers={"Retry-After": "3600"})
        assert crawl(lite, site.url, f"url={site.url}{SMALL.path}").code == 4
        site.answers.clear()
        before = len(site.requests)
        ended = crawl(lite, site.url, f"ids={SMALL.id}")
        assert site.requests[before:] == []
    assert ended.code == 4
    assert "left alone until" in ended.err


# --- what can go wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("ids=abc", "ids=abc"),
        ("ids=9-1", "runs backwards"),
        ("since=2017-13-01", "not a day"),
        ("until=2017-11-05", "since"),
        ("sections=gardening", "news, armament"),
        ("edition=xx", "en, ru"),
        ("discover=magic", "feed, listing"),
        ("visit=some", "due, new"),
        ("limit=0", "limit=0"),
        ("base_url=ftp://x", "base_url"),
        ("url=https://example.org/1-a.html", "no article of Military Review"),
        ("url=@/no/such/file", "cannot be read"),
        ("color=red", "no argument 'color'"),
    ],
)
def test_a_bad_argument_is_named_and_changes_nothing(lite: str, argument: str, said: str) -> None:
    ended = crawl(lite, None, argument)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert rows(lite, "SELECT * FROM crawls") == []


def test_an_unknown_spider(lite: str) -> None:
    ended = crawler(lite, "crawl", "military_revue")
    assert (ended.code, "military_review" in ended.err) == (2, True)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
def test_an_unreachable_site(lite: str, base_url: str) -> None:
    ended = crawl(lite, base_url)
    assert ended.code == 4
    assert "could not be had" in ended.err
    assert "Traceback" not in ended.err


def test_an_archive_takes_only_one_site(lite: str) -> None:
    with SampleSite(edition="en") as site:
        assert crawl(lite, site.url, f"ids={SMALL.id}").code == 0
    before = content(lite)
    with SampleSite(edition="en") as other:
        ended = crawl(lite, other.url, f"ids={SMALL.id}")
    assert ended.code == 2
    assert "filled from" in ended.err
    assert content(lite) == before


def test_a_passing_failure_is_tried_again(lite: str) -> None:
    with SampleSite(edition="en") as site:
        site.answers[SMALL.path] = Answer(status=500)
        assert crawl(lite, site.url, "depth=0").code == 0
        states = rows(lite, "SELECT * FROM visits WHERE outcome <> 'swept'")
        assert [(row["article_id"], row["outcome"]) for row in states] == [(SMALL.id, "unreachable")]
        assert SMALL.id not in article_ids(lite)
        failures = rows(lite, "SELECT * FROM fetches WHERE outcome = 'server_error'")
        assert len(failures) == 3
        site.answers.clear()
        assert crawl(lite, site.url, f"ids={SMALL.id}").code == 0
    assert SMALL.id in article_ids(lite)


def test_a_thread_that_is_cut_off_is_kept_as_partial(lite: str) -> None:
    with SampleSite(edition="en") as site:
        site.answers[f"/page,1,3,{BIG.id}-{BIG.slug}.html"] = Answer(status=500)
        assert crawl(lite, site.url, f"ids={BIG.id}").code == 0
        [visit] = rows(lite, "SELECT * FROM visits")
        assert (visit["outcome"], visit["sweep"], visit["pages_read"]) == ("partial", 0, 2)
        site.answers.clear()
        assert crawl(lite, site.url, f"ids={BIG.id}").code == 0
    [article] = rows(lite, "SELECT * FROM articles")
    assert article["comments_stored"] == len(BIG.comments)


def test_pages_that_are_no_articles_store_nothing_and_end_with_5(lite: str) -> None:
    with SampleSite(edition="en") as site:
        assert crawl(lite, site.url, "depth=0").code == 0
        before = content(lite)
        for article in sample_articles():
            site.answers[article.path] = Answer(
                body="<html><body>Please prove that you are human.</body></html>"
            )
        ended = crawl(lite, site.url, "visit=all", "discover=none")
    assert ended.code == 5
    assert "not understood" in ended.err
    assert content(lite) == before
    last = rows(lite, "SELECT DISTINCT outcome FROM visits WHERE crawl_id = 2")
    assert last == [{"outcome": "not_understood"}]


def test_a_check_for_humans_is_not_asked_again_and_again(lite: str) -> None:
    script = "<script src='/.well-known/ddos-guard/js'></script>"
    guard = f"<html><head><title>DDoS-Guard</title></head><body>{script}</body></html>"
    with SampleSite(edition="en") as site:
        for article in sample_articles():
            site.answers[article.path] = Answer(body=guard)
        ended = crawl(lite, site.url, "depth=0", "discover=sitemap")
        asked = {request.path for request in site.requests} & {article.path for article in sample_articles()}
    assert ended.code == 5
    assert "check for humans" in ended.err
    assert 5 <= len(asked) <= 7  # those that were under way when it was enough


def test_a_notice_that_there_is_no_such_page_counts_as_that_with_status_200_too(lite: str) -> None:
    with SampleSite(edition="en") as site:
        site.answers[SMALL.path] = replace(site.answer("/900999-x.html"), status=200)
        assert crawl(lite, site.url, f"url={site.url}{SMALL.path}").code == 0
    assert [row["outcome"] for row in rows(lite, "SELECT outcome FROM visits")] == ["not_found"]


def test_an_unreadable_comment_block_is_not_no_comments(lite: str) -> None:
    with SampleSite(edition="en") as site:
        page = site.answer(SMALL.path).body
        text = page.decode() if isinstance(page, bytes) else page
        for mark in ("comment-id-", "comm-id-", "comments-tree-item-"):
            text = text.replace(mark, f"new-{mark}")
        site.answers[SMALL.path] = Answer(body=text)
        ended = crawl(lite, site.url, f"ids={SMALL.id}")
    assert ended.code == 0  # one page of one is under the three that make 5
    assert [row["outcome"] for row in rows(lite, "SELECT outcome FROM visits")] == ["not_understood"]
    assert article_ids(lite) == set()


def test_what_cannot_be_read_of_a_comment_is_null_and_not_guessed(url: str) -> None:
    dated, nameless, doubled = SMALL.comments[:3]
    with SampleSite(edition="en") as site:
        page = site.answer(SMALL.path).body
        text = page.decode() if isinstance(page, bytes) else page
        before, mark, block = text.partition(f"<div id='comment-id-{dated.id}'>")
        block = re.sub(r">\s*\d+ \w+ \d{4} \d+: \d+\s*<", ">31 February 2017 12: 20<", block, count=1)
        text = before + mark + block
        before, mark, block = text.partition(f"<div id='comment-id-{nameless.id}'>")
        name = nameless.author.nickname["en"]
        block = re.sub(rf">\s*{re.escape(name)}\s*<", "> <", block, count=1).replace(
            f'alt="{name}"', 'alt=""', 1
        )
        text = before + mark + block
        copy = f"<div id='comment-id-{doubled.id}'><div id='comm-id-{doubled.id}'>another text</div></div>"
        text = text.replace('<div id="dle-ajax-comments">', copy + '<div id="dle-ajax-comments">')
        text = text if copy in text else text.replace("</form>", copy + "</form>", 1)
        site.answers[SMALL.path] = Answer(body=text)
        ended = crawl(url, site.url, f"ids={SMALL.id}")
    assert ended.code == 0
    assert "'31 February 2017 12: 20'" in ended.err
    assert f"comment {doubled.id} stands twice" in ended.err
    stored = {row["id"]: row for row in rows(url, "SELECT * FROM comments")}
    assert len(stored) == len(SMALL.comments)
    assert (stored[dated.id]["posted_at"], stored[dated.id]["posted_raw"]) == (
        None,
        "31 February 2017 12: 20",
    )
    assert stored[nameless.id]["nickname_raw"] == ""
    assert stored[doubled.id]["body"] == doubled.body("en")


def test_an_article_that_moved_away(lite: str) -> None:
    with SampleSite(edition="en") as site:
        site.answers[SMALL.path] = Answer(status=301, headers={"Location": "/"})
        assert crawl(lite, site.url, f"url={site.url}{SMALL.path}").code == 0
    [row] = rows(lite, "SELECT outcome, next_visit_at FROM frontier")
    assert row == {"outcome": "moved", "next_visit_at": None}


def test_a_redirect_to_another_host_is_not_followed(lite: str) -> None:
    with SampleSite(edition="en") as site, SampleSite(edition="en") as elsewhere:
        site.answers[SMALL.path] = Answer(status=301, headers={"Location": elsewhere.url + SMALL.path})
        assert crawl(lite, site.url, f"url={site.url}{SMALL.path}").code == 0
        assert elsewhere.requests == []
    assert article_ids(lite) == set()


def test_a_database_without_tables_is_not_touched(database_url: str) -> None:
    ended = crawl(database_url, None)
    assert ended.code == 3
    assert "crawler migrate" in ended.err


def test_a_database_of_another_version(url: str) -> None:
    with database.engine(url, writes=True).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'f00'")
    ended = crawl(url, None)
    assert ended.code == 3
    assert "newer version" in ended.err


def test_a_database_that_is_down() -> None:
    ended = crawl("postgresql+psycopg://me:secret@127.0.0.1:1/archive", None)
    assert ended.code == 3
    assert "127.0.0.1:1" in ended.err
    assert "secret" not in ended.err
    assert "Traceback" not in ended.err


def test_a_place_where_no_database_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = crawl(f"sqlite:///{tmp_path}/file/archive.db", None)
    assert ended.code == 3
    assert "Traceback" not in ended.err


def test_the_default_database_is_made_by_itself(tmp_path: Path) -> None:
    env = environment("")
    del env["DATABASE_URL"]
    with SampleSite(edition="en") as site:
        done = subprocess.run(
            crawl_command(site.url, f"ids={SMALL.id}"),
            env=env | {"PYTHONPATH": str(PROJECT)},
            cwd=tmp_path,
            check=False,
        )
    assert done.returncode == 0
    assert article_ids(f"sqlite:///{tmp_path}/crawler.db") == {SMALL.id}
