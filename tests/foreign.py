"""Archives as others write them, with pages in them that we made up."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A page as somebody else's crawler got it."""

    uri: str
    at: datetime
    #: Unpacked.
    body: bytes = b""
    status: str = "200 OK"
    content_type: str = "text/html; charset=utf-8"
    #: Fields of its record beside those that all have.
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def date(self) -> str:
        return f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [("Date", format_datetime(self.at, usegmt=True)), ("Content-Type", self.content_type)]


class ForeignFile:
    """
    A WARC file that is being written.

    Args:
        packed: Whether each record is packed by itself.
    """

    def __init__(self, version: Literal["1.0", "1.1"] = "1.0", *, packed: bool = True) -> None:
        self.version = version
        self._packed = packed
        self._bytes = BytesIO()
        self._writer = WARCWriter(self._bytes, gzip=packed, warc_version=version)
        #: Where each record begins.
        self.offsets: list[int] = []
        self.add(self._writer.create_warcinfo_record("theirs.warc.gz", {"software": "theirs"}))

    def add(self, record: ArcWarcRecord) -> None:
        self.offsets.append(self._bytes.tell())
        self._writer.write_record(record)

    def record(self, kind: str, uri: str, block: bytes, head: StatusAndHeaders | None, **fields: Any) -> None:
        """A record with this block behind its head."""
        self.add(
            self._writer.create_warc_record(
                uri,
                kind,
                payload=BytesIO(block),
                length=len(block),
                http_headers=head,
                warc_headers_dict=fields,
            )
        )

    def response(self, seen: Seen, headers: Sequence[tuple[str, str]], sent: bytes) -> None:
        head = StatusAndHeaders(seen.status, [*seen.headers, *headers], protocol="HTTP/1.1")
        self.record("response", seen.uri, sent, head, **{"WARC-Date": seen.date, **seen.fields})

    def plain(self, seen: Seen, number: str) -> None:
        """A record with the fields that every one must have, and no others: no digest."""
        head = "\r\n".join([f"HTTP/1.1 {seen.status}", *map(": ".join, seen.headers), "", ""]).encode()
        fields = {
            "WARC-Type": "response",
            "WARC-Record-ID": number,
            "WARC-Date": seen.date,
            "WARC-Target-URI": seen.uri,
            "Content-Type": "application/http; msgtype=response",
            "Content-Length": str(len(head + seen.body)),
        }
        lines = [f"WARC/{self.version}", *map(": ".join, fields.items()), "", ""]
        record = "\r\n".join(lines).encode() + head + seen.body + b"\r\n\r\n"
        self.offsets.append(self._bytes.tell())
        self._bytes.write(gzip.compress(record) if self._packed else record)

    def request(self, seen: Seen) -> None:
        head = StatusAndHeaders(f"GET {seen.uri} HTTP/1.1", [("User-Agent", "theirs")], is_http_request=True)
        self.record("request", seen.uri, b"", head, **{"WARC-Date": seen.date})

    def common_crawl(self, seen: Seen) -> None:
        """As Common Crawl writes today: unpacked, and header lines that do not fit any more are renamed."""
        self.request(seen)
        packed = [
            ("X-Crawler-Transfer-Encoding", "chunked"),
            ("X-Crawler-Content-Encoding", "gzip"),
            ("Content-Length", str(len(seen.body))),
        ]
        self.response(seen, packed, seen.body)
        self.record("metadata", seen.uri, b"fetchTimeMs: 312\r\n", None, **{"WARC-Date": seen.date})

    def common_crawl_of_old(self, seen: Seen) -> None:
        """As Common Crawl wrote before 2018: unpacked, with the header lines of the packed body."""
        packed = [("Content-Encoding", "gzip"), ("Content-Length", str(len(gzip.compress(seen.body))))]
        self.response(seen, packed, seen.body)

    def wget(self, seen: Seen) -> None:
        """As wget writes: the bytes as they came, in chunks and packed, the address in angle brackets."""
        sent = chunked(gzip.compress(seen.body), 700)
        as_sent = [("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip")]
        self.request(seen)
        head = StatusAndHeaders(seen.status, [*seen.headers, *as_sent], protocol="HTTP/1.1")
        fields = {"WARC-Date": seen.date, "WARC-Target-URI": f"<{seen.uri}>", **seen.fields}
        self.record("response", f"<{seen.uri}>", sent, head, **fields)

    def wayback(self, seen: Seen, *, modifier: str = "id_") -> None:
        """As whoever asks the Wayback Machine for a page years later archives what it answers."""
        headers = [
            ("Date", "Fri, 07 Aug 2026 10:00:00 GMT"),
            ("Content-Type", seen.content_type),
            ("Memento-Datetime", format_datetime(seen.at, usegmt=True)),
            ("X-Archive-Orig-Date", format_datetime(seen.at, usegmt=True)),
            ("X-Archive-Orig-Content-Length", "17"),
            ("Content-Length", str(len(seen.body))),
        ]
        uri = f"https://web.archive.org/web/{seen.at:%Y%m%d%H%M%S}{modifier}/{seen.uri}"
        head = StatusAndHeaders(seen.status, headers, protocol="HTTP/1.1")
        self.record("response", uri, seen.body, head, **{"WARC-Date": "2026-08-07T10:00:01Z"})

    def revisit(self, seen: Seen, *, digest: str | None, **fields: str) -> None:
        """The same page again, without its body; `digest` names the body."""
        head = StatusAndHeaders(seen.status, seen.headers, protocol="HTTP/1.1")
        record = self._writer.create_revisit_record(
            seen.uri,
            digest=digest or "none",
            refers_to_uri=seen.uri,
            refers_to_date=fields.pop("WARC-Refers-To-Date", "2016-01-01T00:00:00Z"),
            http_headers=head,
            warc_headers_dict={"WARC-Date": seen.date, **fields},
        )
        if digest is None:
            record.rec_headers.remove_header("WARC-Payload-Digest")
        self.add(record)

    @property
    def data(self) -> bytes:
        return self._bytes.getvalue()

    def written(self, path: Path) -> Path:
        """The file, on the disk."""
        path.write_bytes(self.data)
        return path


def chunked(data: bytes, size: int) -> bytes:
    """In chunks of so many bytes, as HTTP/1.1 sends them."""
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def arc(*all_seen: Seen) -> bytes:
    """An ARC file of version 1, each record packed by itself, as archives were before WARC."""
    first = b"1 0 Theirs\nURL IP-address Archive-date Content-type Archive-length\n"
    line = b"filedesc://theirs.arc 0.0.0.0 20120101000000 text/plain %d\n" % len(first)
    members = [line + first + b"\n"]
    for seen in all_seen:
        lines = [f"HTTP/1.1 {seen.status}", *(f"{name}: {value}" for name, value in seen.headers)]
        block = "\r\n".join([*lines, "", ""]).encode() + seen.body
        url_line = f"{seen.uri} 10.0.0.1 {seen.at:%Y%m%d%H%M%S} text/html {len(block)}\n"
        members.append(url_line.encode() + block + b"\n")
    return b"".join(map(gzip.compress, members))
