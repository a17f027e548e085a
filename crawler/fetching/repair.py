"""What killed runs left in the archive, mended: files are closed, and cut behind their last whole record."""

import logging
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from crawler.fetching.files import OPEN, TORN, lock, sync_folder

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done about a file that a killed run left open."""

    #: Lasting name of the file; None where it held nothing.
    file: str | None
    #: Bytes that were no whole record and now stand in a file of their own, beside it.
    torn: int


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
                lock(file.fileno(), path)
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
