"""What crawls stored, stored once more from their archive alone: the same rows."""

import gzip
import re
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.errors import BadRecord
from crawler.fetching.capture import Place
from crawler.fetching.records import Archived, ArchiveReader
from crawler.items import Exchange, Recorded
from crawler.reading import READER_VERSION
from crawler.rereading import exchanges, reread
from crawler.sample import Answer, SampleSite, sample_articles
from crawler.sample.content import SampleArticle
from crawler.sites import readers
from crawler.sites.military_review import SITE
from crawler.storage import database, ledger
from crawler.storage.writer import save_exchange
from tests.crawling import BIG, SMALL, begun, content, crawl_command, environment, rows, run
from tests.visits import unfinished

OTHERS = [article for article in sample_articles() if article not in (BIG, SMALL)]
#: Ours, when a rebuilt row must tell of no clock of ours.
NEVER = datetime(2000, 1, 1, tzinfo=UTC)


def nothing_is_late(_: Sequence[Recorded]) -> Iterable[Exchange]:
    raise AssertionError("in the order of their numbers no exchange comes late")


class Life:
    """A site, a database and an archive, and crawls from the one into the others."""

    def __init__(self, folder: Path, site: SampleSite) -> None:
        self.site = site
        self.url = f"sqlite:///{folder}/live.db"
        self.rebuilt = f"sqlite:///{folder}/rebuilt.db"
        self.archive = folder / "archive"
        database.migrate(self.url)

    def crawl(self, *arguments: str, code: int = 0, patient: bool = False) -> None:
        """A crawl; if it is not patient, failures have no consequences for what is asked next."""
        command = crawl_command(self.site.url, *arguments) + ([] if patient else ["-s", "PAUSE_CAP_S=0"])
        ended = run(command, env=environment(self.url, WARC_DIR=str(self.archive)))
        assert ended.code == code, ended.err

    def forget_robots(self) -> None:
        with database.engine(self.url, writes=True).begin() as connection:
            connection.exec_driver_sql("DELETE FROM hosts")

    def read_again(self) -> tuple[list[Archived], list[Exchange]]:
        archived = sorted(ArchiveReader(self.archive).exchanges(), key=lambda one: one.fetch.id)
        return archived, list(exchanges(archived, readers()))

    def rebuild(self) -> None:
        """Store what the archive tells in a database of its own, each crawl under its number."""
        archived, told = self.read_again()
        database.migrate(self.rebuilt)
        with database.engine(self.rebuilt, writes=True).begin() as connection:
            ledger.save_editions(connection, SITE)
            numbers = [row["id"] for row in rows(self.url, "SELECT id FROM crawls ORDER BY id")]
            for number in numbers:
                made = ledger.begin_crawl(connection, edition_id=1, spider="s", arguments={}, now=NEVER)
                assert made == number
                ledger.save_crawl(connection, number, now=NEVER, counters={}, state="finished")
            for one, exchange in zip(archived, told, strict=True):
                assert one.crawl_id is not None
                save_exchange(
                    connection,
                    exchange,
                    crawl_id=one.crawl_id,
                    now=NEVER,
                    reread=nothing_is_late,
                    reader_version=READER_VERSION,
                )
            for number in numbers:
                ledger.close_visits(connection, number)

    def compare(self) -> None:
        """Every row that rule 1 of DESIGN section 6 names is the same in both."""
        for table in ("fetches", "visits"):
            live, rebuilt = (
                rows(url, f"SELECT * FROM {table} ORDER BY id") for url in (self.url, self.rebuilt)
            )
            assert [row["id"] for row in rebuilt] == [row["id"] for row in live]
            for before, after in zip(live, rebuilt, strict=True):
                assert after == before
        assert content(self.rebuilt) == content(self.url)

    def outcomes(self, article: SampleArticle) -> list[str]:
        query = "SELECT outcome FROM visits WHERE article_id = :id ORDER BY id"
        return [row["outcome"] for row in rows(self.url, query, id=article.id)]


@pytest.fixture
def life(tmp_path: Path) -> Any:
    with SampleSite(edition="en") as site:
        yield Life(tmp_path, site)


def text_of(site: SampleSite, path: str) -> str:
    body = site.answer(path).body
    return body if isinstance(body, str) else body.decode()


def test_a_life_of_changes_and_troubles_is_told_again_row_by_row(life: Life) -> None:
    site, answers = life.site, life.site.answers
    life.crawl("depth=0")
    life.crawl("visit=all")  # the feed is the same as before, byte for byte

    # Words change, comments go, and a page says "yesterday" under a clock that is not ours.
    first, *_, last = SMALL.comments
    site.put(SMALL.rewritten(first.id, en="I have thought again.", ru="Я передумал.").without(last.id))
    relative = OTHERS[0]
    text = re.sub(r">\s*\d+ \w+ \d{4} \d+: ?\d+\s*<", ">Yesterday, 12: 20<", text_of(site, relative.path))
    assert "Yesterday" in text
    their_clock = format_datetime(datetime.now(UTC) - timedelta(hours=23), usegmt=True)
    answers[relative.path] = Answer(body=text, headers={"Date": their_clock})
    life.crawl(f"ids={SMALL.id},{relative.id},{BIG.id},999999")
    assert rows(life.url, "SELECT * FROM comments WHERE posted_raw = 'Yesterday, 12: 20'")

    # All that can go wrong, at once.
    troubles = [
        Answer(status=301, headers={"Location": "/"}),
        Answer(status=301, headers={"Location": OTHERS[1].path + "?again"}),
        Answer(status=404, body=b"no such page"),
        Answer(status=410),
        Answer(status=500),
        Answer(body=b"<html>cut", headers={"Content-Length": "999"}),
        Answer(body=gzip.compress(b"<html>" * 99)[:-4], headers={"Content-Encoding": "gzip"}),
        Answer(body=b"<html>" * 99, headers={"Content-Encoding": "zstd"}),
        Answer(body=b"<html><body>Please prove that you are human.</body></html>"),
        replace(site.answer("/900999-x.html"), status=200),
        Answer(body=bytes(9 * 1024 * 1024)),
        Answer(body=b"\xff\xfe<html>"),
        Answer(body=text_of(site, SMALL.path)),
        Answer(status=206, body=text_of(site, OTHERS[0].path)),
    ]
    troubled = OTHERS[: len(troubles)]
    for article, trouble in zip(troubled, troubles, strict=False):
        answers[article.path] = trouble
    answers[OTHERS[1].path + "?again"] = Answer(status=302, headers={"Location": OTHERS[1].path})
    answers[f"/page,1,3,{BIG.id}-{BIG.slug}.html"] = Answer(status=503)
    impossible = text_of(site, SMALL.path).replace(f"-{first.id}'", f"-{first.id}00000000'")
    assert impossible != text_of(site, SMALL.path)
    answers[SMALL.path] = Answer(body=impossible)
    answers["/rss.xml"] = Answer(body="<rss>no feed</nothing>")
    answers["/news/"] = Answer(status=302, headers={"Location": "/news/page/1/"})
    life.crawl("visit=all", "discover=feed,listing,sitemap", f"since={day(BIG)}", f"until={day(BIG)}")
    life.crawl("visit=all", "discover=none", code=5)
    found = {outcome for article in OTHERS for outcome in life.outcomes(article)}
    assert found >= {"swept", "moved", "not_found", "unreachable", "not_understood", "partial"}
    assert life.outcomes(BIG)[-1] == "partial"
    assert life.outcomes(SMALL)[-1] == "not_understood"
    outcomes = {row["outcome"] for row in rows(life.url, "SELECT outcome FROM fetches")}
    assert outcomes >= {
        "ok", "moved", "not_found", "server_error", "not_understood", "incomplete", "too_big", "failed"
    }  # fmt: skip

    # Better days; a crawl is killed and one is asked to end, each in the middle of a thread.
    second = f"/page,1,2,{BIG.id}-{BIG.slug}.html"
    for how in (signal.SIGKILL, signal.SIGTERM):
        answers.clear()
        answers[second] = replace(site.answer(second), delay_s=0.5)
        site.requests.clear()
        under_way = begun(life.url, site, f"url={site.url}{BIG.path}", WARC_DIR=str(life.archive))
        while second not in {request.path for request in list(site.requests)}:
            assert under_way.poll() is None
            time.sleep(0.02)
        time.sleep(0.1)  # the first page is stored by now, and the second has not come yet
        under_way.send_signal(how)
        under_way.communicate(timeout=60)
        life.crawl("limit=1")
        assert life.outcomes(BIG)[-1] == "stopped"
    answers.clear()

    # A robots.txt that cannot be had, one that forbids the second page, and a site that wants to be left alone.
    life.forget_robots()
    answers["/robots.txt"] = Answer(status=503)
    life.crawl(f"ids={BIG.id}", code=4)
    life.forget_robots()
    answers["/robots.txt"] = Answer(
        body="User-agent: *\nDisallow: /page,1,2\n", headers={"Content-Type": "text/plain"}
    )
    life.crawl(f"url={site.url}{BIG.path}")
    assert life.outcomes(BIG)[-1] == "stopped"
    life.forget_robots()
    answers.clear()
    answers[SMALL.path] = Answer(status=429, headers={"Retry-After": "3600"})
    life.crawl(f"ids={SMALL.id}", code=4, patient=True)
    assert life.outcomes(SMALL)[-1] == "refused"
    life.forget_robots()
    answers.clear()
    life.crawl("depth=0", "visit=all")

    visits = rows(life.url, "SELECT id, article_id, outcome FROM visits ORDER BY id")
    assert len(visits) > 60
    kinds = {path.suffix for path in life.archive.iterdir()}
    assert kinds == {".gz"}
    life.rebuild()
    life.compare()
    _, told = life.read_again()
    assert len(unfinished(told)) >= 3
    assert set(unfinished(told)) == {row["id"] for row in visits if row["outcome"] == "stopped"}


def day(article: SampleArticle) -> str:
    return f"{(article.published_at + timedelta(hours=3)).date()}"


def test_one_article_alone_is_told_as_among_all(life: Life) -> None:
    """A late fetch makes one article be read again: by the places that its rows name."""
    life.crawl("depth=0")
    life.site.answers[f"/page,1,3,{BIG.id}-{BIG.slug}.html"] = Answer(status=500)
    life.crawl(f"ids={BIG.id}")
    _, told = life.read_again()
    reader = ArchiveReader(life.archive)
    query = "SELECT warc_file, warc_offset FROM fetches WHERE article_id = :id ORDER BY id"
    places = [Place(row["warc_file"], row["warc_offset"]) for row in rows(life.url, query, id=BIG.id)]
    alone: Sequence[Exchange] = list(exchanges((reader.at(place) for place in places), readers()))
    assert alone == [e for e in told if e.fetch is not None and e.fetch.article_id == BIG.id]
    assert [e.ends for e in alone if e.ends] == ["swept", "partial"]
    assert alone[2].seen == {comment.id for comment in BIG.comments}

    recorded = [Recorded(fetch=e.fetch, crawl_id=1, visit_id=1, reader_version=1) for e in alone if e.fetch]
    assert list(reread(recorded, reader, readers())) == alone
    wrong = [replace(one, fetch=replace(one.fetch, id=one.fetch.id + 100)) for one in recorded]
    never = [replace(one, fetch=replace(one.fetch, warc_offset=None)) for one in recorded]
    for known, problem in ((wrong, "it is of the fetch"), (never, "was never archived")):
        with pytest.raises(BadRecord, match=problem):
            list(reread(known, reader, readers()))
