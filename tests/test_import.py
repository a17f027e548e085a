"""Old pages out of foreign archives: taken with their own dates, once, and folded as if we had been there."""

import base64
import gzip
import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from warcio.statusandheaders import StatusAndHeaders

from crawler.errors import AlreadyRunning, BadArgument
from crawler.fetching.foreign import ForeignRecord
from crawler.forget import forget
from crawler.importing import import_files
from crawler.importing.captures import PageAt, hosts, page_at
from crawler.importing.summary import Summary
from crawler.reparse import Choice, reparse
from crawler.sample import SampleArticle, SampleSite, render_article
from crawler.sites.military_review import SITE
from crawler.storage import database
from crawler.storage.archive import Archive
from tests.crawling import PROJECT, crawl, crawler, environment, rows
from tests.foreign import ForeignFile, Seen, arc
from tests.forest import ERAS, KNOWN_SKINS, forest, pages, truths
from tests.lives import LONG, SHORT
from tests.test_reparse import REBUILT, dump, read_again
from tests.verified import faults, looked
from tests.warcs import records

EN, RU = SITE.edition("en"), SITE.edition("ru")
FEBRUARY = datetime(2018, 2, 19, 12, 30, 15, tzinfo=UTC)
KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgres"])

Imported = Callable[..., Summary]


def seen(
    article: SampleArticle,
    at: datetime = FEBRUARY,
    *,
    page: int = 1,
    base_url: str = "http://en.topwar.ru",
    **fields: Any,
) -> Seen:
    """A page of an article as somebody else's crawler got it."""
    edition: Any = "en" if "//en." in base_url or "//www.en." in base_url else "ru"
    path = article.path if page == 1 else f"/page,1,{page},{article.path[1:]}"
    body = render_article(article, page, edition, base_url).encode()
    return Seen(uri=base_url + path, at=at, body=body, **fields)


def imported(
    url: str,
    folder: Path,
    *files: Path,
    editions: tuple[Any, ...] = (EN, RU),
    dry_run: bool = False,
    **more: Any,
) -> Summary:
    return import_files(url, folder, files, editions, dry_run=dry_run, say=print, **more)


#: A comment that was deleted before our first crawl, and one that was edited.
DELETED, EDITED = SHORT.comments[-1], SHORT.comments[0]
OF_OLD = replace(
    SHORT.rewritten(EDITED.id, en="I was of another opinion then.", ru="Тогда я думал иначе."),
    text={code: replace(text, title=f"{text.title}, says the editor") for code, text in SHORT.text.items()},
)


@KINDS
@pytest.mark.parametrize("first", ["import", "crawl"])
def test_an_old_capture_is_what_we_would_have_seen_then(
    kind: str, first: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    url, folder = new_database(kind), tmp_path / "archive"
    file = ForeignFile()
    file.common_crawl(seen(OF_OLD))
    theirs = file.written(tmp_path / "theirs.warc.gz")
    with SampleSite(edition="en") as site:
        site.put(SHORT.without(DELETED.id))
        steps: list[Callable[[], object]] = [
            lambda: imported(url, folder, theirs),
            lambda: crawl(url, site.url, f"ids={SHORT.id}", WARC_DIR=str(folder)),
        ]
        for step in steps if first == "import" else reversed(steps):
            step()
    [edited] = rows(url, "SELECT * FROM comments WHERE id = :id", id=EDITED.id)
    [before] = rows(url, "SELECT * FROM comment_states WHERE comment_id = :id", id=EDITED.id)
    assert before["body"] == "I was of another opinion then."
    assert edited["body"] == EDITED.body("en")
    assert edited["change"] == "translation"
    assert moment(before["seen_at"]) == moment(edited["first_seen_at"]) == FEBRUARY
    [title] = rows(url, "SELECT title FROM article_states WHERE article_id = :id", id=SHORT.id)
    assert title["title"] == OF_OLD.text["en"].title
    # What only the capture shows is missing since the first sweep of ours, and gone after the next.
    [deleted] = rows(url, "SELECT * FROM comments WHERE id = :id", id=DELETED.id)
    assert (deleted["state"], moment(deleted["first_seen_at"])) == ("missing", FEBRUARY)
    names = rows(
        url, "SELECT first_seen_at FROM author_names WHERE author_key = :key", key=edited["author_key"]
    )
    assert [moment(name["first_seen_at"]) for name in names] == [FEBRUARY]
    [fetch] = rows(url, "SELECT * FROM fetches WHERE source = 'import'")
    assert fetch["id"] == before["fetch_id"]
    assert fetch["id"] == int(FEBRUARY.timestamp()) * 10**8 + EN.id
    assert (fetch["url"], fetch["article_id"], fetch["page"]) == (EN.base_url + SHORT.path, SHORT.id, 1)
    assert (fetch["crawl_id"], fetch["visit_id"], fetch["outcome"]) == (None, None, "ok")
    assert fetch["warc_file"].startswith("military_review-en-import-")
    # The archive tells all of it again, the source too; and it is no crawl that was lost.
    empty = new_database(kind)
    assert read_again(empty, folder).unread == {}
    known, rebuilt = dump(url), dump(empty)
    for name in REBUILT:
        assert rebuilt[name] == known[name], name
    assert faults(looked(url, folder)) == {}
    # Importing again changes nothing.
    again = imported(url, folder, theirs)
    assert (again.taken, again.known, again.articles) == (0, 1, 0)
    assert dump(url) == known


def moment(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


@pytest.fixture
def url(new_database: Callable[[str], str]) -> str:
    return new_database("sqlite")


def taken(file: ForeignFile, url: str, tmp_path: Path, **more: Any) -> Summary:
    """Import one file into an archive beside it."""
    return imported(url, tmp_path / "archive", file.written(tmp_path / "theirs.warc.gz"), **more)


# --- what others write ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("manner", ["common_crawl", "common_crawl_of_old", "wget", "wayback", "arc"])
def test_in_whatever_manner_it_was_archived(manner: str, url: str, tmp_path: Path) -> None:
    capture = seen(OF_OLD)
    theirs = tmp_path / "theirs.warc.gz"
    if manner == "arc":
        theirs.write_bytes(arc(capture))
    else:
        file = ForeignFile("1.1" if manner == "wayback" else "1.0")
        getattr(file, manner)(capture)
        file.written(theirs)
    summary = imported(url, tmp_path / "archive", theirs)
    assert (summary.taken, summary.outcomes, summary.unread) == (1, {"ok": 1}, {})
    [fetch] = rows(url, "SELECT * FROM fetches")
    assert moment(fetch["fetched_at"]) == FEBRUARY
    found = rows(url, "SELECT id, body, first_seen_at FROM comments ORDER BY id")
    assert [row["body"] for row in found] == [comment.body("en") for comment in OF_OLD.comments]
    assert {moment(row["first_seen_at"]) for row in found} == {FEBRUARY}
    assert dump(url) == rebuilt(tmp_path)
    fields = next(
        record.fields
        for place, record in records(tmp_path / "archive").items()
        if record.kind == "response" and place.offset == fetch["warc_offset"]
    )
    assert fields["archive-origin-file"] == "theirs.warc.gz"
    assert fields["archive-source"] == "import"
    assert fields["archive-origin-uri"].removeprefix("<").removesuffix(">").endswith(capture.uri)
    assert ("archive-origin-record-id" in fields) == (manner != "arc")


def rebuilt(tmp_path: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows that the archive alone comes to."""
    empty = f"sqlite:///{tmp_path}/rebuilt.db"
    database.migrate(empty)
    choice = Choice(editions=(EN, RU))
    again = reparse(empty, tmp_path / "archive", choice, apply=True, processes=1, say=print)
    assert again.unread == {}
    return dump(empty)


@pytest.mark.parametrize("era", ERAS)
def test_pages_of_every_era_count_from_their_own_clock(era: Any, url: str, tmp_path: Path) -> None:
    file = ForeignFile()
    threads = [forest(Random(seed), era, skins=KNOWN_SKINS) for seed in range(400, 406)]  # noqa: S311 - no secrets
    for thread in threads:
        # All at the same second, so that their numbers have to be made different.
        for shown in pages(thread):
            file.common_crawl(Seen(uri=shown.url, at=thread.fetched_at, body=shown.html.encode()))
    summary = taken(file, url, tmp_path)
    assert (set(summary.outcomes), summary.unread, summary.known) == ({"ok"}, {}, 0)
    assert summary.articles == summary.articles_new == len(threads)
    for thread in threads:
        edition = SITE.edition(thread.edition)
        found = {
            row["id"]: row
            for row in rows(
                url,
                "SELECT * FROM comments WHERE article_id = :id AND edition_id = :edition",
                id=thread.article_id,
                edition=edition.id,
            )
        }
        meant = truths(thread)
        assert found.keys() == meant.keys()
        for id, truth in meant.items():
            row = found[id]
            assert (row["body"], row["rating"]) == (truth.body, truth.rating)
            assert (row["parent_id"], row["parent_source"]) == (truth.parent_id, truth.parent_source)
            posted = row["posted_at"] and moment(row["posted_at"])
            assert posted == (truth.posted and truth.posted.at)
            assert truth.author is None or row["author_key"] == truth.author[0]


@pytest.mark.parametrize(
    ("content_type", "meta", "outcome"),
    [
        ("text/html; charset=windows-1251", "", "ok"),
        ("text/html", '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">', "ok"),
        ("text/html", "", "not_understood"),
        ("text/html; charset=utf-8", '<meta charset="windows-1251">', "not_understood"),
        ("text/html; charset=koi8-r", "", "not_understood"),  # a lie, and not one letter right
    ],
)
def test_pages_from_before_utf8(content_type: str, meta: str, outcome: str, url: str, tmp_path: Path) -> None:
    capture = seen(OF_OLD, base_url="http://topwar.ru", content_type=content_type)
    text = capture.body.decode().replace('<meta charset="utf-8">', meta)
    file = ForeignFile()
    file.common_crawl(replace(capture, body=text.encode("cp1251", "xmlcharrefreplace")))
    summary = taken(file, url, tmp_path)
    assert summary.outcomes == {outcome: 1}
    found = rows(url, "SELECT body FROM comments ORDER BY id")
    expected = [comment.body("ru") for comment in OF_OLD.comments] if outcome == "ok" else []
    assert [row["body"] for row in found] == expected
    assert dump(url) == rebuilt(tmp_path)


def test_what_is_not_whole_is_kept_and_never_read(url: str, tmp_path: Path) -> None:
    whole = seen(OF_OLD)
    file = ForeignFile()
    half = whole.body[: len(whole.body) // 2]
    file.common_crawl(replace(whole, body=half, fields={"WARC-Truncated": "length"}))
    file.common_crawl(seen(LONG, page=1, fields={"WARC-Truncated": "time"}))
    cut = seen(LONG, page=2)
    file.response(cut, [("Content-Length", str(len(cut.body)))], cut.body[:-20])
    file.response(seen(LONG, page=3), [("Content-Encoding", "zstd")], b"\x28\xb5\x2f\xfd")
    summary = taken(file, url, tmp_path)
    assert (summary.taken, summary.outcomes, summary.articles) == (4, {"incomplete": 3, "failed": 1}, 0)
    assert rows(url, "SELECT * FROM articles") == []
    fetches = rows(url, "SELECT outcome, detail, reader_version, bytes FROM fetches ORDER BY bytes")
    assert {row["reader_version"] for row in fetches if row["outcome"] == "incomplete"} == {None}
    assert len(half) in {row["bytes"] for row in fetches}
    cuts = [record.fields.get("warc-truncated") for record in records(tmp_path / "archive").values()]
    assert cuts == [None, "length", "time", "unspecified", None]
    assert dump(url) == rebuilt(tmp_path)
    assert taken(file, url, tmp_path).known == 4


# --- which pages ---------------------------------------------------------------------------------------------------

PATH = "/7-a.html"


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("http://topwar.ru/7-a.html", (2, PATH, "article", 1)),
        ("https://www.topwar.ru:443/7-a.html#comment-id-12", (2, PATH, "article", 1)),
        ("HTTP://TOPWAR.RU.:80/7-a.html", (2, PATH, "article", 1)),
        ("<https://en.topwar.ru/7-a.html>", (1, PATH, "article", 1)),
        ("http://en.topwar.ru/page,1,2,7-a.html", (1, "/page,1,2,7-a.html", "comments", 2)),
        ("http://en.topwar.ru/page%2C1%2c2%2C7-a.html", (1, "/page,1,2,7-a.html", "comments", 2)),
        ("http://en.topwar.ru/page,2,7-a.html", (1, "/page,2,7-a.html", "article", 1)),
        ("http://en.topwar.ru/7-a.html?utm_source=x", (1, "/7-a.html?utm_source=x", "article", 1)),
        ("http://en.topwar.ru/index.php?newsid=7", (1, "/index.php?newsid=7", "number", 1)),
        ("http://topwar.ru/7-имя.html", (2, "/7-%D0%B8%D0%BC%D1%8F.html", "article", 1)),
        ("https://web.archive.org/web/20180219123015id_/http://topwar.ru/7-a.html", (2, PATH, "article", 1)),
        (
            "http://web.archive.org:80/web/20180219123015id_/http://topwar.ru:80/7-a.html",
            (2, PATH, "article", 1),
        ),
        ("http://web.archive.org/web/20180219123015/http://topwar.ru/7-a.html", "rewritten"),
        ("http://web.archive.org/web/20180219123015if_/http://topwar.ru/7-a.html", "rewritten"),
        ("http://web.archive.org/web/20180219123015id_/http://example.org/7-a.html", "other_site"),
        ("http://web.archive.org/web/20189919123015id_/http://topwar.ru/7-a.html", "no_date"),
        ("http://topwar.ru/print:page,1,7-a.html", "print"),
        ("http://topwar.ru/robots.txt", "robots"),
        ("http://example.org/robots.txt", "other_site"),
        ("http://topwar.ru/", "no_page"),
        ("http://topwar.ru/news/", "no_page"),
        ("http://topwar.ru/0-a.html", "no_page"),
        ("http://topwar.ru/engine/ajax/comments.php?cstart=2&news_id=7&skin=a", "no_page"),
        ("http://ad.topwar.ru/7-a.html", "other_site"),
        ("http://ja.topwar.ru/7-a.html", "other_site"),
        ("http://topwar.ru.example.org/7-a.html", "other_site"),
        ("http://topwar.ru:8080/7-a.html", "other_site"),
        ("ftp://topwar.ru/7-a.html", "other_site"),
        ("http://[/7-a.html", "other_site"),
        ("http://topwar.ru:port/7-a.html", "other_site"),
        ("dns:topwar.ru", "other_site"),
        ("", "other_site"),
    ],
)
def test_which_addresses_are_pages_of_threads(uri: str, found: Any) -> None:
    page = at_address(uri)
    if isinstance(page, PageAt):
        edition = SITE.edition("ru" if found[0] == 2 else "en")
        assert page.url == edition.base_url + found[1]
        assert (page.edition, page.kind, page.number, page.article_id) == (edition, found[2], found[3], 7)
        assert page.at == FEBRUARY
    else:
        assert page == found


def at_address(uri: str, date: str = "2018-02-19T12:30:15Z") -> PageAt | str:
    fields = {"warc-target-uri": uri, "warc-date": date}
    record = ForeignRecord(file="theirs", offset=0, kind="response", fields=fields, length=100)
    return page_at(record, hosts((EN, RU)), now=NOW)


NOW = datetime(2026, 8, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("2018-02-19T12:30:15Z", FEBRUARY),
        ("2018-02-19T12:30:15.000000Z", FEBRUARY),
        ("2018-02-19T12:30:15.000001999Z", FEBRUARY + timedelta(microseconds=1)),
        ("2018-02-19T15:30:15+03:00", FEBRUARY),
        ("2018-02-19T12:30:15", FEBRUARY),
        ("2018-02-19T12:30Z", FEBRUARY.replace(second=0)),
        ("2018-02-19", "no_date"),
        ("2018-02-31T12:30:15Z", "no_date"),
        ("yesterday", "no_date"),
        ("", "no_date"),
        ("2026-08-07T00:00:00Z", NOW),
        ("2026-08-07T00:00:01Z", "wrong_date"),
        ("1970-01-01T00:00:00Z", "wrong_date"),
    ],
)
def test_dates_of_captures(date: str, at: datetime | str) -> None:
    page = at_address("http://topwar.ru/7-a.html", date)
    assert (page.at if isinstance(page, PageAt) else page) == at


def test_a_capture_from_before_all_that_it_shows(url: str, tmp_path: Path) -> None:
    long_ago = datetime(2011, 5, 1, tzinfo=UTC)
    file = ForeignFile()
    file.wget(seen(SHORT, long_ago))
    for dry_run in (True, False):
        summary = taken(file, url, tmp_path, dry_run=dry_run)
        assert (summary.taken, summary.passed_over["later_years"]) == (0, 1)
    assert rows(url, "SELECT * FROM fetches") == []
    # One date may be wrong on the page itself, and what is reckoned from the capture's own date proves nothing.
    page = seen(SHORT, long_ago).body.decode()
    one_older = page.replace("31 October 2017", "31 October 2010", 1)
    days_alone = re.sub(r"( 2017|-2017,|2017-10-31)[T ]\d\d: ?\d\d", r"\1", page)
    reckoned = re.sub(r"\d+ (October|November) 2017", "Yesterday, 10: 00", days_alone)
    for number, body in enumerate((one_older, reckoned, days_alone)):
        assert body != page
        file = ForeignFile()
        file.wget(replace(seen(SHORT, long_ago + timedelta(number)), body=body.encode()))
        summary = taken(file, url, tmp_path)
        assert (summary.taken, "later_years" in summary.passed_over) == (1, False)
        assert summary.outcomes == {"ok": 1}


def test_every_record_is_taken_or_passed_over_for_a_reason(url: str, tmp_path: Path) -> None:
    file = ForeignFile()
    good = seen(OF_OLD)
    file.common_crawl(good)  # and its request and metadata
    file.response(replace(good, status="404 Not Found"), [], b"<html></html>")
    file.response(replace(good, status="301 Moved Permanently"), [("Location", "/")], b"")
    file.response(replace(good, at=FEBRUARY + timedelta(1)), [], b"")
    file.response(replace(good, at=datetime(2037, 1, 1, tzinfo=UTC)), [], good.body)
    file.response(replace(good, uri="http://en.topwar.ru/robots.txt"), [], b"User-agent: *")
    file.response(replace(good, uri="http://en.topwar.ru/robots.txt"), [], b"<html>captcha</html>")
    file.response(replace(good, uri="http://example.org/900112-a.html"), [], good.body)
    file.response(
        seen(OF_OLD, base_url="https://topwar.ru"), [], seen(OF_OLD, base_url="https://topwar.ru").body
    )
    junk = b"<html><head><title>One moment</title></head><body>Checking your browser</body></html>"
    file.common_crawl(replace(good, at=FEBRUARY + timedelta(2), body=junk))
    file.record("resource", good.uri, good.body, None, **{"WARC-Date": good.date})
    file.record("conversion", good.uri, b"Only words.", None, **{"WARC-Date": good.date})
    file.record(
        "response", good.uri, b"", StatusAndHeaders("200 OK", [], protocol="ICY"), **{"WARC-Date": good.date}
    )
    expected = {
        "kind": 7,  # warcinfo, twice request and metadata, resource, conversion
        "status 404": 1,
        "status 301": 1,
        "empty": 1,
        "wrong_date": 1,
        "robots": 2,
        "other_site": 1,
        "other_edition": 1,
        "no_answer": 1,
    }
    summary = taken(file, url, tmp_path, editions=(EN,))
    assert summary.passed_over == expected
    assert (summary.taken, summary.known) == (2, 0)
    assert summary.outcomes == {"ok": 1, "not_understood": 1}
    assert summary.records == 2 + sum(expected.values())
    assert summary.unread == {}
    again = taken(file, url, tmp_path, editions=(EN,))
    assert (again.taken, again.known, again.passed_over, again.articles) == (0, 2, expected, 0)
    rest = taken(file, url, tmp_path)
    assert (rest.taken, rest.known, rest.articles_new) == (1, 2, 1)


def test_captures_of_the_same_second(url: str, tmp_path: Path) -> None:
    file = ForeignFile()
    other = SHORT.rewritten(EDITED.id, en="Not so either.", ru="И не так.")
    for article in (OF_OLD, other, LONG, SHORT):
        file.common_crawl(seen(article))
    file.wget(seen(OF_OLD))  # the same page, packed: to us another answer
    file.common_crawl(seen(OF_OLD, base_url="https://en.topwar.ru"))  # its links are others
    file.common_crawl(seen(OF_OLD))
    summary = taken(file, url, tmp_path)
    assert (summary.taken, summary.known) == (6, 1)
    ids = [row["id"] for row in rows(url, "SELECT id FROM fetches ORDER BY id")]
    first = int(FEBRUARY.timestamp()) * 10**8 + EN.id
    assert ids == [first + 100 * number for number in range(6)]
    before = dump(url)
    assert (taken(file, url, tmp_path).known, dump(url)) == (7, before)
    assert rebuilt(tmp_path) == before


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_repeated_page_is_found_in_whatever_file_it_is(
    order: tuple[int, int], url: str, tmp_path: Path
) -> None:
    originals, repeats = ForeignFile(), ForeignFile("1.1")
    page, later = seen(OF_OLD), FEBRUARY + timedelta(days=30)
    originals.wget(page)
    originals.response(seen(LONG, fields={"WARC-Record-ID": "<urn:uuid:1>"}), [], seen(LONG).body)
    originals.written(tmp_path / "0.warc.gz")
    [named, *_] = [
        record.fields["warc-payload-digest"]
        for record in records(tmp_path).values()
        if record.fields.get("warc-target-uri", "").strip("<>") == page.uri and record.kind == "response"
    ]
    other = f"sha1:{base64.b32encode(hashlib.sha1(b'lost', usedforsecurity=False).digest()).decode()}"
    repeats.revisit(replace(page, at=later), digest=named)
    repeats.revisit(replace(seen(LONG), at=later), digest=None, **{"WARC-Refers-To": "<urn:uuid:1>"})
    repeats.revisit(replace(seen(LONG, page=2), at=later), digest=other)
    repeats.revisit(replace(page, at=later, status="304 Not Modified"), digest=named)
    repeats.written(tmp_path / "1.warc.gz")
    files = [tmp_path / f"{number}.warc.gz" for number in order]
    summary = imported(url, tmp_path / "archive", *files)
    assert (summary.taken, summary.outcomes) == (4, {"ok": 4})
    assert summary.passed_over["repeats"] == 1
    assert summary.passed_over["status 304"] == 1
    times = rows(
        url, "SELECT fetched_at, digest FROM fetches WHERE article_id = :id ORDER BY id", id=SHORT.id
    )
    assert [moment(row["fetched_at"]) for row in times] == [FEBRUARY, later]
    assert len({row["digest"] for row in times}) == 1
    [last] = rows(url, "SELECT last_seen_at FROM articles WHERE id = :id", id=SHORT.id)
    assert moment(last["last_seen_at"]) == later
    assert rebuilt(tmp_path) == dump(url)


@pytest.mark.parametrize("by", ["WARC-Refers-To", "WARC-Refers-To-Date"])
def test_a_repeated_page_that_names_no_digest_itself(by: str, url: str, tmp_path: Path) -> None:
    file, page, later = ForeignFile("1.1"), seen(OF_OLD), FEBRUARY + timedelta(days=30)
    file.plain(page, "<urn:uuid:1>")
    digest = base64.b32encode(hashlib.sha1(page.body, usedforsecurity=False).digest()).decode()
    refers = {"WARC-Refers-To": "<urn:uuid:1>", "WARC-Refers-To-Date": page.date}
    file.revisit(replace(page, at=later), digest=f"sha1:{digest}", **{by: refers[by]})
    # Another body, whatever is said of where it stands.
    file.response(seen(LONG, fields={"WARC-Record-ID": "<urn:uuid:2>"}), [], seen(LONG).body)
    file.revisit(replace(seen(LONG), at=later), digest=f"sha1:{digest}", **{"WARC-Refers-To": "<urn:uuid:2>"})
    summary = taken(file, url, tmp_path)
    assert (summary.taken, summary.passed_over.get("repeats")) == (3, 1)
    times = rows(url, "SELECT fetched_at FROM fetches WHERE article_id = :id ORDER BY id", id=SHORT.id)
    assert [moment(row["fetched_at"]) for row in times] == [FEBRUARY, later]


# --- into our own archive ------------------------------------------------------------------------------------------


@KINDS
def test_a_comment_that_stood_elsewhere_then(
    kind: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    url, folder = new_database(kind), tmp_path / "archive"
    guest = replace(SHORT.comments[-1], id=LONG.comments[0].id, parent_id=None, depth=0)
    file = ForeignFile()
    file.common_crawl(seen(replace(SHORT, comments=(*SHORT.comments, guest))))
    theirs = file.written(tmp_path / "theirs.warc.gz")
    with SampleSite(edition="en") as site:
        crawl(url, site.url, f"ids={LONG.id}", WARC_DIR=str(folder))
    summary = imported(url, folder, theirs)
    assert (summary.unread, summary.articles, summary.articles_new) == ({}, 2, 1)
    history = rows(
        url, "SELECT article_id FROM comment_history WHERE comment_id = :id ORDER BY seen_at", id=guest.id
    )
    assert [row["article_id"] for row in history] == [SHORT.id, LONG.id]
    empty = new_database(kind)
    assert read_again(empty, folder).unread == {}
    assert dump(empty) == dump(url)


def test_what_a_kill_left_half_done(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    file = ForeignFile()
    for article in (OF_OLD, SHORT, LONG):
        file.common_crawl(seen(article, FEBRUARY + timedelta(days=article.id % 7)))
    file.response(seen(LONG, page=2, fields={"WARC-Truncated": "length"}), [], b"<html>")
    theirs = file.written(tmp_path / "theirs.warc.gz")
    imported(url, folder, theirs)
    before = dump(url)
    archived = {path.name: path.read_bytes() for path in folder.iterdir()}

    def again(half_done: str) -> Summary:
        summary = imported(half_done, folder, theirs)
        assert dump(half_done) == before
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == archived
        return summary

    # All of it archived, none of it recorded; then only the last one not.
    database.migrate(nothing := f"sqlite:///{tmp_path}/nothing.db")
    summary = again(nothing)
    assert (summary.taken_up, summary.taken, summary.known, summary.articles) == (4, 0, 4, 2)
    last = "DELETE FROM fetches WHERE warc_offset = (SELECT max(warc_offset) FROM fetches)"
    with database.engine(nothing, writes=True).begin() as connection:
        connection.exec_driver_sql(last)
    summary = again(nothing)
    assert (summary.taken_up, summary.taken, summary.known, summary.articles) == (1, 0, 4, 0)
    # All of it recorded, nothing read.
    with database.engine(nothing, writes=True).begin() as connection:
        for table in ("author_names", "comment_states", "rating_states", "article_states", "comments"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        for table in ("authors", "articles"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("UPDATE fetches SET reader_version = NULL")
    summary = again(nothing)
    assert (summary.taken_up, summary.taken, summary.known, summary.articles) == (0, 0, 4, 2)


@KINDS
def test_killed_again_and_again_it_comes_to_the_same_rows(
    kind: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    file = ForeignFile()
    for number in range(120):
        article = another(OF_OLD if number < 40 else SHORT, number % 40)
        file.common_crawl(seen(article, FEBRUARY + number * timedelta(hours=7)))
    theirs = file.written(tmp_path / "theirs.warc.gz")
    url = new_database(kind)
    imported(url, tmp_path / "at once", theirs)
    killed, folder = new_database(kind), tmp_path / "killed"
    for recorded in (1, 101, 110):  # while it archives; when all is recorded; while articles are folded
        command = [sys.executable, "-m", "crawler.cli", "import", str(theirs)]
        process = subprocess.Popen(
            command, env=environment(killed, WARC_DIR=str(folder)), stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline and progress(killed) < recorded:
            time.sleep(0.02)
        process.kill()
        process.wait()
    assert not list(folder.glob("*.torn"))
    imported(killed, folder, theirs)

    def without_places(url: str) -> Any:
        found = dump(url)
        for row in found["fetches"]:
            del row["warc_file"], row["warc_offset"]
        return found

    assert without_places(killed) == without_places(url)
    kinds = [record.kind for record in records(folder).values()]
    assert kinds.count("response") + kinds.count("revisit") == 120  # nothing was archived twice


def another(article: SampleArticle, number: int) -> SampleArticle:
    """The same article and thread under other numbers."""

    def moved(id: int) -> int:
        return id + 10_000 * number

    comments = tuple(
        replace(comment, id=moved(comment.id), parent_id=comment.parent_id and moved(comment.parent_id))
        for comment in article.comments
    )
    return replace(article, id=article.id + number, comments=comments)


def progress(url: str) -> int:
    """How far an import has come: pages that are recorded, and articles that are folded."""
    return int(
        rows(url, "SELECT (SELECT count(*) FROM fetches) + (SELECT count(*) FROM articles) AS n")[0]["n"]
    )


def test_looking_writes_nothing(url: str, tmp_path: Path) -> None:
    file = ForeignFile()
    for capture in (seen(OF_OLD), seen(OF_OLD), seen(LONG)):
        file.common_crawl(capture)
    file.common_crawl(replace(seen(SHORT), at=FEBRUARY + timedelta(1), body=b"<html><p>strange</p></html>"))
    before = dump(url)
    summary = taken(file, url, tmp_path, dry_run=True)
    assert (summary.taken, summary.known) == (3, 1)
    assert summary.outcomes == {"ok": 2, "not_understood": 1}
    assert dump(url) == before
    assert not (tmp_path / "archive").exists()
    assert taken(file, url, tmp_path).taken == 3
    assert taken(file, url, tmp_path, dry_run=True).known == 4


@KINDS
def test_who_is_forgotten_does_not_come_back(
    kind: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    url, folder, secret = new_database(kind), tmp_path / "archive", "a key of sixteen letters"
    author = EDITED.author
    assert author.profile_name is not None
    first, second = ForeignFile(), ForeignFile()
    first.wget(seen(OF_OLD))
    second.common_crawl(seen(SHORT, FEBRUARY + timedelta(days=1)))
    files = [first.written(tmp_path / "first.warc.gz"), second.written(tmp_path / "second.warc.gz")]
    imported(url, folder, files[0])
    key = author.profile_name.casefold()
    forget(url, folder, key, (EN, RU), secret=secret, reason="asked", apply=True, processes=1, say=print)
    with pytest.raises(BadArgument):
        imported(url, folder, *files)
    looked = imported(url, folder, *files, secret=secret, dry_run=True)
    summary = imported(url, folder, *files, secret=secret)
    for one in (looked, summary):
        assert (one.taken, one.known, one.outcomes) == (1, 1, {"ok": 1})
    assert rows(url, "SELECT * FROM comments WHERE author_key = :key", key=key) == []
    ids = [row["id"] for row in rows(url, "SELECT id FROM comments")]
    assert EDITED.id not in ids or len(ids) == len(SHORT.comments)
    for path in folder.glob("*.warc.gz"):
        shown = gzip.decompress(path.read_bytes())
        assert author.profile_name.encode() not in shown
        assert b"another opinion" not in shown
    verified = crawler(url, "verify", "--all-articles", WARC_DIR=str(folder), FORGET_KEY=secret)
    assert verified.code == 0, verified.out


def test_what_a_forgetting_that_was_cut_short_still_shows_is_known(url: str, tmp_path: Path) -> None:
    """From now on they are cut out of all that is taken: it is the same capture all the same."""
    folder, secret = tmp_path / "archive", "a key of sixteen letters"
    author = EDITED.author
    assert author.profile_name is not None
    file = ForeignFile()
    file.wget(seen(OF_OLD))
    theirs = file.written(tmp_path / "theirs.warc.gz")
    imported(url, folder, theirs)

    def say(line: str) -> None:
        if "From now on nothing" in line:
            raise InterruptedError

    key = author.profile_name.casefold()
    with pytest.raises(InterruptedError):
        forget(url, folder, key, (EN, RU), secret=secret, reason="asked", apply=True, processes=1, say=say)
    summary = imported(url, folder, theirs, secret=secret)
    assert (summary.taken, summary.known) == (0, 1)
    forget(url, folder, key, (EN, RU), secret=secret, reason="asked", apply=True, processes=1, say=print)
    summary = imported(url, folder, theirs, secret=secret)
    assert (summary.taken, summary.known) == (0, 1)
    assert len(rows(url, "SELECT id FROM fetches")) == 1


def test_an_import_waits_for_no_crawl(url: str, tmp_path: Path) -> None:
    file = ForeignFile()
    file.common_crawl(seen(OF_OLD))
    theirs = file.written(tmp_path / "theirs.warc.gz")
    archive = Archive(url, [EN])
    archive.open()
    try:
        with pytest.raises(AlreadyRunning):
            imported(url, tmp_path / "archive", theirs)
        assert imported(url, tmp_path / "archive", theirs, editions=(RU,)).passed_over["other_edition"] == 1
    finally:
        archive.close()


@KINDS
def test_all_holds_that_should_after_an_import(
    kind: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    url, folder = new_database(kind), tmp_path / "archive"
    summary = imported(url, folder, PROJECT / "tests" / "old_captures.warc.gz")
    assert (summary.taken, summary.articles_new, summary.unread) == (2, 2, {})
    assert {"robots", "status 404", "other_site"} < summary.passed_over.keys()
    verified = crawler(url, "verify", "--all-articles", WARC_DIR=str(folder))
    assert verified.code == 0, verified.out


def test_the_verb(url: str, tmp_path: Path) -> None:
    file = ForeignFile()
    file.common_crawl(seen(OF_OLD))
    file.common_crawl(seen(OF_OLD, base_url="http://topwar.ru"))
    file.response(replace(seen(SHORT), status="404 Not Found"), [], b"")
    theirs = file.written(tmp_path / "theirs.warc.gz")
    folder = str(tmp_path / "archive")
    looked = crawler(url, "import", "--dry-run", str(theirs), WARC_DIR=folder)
    assert (looked.code, looked.out.splitlines()[:3]) == (
        0,
        ["1 files with 8 records", "2 pages would be taken", "  2 ok"],
    )
    done = crawler(url, "import", "--edition", "en", "--processes", "2", str(theirs), WARC_DIR=folder)
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        "1 files with 8 records",
        "1 pages taken",
        "  1 ok",
        "0 pages already there",
        "7 records passed over",
        "  5 no answers: requests, notes, files made from others",
        "  1 other editions",
        "  1 status 404",
        "1 articles read again: 1 articles and 9 comments are new, 0 old states became known",
    ]
    # A damaged file: what can be read is taken, the rest told.
    broken = tmp_path / "broken.warc.gz"
    broken.write_bytes(theirs.read_bytes()[:-30])
    told = crawler(url, "import", str(broken), "--json", WARC_DIR=folder)
    summary = json.loads(told.out)
    assert (told.code, summary["taken"], summary["known"], summary["damaged"]) == (3, 1, 1, 1)
    assert list(summary["unread"].values()) == ["the file ends in the middle of a record"]
    assert crawler(url, "import", str(tmp_path / "none"), WARC_DIR=folder).code == 2
    assert crawler(url, "import", WARC_DIR=folder).code == 2
