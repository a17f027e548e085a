"""
Reading the archive: every exchange as it was noted before anybody read its page.

    reader = ArchiveReader(folder)
    for archived in reader.exchanges(): …      # all of them, file by file
    archived = reader.at(place)                # one, by the place that `fetches` names

A file that a crawl still writes is read up to its last whole record. What is damaged is told by `BadRecord`, never
read as less than it was: digests are checked, and every record is a gzip member with a checksum of its own.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, Self, TypeVar, get_args

from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord, ArcWarcRecordLoader

from crawler.errors import BadRecord
from crawler.fetching.bodies import Body, looked_at
from crawler.fetching.capture import Place, payload_digest
from crawler.fetching.files import OPEN
from crawler.items import Fetch, FetchKind, FetchOutcome, FetchSource

MAX_RECORD: Final = 64 * 1024 * 1024
"""Longest record that is read, unpacked; a crawl archives bodies of 8 MiB at most."""

_CHUNK: Final = 64 * 1024
_MAGIC: Final = b"\x1f\x8b\x08"
_LOADER: Final = ArcWarcRecordLoader()
_ANSWERS: Final = ("response", "revisit", "metadata")

_Name = TypeVar("_Name", bound=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """One HTTP exchange, as the archive has it."""

    #: As it was noted before the page was read.
    fetch: Fetch
    crawl_id: int | None = None
    visit_id: int | None = None
    #: Of the answer, in the order in which they came; names as Scrapy writes them.
    headers: tuple[tuple[bytes, bytes], ...] = ()
    #: The body as sent, still packed.
    sent: bytes = b""

    def header(self, name: bytes) -> bytes | None:
        """The value of a header; the last one where there are several, as in a crawl."""
        return next(reversed(self.values(name)), None)

    def values(self, name: bytes) -> list[bytes]:
        """All values of a header."""
        return [value for other, value in self.headers if other.lower() == name.lower()]

    def body(self, *, max_bytes: int = MAX_RECORD) -> Body:
        """
        The body, unpacked by the same code as in a crawl.

        It says only whether it can be unpacked. That its connection broke off is told by the outcome of the fetch.
        """
        return looked_at(self.sent, encodings=self.values(b"Content-Encoding"), max_bytes=max_bytes)


@dataclass(frozen=True, slots=True)
class Changed:
    """A body that was changed."""

    bytes: int
    #: SHA-256 in hexadecimal; None where nothing is left.
    digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What the archive tells of an exchange at a glance."""

    fetch_id: int
    edition_id: int
    kind: FetchKind
    fetched_at: datetime
    place: Place
    crawl_id: int | None = None
    visit_id: int | None = None
    article_id: int | None = None


class ArchiveReader:
    """
    A folder of WARC files, read.

    It holds nothing open and nothing in memory, so that threads and processes may share it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def files(self) -> list[str]:
        """
        The lasting names of all files, those that are still written included, in the order of their names.

        That is nearly the order in which they were begun: an edition's fetches come nearly in the order of their
        numbers, but a clock that was set back, or a crawl that began in the same second, may change places.
        """
        names = {path.name for path in self.folder.glob("*.warc.gz")}
        names |= {path.name.removesuffix(OPEN) for path in self.folder.glob(f"*.warc.gz{OPEN}")}
        return sorted(names)

    def exchanges(
        self,
        files: Iterable[str] | None = None,
        *,
        bad: Callable[[BadRecord], object] | None = None,
    ) -> Iterator[Archived]:
        """
        All exchanges of these files, or of all, in the order in which they stand there.

        Args:
            bad: Is told of each record that cannot be read, and the reading goes on behind it.

        Raises:
            BadRecord: A record cannot be read, and there is no `bad` to tell it to.
        """
        return self._each(self._archived, files, bad)

    def checked(
        self, file: str, *, bad: Callable[[BadRecord], object]
    ) -> Iterator[tuple[Place, Archived | None]]:
        """
        Where each record of a file stands, its digests checked, and the exchange of those that hold an answer.

        Args:
            bad: Is told of each record that cannot be read, and the reading goes on behind it.
        """
        return self._each(self._checked, [file], bad, answers_only=False)

    def index(
        self,
        files: Iterable[str] | None = None,
        *,
        bad: Callable[[BadRecord], object] | None = None,
        start: int = 0,
    ) -> Iterator[Indexed]:
        """
        Which exchanges these files hold, or all, without their bodies; with the same arguments as `exchanges`.

        No digest is checked, and no original of a revisit is looked for.

        Args:
            start: Where a record begins in each of the files, in bytes: those before it are left out.
        """
        return self._each(self._indexed, files, bad, start=start)

    def at(self, place: Place) -> Archived:
        """
        The exchange whose answer stands there.

        Raises:
            BadRecord: There is no such file, no such record in it, or one that cannot be read.
        """
        return self._archived(self._record(place), place)

    def raw(self, name: str) -> "Iterator[tuple[int, bytes, RawRecord]]":
        """
        All records of a file, to be written elsewhere: where each begins, itself as it is packed, and what it says.

        Raises:
            BadRecord: One of them cannot be read.
        """
        with self._opened(name) as file, self._opened(name) as packed:
            offset, record = 0, None
            for following, data in _members(file, name):
                if isinstance(data, BadRecord):
                    raise data
                if record is not None:
                    yield offset, packed.read(following - offset), record
                offset, record = following, RawRecord.of(data, name, following)
                record.check()
            if record is not None:
                yield offset, packed.read(), record

    def _each(
        self,
        read: "Callable[[_Record, Place], _Read]",
        files: Iterable[str] | None,
        bad: Callable[[BadRecord], object] | None,
        *,
        answers_only: bool = True,
        start: int = 0,
    ) -> "Iterator[_Read]":
        for name in self.files() if files is None else files:
            try:
                with self._opened(name) as file:
                    for offset, data in _members(file, name, start):
                        try:
                            if isinstance(data, BadRecord):
                                raise data
                            record = _Record.of(data, name, offset)
                            if record.kind in _ANSWERS or not answers_only:
                                yield read(record, Place(name, offset))
                        except BadRecord as error:
                            if bad is None:
                                raise
                            bad(error)
            except _Missing as error:
                if bad is None:
                    raise
                bad(error)

    def _opened(self, name: str) -> BinaryIO:
        """A file under either of its names. Raises BadRecord where it is not there."""
        path = self.folder / name
        # Between two looks a crawl may have closed the file, which then has its lasting name.
        for candidate in (path, path.with_name(name + OPEN), path):
            try:
                return candidate.open("rb")
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _Missing(name, 0, f"the file cannot be read: {error.strerror or error}") from error
        raise _Missing(name, 0, "there is no such file")

    def _record(self, place: Place) -> "_Record":
        try:
            with self._opened(place.file) as file:
                _, data = next(_members(file, place.file, place.offset), (0, b""))
        except _Missing as error:
            raise BadRecord(place.file, place.offset, error.problem) from error
        if isinstance(data, BadRecord):
            raise data
        if not data:
            raise BadRecord(place.file, place.offset, "there is no record")
        return _Record.of(data, place.file, place.offset)

    def _archived(self, record: "_Record", place: Place) -> Archived:
        record.check()
        if record.kind == "metadata":
            fetch = record.fetch(place)
            return Archived(fetch=fetch, crawl_id=record.crawl_id, visit_id=record.visit_id)
        if record.kind not in _ANSWERS:
            raise record.bad(f"a record of the kind {record.kind!r} is no answer")
        status, headers, sent = record.answer()
        digest = record.payload_digest()
        if record.kind == "revisit":
            sent = self._original(record, digest)
        if sent and digest != hashlib.sha256(sent).hexdigest():
            raise record.bad("its body is not the one that its digest names")
        return Archived(
            fetch=record.fetch(place, status=status, size=len(sent), digest=digest if sent else None),
            crawl_id=record.crawl_id,
            visit_id=record.visit_id,
            headers=headers,
            sent=sent,
        )

    def _checked(self, record: "_Record", place: Place) -> tuple[Place, Archived | None]:
        if record.kind in _ANSWERS:
            return place, self._archived(record, place)
        record.check()
        return place, None

    def _original(self, revisit: "_Record", digest: str) -> bytes:
        """The body that a revisit saves to write again."""
        place = Place(revisit.text("WARC-Refers-To-Filename"), revisit.number("WARC-Refers-To-File-Offset"))
        try:
            original = self._record(place)
            original.check()
            if original.kind != "response":
                raise original.bad(f"a record of the kind {original.kind!r} is no original")
            if original.payload_digest() != digest:
                raise original.bad("it has another digest")
            return original.answer()[2]
        except BadRecord as error:
            raise revisit.bad(f"its original cannot be had: {error}") from error

    @staticmethod
    def _indexed(record: "_Record", place: Place) -> Indexed:
        return Indexed(
            fetch_id=record.number("Archive-Fetch-Id"),
            edition_id=record.number("Archive-Edition-Id"),
            kind=record.one_of(get_args(FetchKind), "Archive-Kind"),
            fetched_at=record.moment("WARC-Date"),
            place=place,
            crawl_id=record.crawl_id,
            visit_id=record.visit_id,
            article_id=record.number_or_none("Archive-Article-Id"),
        )


_Read = TypeVar("_Read")


class _Missing(BadRecord):
    """A whole file is not there."""


class _Record:
    """A record, and errors that say where it stands."""

    def __init__(self, record: ArcWarcRecord, block: bytes, file: str, offset: int) -> None:
        self.file = file
        self.offset = offset
        self.kind: str = record.rec_type or ""
        self.block = block
        self._fields: dict[str, str] = {name.lower(): value for name, value in record.rec_headers.headers}

    @classmethod
    def of(cls, data: bytes, file: str, offset: int) -> Self:
        """Of a gzip member. Raises BadRecord where it holds no whole record."""
        try:
            record = _LOADER.parse_record_stream(BytesIO(data), known_format="warc", no_record_parse=True)
        except (ArchiveLoadFailed, EOFError) as error:
            raise BadRecord(file, offset, "this is no WARC record") from error
        block = record.raw_stream.read()
        if record.length is None or len(block) != record.length:
            raise BadRecord(file, offset, "the record is shorter than it says")
        return cls(record, block, file, offset)

    def bad(self, problem: str) -> BadRecord:
        return BadRecord(self.file, self.offset, problem)

    def check(self) -> None:
        """Raises BadRecord where the block is not the one that its digest names."""
        if self._digest("WARC-Block-Digest") != hashlib.sha256(self.block).hexdigest():
            raise self.bad("its block is not the one that its digest names")

    def payload_digest(self) -> str:
        """Of the body, in hexadecimal, as the record says. Raises BadRecord where it does not."""
        return self._digest("WARC-Payload-Digest")

    def _digest(self, name: str) -> str:
        algorithm, _, value = self.text(name).partition(":")
        try:
            if algorithm != "sha256":
                raise ValueError(algorithm)
            return base64.b32decode(value).hex()
        except (ValueError, binascii.Error) as error:
            raise self.bad(f"its {name} is no SHA-256 in base 32") from error

    def answer(self) -> tuple[int, tuple[tuple[bytes, bytes], ...], bytes]:
        """Status, headers and body of a response. Raises BadRecord where it has no head."""
        head, end, body = self.block.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        words = first.split(b" ", 2)
        if not end or len(words) < 2 or not words[1].isdigit():
            raise self.bad("its block does not begin as an answer does")
        pairs = (line.partition(b":") for line in lines)
        return int(words[1]), tuple((name, value.strip()) for name, _, value in pairs), body

    def fetch(
        self, place: Place, *, status: int | None = None, size: int = 0, digest: str | None = None
    ) -> Fetch:
        """The fetch that its fields tell of. Raises BadRecord where they do not."""
        return Fetch(
            id=self.number("Archive-Fetch-Id"),
            edition_id=self.number("Archive-Edition-Id"),
            kind=self.one_of(get_args(FetchKind), "Archive-Kind"),
            url=self.text("WARC-Target-URI"),
            fetched_at=self.moment("WARC-Date"),
            status=status,
            bytes=size,
            digest=digest,
            outcome=self.one_of(get_args(FetchOutcome), "Archive-Outcome"),
            detail=self._fields.get("archive-detail"),
            article_id=self.number_or_none("Archive-Article-Id"),
            page=self.number_or_none("Archive-Page"),
            warc_file=place.file,
            warc_offset=place.offset,
            source=self.one_of(get_args(FetchSource), "Archive-Source", "live"),
        )

    @property
    def crawl_id(self) -> int | None:
        return self.number_or_none("Archive-Crawl-Id")

    @property
    def visit_id(self) -> int | None:
        return self.number_or_none("Archive-Visit-Id")

    def text(self, name: str) -> str:
        value = self._fields.get(name.lower())
        if value is None:
            raise self.bad(f"it has no {name}")
        return value

    def number(self, name: str) -> int:
        value = self.text(name)
        if not (value.isascii() and value.isdigit()):
            raise self.bad(f"its {name} is no number but {value!r}")
        return int(value)

    def number_or_none(self, name: str) -> int | None:
        return self.number(name) if name.lower() in self._fields else None

    def moment(self, name: str) -> datetime:
        value = self.text(name)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise self.bad(f"its {name} is no moment but {value!r}") from error
        if moment.tzinfo is None:
            raise self.bad(f"its {name} has no time zone: {value!r}")
        return moment

    def one_of(self, names: tuple[_Name, ...], name: str, default: _Name | None = None) -> _Name:
        value = self._fields.get(name.lower(), default) or self.text(name)
        if value not in names:
            raise self.bad(f"its {name} is {value!r}, which nobody knows")
        return value


class RawRecord(_Record):
    """A record that can be changed and written again."""

    def __init__(self, record: ArcWarcRecord, block: bytes, file: str, offset: int) -> None:
        super().__init__(record, block, file, offset)
        self._lines: list[tuple[str, str]] = list(record.rec_headers.headers)
        self._version: str = record.rec_headers.protocol
        #: What its body has become, where that was changed.
        self.changed: Changed | None = None

    def set(self, name: str, value: str) -> None:
        """Change a field, or add it."""
        at = next((at for at, (other, _) in enumerate(self._lines) if other.lower() == name.lower()), None)
        if at is None:
            self._lines.append((name, value))
        else:
            self._lines[at] = (name, value)
        self._fields[name.lower()] = value

    def written(self) -> bytes:
        """The whole record, its length and the digest of its block in keeping with it."""
        self.set("WARC-Block-Digest", payload_digest(hashlib.sha256(self.block).hexdigest()))
        self.set("Content-Length", str(len(self.block)))
        head = "".join(f"{name}: {value}\r\n" for name, value in self._lines)
        return f"{self._version}\r\n{head}\r\n".encode() + self.block + b"\r\n\r\n"


def header_lines(head: bytes) -> list[tuple[bytes, bytes]]:
    """The header lines in the head of an answer."""
    _, *lines = head.split(b"\r\n")
    return [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]


# --- gzip members --------------------------------------------------------------------------------------------------


def _members(file: BinaryIO, name: str, start: int = 0) -> Iterator[tuple[int, bytes | BadRecord]]:
    """
    Where each gzip member begins, from `start` on, and what it holds.

    Behind one that is damaged the reading goes on at the next that holds a record. What a running crawl has not yet
    written to the end is no damage.
    """
    while True:
        bad: BadRecord | None = None
        for offset, data, problem in _whole_members(file, start):
            if problem is None:
                yield offset, data
            else:
                bad = BadRecord(name, offset, problem)
        if bad is None:
            return
        following = _next_record(file, bad.offset + 1)
        if following is not None or not file.name.endswith(OPEN):
            yield bad.offset, bad
        if following is None:
            return
        start = following


def _whole_members(file: BinaryIO, start: int) -> Iterator[tuple[int, bytes, str | None]]:
    """Where each member begins and what it holds, up to the first with a problem."""
    file.seek(start)
    data = b""
    while True:
        if not data:
            data = file.read(_CHUNK)
            if not data:
                return
        offset, parts, size = start, list[bytes](), 0
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while not member.eof:
            if not data:
                data = file.read(_CHUNK)
                if not data:
                    yield offset, b"", "the file ends in the middle of a record"
                    return
            try:
                part = member.decompress(data, MAX_RECORD)
            except zlib.error as error:
                yield offset, b"", f"it cannot be unpacked: {error}"
                return
            parts.append(part)
            size += len(part)
            if size >= MAX_RECORD:
                yield offset, b"", "it is longer than any record"
                return
            rest = member.unused_data or member.unconsumed_tail
            start += len(data) - len(rest)
            data = rest
        yield offset, b"".join(parts), None


def _next_record(file: BinaryIO, start: int) -> int | None:
    """Where the next gzip member that holds a record begins, from `start` on."""
    file.seek(start)
    data = file.read(_CHUNK)
    while len(data) >= len(_MAGIC):
        found = data.find(_MAGIC)
        if found >= 0:
            start += found
            file.seek(start)
            if _begins_a_record(file.read(1024)):
                return start
            start += 1
        else:  # it may begin in the last two bytes
            start += len(data) - len(_MAGIC) + 1
        file.seek(start)
        data = file.read(_CHUNK)
    return None


def _begins_a_record(data: bytes) -> bool:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, 8).startswith(b"WARC/")
    except zlib.error:
        return False
