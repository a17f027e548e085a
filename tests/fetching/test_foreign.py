"""Archives of others are read whatever they are, and what is damaged in them is told and left."""

import gzip
import os
import subprocess
import sys
import zlib
from base64 import b32encode, b64encode, urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import BadRecord
from crawler.fetching.bodies import looked_at
from crawler.fetching.foreign import ForeignRecord, payload_name, records
from crawler.fetching.foreign_answers import ForeignAnswer, answer
from tests.foreign import ForeignFile, Seen, arc, chunked

AT = datetime(2016, 5, 17, 8, 0, 1, tzinfo=UTC)
PAGE = "<!DOCTYPE html>\r\n\r\n<html><body>Причал</body></html>\n".encode()


def page(number: int, body: bytes = PAGE) -> Seen:
    return Seen(uri=f"http://topwar.ru/{number}-a.html", at=AT, body=body)


def read(path: Path) -> tuple[list[ForeignRecord], list[BadRecord]]:
    bad: list[BadRecord] = []
    found = [record for record, _ in records(path, wanted=is_answer, bad=bad.append)]
    return found, bad


def is_answer(record: ForeignRecord) -> bool | None:
    return record.kind == "response" or None


def uris(found: list[ForeignRecord]) -> list[str]:
    return [record.fields["warc-target-uri"].removeprefix("http://topwar.ru/") for record in found]


def three(*, packed: bool = True) -> ForeignFile:
    file = ForeignFile(packed=packed)
    for number in (1, 2, 3):
        file.common_crawl(page(number))
    return file


@pytest.mark.parametrize("packing", ["each record", "nothing", "the whole file", "odd pieces"])
def test_however_a_file_is_packed(tmp_path: Path, packing: str) -> None:
    data = three(packed=packing == "each record").data
    if packing == "the whole file":
        data = gzip.compress(data)
    if packing == "odd pieces":  # as programs do that pack with several threads
        data = b"".join(gzip.compress(data[start : start + 999]) for start in range(0, len(data), 999))
    (path := tmp_path / "theirs.warc").write_bytes(data)
    found, bad = read(path)
    assert (uris(found), bad) == (["1-a.html", "2-a.html", "3-a.html"], [])
    for record in found:
        came = answer(record.block)
        assert came is not None
        assert came.body == PAGE
        assert record.file == "theirs.warc"


def test_an_arc_file(tmp_path: Path) -> None:
    (path := tmp_path / "theirs.arc.gz").write_bytes(arc(page(1), page(2)))
    found, bad = read(path)
    assert (uris(found), bad) == (["1-a.html", "2-a.html"], [])
    assert found[0].fields["warc-date"] == "2016-05-17T08:00:01Z"
    assert "warc-record-id" not in found[0].fields
    came = answer(found[0].block)
    assert came is not None
    assert came.body == PAGE


def test_a_file_that_is_none(tmp_path: Path) -> None:
    for data in (b"<html>no archive</html>\n" * 9, gzip.compress(b"%PDF-1.4\n" * 9), b"\x1f\x8b\x08 no gzip"):
        (path := tmp_path / "odd").write_bytes(data)
        found, [error] = read(path)
        assert (found, error.offset) == ([], 0)
    (path := tmp_path / "empty").write_bytes(b"")
    assert read(path) == ([], [])
    found, [error] = read(tmp_path / "nothing here")
    assert "No such file" in error.problem


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (
            b"com,topwar)/7-a.html 20180219 http://topwar.ru/7-a.html text/html 200 A 1 2\n",
            "perhaps it is none",
        ),
        (b"<html>no archive</html>\n" * 9, "perhaps it is none"),
        (gzip.compress(b"%PDF-1.4\n" * 9), "perhaps it is none"),
        (b"\x28\xb5\x2f\xfd" + bytes(90), "`zstd -d FILE`"),
        (b"PK\x03\x04" + bytes(90), "take the WARC files in it"),
        (b"\x1f\x8b\x08 no gzip", "it cannot be unpacked"),
    ],
    ids=["CDX", "HTML", "packed PDF", "zstd", "ZIP", "gzip"],
)
def test_of_what_is_no_archive_it_is_told_what_it_is(tmp_path: Path, data: bytes, problem: str) -> None:
    (path := tmp_path / "odd").write_bytes(data)
    found, [error] = read(path)
    assert (found, error.offset) == ([], 0)
    assert problem in error.problem


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(named := tmp_path / "pipe")
    reads, writes = os.pipe()
    for pipe in (named, Path(f"/dev/fd/{reads}"), Path("/dev/null")):
        found, [error] = read(pipe)
        assert (found, error.problem) == ([], "a pipe can be read only once: save it in a file first")
    os.close(reads)
    os.close(writes)


def test_addresses_with_spaces_are_nobodys_news(tmp_path: Path) -> None:
    file = ForeignFile()
    file.response(Seen(uri="http://topwar.ru/7-a b.html", at=AT), [], b"")
    path = file.written(tmp_path / "theirs.warc.gz")
    script = "import sys; from pathlib import Path; from crawler.fetching.foreign import records;"
    script += "print(len(list(records(Path(sys.argv[1]), wanted=lambda record: True, bad=print))))"
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("2\n", "")


@pytest.mark.parametrize("packed", [True, False])
def test_behind_damage_the_reading_goes_on(tmp_path: Path, packed: bool) -> None:
    file = three(packed=packed)
    # warcinfo, then three times request, response and metadata: the second response.
    begin, end = file.offsets[5], file.offsets[6]
    data = bytearray(file.data)
    middle = (begin + end) // 2 if packed else data.index("Причал".encode(), begin)
    data[middle] ^= 0xFF
    (path := tmp_path / "theirs.warc.gz").write_bytes(data)
    found, bad = read(path)
    assert (uris(found), [error.offset for error in bad]) == (["1-a.html", "3-a.html"], [begin])


@pytest.mark.parametrize("packed", [True, False])
def test_lost_and_strange_bytes_between_records(tmp_path: Path, packed: bool) -> None:
    file = three(packed=packed)
    data, begin = file.data, file.offsets[5]
    (path := tmp_path / "theirs.warc.gz").write_bytes(
        data[:begin] + b"strange\nbytes" * 9 + b"\n" + data[begin:]
    )
    found, bad = read(path)
    assert (uris(found), len(bad)) == (["1-a.html", "2-a.html", "3-a.html"], 1)
    end = file.offsets[6]
    path.write_bytes(data[: end - 90] + data[end:])  # the second response has lost its end
    found, bad = read(path)
    assert "1-a.html" in uris(found)
    assert "2-a.html" not in uris(found)
    assert bad
    if packed:
        # Once in a while what the next member unpacks to in its place looks like one more broken record there.
        assert (uris(found)[0], uris(found)[-1]) == ("1-a.html", "3-a.html")
        assert {error.offset for error in bad} == {begin}


@pytest.mark.parametrize("packing", ["each record", "nothing", "the whole file"])
@pytest.mark.parametrize("padding", [b"\0" * 3, b"\r\n\r\n", b"\n" + 2_000_000 * b"\0" + b"\n"])
def test_padding_at_the_end_is_no_damage(tmp_path: Path, packing: str, padding: bytes) -> None:
    data = three(packed=packing == "each record").data
    data = gzip.compress(data) if packing == "the whole file" else data
    (path := tmp_path / "theirs.warc.gz").write_bytes(data + padding)
    found, bad = read(path)
    assert (uris(found), bad) == (["1-a.html", "2-a.html", "3-a.html"], [])
    path.write_bytes(data + padding + b"strange")  # but what follows it is
    found, bad = read(path)
    assert (len(found), len(bad)) == (3, 1)
    path.write_bytes(b"\0" * 9)  # and what holds nothing else is no archive
    assert len(read(path)[1]) == 1


@pytest.mark.parametrize("packed", [True, False])
def test_a_record_that_is_cut_before_padding_is_damaged(tmp_path: Path, packed: bool) -> None:
    data = three(packed=False).data[:-200]
    (path := tmp_path / "theirs.warc").write_bytes((gzip.compress(data) if packed else data) + b"\0" * 9)
    _, bad = read(path)
    assert len(bad) == 1


def test_a_member_that_holds_less_than_its_record_says(tmp_path: Path) -> None:
    file = three()
    begin, end = file.offsets[5], file.offsets[6]
    short = gzip.compress(gzip.decompress(file.data[begin:end])[:-40])
    (path := tmp_path / "theirs.warc.gz").write_bytes(file.data[:begin] + short + file.data[end:])
    found, bad = read(path)
    assert uris(found) == ["1-a.html", "3-a.html"]
    assert [(error.offset, error.problem) for error in bad] == [(begin, "a record is shorter than it says")]


#: One of each kind, as the numbers of records, and so their lengths, differ from file to file.
THREE = {packed: three(packed=packed) for packed in (True, False)}


@given(st.data())
def test_a_file_cut_anywhere_gives_what_is_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    packed = data.draw(st.booleans())
    file = THREE[packed]
    cut = data.draw(st.integers(0, len(file.data)))
    path = tmp_path_factory.getbasetemp() / "cut.warc.gz"
    path.write_bytes(file.data[:cut])
    found, bad = read(path)
    ends = [*file.offsets[1:], len(file.data)]
    responses = [
        number for number, end in enumerate(ends[2::3], 1) if cut >= end - 4
    ]  # without the blank lines
    assert len(found) in (len(responses), len(responses) + 1)
    assert all(record.block.endswith(PAGE) for record in found)
    whole = cut in (0, *ends)
    assert not bad or not whole
    assert len(bad) <= 1


def test_a_block_that_its_digest_does_not_name(tmp_path: Path) -> None:
    file = ForeignFile()
    block = b"HTTP/1.1 200 OK\r\n\r\n<html></html>"
    for digest in ("sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ", "sha256:00", "crc32:12", "sha1:", "md5:ff"):
        file.record("response", "http://topwar.ru/1-a.html", block, None, **{"WARC-Block-Digest": digest})
    found, bad = read(file.written(tmp_path / "theirs.warc.gz"))
    assert len(found) == 1  # of what nobody here can compute nothing is said
    assert {error.problem for error in bad} == {"its block is not the one that its digest names"}


def test_however_a_digest_is_spelled(tmp_path: Path) -> None:
    file = ForeignFile()
    block = b"HTTP/1.1 200 OK\r\n\r\n<html>3</html>"
    digest = sha256(block).digest()
    spellings = [digest.hex(), digest.hex().upper()]
    for written in (b32encode(digest), b64encode(digest), urlsafe_b64encode(digest)):
        spellings += [written.decode(), written.decode().rstrip("=")]
    for spelling in spellings:
        named = {"WARC-Block-Digest": f"sha256:{spelling}"}
        file.record("response", "http://topwar.ru/1-a.html", block, None, **named)
    found, bad = read(file.written(tmp_path / "theirs.warc.gz"))
    assert (len(found), bad) == (len(spellings), [])


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("WARC-Type: response\r\n", "a record does not say how long it is"),
        ("WARC-Type: response\r\nContent-Length: many\r\n", "a record does not say how long it is"),
        ("WARC-Type: response\r\n" + 90_000 * "X-Field: 1234567\r\n", "the fields of a record do not end"),
        ("WARC-Type: response\r\n" + 2_000_000 * "x", "the fields of a record do not end"),
    ],
)
def test_fields_that_make_no_sense(tmp_path: Path, fields: str, problem: str) -> None:
    data = gzip.compress(f"WARC/1.0\r\n{fields}\r\n".encode())
    (path := tmp_path / "theirs.warc.gz").write_bytes(data + three().data)
    found, bad = read(path)
    assert [error.problem for error in bad] == [problem]
    assert len(found) == 3


# --- answers -------------------------------------------------------------------------------------------------------


def came(*headers: str, body: bytes = PAGE, first: str = "HTTP/1.1 200 OK") -> ForeignAnswer:
    found = answer("\r\n".join([first, *headers, "", ""]).encode() + body)
    assert found is not None
    return found


def whole(found: ForeignAnswer) -> bytes | str:
    """The page, or what is wrong with it."""
    looked = looked_at(
        found.body, encodings=found.values(b"Content-Encoding"), flags=found.flags, max_bytes=10**6
    )
    return looked.fault[0] if looked.fault else looked.text


N = len(PAGE)
ENDLESS = PAGE.replace(b"</html>", b"")
NO_ZLIB_HEADER = zlib.compress(PAGE)[2:-4]


@pytest.mark.parametrize(
    ("headers", "body", "page"),
    [
        pytest.param([f"Content-Length: {N}"], PAGE, PAGE, id="as it came"),
        pytest.param(
            [f"Content-Length: {len(ENDLESS)}"], ENDLESS, ENDLESS, id="an end that its length proves"
        ),
        pytest.param([f"Content-Length: {N + 1}"], PAGE, "incomplete", id="shorter than it says"),
        pytest.param(["Content-Length: 9"], PAGE, PAGE, id="longer than it says, with an end"),
        pytest.param(["Content-Length: 9"], ENDLESS, "incomplete", id="longer than it says, without an end"),
        pytest.param(["Content-Length: 9", f"Content-Length: {N}"], PAGE, PAGE, id="two lengths"),
        pytest.param([], PAGE, PAGE, id="no length, with an end"),
        pytest.param([], ENDLESS, "incomplete", id="no length, without an end"),
        pytest.param(["Transfer-Encoding: chunked"], chunked(PAGE, 7), PAGE, id="chunks"),
        pytest.param(["Transfer-Encoding: chunked"], chunked(ENDLESS, 7), ENDLESS, id="chunks prove the end"),
        pytest.param(
            ["Transfer-Encoding: chunked"], chunked(PAGE, 7)[:-5], "incomplete", id="the last chunk lost"
        ),
        pytest.param(
            ["Transfer-Encoding: chunked"], chunked(PAGE, 70)[:-20], "incomplete", id="cut in a chunk"
        ),
        pytest.param(["Transfer-Encoding: chunked"], PAGE, PAGE, id="chunks joined"),
        pytest.param(["transfer-encoding: CHUNKED", "Content-Length: 3"], chunked(PAGE, 9), PAGE, id="both"),
        pytest.param(["Content-Encoding: gzip"], gzip.compress(PAGE), PAGE, id="packed"),
        pytest.param(["Content-Encoding: gzip"], gzip.compress(PAGE)[:-4], "incomplete", id="packed and cut"),
        pytest.param(["Content-Encoding: gzip", "Content-Length: 61"], PAGE, PAGE, id="unpacked, old length"),
        pytest.param(["Content-Encoding: gzip"], ENDLESS, "incomplete", id="unpacked, without an end"),
        pytest.param(["Content-Encoding: br"], brotli.compress(PAGE), PAGE, id="brotli"),
        pytest.param(["Content-Encoding: br"], PAGE, PAGE, id="brotli, unpacked"),
        pytest.param(["Content-Encoding: deflate"], zlib.compress(PAGE), PAGE, id="deflate"),
        pytest.param(["Content-Encoding: deflate"], NO_ZLIB_HEADER, PAGE, id="deflate without its head"),
        pytest.param(["Content-Encoding: zstd"], b"\x28\xb5\x2f\xfd\x00", "failed", id="zstd"),
        pytest.param(["Content-Encoding: zstd"], PAGE, PAGE, id="zstd, unpacked"),
        pytest.param(
            ["Transfer-Encoding: chunked", "Content-Encoding: gzip"],
            chunked(gzip.compress(PAGE), 11),
            PAGE,
            id="packed, in chunks",
        ),
        pytest.param(
            ["Transfer-Encoding: gzip, chunked"],
            chunked(gzip.compress(ENDLESS), 11),
            ENDLESS,
            id="packed for the way, which proves the end",
        ),
        pytest.param(
            ["Transfer-Encoding: gzip", "Transfer-Encoding: chunked", "Content-Encoding: br"],
            chunked(gzip.compress(brotli.compress(PAGE)), 11),
            PAGE,
            id="packed, and once more for the way",
        ),
        pytest.param(
            ["Transfer-Encoding: gzip, chunked", "Content-Encoding: gzip"],
            chunked(gzip.compress(PAGE), 11),
            PAGE,
            id="packed once, and said twice",
        ),
        pytest.param(
            ["Transfer-Encoding: x-gzip", "Content-Length: 9"],
            gzip.compress(ENDLESS),
            ENDLESS,
            id="packed for the way, without chunks",
        ),
        pytest.param(
            ["Transfer-Encoding: gzip, chunked"],
            chunked(gzip.compress(PAGE)[:-4], 11),
            "incomplete",
            id="packed for the way, and cut",
        ),
        pytest.param(["Transfer-Encoding: gzip, chunked"], PAGE, PAGE, id="unpacked, and chunks joined"),
        pytest.param(
            [
                "X-Crawler-Transfer-Encoding: chunked",
                "X-Crawler-Content-Encoding: gzip",
                f"Content-Length: {N}",
            ],
            PAGE,
            PAGE,
            id="Common Crawl",
        ),
    ],
)
def test_what_is_there_counts_and_not_what_is_said(
    headers: list[str], body: bytes, page: bytes | str
) -> None:
    found = came(*headers, body=body)
    assert whole(found) == page
    # What our archive then holds misleads nobody.
    again = answer(found.head + found.body)
    assert again is not None
    assert (again.status, again.headers, again.body) == (found.status, found.headers, found.body)
    assert b"Transfer-Encoding" not in dict(found.headers)


def test_the_lines_of_a_head() -> None:
    found = came("Date: then", "X-Long: one", "\ttwo", "no colon", "Имя: значение", first="HTTP/2 200")
    assert found.head.startswith(b"HTTP/1.1 200 \r\nDate: then\r\nX-Long: one two\r\n")
    assert found.values("Имя".encode()) == ["значение".encode()]
    old = answer(b"HTTP/1.0 404 Not\xc4 there\nServer: old\n\nnothing")
    assert old is not None
    assert (old.status, old.head, old.body) == (
        404,
        b"HTTP/1.0 404 Not\xc4 there\r\nServer: old\r\n\r\n",
        b"nothing",
    )
    assert [answer(block) for block in (b"", b"<html>", b"HTTP/1.1 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n")] == [
        None
    ] * 4
    dated = answer(b"HTTP/1.1 200 OK\r\nDate: now\r\ndate: then\r\n\r\n", date=b"long ago")
    assert dated is not None
    assert dated.headers == ((b"Date", b"long ago"),)
    assert b"ate" not in (answer(b"HTTP/1.1 200 OK\r\nDate: now\r\n\r\n", date=b"") or found).head


@given(
    st.binary(max_size=200),
    st.sampled_from(["", "gzip", "br", "deflate"]),
    st.sampled_from(["", "chunked", "gzip, deflate, chunked"]),
)
def test_any_bytes_are_a_body_of_some_kind(body: bytes, packing: str, on_the_way: str) -> None:
    headers = [f"Content-Encoding: {packing}"] if packing else []
    found = came(*headers, *([f"Transfer-Encoding: {on_the_way}"] if on_the_way else []), body=body)
    assert isinstance(whole(found), (bytes, str))


def test_digests_of_payloads_have_one_spelling() -> None:
    def named(value: str) -> str | None:
        return payload_name(
            ForeignRecord(file="", offset=0, kind="response", fields={"warc-payload-digest": value}, length=0)
        )

    assert named("sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ") == named(
        "SHA1:da39a3ee5e6b4b0d3255bfef95601890afd80709"
    )
    assert named("sha1:odd") == "sha1:odd"
    assert named("") is None
