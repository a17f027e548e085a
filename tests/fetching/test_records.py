"""Exchanges come out of the archive as they went in, and what is damaged comes out as damaged."""

import gzip
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.errors import BadRecord
from crawler.fetching.capture import Capture, Place
from crawler.fetching.files import OPEN
from crawler.fetching.headers import one_line
from crawler.fetching.records import Archived, ArchiveReader, Indexed
from crawler.items import Fetch
from tests.fetching.test_warc import PAGE, archive, asked, exchange
from tests.warcs import records


def saved(folder: Path, *captures: Capture) -> list[Fetch]:
    """An archive of these exchanges, closed; and the fetches as they are to be read back."""
    writer = archive(folder)
    places = [writer.save(capture) for capture in captures]
    writer.close()
    return [at(capture.fetch, place) for capture, place in zip(captures, places, strict=True)]


def at(fetch: Fetch, place: Place) -> Fetch:
    return replace(fetch, warc_file=place.file, warc_offset=place.offset)


def place(fetch: Fetch) -> Place:
    assert fetch.warc_file is not None
    assert fetch.warc_offset is not None
    return Place(fetch.warc_file, fetch.warc_offset)


def unanswered(number: int) -> Capture:
    _, fetch = asked(number, status=None, outcome="timeout")
    return Capture(fetch=fetch, crawl_id=7, visit_id=8, request_head=b"GET / HTTP/1.1\r\n\r\n")


ODD = b"\r\n\r\nWARC/1.1\r\n\x00\xff"


def test_exchanges_come_back_as_they_were(tmp_path: Path) -> None:
    captures = [
        exchange(1, PAGE, headers={"Content-Type": "text/html", "Date": "Fri, 03 Nov 2017 12:00:00 GMT"}),
        exchange(2, gzip.compress(PAGE, mtime=0), headers={"Content-Encoding": "gzip"}),
        exchange(
            3, gzip.compress(PAGE, mtime=0)[:-9], headers={"Content-Encoding": "gzip"}, outcome="incomplete"
        ),
        exchange(4, b""),
        exchange(5, ODD, status=999, headers={"X-Odd": "имя".encode() + b"\xff", "x-empty": ""}),
        unanswered(6),
        exchange(7, status=301, headers={"Location": "/8-b.html"}, outcome="moved", body=b""),
        exchange(8, PAGE, url="https://en.topwar.ru/1-a.html"),  # as the first: a revisit
    ]
    fetches = saved(tmp_path, *captures)
    reader = ArchiveReader(tmp_path)
    found = list(reader.exchanges())
    assert [archived.fetch for archived in found] == fetches
    assert [reader.at(place(fetch)) for fetch in fetches] == found
    assert {(archived.crawl_id, archived.visit_id) for archived in found} == {(7, 8)}
    assert [archived.sent for archived in found] == [capture.body for capture in captures]
    assert [archived.body().text for archived in found] == [PAGE, PAGE, b"", b"", ODD, b"", b"", PAGE]
    assert found[2].body().fault is not None
    assert found[0].header(b"date") == b"Fri, 03 Nov 2017 12:00:00 GMT"
    assert found[4].headers == ((b"X-Odd", "имя".encode() + b"\xff"), (b"X-Empty", b""))
    assert found[5].headers == ()
    assert found[6].header(b"Location") == b"/8-b.html"
    kinds = {place: record.kind for place, record in records(tmp_path).items()}
    assert [kinds[place(fetch)] for fetch in fetches] == ["response"] * 5 + [
        "metadata",
        "response",
        "revisit",
    ]

    assert list(reader.index()) == [
        Indexed(
            fetch_id=fetch.id,
            edition_id=1,
            kind="article",
            fetched_at=fetch.fetched_at,
            place=place(fetch),
            crawl_id=7,
            visit_id=8,
            article_id=fetch.article_id,
        )
        for fetch in fetches
    ]


@given(st.text())
@settings(max_examples=50)
def test_whatever_went_wrong_is_told_in_the_same_words(text: str) -> None:
    detail = one_line(text) or "no further word"
    told = unanswered(1)
    with TemporaryDirectory() as folder:
        [fetch] = saved(Path(folder), replace(told, fetch=replace(told.fetch, detail=detail)))
        [archived] = ArchiveReader(Path(folder)).exchanges()
    assert archived.fetch == fetch


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("", PAGE),
        ("identity", PAGE),
        ("gzip", gzip.compress(PAGE, mtime=0)),
        ("GZIP", gzip.compress(PAGE, mtime=0)),
        ("x-gzip, identity", gzip.compress(PAGE, mtime=0)),
        ("deflate", zlib.compress(PAGE)),
        ("br", brotli.compress(PAGE)),
        ("deflate, gzip", gzip.compress(zlib.compress(PAGE), mtime=0)),
    ],
)
def test_bodies_are_unpacked(encoding: str, sent: bytes) -> None:
    headers = tuple((b"Content-Encoding", part.encode()) for part in encoding.split(",") if part)
    archived = Archived(fetch=asked(1, outcome="ok")[1], headers=headers, sent=sent)
    assert archived.body().text == PAGE
    too_big = archived.body(max_bytes=len(PAGE) - 1).fault
    assert (too_big and too_big[0]) == (None if sent == PAGE else "too_big")


def test_all_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    first, second = archive(tmp_path), archive(tmp_path)
    places = [first.save(exchange(1)), second.save(exchange(2)), first.save(exchange(3))]
    first.close()
    reader = ArchiveReader(tmp_path)
    assert reader.files() == sorted({place.file for place in places})
    by_file = {name: [a.fetch.id for a in reader.exchanges([name])] for name in reader.files()}
    assert by_file == {places[0].file: [101, 301], places[1].file: [201]}
    assert [a.fetch.id for a in reader.exchanges()] == [
        number for name in reader.files() for number in by_file[name]
    ]
    second.close()
    assert [a.fetch.id for a in reader.exchanges()] == [
        number for name in reader.files() for number in by_file[name]
    ]


# --- what is still written, cut, or damaged -------------------------------------------------------------------------


def boundaries(folder: Path) -> list[int]:
    """Where the records of the one file begin, and where the last one ends."""
    [path] = folder.glob("*.warc.gz")
    return [place.offset for place in records(folder)] + [path.stat().st_size]


def test_a_file_is_read_up_to_its_last_whole_record_while_it_is_written(tmp_path: Path) -> None:
    fetches = saved(tmp_path, exchange(1), unanswered(2), exchange(3, PAGE[:90]))
    ends = boundaries(tmp_path)
    [path] = tmp_path.iterdir()
    data = path.read_bytes()
    path.unlink()
    growing = path.with_name(path.name + OPEN)
    for size in range(len(data) + 1):
        growing.write_bytes(data[:size])
        whole = sum(end <= size for end in ends) - 1
        # The file begins with a record of its own, and an answer stands behind its request.
        expected = [fetches[:count] for count in (0, 0, 0, 1, 2, 2, 3)][max(whole, 0)]
        assert [archived.fetch for archived in ArchiveReader(tmp_path).exchanges()] == expected


def test_a_closed_file_that_is_cut_says_where(tmp_path: Path) -> None:
    fetches = saved(tmp_path, exchange(1), unanswered(2), exchange(3, PAGE[:90]))
    ends = boundaries(tmp_path)
    [path] = tmp_path.iterdir()
    data = path.read_bytes()
    for size in range(1, len(data)):
        path.write_bytes(data[:size])
        whole = sum(end <= size for end in ends) - 1
        bad: list[BadRecord] = []
        found = [archived.fetch for archived in ArchiveReader(tmp_path).exchanges(bad=bad.append)]
        assert found == [fetches[:count] for count in (0, 0, 0, 1, 2, 2)][max(whole, 0)]
        assert [(error.file, error.offset) for error in bad] == (
            [] if size in ends else [(path.name, max(end for end in ends if end <= size))]
        )
    with pytest.raises(BadRecord, match="the file ends in the middle of a record"):
        list(ArchiveReader(tmp_path).exchanges())


def test_a_changed_byte_loses_one_record_at_most_and_never_changes_one(tmp_path: Path) -> None:
    fetches = saved(
        tmp_path,
        exchange(1),
        exchange(1),
        unanswered(2),
        exchange(3, gzip.compress(PAGE, mtime=0)),
        exchange(4),
    )
    whole = {archived.fetch.warc_offset: archived for archived in ArchiveReader(tmp_path).exchanges()}
    assert len(whole) == len(fetches)
    [path] = tmp_path.iterdir()
    content = path.read_bytes()
    lost_most = 0
    for position in range(0, len(content), 3):
        changed = bytearray(content)
        changed[position] ^= (0x01, 0x80, 0xFF, 0x55)[position % 4]
        path.write_bytes(changed)
        bad: list[BadRecord] = []
        found = {a.fetch.warc_offset: a for a in ArchiveReader(tmp_path).exchanges(bad=bad.append)}
        assert found.items() <= whole.items()
        # A damaged request loses no answer.
        lost = len(whole) - len(found)
        assert (lost == 0) or (lost <= len(bad) <= 2)
        lost_most = max(lost_most, lost)
    # The second is a revisit of the first and is lost with it.
    assert lost_most == 2


def rewritten(folder: Path, change: Callable[[bytes], bytes]) -> list[BadRecord]:
    """What is bad about the one file when its records are changed and packed anew."""
    [path] = folder.iterdir()
    data, members = path.read_bytes(), b""
    while data:
        stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        members += gzip.compress(change(stream.decompress(data)))
        data = stream.unused_data
    path.write_bytes(members)
    bad: list[BadRecord] = []
    list(ArchiveReader(folder).exchanges(bad=bad.append))
    return bad


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"<html>", b"<HTML>", "its block is not the one that its digest names"),
        (b"200 OK", b"201 OK", "its block is not the one that its digest names"),
        (b"WARC-Block-Digest", b"WARC-Black-Digest", "it has no WARC-Block-Digest"),
        (b"Block-Digest: sha256:", b"Block-Digest: sha512:", "is no SHA-256"),
        (b"Block-Digest: sha256:", b"Block-Digest: sha256:1", "is no SHA-256"),
        (b"Payload-Digest: sha256:", b"Payload-Digest: sha256:A", "is no SHA-256"),
        (b"WARC/1.1", b"HTTP/1.1", "this is no WARC record"),
        (b"Archive-Fetch-Id: 1", b"Archive-Fetch-Id: x", "its Archive-Fetch-Id is no number but 'x01'"),
        (b"Archive-Fetch-Id", b"Archive-Fetch-No", "it has no Archive-Fetch-Id"),
        (b"Archive-Kind: article", b"Archive-Kind: particle", "its Archive-Kind is 'particle'"),
        (b"Archive-Outcome: ok", b"Archive-Outcome: OK", "its Archive-Outcome is 'OK'"),
        (b"WARC-Date: 2017-11-03", b"WARC-Date: 2017-31-03", "is no moment"),
        (b"123456Z", b"123456", "has no time zone"),
        (b"Content-Length: ", b"Content-Length: 1", "the record is shorter than it says"),
    ],
)
def test_a_record_that_says_what_cannot_be(tmp_path: Path, old: bytes, new: bytes, problem: str) -> None:
    saved(tmp_path, exchange(1))
    bad = rewritten(tmp_path, lambda record: record.replace(old, new))
    assert problem in str(bad[-1])


def test_an_original_that_is_gone_or_damaged(tmp_path: Path) -> None:
    writer = archive(tmp_path, max_bytes=1)
    original, revisit = writer.save(exchange(1)), writer.save(exchange(1))
    writer.close()
    reader = ArchiveReader(tmp_path)
    assert original.file != revisit.file
    assert reader.at(revisit).sent == PAGE

    path = tmp_path / original.file
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(BadRecord, match=r"its original cannot be had: .* there is no such file") as raised:
        reader.at(revisit)
    assert (raised.value.file, raised.value.offset) == (revisit.file, revisit.offset)
    path.write_bytes(content[:-5])
    with pytest.raises(BadRecord, match="the file ends in the middle of a record"):
        reader.at(revisit)
    bad: list[BadRecord] = []
    assert list(reader.exchanges(bad=bad.append)) == []
    assert [error.file for error in bad] == [original.file, revisit.file]
    other = archive(tmp_path)
    elsewhere = other.save(exchange(1, PAGE[:20]))
    other.close()
    another = (tmp_path / elsewhere.file).read_bytes()[elsewhere.offset :]
    path.write_bytes(content[: original.offset] + another)
    with pytest.raises(BadRecord, match="it has another digest"):
        reader.at(revisit)


def test_places_where_no_answer_is(tmp_path: Path) -> None:
    [fetch] = saved(tmp_path, exchange(1))
    file, reader = place(fetch).file, ArchiveReader(tmp_path)
    request = sorted(place.offset for place in records(tmp_path))[1]
    for offset, problem in [
        (0, "kind 'warcinfo' is no answer"),
        (request, "kind 'request' is no answer"),
        (request + 1, "cannot be unpacked"),
        (10**6, "there is no record"),
    ]:
        with pytest.raises(BadRecord, match=problem):
            reader.at(Place(file, offset))
    with pytest.raises(BadRecord, match=r"none\.warc\.gz at byte 7: there is no such file"):
        reader.at(Place("none.warc.gz", 7))
    with pytest.raises(BadRecord, match="there is no such file"):
        list(reader.exchanges(["none.warc.gz"]))
    (tmp_path / "folder.warc.gz").mkdir()
    bad: list[BadRecord] = []
    assert [archived.fetch for archived in reader.exchanges(bad=bad.append)] == [fetch]
    assert [error.file for error in bad] == ["folder.warc.gz"]


def test_a_bomb_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "bomb.warc.gz").write_bytes(gzip.compress(bytes(80 * 1024 * 1024)))
    with pytest.raises(BadRecord, match="longer than any record"):
        list(ArchiveReader(tmp_path).exchanges())


def test_a_digest_is_that_of_the_body(tmp_path: Path) -> None:
    [fetch] = saved(tmp_path, exchange(1))
    assert ArchiveReader(tmp_path).at(place(fetch)).fetch.digest == hashlib.sha256(PAGE).hexdigest()
    wrong = replace(exchange(2), body=PAGE + b" ")  # the digest is still that of the page
    with TemporaryDirectory() as folder:
        saved(Path(folder), wrong)
        with pytest.raises(BadRecord, match="its body is not the one that its digest names"):
            list(ArchiveReader(Path(folder)).exchanges())
