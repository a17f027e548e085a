"""Whatever a crawl was answered is in its archive, before anything of it is stored."""

import gzip
import resource
import subprocess
from pathlib import Path

import pytest

from crawler.fetching.capture import Place
from crawler.sample import Answer, SampleSite, sample_articles
from crawler.storage import database
from tests.crawling import (
    BIG,
    PROJECT,
    SMALL,
    article_ids,
    begun,
    crawl,
    crawl_command,
    environment,
    rows,
    slow,
    utc,
)
from tests.warcs import Record, records


def archived_fetches(url: str, folder: Path) -> dict[Place, Record]:
    """All records of the archive; every row of fetches that has an answer must have its own, whole one."""
    found = records(folder)
    fetches = rows(url, "SELECT * FROM fetches ORDER BY id")
    for fetch in fetches:
        record = found[Place(fetch["warc_file"], fetch["warc_offset"])]
        assert record.fields["warc-target-uri"] == fetch["url"]
        assert record.fields["archive-fetch-id"] == str(fetch["id"])
        assert record.fields["archive-crawl-id"] == str(fetch["crawl_id"])
        assert record.fields.get("archive-visit-id") == (
            str(fetch["visit_id"]) if fetch["visit_id"] else None
        )
        assert utc(record.fields["warc-date"]) == utc(fetch["fetched_at"])
        if record.kind == "response":
            assert (record.status, record.digest) == (str(fetch["status"]), fetch["digest"])
        else:
            assert record.kind == ("metadata" if fetch["status"] is None else "revisit")
    return found


def test_every_exchange_is_in_the_archive(url: str, tmp_path: Path) -> None:
    gone = max(sample_articles(), key=lambda article: article.id)
    with SampleSite(edition="en") as site:
        site.answers[gone.path] = Answer(status=404, body=b"no such page")
        site.answers[BIG.path] = Answer(body=b"<html>cut", headers={"Content-Length": "999"})
        assert crawl(url, site.url, "depth=0", WARC_DIR=f"{tmp_path}/archive").code == 0
        asked = [f"{site.url}{request.path}" for request in site.requests]
    found = archived_fetches(url, tmp_path / "archive")
    of_exchanges = [record for record in found.values() if record.kind not in ("warcinfo", "request")]
    assert [record.fields["warc-target-uri"] for record in of_exchanges] == asked
    assert {record.kind for record in of_exchanges} == {"response", "metadata"}
    assert {path.suffix for path in (tmp_path / "archive").iterdir()} == {".gz"}


def test_two_editions_have_files_of_their_own(lite: str, tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:1"  # through this proxy nothing is reached, and that too is archived
    ended = crawl(lite, None, "edition=en,ru", f"ids={SMALL.id}", WARC_DIR=str(tmp_path), PROXY_URL=nobody)
    assert ended.code == 4
    names = sorted(path.name.split("-2")[0] for path in tmp_path.glob("*.warc.gz"))
    assert names == ["military_review-en", "military_review-ru"]
    assert "metadata" in {record.kind for record in archived_fetches(lite, tmp_path).values()}


def test_another_archive_than_before_is_noticed(url: str, tmp_path: Path) -> None:
    with SampleSite(edition="en") as site:
        for folder, told in (("first", False), ("first", False), ("second", True), ("second", False)):
            ended = crawl(url, site.url, f"ids={SMALL.id}", WARC_DIR=str(tmp_path / folder))
            assert (ended.code, "is WARC_DIR right?" in ended.err) == (0, told)


@pytest.mark.parametrize("folder", ["file", "file/archive"])
def test_without_an_archive_nothing_is_asked(lite: str, tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    with SampleSite(edition="en") as site:
        ended = crawl(lite, site.url, WARC_DIR=f"{tmp_path}/{folder}")
        assert ended.code == 3
        assert "WARC_DIR" in ended.err
        assert "Traceback" not in ended.err
        assert site.requests == []
    assert rows(lite, "SELECT * FROM crawls") == []


@pytest.mark.parametrize("room", [300, 4_000, 40_000])
def test_what_cannot_be_archived_is_not_stored(postgres_url: str, tmp_path: Path, room: int) -> None:
    """A disk that fills up: the system takes a part of what is written, and then nothing more."""
    database.migrate(postgres_url)

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))

    with SampleSite(edition="en") as site:
        done = subprocess.run(
            crawl_command(site.url, "depth=0"),
            env=environment(postgres_url, WARC_DIR=str(tmp_path), PYTHONDONTWRITEBYTECODE="1"),
            cwd=PROJECT,
            preexec_fn=little_room,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 3, done.stderr
        assert "cannot be written: File too large" in done.stderr
        assert "Traceback" not in done.stderr
        archived = archived_fetches(postgres_url, tmp_path)
        stored = {row["fetch_id"] for row in rows(postgres_url, "SELECT fetch_id FROM comments")}
        assert stored <= {int(record.fields.get("archive-fetch-id", 0)) for record in archived.values()}
        assert [crawl["state"] for crawl in rows(postgres_url, "SELECT state FROM crawls")] == (
            ["failed"] if room > 300 else []
        )
        # With room again the next crawl fetches what this one could not keep.
        assert crawl(postgres_url, site.url, "depth=0", WARC_DIR=str(tmp_path)).code == 0
    assert article_ids(postgres_url) == {article.id for article in sample_articles()}
    archived_fetches(postgres_url, tmp_path)


def test_after_a_kill_the_next_crawl_repairs_the_archive(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with SampleSite(edition="en") as site:
        slow(site)
        process = begun(url, site, WARC_DIR=str(folder))
        process.kill()
        process.communicate(timeout=60)
        [left_open] = folder.iterdir()
        assert left_open.suffix == ".open"
        with left_open.open("ab") as file:
            file.write(gzip.compress(b"WARC/1.1\r\nWARC-Type: response\r\n")[:-5])  # killed while it wrote
        site.answers.clear()
        assert crawl(url, site.url, "depth=0", WARC_DIR=str(folder)).code == 0
    first = left_open.name.removesuffix(".open")
    [second] = {path.name for path in folder.iterdir()} ^ {first, f"{first}.torn"}
    assert second.endswith(".warc.gz")
    archived_fetches(url, folder)
