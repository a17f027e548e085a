"""
Archives that others made, read record by record: WARC of any version and ARC; each record packed by itself, the whole
file packed, or nothing.

    for record, _ in records(path, wanted=lambda record: record.kind == "response" or None, bad=print):
        found = answer(record.block)  # see `crawler.fetching.foreign_answers`

Nothing in them is believed. A gzip stream must be whole, a block as long as it says and the one that its digest names;
where something is damaged that is told, and the reading goes on at the next record that can be found. It never holds
more than one record in memory, and of those that are not wanted only the fields.
"""

import base64
import binascii
import hashlib
import logging
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord, ArcWarcRecordLoader
from warcio.statusandheaders import StatusAndHeadersParserException

from crawler.errors import BadRecord

MAX_RECORD: Final = 64 * 1024 * 1024
"""Longest block that is read, in bytes; no page is so long."""

_CHUNK: Final = 64 * 1024
_GZIP: Final = b"\x1f\x8b\x08"
#: With these programs fill a file up to a round length; gzip allows zeros behind its end.
_PADDING: Final = b"\0\r\n"
#: Most bytes of the fields of a record: those of Heritrix have some thousand.
_MAX_FIELDS: Final = 1024 * 1024
_LOADER: Final = ArcWarcRecordLoader()
# It would tell on stderr of every address with a space in it, whosever it is.
logging.getLogger("warcio").addHandler(logging.NullHandler())
_ARC_LINE: Final = re.compile(rb"\S+ \S+ [0-9]{14} \S* ?[0-9]+\r?\n")
_HEX: Final = re.compile("[0-9A-Fa-f]+")
_HEX_LENGTHS: Final = {"md5": 32, "sha1": 40, "sha256": 64}
_URL_SAFE: Final = str.maketrans("-_", "+/")
_HASHES: Final = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "md5": hashlib.md5}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignRecord:
    """A record of somebody else's archive."""

    #: Name of the file, without folders.
    file: str
    #: Where the record begins, in bytes of the file; that of the first one where several are packed together.
    offset: int
    #: WARC-Type: "response", "request" …
    kind: str
    #: Names in lower case.
    fields: Mapping[str, str]
    #: Of the block, in bytes.
    length: int
    #: Empty until it was read.
    block: bytes = field(default=b"", repr=False)
    #: How far the file was read, in bytes, to show how long the rest will take.
    read: int = 0


_Why = TypeVar("_Why")


def records(
    path: Path, *, wanted: Callable[[ForeignRecord], _Why | None], bad: Callable[[BadRecord], object]
) -> Iterator[tuple[ForeignRecord, _Why]]:
    """
    The records of a file that are wanted, with their blocks; and why they are.

    Args:
        wanted: Is asked for every record, before its block is read; None where it is not wanted.

        bad: Is told of everything that cannot be read.
    """
    try:
        if path.is_fifo() or path.is_char_device():  # to open one might wait for whoever writes into it
            bad(BadRecord(path.name, 0, "a pipe can be read only once: save it in a file first"))
            return
        with path.open("rb") as file:
            start: int | None = 0
            while start is not None:
                stream = _Stream(file, start)
                try:
                    yield from _records(stream, path.name, wanted, bad)
                    return
                except _Damaged as damage:
                    problem = (_other_than_an_archive(file) if stream.offset == 0 else None) or str(damage)
                    bad(BadRecord(path.name, stream.offset, problem))
                    start = _next_start(file, stream.offset + 1, packed=stream.packed)
    except OSError as error:
        bad(BadRecord(path.name, 0, f"the file cannot be read: {error.strerror or error}"))


class _Damaged(Exception):
    """Here the bytes stop to make sense; where the next record begins must be searched for."""


def _records(
    stream: "_Stream",
    name: str,
    wanted: Callable[[ForeignRecord], _Why | None],
    bad: Callable[[BadRecord], object],
) -> Iterator[tuple[ForeignRecord, _Why]]:
    while (first := stream.first_line()) is not None:
        loaded = _loaded(stream, first)
        fields = {name.lower(): value for name, value in loaded.rec_headers.headers}
        if not first.startswith(b"WARC/"):
            fields.pop("warc-record-id", None)  # an ARC file has none, warcio makes one up
        if not fields.get("content-length", "").isdigit():
            raise _Damaged("a record does not say how long it is")
        length: int = loaded.length
        record = ForeignRecord(
            file=name,
            offset=stream.offset,
            kind=loaded.rec_type or "",
            fields=fields,
            length=length,
            read=stream.position,
        )
        why = wanted(record)
        if why is None or length > MAX_RECORD:
            stream.skip(length)
            continue
        record = replace(record, block=stream.take(length), read=stream.position)
        if _is_as_named(record):
            yield record, why
        else:
            bad(BadRecord(name, record.offset, "its block is not the one that its digest names"))


def _loaded(stream: "_Stream", first: bytes) -> ArcWarcRecord:
    """The fields of a record, whose first line was read."""
    stream.line_budget = _MAX_FIELDS
    try:
        return _LOADER.parse_record_stream(stream, statusline=first, no_record_parse=True)
    except (ArchiveLoadFailed, StatusAndHeadersParserException) as error:
        raise _Damaged("this is the start of no record") from error
    except (EOFError, ValueError, OverflowError) as error:
        raise _Damaged("the fields of a record make no sense") from error


def _is_as_named(record: ForeignRecord) -> bool:
    """Whether the block is the one that its digest names, where it names one that we can compute."""
    algorithm, _, value = record.fields.get("warc-block-digest", "").strip().partition(":")
    hashed = _HASHES.get(algorithm.lower().replace("-", ""))
    if hashed is None:
        return True
    digest = hashed(record.block, usedforsecurity=False).digest()
    value = value.rstrip("=")
    return (
        value.lower() == digest.hex()
        or value.upper() == base64.b32encode(digest).decode().rstrip("=")
        or value.translate(_URL_SAFE) == base64.b64encode(digest).decode().rstrip("=")
    )


def payload_name(record: ForeignRecord) -> str | None:
    """
    What the record's WARC-Payload-Digest names, in one spelling; None where it names nothing.

    Two records with the same name have the same body, as their writer says.
    """
    algorithm, _, value = record.fields.get("warc-payload-digest", "").strip().partition(":")
    if not value:
        return None
    value = value.strip()
    try:
        is_hex = _HEX.fullmatch(value) is not None and len(value) == _HEX_LENGTHS.get(algorithm.lower())
        value = value.lower() if is_hex else base64.b32decode(value.upper()).hex()
    except (ValueError, binascii.Error):  # spelled in a way of its own
        return f"{algorithm.lower()}:{value}"
    return f"{algorithm.lower()}:{value}"


# --- the bytes of a file -------------------------------------------------------------------------------------------


class _Stream:
    """A file from some place on, unpacked. It raises _Damaged where that cannot be done."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        file.seek(start)
        self._file = file
        self._raw = file.read(_CHUNK)
        #: Whether the file is packed.
        self.packed = self._raw.startswith(_GZIP)
        #: Where the latest record begins in the file: with its gzip member, where it has one.
        self.offset = start
        #: How many bytes of lines may still be read.
        self.line_budget = _MAX_FIELDS
        self._at = start  # of the first byte of _raw
        self._member_at = start
        self._member: zlib._Decompress | None = None
        self._data = b""
        self._used = 0  # bytes of _data
        self._in_record = False

    @property
    def position(self) -> int:
        """How far the file was read."""
        return self._at

    def first_line(self) -> bytes | None:
        """The first line of the next record; None at the end of the file."""
        behind_a_record, self._in_record = self._in_record, False
        while True:
            if behind_a_record and self._is_padding_to_the_end():
                return None
            if self._used == len(self._data) and not self._fill():
                return None
            self.offset = self._member_at if self.packed else self._at_byte
            self.line_budget = _MAX_FIELDS
            line = self.readline()
            if line.strip():
                self._in_record = True
                return line

    def _is_padding_to_the_end(self) -> bool:
        """Whether nothing but padding follows, to the end of the file."""
        if self._member is not None or (self.packed and self._used < len(self._data)):
            return False  # what was unpacked is no padding of the file
        rest = self._data[self._used :] or self._raw
        if rest[:1].strip(_PADDING):
            return False
        here = self._file.tell()
        try:
            while rest and not rest.strip(_PADDING):
                rest = self._file.read(_CHUNK)
        finally:
            self._file.seek(here)
        return not rest

    @property
    def _at_byte(self) -> int:
        """Where the next byte stands in a file that is not packed."""
        return self._at - (len(self._data) - self._used)

    def read(self, size: int) -> bytes:
        """So many bytes at most; nothing at the end."""
        if self._used == len(self._data) and not self._fill():
            return b""
        part = self._data[self._used : self._used + size]
        self._used += len(part)
        return part

    def readline(self, size: int = -1) -> bytes:
        """A line with its end, or what comes before the end."""
        parts: list[bytes] = []
        while self._used < len(self._data) or self._fill():
            end = self._data.find(b"\n", self._used) + 1 or len(self._data)
            parts.append(self.read(end - self._used))
            self.line_budget -= len(parts[-1])
            if self.line_budget < 0:
                raise _Damaged("the fields of a record do not end")
            if parts[-1].endswith(b"\n"):
                break
        return b"".join(parts)

    def take(self, size: int) -> bytes:
        """Exactly so many bytes."""
        parts: list[bytes] = []
        while size:
            part = self.read(size)
            if not part:
                raise _Damaged("the file ends in the middle of a record")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def skip(self, size: int) -> None:
        """Leave out exactly so many bytes."""
        while size:
            part = self.read(min(size, _CHUNK))
            if not part:
                raise _Damaged("the file ends in the middle of a record")
            size -= len(part)

    def _fill(self) -> bool:
        """Have more bytes; returns whether there are any."""
        self._data, self._used = b"", 0
        while not self._data:
            if not self._raw:
                self._raw = self._file.read(_CHUNK)
            if not self._raw:
                if self._member is not None:
                    raise _Damaged("the file ends in the middle of a record")
                return False
            if not self.packed:
                self._data, self._raw = self._raw, b""
                self._at += len(self._data)
            else:
                self._inflate()
        return True

    def _inflate(self) -> None:
        began = self._member is None
        if self._member is None:
            self._member_at = self._at
            self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        before = len(self._raw)
        try:
            self._data = self._member.decompress(self._raw, _CHUNK)
        except zlib.error as error:
            self.offset = self._member_at
            raise _Damaged(f"it cannot be unpacked: {error}") from error
        self._raw = self._member.unused_data or self._member.unconsumed_tail
        self._at += before - len(self._raw)
        if self._member.eof:
            self._member = None
        if began and self._in_record and self._data and _begins_a_record(self._data):
            raise _Damaged("a record is shorter than it says")


def _begins_a_record(data: bytes) -> bool:
    return data.startswith((b"WARC/", b"filedesc://")) or _ARC_LINE.match(data) is not None


#: How files begin in which archives may be packed, and what to do with them.
_PACKED_OTHERWISE: Final = {
    b"\x28\xb5\x2f\xfd": "it is packed with zstd: unpack it first, `zstd -d FILE`",
    b"PK\x03\x04": "it is a ZIP or WACZ file: unpack it first and take the WARC files in it",
    b"BZh": "it is packed with bzip2: unpack it first, `bunzip2 FILE`",
    b"\xfd7zXZ": "it is packed with xz: unpack it first, `unxz FILE`",
}


def _other_than_an_archive(file: BinaryIO) -> str | None:
    """What a file is by its first bytes; None where it begins as an archive, or as a packed file that is damaged."""
    file.seek(0)
    head = file.read(4096)
    for mark, what in _PACKED_OTHERWISE.items():
        if head.startswith(mark):
            return what
    try:
        head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head) if head.startswith(_GZIP) else head
    except zlib.error:
        return None
    if not head or _begins_a_record(head.lstrip()):
        return None
    return "it does not begin as WARC and ARC files do; perhaps it is none"


def _next_start(file: BinaryIO, start: int, *, packed: bool) -> int | None:
    """Where the next record begins from `start` on; None where none does."""
    mark = _GZIP if packed else b"\nWARC/1."
    file.seek(start)
    data = file.read(_CHUNK)
    while len(data) >= len(mark):
        found = data.find(mark)
        if found < 0:  # it may begin in the last bytes
            start += len(data) - len(mark) + 1
        elif not packed:
            return start + found + 1
        else:
            start += found
            file.seek(start)
            if _unpacks_to_a_record(file.read(4096)):
                return start
            start += 1
        file.seek(start)
        data = file.read(_CHUNK)
    return None


def _unpacks_to_a_record(data: bytes) -> bool:
    try:
        return _begins_a_record(zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, 2048))
    except zlib.error:
        return False
