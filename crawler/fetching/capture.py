"""
One HTTP exchange as it is archived, and the records that it becomes.

WARC/1.1, each record a gzip member of its own, so that `Place.offset` is all that a reader needs:

    warcinfo            at the start of each file: what wrote it, for which edition
    request, response   one HTTP exchange, in this order
    request, revisit    the same, where the body is byte for byte one that this process already wrote for this address
    metadata            an exchange without an answer: what went wrong

A block holds the head as Scrapy saw it and the body as it was sent, still packed as Content-Encoding says. Chunks are
already joined when Scrapy sees a body, and header lines that would make a reader look for them, or for another length
than the body has, bear the prefix X-Crawler- (the custom of Common Crawl). The HTTP client keeps no reason phrase and
adds Host by itself: both are written as the standard has them. A proxy's password stays out.

What WARC has no field for stands in fields of our own, those of a `crawler.items.Fetch`:

    Archive-Fetch-Id     number of the fetch: the order of all that was ever seen
    Archive-Edition-Id   Archive-Crawl-Id   Archive-Visit-Id   Archive-Kind   Archive-Article-Id   Archive-Page
    Archive-Outcome      what came of it as far as that shows before the page is read
    Archive-Detail       one line on that
    Archive-Source       "import" where it was taken out of somebody else's archive; then there is no request, and
    Archive-Origin-File  Archive-Origin-Record-Id  Archive-Origin-Uri  Archive-Origin-Date  say where it stood there
    Archive-Redacted     the day on which somebody who is to be forgotten was cut out of the body; it is unpacked since

Header lines that a body had before that bear the prefix X-Crawler-, too.

Digests are SHA-256 in base 32. A revisit names its original by WARC-Refers-To, and by WARC-Refers-To-Filename and
WARC-Refers-To-File-Offset, so that nobody needs an index.
"""

import base64
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO
from typing import Final, Literal

from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.utils import Digester
from warcio.warcwriter import WARCWriter

from crawler.items import Fetch

Truncation = Literal["disconnect", "unspecified", "length", "time"]
"""
WARC-Truncated. disconnect: the connection ended before the body did · unspecified: the sender's own body is cut ·
length, time: who archived it elsewhere wanted no more
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One HTTP exchange to be archived."""

    fetch: Fetch
    crawl_id: int | None = None
    visit_id: int | None = None
    #: Request line and header lines, with the empty line at the end; None where we asked for nothing.
    request_head: bytes | None
    #: Status line and header lines, with the empty line at the end; None where there was no answer.
    response_head: bytes | None = None
    #: As sent, still packed.
    body: bytes = b""
    #: Whether the body was packed by its sender.
    packed: bool = False
    #: Why the body is shorter than it should be; None where it is whole.
    truncated: Truncation | None = None
    #: Of the server; None where that is not known, as behind a proxy.
    ip_address: str | None = None
    #: Where it was taken from, as fields Archive-Origin-*: by the last words of their names.
    origin: Mapping[str, str] = field(default_factory=dict)
    #: The day on which somebody who is to be forgotten was cut out of the body; None where nobody was.
    redacted_on: date | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands."""

    #: Lasting name of the file, relative to the archive's folder.
    file: str
    #: Where the record's gzip member begins, in bytes.
    offset: int


@dataclass(frozen=True, slots=True)
class Original:
    """A response that a later, equal one refers to."""

    digest: str
    record_id: str
    date: str
    place: Place


def warc_date(moment: datetime) -> str:
    """
    A moment as WARC/1.1 writes it, to the microsecond.

    >>> from datetime import UTC
    >>> warc_date(datetime(2017, 11, 3, 9, 20, tzinfo=UTC))
    '2017-11-03T09:20:00.000000Z'
    """
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def payload_digest(digest: str) -> str:
    """
    A digest of `crawler.items.Fetch` as WARC-Payload-Digest has it.

    >>> payload_digest("ff" * 32)
    'sha256:777777777777777777777777777777777777777777777777777Q===='
    """
    return f"sha256:{base64.b32encode(bytes.fromhex(digest)).decode('ascii')}"


def head_of_unpacked(head: bytes, body_length: int) -> bytes:
    """The head of an answer whose body was unpacked and changed: lines that tell of the old body are renamed."""
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    stale = (b"content-encoding:", b"content-length:")
    kept = [b"X-Crawler-" + line if line.lower().startswith(stale) else line for line in lines]
    return b"\r\n".join([first, *kept, b"Content-Length: %d" % body_length, b"", b""])


class _Writer(WARCWriter):  # type: ignore[misc]  # warcio comes without types
    """warcio's writer, with digests in SHA-256."""

    @staticmethod
    def _create_digester() -> Digester:
        return Digester("sha256")


class _Head(StatusAndHeaders):  # type: ignore[misc]  # warcio comes without types
    """The head of a request or response, byte for byte: warcio itself would percent-encode what is not ASCII."""

    def __init__(self, head: bytes) -> None:
        super().__init__(statusline="as sent", headers=[])
        self._as_sent = head

    def compute_headers_buffer(self, header_filter: object = None) -> None:
        self.headers_buff = self._as_sent


Contents = Literal["text", "lines", "packed"]

# By what fills most of a record: zlib's level, method, window and memory. zlib takes longer to find nothing in a body
# that came packed than all else takes that is done for its record, and to make a large window ready for a few lines.
_PACKING: Final[Mapping[Contents, tuple[int, int, int, int]]] = {
    "text": (6, zlib.DEFLATED, 16 + 15, 8),
    "lines": (1, zlib.DEFLATED, 16 + 10, 4),
    "packed": (0, zlib.DEFLATED, 16 + 9, 1),
}

_WRITER: Final = _Writer(BytesIO(), gzip=False, warc_version="1.1")
_NO_PAYLOAD: Final = payload_digest(hashlib.sha256().hexdigest())


def member(record: ArcWarcRecord, holds: Contents = "lines") -> bytes:
    """The record as a gzip member; `holds` as in `packed_member`."""
    buffer = BytesIO()
    _Writer(buffer, gzip=False, warc_version="1.1").write_record(record)
    return packed_member(buffer.getbuffer(), holds)


def packed_member(record: bytes | memoryview, holds: Contents = "lines") -> bytes:
    """
    A record as a gzip member.

    Args:
        holds: What fills most of it.
    """
    packer = zlib.compressobj(*_PACKING[holds])
    return packer.compress(record) + packer.flush()


def common_fields(capture: Capture, date: str, info_id: str) -> dict[str, str]:
    """The fields that all records of an exchange have."""
    fetch = capture.fetch
    fields: dict[str, str | int | None] = {
        "WARC-Date": date,
        "WARC-Warcinfo-ID": info_id,
        "WARC-IP-Address": capture.ip_address,
        "Archive-Fetch-Id": fetch.id,
        "Archive-Edition-Id": fetch.edition_id,
        "Archive-Crawl-Id": capture.crawl_id,
        "Archive-Visit-Id": capture.visit_id,
        "Archive-Kind": fetch.kind,
        "Archive-Article-Id": fetch.article_id,
        "Archive-Page": fetch.page,
        "Archive-Outcome": fetch.outcome,
        "Archive-Detail": fetch.detail,
        "Archive-Source": None if fetch.source == "live" else fetch.source,
        **{f"Archive-Origin-{name}": value for name, value in capture.origin.items()},
        "Archive-Redacted": capture.redacted_on.isoformat() if capture.redacted_on else None,
    }
    return {name: str(value) for name, value in fields.items() if value is not None}


def warcinfo_record(name: str, info: Mapping[str, str]) -> ArcWarcRecord:
    return _WRITER.create_warcinfo_record(
        name,
        {
            "format": "WARC File Format 1.1",
            "conformsTo": "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
            "robots": "obeyed",
            "description": (
                "Heads as the HTTP client showed them, bodies as sent and still packed, chunks joined. "
                "Fields Archive-* name the fetch, edition, crawl, visit, article and comment page of a record."
            ),
            **info,
        },
    )


def request_record(url: str, head: bytes, common: Mapping[str, str], response_id: str) -> ArcWarcRecord:
    return _record(
        "request",
        url,
        {**common, "WARC-Concurrent-To": response_id},
        payload_digest=_NO_PAYLOAD,
        head=head,
    )


def response_record(capture: Capture, common: Mapping[str, str]) -> ArcWarcRecord:
    assert capture.response_head is not None
    digest = capture.fetch.digest or hashlib.sha256(capture.body).hexdigest()
    truncated = capture.truncated
    return _record(
        "response",
        capture.fetch.url,
        common if truncated is None else {**common, "WARC-Truncated": truncated},
        payload_digest=payload_digest(digest),
        head=capture.response_head,
        body=capture.body,
    )


def _record(
    kind: Literal["request", "response"],
    url: str,
    fields: Mapping[str, str],
    *,
    payload_digest: str,
    head: bytes,
    body: bytes = b"",
) -> ArcWarcRecord:
    """
    A record with a whole HTTP message.

    warcio goes through the fields for each that it looks for; the digests come first, so that it finds them at once.
    """
    headers = [
        ("WARC-Type", kind),
        ("WARC-Payload-Digest", payload_digest),
        ("WARC-Record-ID", _WRITER._make_warc_id()),
        ("WARC-Target-URI", url),
        *fields.items(),
    ]
    return _WRITER.create_warc_record(
        url,
        kind,
        payload=BytesIO(body),
        length=len(body),
        http_headers=_Head(head),
        warc_headers=StatusAndHeaders("", headers, protocol=_WRITER.warc_version),
        warc_content_type=_WRITER.WARC_RECORDS[kind],
    )


def revisit_record(capture: Capture, common: Mapping[str, str], original: Original) -> ArcWarcRecord:
    assert capture.response_head is not None
    return _WRITER.create_revisit_record(
        capture.fetch.url,
        digest=payload_digest(original.digest),
        refers_to_uri=capture.fetch.url,
        refers_to_date=original.date,
        http_headers=_Head(capture.response_head),
        warc_headers_dict={
            **common,
            "WARC-Refers-To": original.record_id,
            "WARC-Refers-To-Filename": original.place.file,
            "WARC-Refers-To-File-Offset": str(original.place.offset),
            # The block is the head alone.
            "WARC-Truncated": "length",
        },
    )


def metadata_record(capture: Capture, common: Mapping[str, str]) -> ArcWarcRecord:
    fetch = capture.fetch
    block = f"outcome: {fetch.outcome}\r\ndetail: {fetch.detail or ''}\r\n".encode()
    return _WRITER.create_warc_record(
        fetch.url, "metadata", payload=BytesIO(block), length=len(block), warc_headers_dict=dict(common)
    )
