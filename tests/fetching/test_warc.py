"""The archive's files: read back by others, cut anywhere, on full disks, between two writers."""

import errno
import gzip
import hashlib
import os
import resource
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, get_ident

import pytest
from scrapy import Request
from scrapy.http import Headers, Response

from crawler.errors import CannotStore
from crawler.fetching.archiving import capture
from crawler.fetching.bodies import Body
from crawler.fetching.capture import Capture, Place
from crawler.fetching.clock import Clock
from crawler.fetching.exchange import Asked
from crawler.fetching.files import OPEN, TORN
from crawler.fetching.repair import repaired
from crawler.fetching.warc import WarcArchive
from crawler.items import Fetch, FetchOutcome
from tests.fetching.faultserver import faultserver
from tests.fetching.test_exchange import ANSWERS
from tests.fetching.tiny_crawl import crawled
from tests.warcs import records

NOON = datetime(2017, 11, 3, 12, 0, 0, 123456, tzinfo=UTC)
PAGE = b"<html><p>" + "комментарий ".encode() * 40 + b"</html>"


def archive(folder: Path, **how: object) -> WarcArchive:
    """An archive of the English edition that is ready to be written."""
    opened = WarcArchive(folder, {1: "military_review-en"}, **how)  # type: ignore[arg-type]
    opened.open()
    return opened


def exchange(
    number: int,
    body: bytes = PAGE,
    *,
    url: str | None = None,
    status: int = 200,
    headers: dict[str, str | bytes] | None = None,
    outcome: FetchOutcome = "ok",
    flags: list[str] | None = None,
) -> Capture:
    """An exchange as the middleware would have it archived."""
    request, fetch = asked(number, url=url, body=body, status=status, outcome=outcome)
    if outcome == "incomplete":
        request.meta["body"] = Body(fault=("incomplete", "it was cut"))
    return capture(
        fetch, request, Response(request.url, status=status, headers=headers, body=body, flags=flags)
    )


def asked(
    number: int, *, url: str | None = None, body: bytes = b"", status: int | None = 200, outcome: FetchOutcome
) -> tuple[Request, Fetch]:
    url = url or f"https://en.topwar.ru/{number}-a.html"
    article_page = Asked(edition_id=1, kind="article", crawl_id=7, visit_id=8, article_id=number, page=1)
    fetch = Fetch(
        id=number * 100 + 1,
        edition_id=1,
        kind="article",
        url=url,
        fetched_at=NOON,
        status=status,
        bytes=len(body),
        digest=hashlib.sha256(body).hexdigest() if body else None,
        outcome=outcome,
        detail=None if outcome == "ok" else "line über one thing…",
        article_id=number,
        page=1,
    )
    return Request(url, meta={"asked": article_page}), fetch


# --- what others read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, PAGE, {"Content-Type": "text/html"}),
        (200, gzip.compress(PAGE, mtime=0), {"Content-Encoding": "gzip"}),
        (200, gzip.compress(PAGE, mtime=0)[:-9], {"Content-Encoding": "gzip"}),
        (200, b"", {"Content-Encoding": "gzip", "Content-Length": "0"}),
        (200, PAGE, {"Transfer-Encoding": "chunked"}),
        (200, PAGE, {"Content-Length": "999999"}),
        (304, b"", {"Content-Length": "5000"}),
        (999, b"\r\n\r\nWARC/1.1\r\n\x00\xff", {"X-Odd": "имя".encode() + b"\xff\r\n folded"}),
        (404, PAGE * 5000, {}),
    ],
    ids=["plain", "packed", "cut", "empty", "joined chunks", "a lie", "not modified", "odd bytes", "long"],
)
def test_what_was_sent_is_read_back(
    tmp_path: Path, status: int, body: bytes, headers: dict[str, str | bytes]
) -> None:
    writer = archive(tmp_path)
    place = writer.save(exchange(1, body, status=status, headers=headers))
    after = writer.save(exchange(2))
    writer.close()
    found = records(tmp_path)
    assert [record.kind for record in found.values()] == [
        "warcinfo",
        *["request", "response"] * 2,
    ]
    assert (found[place].payload, found[place].status) == (body, str(status))
    assert (found[after].payload, found[after].status) == (PAGE, "200")


@pytest.mark.parametrize(
    ("headers", "body", "at_most"),
    [
        ({}, PAGE * 200, 0.1),
        ({"Content-Encoding": "identity"}, PAGE * 200, 0.1),
        ({"Content-Encoding": "br"}, bytes(range(256)) * 100, 1.1),
    ],
    ids=["plain", "plain, and says so", "packed"],
)
def test_only_what_came_plain_is_packed(
    tmp_path: Path, headers: dict[str, str | bytes], body: bytes, at_most: float
) -> None:
    writer = archive(tmp_path)
    place = writer.save(exchange(1, body, headers=headers))
    writer.close()
    file = (tmp_path / place.file).read_bytes()
    assert (body in file) == (headers == {"Content-Encoding": "br"})
    assert len(file) < len(body) * at_most


def test_a_record_says_what_it_is_of(tmp_path: Path) -> None:
    writer = archive(tmp_path)
    place = writer.save(exchange(5, outcome="not_found", status=404))
    writer.close()
    request, response = list(records(tmp_path).values())[1:]
    assert (
        response.fields.items()
        >= {
            "warc-target-uri": "https://en.topwar.ru/5-a.html",
            "warc-date": "2017-11-03T12:00:00.123456Z",
            "archive-fetch-id": "501",
            "archive-edition-id": "1",
            "archive-crawl-id": "7",
            "archive-visit-id": "8",
            "archive-kind": "article",
            "archive-article-id": "5",
            "archive-page": "1",
            "archive-outcome": "not_found",
            "archive-detail": "line über one thing…",
        }.items()
    )
    assert request.fields["warc-concurrent-to"] == response.fields["warc-record-id"]
    assert request.fields["archive-fetch-id"] == "501"
    assert place.file.startswith("military_review-en-")
    assert response.digest == hashlib.sha256(PAGE).hexdigest()


def test_heads_are_kept_but_for_what_misleads_and_for_passwords() -> None:
    request, fetch = asked(1, url="https://en.topwar.ru/a.html?x=1", outcome="ok")
    request.headers["Proxy-Authorization"] = "Basic c2VjcmV0"
    request.headers["Accept-Language"] = "en"
    headers = Headers({"Set-Cookie": ["a=1", "b=2"], "Transfer-Encoding": "chunked", "Content-Length": "3"})
    taken = capture(fetch, request, Response(request.url, headers=headers, body=b"four"))
    assert taken.request_head == (
        b"GET /a.html?x=1 HTTP/1.1\r\nHost: en.topwar.ru\r\nAccept-Language: en\r\n\r\n"
    )
    assert taken.response_head == (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
        b"X-Crawler-Transfer-Encoding: chunked\r\nX-Crawler-Content-Length: 3\r\n\r\n"
    )


def test_an_equal_body_of_the_same_address_is_kept_once(tmp_path: Path) -> None:
    writer = archive(tmp_path)
    feed = "https://en.topwar.ru/rss.xml"
    first = writer.save(exchange(1, url=feed))
    again = writer.save(exchange(2, url=feed, headers={"X-Only": "now"}))
    elsewhere = writer.save(exchange(3))
    cut = writer.save(exchange(4, url=feed, outcome="incomplete"))
    changed = writer.save(exchange(5, PAGE + b"!", url=feed))
    back = writer.save(exchange(6, url=feed))
    empty = [writer.save(exchange(number, b"", url=feed)) for number in (7, 8)]
    writer.close()
    found = records(tmp_path)
    revisit = found.pop(again)
    assert (revisit.kind, revisit.status, revisit.payload) == ("revisit", "200", b"")
    assert (
        revisit.fields.items()
        >= {
            "warc-profile": "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest",
            "warc-payload-digest": found[first].fields["warc-payload-digest"],
            "warc-refers-to": found[first].fields["warc-record-id"],
            "warc-refers-to-target-uri": feed,
            "warc-refers-to-date": "2017-11-03T12:00:00.123456Z",
            "warc-refers-to-filename": first.file,
            "warc-refers-to-file-offset": str(first.offset),
        }.items()
    )
    # Elsewhere, damaged, changed, changed back: whole again. Of nothing there is nothing to save.
    assert {found[place].kind for place in (first, elsewhere, cut, changed, back, *empty)} == {"response"}


def test_every_way_in_which_a_request_ends_is_archived(tmp_path: Path) -> None:
    with faultserver({path: reply for path, (reply, _, _) in ANSWERS.items()}) as server:
        heard = crawled(
            [server.url + path for path in ANSWERS],
            warc_dir=tmp_path,
            PAUSE_CAP_S=0,
            CONCURRENT_REQUESTS_PER_DOMAIN=16,
        )
    found = records(tmp_path)
    assert len(found) == len({place.file for place in found}) + sum(
        1 if record.kind == "metadata" else 2
        for record in found.values()
        if record.kind in ("metadata", "response", "revisit")
    )
    fetches = [heard.only(server.url + path)["fetch"] for path in ANSWERS]
    for fetch in [*fetches, *heard.exchanged().values()]:
        record = found[Place(fetch["warc_file"], fetch["warc_offset"])]
        assert record.fields["warc-target-uri"] == fetch["url"]
        assert record.fields["archive-fetch-id"] == str(fetch["id"])
        assert record.fields["archive-outcome"] == fetch["outcome"]
        assert record.fields.get("archive-detail") == fetch["detail"]
        if fetch["status"] is None:
            assert record.kind == "metadata"
        else:
            assert (record.kind, record.status) == ("response", str(fetch["status"]))
            assert fetch["digest"] == (record.digest if record.payload else None)
            assert (record.fields["warc-ip-address"]) == "127.0.0.1"
    truncated = {
        fetch["url"].removeprefix(server.url): reason
        for fetch in fetches
        if (reason := found[Place(fetch["warc_file"], fetch["warc_offset"])].fields.get("warc-truncated"))
    }
    assert truncated == {
        "/closed-cut": "disconnect",
        **dict.fromkeys(
            (
                "/404-damaged",
                "/gzip-cut",
                "/gzip-wrong-crc",
                "/gzip-that-is-not",
                "/deflate-cut",
                "/brotli-cut",
                "/206",
            ),
            "unspecified",
        ),
    }


# --- files ---------------------------------------------------------------------------------------------------------


def test_a_file_is_open_until_it_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there yet"
    writer = archive(folder)
    place = writer.save(exchange(1))
    assert [path.name for path in folder.iterdir()] == [place.file + OPEN]
    writer.close()
    writer.close()
    assert [path.name for path in folder.iterdir()] == [place.file]


def test_a_file_without_anything_in_it_is_not_left(tmp_path: Path) -> None:
    archive(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


def test_files_end_with_their_size_and_with_the_day(tmp_path: Path) -> None:
    now = NOON
    writer = archive(tmp_path, max_bytes=4000, clock=Clock(wall=lambda: now))
    body = os.urandom(1500)
    places = [writer.save(exchange(number, body)) for number in range(5)]
    now += timedelta(hours=12)
    places.append(writer.save(exchange(9, body)))
    writer.close()
    files = [place.file for place in places]
    assert [files.index(file) for file in files] == [0, 0, 2, 2, 4, 5]
    assert [file.split("-")[2] for file in files[-2:]] == ["20171103120000", "20171104000000"]
    assert set(places) <= records(tmp_path).keys()


def test_two_writers_have_files_of_their_own(tmp_path: Path) -> None:
    first = archive(tmp_path)
    place = first.save(exchange(1))
    second = archive(tmp_path)  # repairs what is left by the dead, and the first one lives
    other = second.save(exchange(2))
    later = first.save(exchange(3))
    first.close()
    second.close()
    assert place.file == later.file != other.file
    assert {place, other, later} <= records(tmp_path).keys()


@pytest.mark.parametrize("spoil", ["a file in its place", "a file on the way"])
def test_a_folder_that_cannot_be(tmp_path: Path, spoil: str) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" if spoil == "a file in its place" else tmp_path / "file" / "archive"
    with pytest.raises(CannotStore, match="WARC_DIR"):
        archive(folder)


# --- torn tails ----------------------------------------------------------------------------------------------------


def test_a_file_cut_at_any_byte_of_its_last_exchange_is_repaired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A thousand repairs would wait for the disk all the time, and what is asked here is where they cut.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    writer = archive(tmp_path / "whole")
    kept = writer.save(exchange(1, b"first"))
    last = writer.save(exchange(2, b"second"))
    writer.close()
    whole = (tmp_path / "whole" / kept.file).read_bytes()
    all_of_them = records(tmp_path / "whole")
    ends = [place.offset for place in all_of_them] + [len(whole)]
    begin = ends[-3]  # of the last request

    folder = tmp_path / "cut"
    folder.mkdir()
    for end in range(begin, len(whole) + 1):
        (folder / (kept.file + OPEN)).write_bytes(whole[:end])
        [repair] = repaired(folder)
        boundary = max(offset for offset in ends if offset <= end)
        assert (repair.file, repair.torn) == (kept.file, end - boundary)
        found = records(folder)
        assert found == {place: all_of_them[place] for place in found}
        assert len(found) == ends.index(boundary)
        assert kept in found
        assert (last in found) == (end == len(whole))
        aside = folder / (kept.file + TORN)
        assert (aside.read_bytes() if aside.exists() else b"") == whole[boundary:end]
        shutil.rmtree(folder)
        folder.mkdir()


@pytest.mark.parametrize(
    "tail", [bytes(5000), b"not gzip at all", gzip.compress(b"x", mtime=0)[:-3] + b"!!!"]
)
def test_bytes_that_are_no_record_are_set_aside(tmp_path: Path, tail: bytes) -> None:
    writer = archive(tmp_path)
    place = writer.save(exchange(1))
    with (tmp_path / (place.file + OPEN)).open("ab") as file:
        file.write(tail)
    # As if the writer had been killed: its lock is gone, the file is not.
    shutil.copy(tmp_path / (place.file + OPEN), tmp_path / "copy")
    writer.close()
    (tmp_path / place.file).unlink()
    (tmp_path / "copy").rename(tmp_path / (place.file + OPEN))

    following = archive(tmp_path)
    later = following.save(exchange(2))
    following.close()
    assert {place, later} <= records(tmp_path).keys()
    assert (tmp_path / (place.file + TORN)).read_bytes() == tail


@pytest.mark.parametrize("length", [0, 1, 100, None])
def test_a_file_with_less_than_an_exchange_leaves_no_file(tmp_path: Path, length: int | None) -> None:
    writer = archive(tmp_path)
    [path] = tmp_path.iterdir()
    first_record = path.read_bytes()
    writer.close()
    path.write_bytes(first_record[:length])
    assert [repair.file for repair in repaired(tmp_path)] == [None]
    assert [file.suffix for file in tmp_path.iterdir()] == ([TORN] if length else [])


# --- disks ---------------------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_whole_records_and_says_so(tmp_path: Path) -> None:
    writer = archive(tmp_path)
    place = writer.save(exchange(1))
    path = tmp_path / (place.file + OPEN)
    size = path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The system writes what still fits and reports that as success; only the next write fails.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 700, hard))
    try:
        with pytest.raises(CannotStore, match="File too large"):
            writer.save(exchange(2, os.urandom(5000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.stat().st_size == size
    with pytest.raises(CannotStore):
        writer.save(exchange(3))  # also where there is room again
    writer.sync()  # of what was saved before, the database may hear
    writer.close()
    assert list(records(tmp_path))[-1] == place


def test_bytes_and_names_outlive_a_loss_of_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    really = os.fsync

    def noted(fd: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else f"{os.fstat(fd).st_size} bytes")
        really(fd)

    monkeypatch.setattr(os, "fsync", noted)
    writer = archive(tmp_path)
    [path] = tmp_path.iterdir()
    assert synced == [f"{path.stat().st_size} bytes", "folder"]
    writer.save(exchange(1))
    writer.save(exchange(2))
    assert synced[2:] == []
    writer.sync()
    writer.sync()
    assert synced[2:] == [f"{path.stat().st_size} bytes"]
    writer.close()
    assert synced[3:] == ["folder"]


def test_what_nobody_waited_for_is_on_the_disk_when_its_file_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    writer = archive(tmp_path, max_bytes=1)
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_ino))
        first = writer.save(exchange(1))
        inode = (tmp_path / (first.file + OPEN)).stat().st_ino
        begun = synced.count(inode)
        writer.save(exchange(2))  # into the next file
        assert synced.count(inode) == begun + 1
        assert (tmp_path / first.file).exists()
        writer.sync()
        writer.close()


def test_saving_does_not_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = archive(tmp_path)
    syncing, go_on = Event(), Event()
    really = os.fsync

    def slow(fd: int) -> None:
        syncing.set()
        assert go_on.wait(60)
        really(fd)

    writer.save(exchange(1))
    with monkeypatch.context() as disk, ThreadPoolExecutor() as other:
        disk.setattr(os, "fsync", slow)
        waited = other.submit(writer.sync)
        assert syncing.wait(60)
        place = writer.save(exchange(2))
        assert not waited.done()
        go_on.set()
        waited.result()
    size = (tmp_path / (place.file + OPEN)).stat().st_size
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_size))
    writer.sync()
    assert synced == [size]  # the second one came too late for the first time
    writer.close()


def test_a_disk_that_does_not_sync_is_not_trusted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = archive(tmp_path)
    place = writer.save(exchange(1))
    writer.sync()
    writer.save(exchange(2))
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", _broken)
        with pytest.raises(CannotStore, match="Input/output error"):
            writer.sync()
    for again in (writer.sync, lambda: writer.save(exchange(3))):
        with pytest.raises(CannotStore, match="Input/output error"):
            again()
    writer.close()
    assert list(records(tmp_path))[-1] == place


def test_what_stands_in_a_full_file_that_the_disk_refuses_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = archive(tmp_path, max_bytes=1)
    writer.save(exchange(1))
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", _broken)
        with pytest.raises(CannotStore, match="Input/output error"):
            writer.save(exchange(2))
    with pytest.raises(CannotStore, match="Input/output error"):
        writer.sync()
    writer.close()


def test_what_the_disk_tells_the_one_who_closes_a_file_is_told_to_the_one_who_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = archive(tmp_path, max_bytes=1)
    writer.save(exchange(1))
    waiting, go_on = Event(), Event()
    closes = get_ident()

    def told_once(fd: int) -> None:
        if get_ident() == closes:
            _broken(fd)
        waiting.set()
        assert go_on.wait(60)

    with monkeypatch.context() as disk, ThreadPoolExecutor() as other:
        disk.setattr(os, "fsync", told_once)
        waited = other.submit(writer.sync)
        assert waiting.wait(60)
        with pytest.raises(CannotStore, match="Input/output error"):
            writer.save(exchange(2))  # into the next file
        go_on.set()
        with pytest.raises(CannotStore, match="Input/output error"):
            waited.result()
    writer.close()


@pytest.mark.parametrize("happens", ["removed", "moved", "replaced by a file", "replaced by a copy"])
def test_a_folder_that_is_gone_is_noticed(tmp_path: Path, happens: str) -> None:
    folder = tmp_path / "archive"
    writer = archive(folder)
    writer.save(exchange(1))
    writer.sync()
    folder.rename(tmp_path / "elsewhere")
    match happens:
        case "removed":
            shutil.rmtree(tmp_path / "elsewhere")
        case "replaced by a file":
            folder.touch()
        case "replaced by a copy":
            shutil.copytree(tmp_path / "elsewhere", folder)
    writer.save(exchange(2))
    for again in (writer.sync, writer.sync, lambda: writer.save(exchange(3))):
        with pytest.raises(CannotStore, match="Put it back"):
            again()


def _broken(_: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))
