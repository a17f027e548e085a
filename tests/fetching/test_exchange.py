"""What came of each exchange, over real sockets and in tables."""

import gzip
import hashlib
import ssl
import zlib
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from scrapy import exceptions
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed

from crawler.fetching.bodies import Damaged, TooBig, looked_at, unpacked
from crawler.fetching.exchange import outcome_of_exception, outcome_of_status
from crawler.fetching.headers import one_line, redirect, server_time
from crawler.fetching.numbers import Numbers
from crawler.items import FetchOutcome, Host
from tests.fetching.faultserver import (
    Reply,
    answer,
    close_delimited,
    drip,
    endless,
    faultserver,
    hang,
    raw,
    reset,
)
from tests.fetching.tiny_crawl import crawled

PAGE = b"<html><body>" + b"".join(b"<p>comment %d</p>" % n for n in range(2000)) + b"</body></html>"
GZIP = gzip.compress(PAGE, mtime=0)
WRONG_CRC = GZIP[:-8] + bytes(byte ^ 0xFF for byte in GZIP[-8:-4]) + GZIP[-4:]
BOMB = gzip.compress(bytes(3 * 1024 * 1024))


def packed(body: bytes, encoding: str) -> Reply:
    return answer(200, body, {"Content-Encoding": encoding, "Content-Type": "text/html"})


def chunked(chunks: bytes) -> Reply:
    return raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)


#: path → reply, who hears of it, outcome
ANSWERS: dict[str, tuple[Reply, str, FetchOutcome]] = {
    "/fine": (answer(200, PAGE), "callback", "ok"),
    "/fine-gzip": (packed(GZIP, "gzip"), "callback", "ok"),
    "/fine-two-members": (packed(GZIP + GZIP, "gzip"), "callback", "ok"),
    "/fine-deflate": (packed(zlib.compress(PAGE), "deflate"), "callback", "ok"),
    "/fine-brotli": (packed(brotli.compress(PAGE), "br"), "callback", "ok"),
    "/fine-packed-twice": (packed(gzip.compress(zlib.compress(PAGE)), "deflate, gzip"), "callback", "ok"),
    "/fine-closed": (close_delimited(PAGE), "callback", "ok"),
    "/fine-empty": (answer(200, b"", {"Content-Encoding": "gzip"}), "callback", "ok"),
    "/moved": (answer(301, b"", {"Location": "/fine"}), "callback", "moved"),
    "/404": (answer(404), "callback", "not_found"),
    "/404-damaged": (answer(404, GZIP[:99], {"Content-Encoding": "gzip"}), "callback", "not_found"),
    "/410": (answer(410), "callback", "not_found"),
    "/403": (answer(403), "callback", "refused"),
    "/500": (answer(500), "callback", "server_error"),
    "/gzip-cut": (packed(GZIP[: len(GZIP) // 2], "gzip"), "IncompleteBody", "incomplete"),
    "/gzip-wrong-crc": (packed(WRONG_CRC, "gzip"), "IncompleteBody", "incomplete"),
    "/gzip-that-is-not": (packed(PAGE, "gzip"), "IncompleteBody", "incomplete"),
    "/deflate-cut": (packed(zlib.compress(PAGE)[:-3], "deflate"), "IncompleteBody", "incomplete"),
    "/brotli-cut": (packed(brotli.compress(PAGE)[:-3], "br"), "IncompleteBody", "incomplete"),
    "/closed-cut": (close_delimited(PAGE[:3000]), "IncompleteBody", "incomplete"),
    "/206": (answer(206, PAGE[:3000]), "IncompleteBody", "incomplete"),
    "/short": (answer(200, PAGE, length=len(PAGE) + 10), "ResponseDataLossError", "incomplete"),
    "/chunk-cut": (chunked(b"5\r\nhello\r\n9\r\ncut"), "ResponseDataLossError", "incomplete"),
    "/chunk-without-end": (chunked(b"5\r\nhello\r\n"), "ResponseDataLossError", "incomplete"),
    "/chunk-that-is-none": (chunked(b"five\r\nhello\r\n"), "ResponseDataLossError", "incomplete"),
    "/huge-header": (answer(headers={"X-Huge": "x" * 10**6}), "DownloadFailedError", "unreachable"),
    "/bomb": (packed(BOMB, "gzip"), "Unusable", "too_big"),
    "/packed-thrice": (packed(PAGE, "gzip, gzip, gzip"), "Unusable", "failed"),
    "/packed-strangely": (packed(PAGE, "zstd"), "Unusable", "failed"),
    "/many-headers": (answer(headers={f"X-{n}": "x" for n in range(300)}), "Unusable", "failed"),
    "/304": (answer(304, b""), "callback", "failed"),
    "/long": (answer(200, b"", length=2**30), "DownloadCancelledError", "too_big"),
    "/endless": (endless, "DownloadCancelledError", "too_big"),
    "/hang": (hang, "DownloadTimeoutError", "timeout"),
    "/drip": (drip, "DownloadTimeoutError", "timeout"),
    "/reset": (reset, "DownloadFailedError", "unreachable"),
    "/silent": (raw(b""), "DownloadFailedError", "unreachable"),
    "/no-http": (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "DownloadFailedError", "failed"),
}


def test_every_request_ends_once_and_its_fetch_says_how() -> None:
    with faultserver({path: reply for path, (reply, _, _) in ANSWERS.items()}) as server:
        # PAUSE_CAP_S=0: here failures have no consequences for what is asked next.
        heard = crawled(
            [server.url + path for path in ANSWERS], PAUSE_CAP_S=0, CONCURRENT_REQUESTS_PER_DOMAIN=16
        )

    found: dict[str, tuple[str, str]] = {}
    for number, path in enumerate(ANSWERS, 1):
        end = heard.only(server.url + path)
        fetch = end["fetch"]
        assert (fetch["url"], fetch["edition_id"], fetch["kind"]) == (server.url + path, 1, "article")
        assert (fetch["article_id"], fetch["page"]) == (number, 1)
        assert (fetch["detail"] is None) == (fetch["outcome"] == "ok")
        found[path] = (end.get("error", "callback"), fetch["outcome"])
    assert found == {path: (heard_by, outcome) for path, (_, heard_by, outcome) in ANSWERS.items()}
    assert len({event["fetch"]["id"] for event in heard.events if event.get("fetch")}) == len(ANSWERS) + 1

    # The fetch tells of the bytes as sent, the callback gets them unpacked.
    end = heard.only(server.url + "/fine-gzip")
    assert end["length"] == len(PAGE)
    assert end["fetch"]["bytes"] == len(GZIP)
    assert end["fetch"]["digest"] == hashlib.sha256(GZIP).hexdigest()
    assert "Traceback" not in heard.log
    # Nothing was sent twice, and only such encodings were asked for whose end can be proved.
    assert len(server.asked) == len(ANSWERS) + 1
    assert {asked.headers["Accept-Encoding"] for asked in server.asked} == {"gzip, deflate, br"}


def test_a_closed_port_and_certificates_that_nobody_trusts(tmp_path: Path) -> None:
    with faultserver({}) as closed:
        pass
    with (
        faultserver({}, tls=_self_signed(tmp_path, x509.IPAddress(IPv4Address("127.0.0.1")))) as untrusted,
        faultserver({}, tls=_self_signed(tmp_path, x509.DNSName("example.org"))) as wrong_name,
    ):
        servers = (closed, untrusted, wrong_name)
        known = [
            Host(host=server.host, robots_state="none", robots_fetched_at=datetime.now(UTC))
            for server in servers
        ]
        urls = [f"{server.url}/" for server in servers]
        heard = crawled(urls, hosts=known)
    assert [heard.only(url)["fetch"]["outcome"] for url in urls] == ["unreachable", "tls_error", "tls_error"]
    assert untrusted.asked == wrong_name.asked == []


def _self_signed(folder: Path, for_whom: x509.GeneralName) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody.example.org")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([for_whom]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "both.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.mark.parametrize(
    ("encoding", "whole"),
    [
        ("gzip", gzip.compress(PAGE[:3000], mtime=0)),
        ("gzip", gzip.compress(b"one", mtime=0) + gzip.compress(b"two", mtime=0)),
        ("deflate", zlib.compress(PAGE[:3000])),
        ("deflate", zlib.compress(PAGE[:3000])[2:-4]),  # the naked stream of some servers
        ("br", brotli.compress(PAGE[:3000])),
    ],
    ids=["gzip", "two members", "deflate", "naked deflate", "brotli"],
)
def test_a_body_cut_at_any_byte_is_damaged(encoding: str, whole: bytes) -> None:
    unpacked(whole, encoding)
    between_members = len(gzip.compress(b"one", mtime=0)) if len(whole) < 100 else -1
    for end in range(len(whole)):
        if end == between_members:
            continue  # cut there it is a whole body of one member: nothing can tell
        with pytest.raises(Damaged):
            unpacked(whole[:end], encoding)


@given(st.binary(max_size=3000), st.data())
def test_no_changed_byte_of_a_gzip_body_changes_what_is_read(text: bytes, data: st.DataObject) -> None:
    body = bytearray(gzip.compress(text, mtime=0))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    try:
        read = unpacked(bytes(body), "gzip")
    except Damaged:
        return
    assert read == text  # a byte of the header that means nothing, such as the time


def test_zeros_after_a_gzip_body_are_padding_and_anything_else_is_not() -> None:
    assert unpacked(GZIP + bytes(10), "gzip") == PAGE
    with pytest.raises(Damaged, match="7 bytes follow its end"):
        unpacked(GZIP + b"<html/>", "gzip")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_a_body_is_unpacked_up_to_the_limit(encoding: str) -> None:
    pack: Any = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}[encoding]
    body = pack(bytes(200_000))
    assert len(unpacked(body, encoding, max_bytes=200_000)) == 200_000
    with pytest.raises(TooBig):
        unpacked(body, encoding, max_bytes=199_999)


@pytest.mark.parametrize(
    ("body", "flags", "whole"),
    [
        (b"<html>all</html>\n<!-- 0.03 s -->", ["partial"], True),
        (b"<rss>all</RSS>", ["partial"], True),
        (b"<html>not a", ["partial"], False),
        (b"", ["partial"], False),
        (b"<html>not a", [], True),  # Content-Length or chunks said that it is whole
        (b"<html>all</html>", ["dataloss"], False),
    ],
)
def test_a_body_that_ends_with_its_connection_must_say_its_end(
    body: bytes, flags: list[str], whole: bool
) -> None:
    found = looked_at(body, encodings=[], headers=10, flags=flags, max_bytes=0)
    assert (found.fault is None) == whole
    assert found.text == (body if whole else b"")
    assert found.fault is None or found.fault[0] == "incomplete"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "ok"),
        (204, "ok"),
        (206, "ok"),  # that it is only a part is said by its body's fault
        (301, "moved"),
        (308, "moved"),
        (304, "failed"),
        (401, "refused"),
        (403, "refused"),
        (404, "not_found"),
        (410, "not_found"),
        (429, "refused"),
        (500, "server_error"),
        (503, "server_error"),
        (100, "failed"),
        (999, "failed"),
    ],
)
def test_outcome_of_status(status: int, outcome: FetchOutcome) -> None:
    assert outcome_of_status(status) == outcome


@pytest.mark.parametrize(
    ("exception", "outcome", "detail"),
    [
        (
            exceptions.CannotResolveHostError("no such name"),
            "dns_error",
            "CannotResolveHostError: no such name",
        ),
        (
            exceptions.DownloadTimeoutError("took longer than 30 s"),
            "timeout",
            "DownloadTimeoutError: took longer than 30 s",
        ),
        (
            exceptions.ResponseDataLossError(),
            "incomplete",
            "ResponseDataLossError: the body is shorter than it should be",
        ),
        (
            exceptions.DownloadConnectionRefusedError("111"),
            "unreachable",
            "DownloadConnectionRefusedError: 111",
        ),
        (exceptions.DownloadCancelledError("too long"), "too_big", "DownloadCancelledError: too long"),
        (exceptions.UnsupportedURLSchemeError("gopher"), "failed", "UnsupportedURLSchemeError: gopher"),
        (ConnectionResetError(104, "reset"), "unreachable", "ConnectionResetError: [Errno 104] reset"),
        (ValueError("two\nlines\x1b[31m"), "failed", "ValueError: two lines [31m"),
    ],
)
def test_outcome_of_exception(exception: Exception, outcome: FetchOutcome, detail: str) -> None:
    assert outcome_of_exception(exception) == (outcome, detail)


def test_the_reason_that_twisted_wraps_is_found() -> None:
    lost = exceptions.DownloadFailedError("[<twisted.python.failure.Failure …>]")
    lost.__cause__ = ResponseFailed([Failure(ConnectionLost())])  # type: ignore[no-untyped-call]
    outcome, detail = outcome_of_exception(lost)
    assert outcome == "unreachable"
    assert detail.startswith("DownloadFailedError: ConnectionLost: Connection to the other side was lost")


@given(st.text())
def test_a_detail_is_one_short_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= 300
    assert line.encode().decode() == line
    assert len(line.splitlines()) <= 1


FETCHED_AT = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "time"),
    [
        ("Tue, 03 Nov 2026 11:59:30 GMT", FETCHED_AT - timedelta(seconds=30)),
        ("Tue, 03 Nov 2026 14:59:30 +0300", FETCHED_AT - timedelta(seconds=30)),
        ("Tue, 03 Nov 2026 11:59:30 -0000", FETCHED_AT - timedelta(seconds=30)),
        ("Tue, 03 Nov 2020 11:59:30 GMT", FETCHED_AT),
        ("Thu, 05 Nov 2026 12:00:00 GMT", FETCHED_AT),
        ("yesterday", FETCHED_AT),
        ("Tue, 99 Nov 99999 99:99:99 GMT", FETCHED_AT),
        ("Fri, 31 Dec 9999 23:59:59 -1200", FETCHED_AT),
        ("\xff\xfe", FETCHED_AT),
        (None, FETCHED_AT),
    ],
)
def test_server_time(date: str | None, time: datetime) -> None:
    assert server_time(None if date is None else date.encode("latin-1"), FETCHED_AT) == time


@pytest.mark.parametrize(
    ("header", "leads_to"),
    [(b"/a", "/a"), (b" /a\r b ", "/a  b"), ("/я".encode(), "/Ñ\x8f"), (b"", None), (None, None)],
)
def test_where_a_redirect_says_that_the_page_is(header: bytes | None, leads_to: str | None) -> None:
    assert redirect(header) == leads_to


#: A clock that anybody may set at any time: microseconds between two looks at it, also backwards.
jumps = st.lists(st.tuples(st.integers(-(10**13), 10**13), st.integers(0, 99)), max_size=50)


@given(jumps, st.dictionaries(st.integers(0, 99), st.integers(0, 10**15)))
def test_fetch_numbers_grow_whatever_the_clock_does(
    looks: list[tuple[int, int]], stored: dict[int, int]
) -> None:
    last = {edition: number * 100 + edition for edition, number in stored.items()}
    now = FETCHED_AT

    ids = Numbers(clock=lambda: now)
    for edition, number in last.items():
        ids.continue_after(edition, number)
    given_out: list[int] = []
    for jump, edition in looks:
        now += timedelta(microseconds=jump)
        number = ids.next(edition)
        assert number > last.get(edition, -1)
        assert number % 100 == edition
        last[edition] = number
        given_out.append(number)
    assert len(set(given_out)) == len(given_out)


def test_a_fetch_number_tells_its_time_and_edition() -> None:
    ids = Numbers({2: 5}, clock=lambda: datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    assert [ids.next(2), ids.next(2), ids.next(3)] == [100_000_002, 100_000_102, 100_000_003]
    with pytest.raises(ValueError, match="edition 100 leaves no room"):
        ids.next(100)
