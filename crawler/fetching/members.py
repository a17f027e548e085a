"""The gzip members of a WARC file: where each begins, and what it holds."""

import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from crawler.errors import BadRecord
from crawler.fetching.files import OPEN

MAX_RECORD: Final = 64 * 1024 * 1024
"""Longest record that is read, unpacked; a crawl archives bodies of 8 MiB at most."""

_CHUNK: Final = 64 * 1024
_MAGIC: Final = b"\x1f\x8b\x08"


def members(file: BinaryIO, name: str, start: int = 0) -> Iterator[tuple[int, bytes | BadRecord]]:
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
