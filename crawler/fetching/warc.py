"""
The WARC archive: files of whole records that are on the disk before anybody hears of them.

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

A file that is being written ends in `.open`, is locked by its one writer and gets its lasting name when it is closed.
"""

import base64
import fcntl
import hashlib
import logging
import os
import secrets
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Final, Literal

from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.utils import Digester
from warcio.warcwriter import WARCWriter

from crawler.errors import CannotStore
from crawler.fetching.clock import Clock
from crawler.items import Fetch

logger = logging.getLogger(__name__)

MAX_BYTES: Final = 1024**3
"""A file that has reached this size is closed, and the next one begun."""

REMEMBERED: Final = 10_000
"""Bodies that an equal one may refer to: the latest so many addresses. About 5 MB."""

OPEN: Final = ".open"
TORN: Final = ".torn"

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
class Repair:
    """What was done about a file that a killed run left open."""

    #: Lasting name of the file; None where it held nothing.
    file: str | None
    #: Bytes that were no whole record and now stand in a file of their own, beside it.
    torn: int


@dataclass(frozen=True, slots=True)
class _Original:
    """A response that a later, equal one refers to."""

    digest: str
    record_id: str
    date: str
    place: Place


class WarcArchive:
    """
    The folder of WARC files as one process writes it: one open file for each edition.

        archive = WarcArchive(folder, {1: "military_review-en"})
        archive.open()
        place = archive.save(capture)     # on the disk when this returns
        archive.close()

    After a failure nothing more is written: a disk that lost one record is not trusted with the next.

    Args:
        sources: What the files of an edition are called, by the edition's number.

        software: Who writes, for the first record of each file.

        info: Other fields of the first record of each file.

        max_bytes: See `MAX_BYTES`.
    """

    def __init__(
        self,
        folder: Path,
        sources: Mapping[int, str],
        *,
        software: str = "discussion-archive",
        info: Mapping[str, str] | None = None,
        max_bytes: int = MAX_BYTES,
        clock: Clock | None = None,
    ) -> None:
        self.folder = folder
        self._sources = dict(sources)
        self._info = {"software": software, **(info or {})}
        self._max_bytes = max_bytes
        self._clock = clock or Clock()
        self._files: dict[int, WarcFile] = {}
        self._serial = 0
        #: Tells the files of this process from those of any other that began in the same second.
        self._token = secrets.token_hex(4)
        self._originals: OrderedDict[str, _Original] = OrderedDict()
        self._failed: CannotStore | None = None
        # Whoever closes the archive may not be the one who writes.
        self._lock = Lock()

    def open(self) -> list[Repair]:
        """
        Make the folder, repair what killed runs left in it, and begin a file for each edition.

        Raises:
            CannotStore: The folder cannot be made, read or written.
        """
        with self._lock, _cannot_store(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            repairs = repaired(self.folder)
            for edition_id in self._sources:
                self._begin(edition_id)
            return repairs

    def save(self, capture: Capture) -> Place:
        """
        Write an exchange, and return the place of its response when that is safely on the disk.

        Raises:
            CannotStore: It could not be written; nothing of it is left in the archive.
        """
        with self._lock:
            if self._failed is not None:
                raise self._failed
            try:
                with _cannot_store(self.folder):
                    return self._save(capture)
            except CannotStore as error:
                self._failed = error
                raise

    def close(self) -> None:
        """
        Give all files their lasting names. Closing again does nothing.

        Raises:
            CannotStore: A file could not be closed; the next `open` of the folder will do it.
        """
        with self._lock, _cannot_store(self.folder), ExitStack() as each:
            while self._files:
                each.callback(self._files.popitem()[1].close)

    def _save(self, capture: Capture) -> Place:
        fetch = capture.fetch
        file = self._file(fetch.edition_id)
        date = warc_date(fetch.fetched_at)
        common = _fields(capture, date, file.info_id)
        if capture.response_head is None:
            offset = file.append(_member(_metadata(capture, common)))
            return Place(file.name, offset)

        original = self._originals.get(fetch.url)
        if original is None or original.digest != fetch.digest or capture.truncated is not None:
            original = None
        holds: Contents
        if original is None:
            response, holds = _response(capture, common), "packed" if capture.packed else "text"
        else:
            response, holds = _revisit(capture, common, original), "lines"
        response_id = response.rec_headers.get_header("WARC-Record-ID")
        head = capture.request_head
        request = b"" if head is None else _member(_request(capture.fetch.url, head, common, response_id))
        # One write: where the response is whole, so is the request before it.
        offset = file.append(request + _member(response, holds)) + len(request)
        place = Place(file.name, offset)
        if original is None and fetch.digest is not None and capture.truncated is None:
            self._originals[fetch.url] = _Original(fetch.digest, response_id, date, place)
        if fetch.url in self._originals:
            self._originals.move_to_end(fetch.url)
        if len(self._originals) > REMEMBERED:
            self._originals.popitem(last=False)
        return place

    def _file(self, edition_id: int) -> "WarcFile":
        """The edition's file; a new one where the old one is full, or of another day."""
        file = self._files[edition_id]
        if file.size < self._max_bytes and file.began_at.date() == self._clock.wall().date():
            return file
        del self._files[edition_id]
        file.close()
        return self._begin(edition_id)

    def _begin(self, edition_id: int) -> "WarcFile":
        source, now = self._sources[edition_id], self._clock.wall()
        self._serial += 1
        name = f"{source}-{now:%Y%m%d%H%M%S}-{self._token}-{self._serial:05}.warc.gz"
        info = {**self._info, "isPartOf": source}
        try:
            file = WarcFile(self.folder, name, began_at=now, info=info)
        except BlockingIOError:  # a crawl that starts just now took the new file, still empty, for a dead one
            return self._begin(edition_id)
        self._files[edition_id] = file
        return file


class WarcFile:
    """
    One WARC file while it is being written, locked against any other writer.

    Args:
        name: Its lasting name.

        info: Fields of its first record.

    Raises:
        OSError: It cannot be made or written, or there is one of this name.
    """

    def __init__(self, folder: Path, name: str, *, began_at: datetime, info: Mapping[str, str]) -> None:
        self.folder = folder
        self.name = name
        self.began_at = began_at
        #: Bytes of whole records, all of them on the disk.
        self.size = 0
        self._open_path = folder / (name + OPEN)
        warcinfo = _warcinfo(name, info)
        #: Identity of the first record.
        self.info_id: str = warcinfo.rec_headers.get_header("WARC-Record-ID")
        self._fd = os.open(self._open_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            _lock(self._fd, self._open_path)
            self.append(_member(warcinfo))
            sync_folder(folder)
        except BaseException:
            with suppress(OSError):
                self._open_path.unlink()
            os.close(self._fd)
            raise
        self._info_bytes = self.size

    def append(self, data: bytes) -> int:
        """
        Write whole records and wait until they are on the disk.

        Returns:
            Where they begin, in bytes.

        Raises:
            OSError: That failed; what had been written of them is cut off again.
        """
        try:
            _write(self._fd, data)
            os.fsync(self._fd)
        except OSError:
            # Should this fail too, the file stays .open, and the next run's repair cuts it.
            with suppress(OSError):
                self._cut_back()
            raise
        offset, self.size = self.size, self.size + len(data)
        return offset

    def close(self) -> None:
        """Give the file its lasting name. One in which nothing but the first record stands is removed."""
        try:
            if os.fstat(self._fd).st_size != self.size:
                self._cut_back()
                os.fsync(self._fd)
            if self.size == self._info_bytes:
                self._open_path.unlink()
            else:
                self._open_path.rename(self.folder / self.name)
            sync_folder(self.folder)
        finally:
            os.close(self._fd)

    def _cut_back(self) -> None:
        os.ftruncate(self._fd, self.size)
        os.lseek(self._fd, self.size, os.SEEK_SET)


# --- repair ------------------------------------------------------------------------------------------------------


def repaired(folder: Path) -> list[Repair]:
    """
    Close the files that killed runs left open; those of runs that still live are not touched.

    Whole records stay where they are. What follows the last of them goes into a file `.torn` beside it: it is no page
    that anything was stored from, but perhaps somebody wants to see it.

    Raises:
        OSError: The folder cannot be read or written.
    """
    repairs: list[Repair] = []
    for path in sorted(folder.glob(f"*.warc.gz{OPEN}")):
        try:
            file = path.open("r+b")
        except FileNotFoundError:
            continue  # its writer closed it just now
        with file:
            try:
                _lock(file.fileno(), path)
            except BlockingIOError:
                continue
            repairs.append(_repaired(file, path))
    if repairs:
        sync_folder(folder)
    return repairs


def _repaired(file: BinaryIO, path: Path) -> Repair:
    lasting = path.with_name(path.name.removesuffix(OPEN))
    records, end = whole_records(file)
    torn = os.fstat(file.fileno()).st_size - end
    if torn:
        _set_aside(file, end, lasting.with_name(lasting.name + TORN))
        os.ftruncate(file.fileno(), end)
    os.fsync(file.fileno())
    if records > 1:
        path.rename(lasting)
    else:
        # Nothing but the first record, which says what would have followed. One who has just made it may do the same.
        path.unlink(missing_ok=True)
    logger.warning(
        "%s had been left open by a run that was killed: %d records are whole, %d bytes after them were not",
        path,
        records,
        torn,
    )
    return Repair(lasting.name if records > 1 else None, torn)


def whole_records(file: BinaryIO) -> tuple[int, int]:
    """How many gzip members stand whole, one after the other, from the start of a file; and where the last one ends."""
    file.seek(0)
    records, end, position = 0, 0, 0
    data = b""
    while True:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while not member.eof:
            if not data:
                data = file.read(64 * 1024)
                if not data:
                    return records, end
            position += len(data)
            try:
                while data and not member.eof:
                    member.decompress(data, 1024 * 1024)
                    data = member.unconsumed_tail
            except zlib.error:
                return records, end
        data = member.unused_data
        position -= len(data)
        records, end = records + 1, position


def _set_aside(file: BinaryIO, start: int, path: Path) -> None:
    """Copy the file from `start` on to `path`, safely."""
    file.seek(start)
    with path.open("wb") as aside:
        while part := file.read(1024 * 1024):
            aside.write(part)
        aside.flush()
        os.fsync(aside.fileno())
    sync_folder(path.parent)


# --- files that nobody else writes, and bytes that are really there ------------------------------------------------


def is_written(path: Path) -> bool:
    """
    Whether a process that lives still writes this file, which ends in `.open`.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False  # its writer closed it just now
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _lock(fd: int, path: Path) -> None:
    """
    Lock a file until it is closed or the process ends.

    Raises:
        BlockingIOError: Another process holds the lock, or has just given the file another name.
    """
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        same = os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        same = False
    if not same:
        raise BlockingIOError(f"{path} has just been closed by another process")


def _write(fd: int, data: bytes) -> None:
    """Write all of it. A disk that is nearly full takes a part and says so only by its count."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def sync_folder(folder: Path) -> None:
    """Make sure that the names of new, renamed and removed files outlive a loss of power."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _cannot_store(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotStore(
            f"The archive folder {folder} cannot be written: {error.strerror or error}. "
            "Make room, give yourself the right to write there, or set WARC_DIR to another place."
        ) from error


# --- records -------------------------------------------------------------------------------------------------------


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


def _member(record: ArcWarcRecord, holds: Contents = "lines") -> bytes:
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


def _fields(capture: Capture, date: str, info_id: str) -> dict[str, str]:
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


def _warcinfo(name: str, info: Mapping[str, str]) -> ArcWarcRecord:
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


def _request(url: str, head: bytes, common: Mapping[str, str], response_id: str) -> ArcWarcRecord:
    return _record(
        "request",
        url,
        {**common, "WARC-Concurrent-To": response_id},
        payload_digest=_NO_PAYLOAD,
        head=head,
    )


def _response(capture: Capture, common: Mapping[str, str]) -> ArcWarcRecord:
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


def _revisit(capture: Capture, common: Mapping[str, str], original: _Original) -> ArcWarcRecord:
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


def _metadata(capture: Capture, common: Mapping[str, str]) -> ArcWarcRecord:
    fetch = capture.fetch
    block = f"outcome: {fetch.outcome}\r\ndetail: {fetch.detail or ''}\r\n".encode()
    return _WRITER.create_warc_record(
        fetch.url, "metadata", payload=BytesIO(block), length=len(block), warc_headers_dict=dict(common)
    )
