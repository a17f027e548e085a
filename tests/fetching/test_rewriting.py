"""Files of the archive written anew: what is taken out is gone, all else is where it is said to be."""

import gzip
import hashlib
import zlib
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.errors import BadRecord
from crawler.fetching.capture import Capture
from crawler.fetching.records import ArchiveReader
from crawler.fetching.rewriting import Rewriting, destroy, leftovers, searched, to_rewrite
from crawler.items import Fetch, FetchKind
from tests.fetching.test_records import place, saved, unanswered
from tests.fetching.test_warc import PAGE, archive, exchange
from tests.warcs import records

DAY = date(2026, 11, 24)
SECRET = b"<html><p>zqsecret and others</p></html>" * 20
PACKED = gzip.compress(SECRET, mtime=0)
OPEN_SECRET = SECRET.replace(b"zqsecret ", b"")


def without(edition_id: int, url: str, text: bytes) -> bytes:
    assert edition_id == 1
    assert url.startswith("https://en.topwar.ru/")
    return text.replace(b"zqsecret ", b"").replace(b"zqsecret", b"") if b"zqsecret" in text else text


def rewritten(folder: Path) -> Rewriting:
    """Everything that shows the secret, written anew; the old files destroyed."""
    reader = ArchiveReader(folder)
    names = to_rewrite({name: searched(folder, without, name) for name in reader.files()})
    rewriting = Rewriting(folder, without, on=DAY)
    for name in names:
        rewriting.write(name)
    rewriting.publish()
    destroy(folder, names)
    assert leftovers(folder) == []
    return rewriting


def everywhere(folder: Path) -> bytes:
    """All bytes of an archive, unpacked as far as they can be."""
    found = b""
    for path in folder.iterdir():
        data = path.read_bytes()
        found += data
        while data:
            member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                found += member.decompress(data)
            except zlib.error:
                break
            data = member.unused_data
    for record in records(folder).values():
        for unpack in (gzip.decompress, brotli.decompress):
            try:
                found += unpack(record.payload)
            except (OSError, brotli.error):
                continue
    return found


def test_what_is_taken_out_is_gone_and_all_else_is_where_it_is_said_to_be(tmp_path: Path) -> None:
    captures = [
        exchange(1, PAGE),
        exchange(2, PACKED, headers={"Content-Encoding": "gzip", "X-Other": "kept"}),
        unanswered(3),
        exchange(4, brotli.compress(SECRET), headers={"Content-Encoding": "br"}),
        exchange(5, SECRET, headers={"Content-Length": str(len(SECRET))}),
        exchange(
            6, PACKED, url="https://en.topwar.ru/2-a.html", headers={"Content-Encoding": "gzip"}
        ),
        exchange(7, PAGE, url="https://en.topwar.ru/1-a.html"),
        exchange(8, SECRET[:60], status=404, outcome="not_found"),
        exchange(9, b""),
    ]  # fmt: skip
    fetches = saved(tmp_path, *captures)
    (old_name,) = ArchiveReader(tmp_path).files()
    before = {one.fetch.id: one for one in ArchiveReader(tmp_path).exchanges()}
    kinds = [record.kind for record in records(tmp_path).values()]
    rewriting = rewritten(tmp_path)

    assert b"zqsecret" not in everywhere(tmp_path)
    assert old_name not in ArchiveReader(tmp_path).files()
    assert [
        record.kind for record in records(tmp_path).values()
    ] == kinds  # and two readers verify all digests
    bodies = [
        PAGE,
        OPEN_SECRET,
        b"",
        OPEN_SECRET,
        OPEN_SECRET,
        OPEN_SECRET,
        PAGE,
        SECRET[:60].replace(b"zqsecret ", b""),
        b"",
    ]
    reader = ArchiveReader(tmp_path)
    for fetch, body in zip(fetches, bodies, strict=True):
        moved = rewriting.moved[place(fetch)]
        now, then = reader.at(moved.new), before[fetch.id]
        assert moved.fetch_id == fetch.id
        assert now.body().text == body
        assert now.body().fault is None
        is_changed = moved.changed is not None
        assert is_changed is (fetch.id // 100 in (2, 4, 5, 6, 8))
        same = ("warc_file", "warc_offset", *(("bytes", "digest") if is_changed else ()))
        kept = {name: getattr(now.fetch, name) for name in same}
        assert now.fetch == replace(then.fetch, **kept)
        assert (now.crawl_id, now.visit_id) == (then.crawl_id, then.visit_id)
        if moved.changed is not None:
            assert (now.fetch.bytes, now.fetch.digest) == (moved.changed.bytes, moved.changed.digest)
            assert now.header(b"Content-Length") == str(len(body)).encode()
            assert now.values(b"Content-Encoding") == []
        else:
            assert (now.headers, now.sent) == (then.headers, then.sent)
    there = records(tmp_path)
    record = there[rewriting.moved[place(fetches[1])].new]
    assert record.fields["archive-redacted"] == "2026-11-24"
    again = reader.at(rewriting.moved[place(fetches[5])].new)
    assert again.header(b"X-Crawler-Content-Encoding") == b"gzip"
    assert next(iter(there.values())).fields["warc-filename"] in {path.name for path in tmp_path.iterdir()}


def test_files_that_refer_to_a_file_are_written_with_it(tmp_path: Path) -> None:
    writer = archive(tmp_path, max_bytes=1)  # a file for each exchange
    captures = [
        exchange(1, SECRET),
        exchange(2, PAGE),
        exchange(3, PAGE, url="https://en.topwar.ru/2-a.html"),
        exchange(4, SECRET, url="https://en.topwar.ru/1-a.html"),
    ]
    for capture in captures:
        writer.save(capture)
    writer.close()
    names = ArchiveReader(tmp_path).files()
    assert len(names) == 4
    found = {name: searched(tmp_path, without, name) for name in names}
    assert to_rewrite(found) == [names[0], names[3]]
    rewritten(tmp_path)
    texts = {one.fetch.id // 100: one.body().text for one in ArchiveReader(tmp_path).exchanges()}
    assert texts == {1: OPEN_SECRET, 2: PAGE, 3: PAGE, 4: OPEN_SECRET}
    assert set(names[1:3]) <= set(ArchiveReader(tmp_path).files())
    assert b"zqsecret" not in everywhere(tmp_path)


def test_the_order_of_files_stays(tmp_path: Path) -> None:
    writer = archive(tmp_path, max_bytes=1)
    for number in range(1, 6):
        writer.save(exchange(number, SECRET))
    writer.close()
    rewritten(tmp_path)
    assert [one.fetch.id // 100 for one in ArchiveReader(tmp_path).exchanges()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("sent", "encoding"),
    [
        (gzip.compress(SECRET, mtime=0)[:-9], "gzip"),
        (gzip.compress(SECRET, mtime=0)[:-4] + b"oops", "gzip"),
        (zlib.compress(SECRET)[:-3], "deflate"),
        (brotli.compress(SECRET)[:-2], "br"),
        (SECRET, "gzip"),
        (SECRET, "zstd"),
    ],
)
def test_of_a_damaged_body_that_shows_it_nothing_is_left(tmp_path: Path, sent: bytes, encoding: str) -> None:
    capture = exchange(1, sent, headers={"Content-Encoding": encoding}, outcome="incomplete")
    (fetch,) = saved(tmp_path, capture)
    rewriting = rewritten(tmp_path)
    moved = rewriting.moved[place(fetch)]
    now = ArchiveReader(tmp_path).at(moved.new)
    assert (now.sent, now.fetch.bytes, now.fetch.digest) == (b"", 0, None)
    assert now.fetch.outcome == "incomplete"
    assert b"zqsecret" not in everywhere(tmp_path)


def test_robots_and_sitemaps_are_not_looked_into(tmp_path: Path) -> None:
    captures: list[Capture] = []
    kinds: tuple[FetchKind, ...] = ("robots", "sitemap")
    for number, kind in enumerate(kinds, 1):
        one = exchange(number, SECRET)
        captures.append(replace(one, fetch=replace(one.fetch, kind=kind)))
    saved(tmp_path, *captures)
    (name,) = ArchiveReader(tmp_path).files()
    assert searched(tmp_path, without, name).showing == 0


def test_a_file_with_a_damaged_record_is_not_written_anew(tmp_path: Path) -> None:
    saved(tmp_path, exchange(1, SECRET), exchange(2, PAGE))
    (name,) = ArchiveReader(tmp_path).files()
    path = tmp_path / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(BadRecord):
        searched(tmp_path, without, name)
    with pytest.raises(BadRecord):
        Rewriting(tmp_path, without, on=DAY).write(name)
    assert leftovers(tmp_path) == [path.name for path in tmp_path.iterdir() if path.name.endswith(".new")]


@given(data=st.data())
@settings(max_examples=40)
def test_any_archive(data: st.DataObject) -> None:
    bodies = st.sampled_from([PAGE, SECRET, b"", SECRET + PAGE, gzip.compress(SECRET, mtime=0)])
    picks = data.draw(st.lists(st.tuples(bodies, st.integers(1, 3)), min_size=1, max_size=12))
    with TemporaryDirectory() as name:
        folder = Path(name)
        writer = archive(folder, max_bytes=data.draw(st.sampled_from([1, 2_000, 10**6])))
        fetches: list[Fetch] = []
        for number, (body, page) in enumerate(picks, 1):
            packed: dict[str, str | bytes] | None = (
                {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else None
            )
            capture = exchange(number, body, url=f"https://en.topwar.ru/{page}-a.html", headers=packed)
            stands = writer.save(capture)
            fetches.append(replace(capture.fetch, warc_file=stands.file, warc_offset=stands.offset))
        writer.close()
        before = {one.fetch.id: one for one in ArchiveReader(folder).exchanges()}
        moved = rewritten(folder).moved
        assert b"zqsecret" not in everywhere(folder)
        reader = ArchiveReader(folder)
        for fetch in fetches:
            there = moved[place(fetch)].new if place(fetch) in moved else place(fetch)
            text = before[fetch.id].body().text
            assert reader.at(there).body().text == without(1, fetch.url, text)
            assert reader.at(there).fetch.id == fetch.id
            digest = hashlib.sha256(reader.at(there).sent).hexdigest()
            assert reader.at(there).fetch.digest == (digest if text else None)
