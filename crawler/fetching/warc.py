"""
The WARC archive: files of whole records that are on the disk before the database hears of them.

What the records hold is told by `crawler.fetching.capture`. A file that is being written ends in `.open`, is locked by
its one writer and gets its lasting name when it is closed.
"""

import os
import secrets
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final

from crawler.errors import CannotStore
from crawler.fetching.capture import (
    Capture,
    Contents,
    Original,
    Place,
    common_fields,
    member,
    metadata_record,
    request_record,
    response_record,
    revisit_record,
    warc_date,
    warcinfo_record,
)
from crawler.fetching.clock import Clock
from crawler.fetching.files import OPEN, lock, sync_folder, write
from crawler.fetching.repair import Repair, repaired

MAX_BYTES: Final = 1024**3
"""A file that has reached this size is closed, and the next one begun."""

REMEMBERED: Final = 10_000
"""Bodies that an equal one may refer to: the latest so many addresses. About 5 MB."""


class WarcArchive:
    """
    The folder of WARC files as one process writes it: one open file for each edition.

        archive = WarcArchive(folder, {1: "military_review-en"})
        archive.open()
        place = archive.save(capture)
        archive.sync()                    # on the disk when this returns
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
        self._originals: OrderedDict[str, Original] = OrderedDict()
        #: Why nothing can be written any more.
        self._failed: CannotStore | None = None
        #: Why what was saved may not be on the disk.
        self._lost: CannotStore | None = None
        # Whoever syncs or closes the archive may not be the one who writes.
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
        Write an exchange and return the place of its response. Nobody is to be told of that before `sync`.

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

    def sync(self) -> None:
        """
        Wait until all that was saved is on the disk. Another thread may do that, while this one goes on saving.

        Raises:
            CannotStore: Not all is there, and never will be: a disk that once refused is not asked again. Or it is
                where nobody finds it.
        """
        with self._lock, _cannot_store(self.folder):
            if self._lost is not None:
                raise self._lost
            files = [file for file in self._files.values() if file.waits]
            for file in files:
                if not file.is_in_place:
                    self._failed = self._lost = CannotStore(
                        f"The archive file {file.name} is not in the folder {self.folder} any more: somebody has "
                        "removed, moved or replaced one of them. Put it back, and the next crawl goes on."
                    )
                    raise self._lost
            # Under descriptors of their own: the files may be closed meanwhile.
            waiting = [(file, file.size, file.descriptor()) for file in files]
        try:
            with _cannot_store(self.folder):
                for _, _, descriptor in waiting:
                    os.fsync(descriptor)
        except CannotStore as error:
            with self._lock:
                self._failed = self._lost = error
                for file, _, _ in waiting:
                    file.size = file.synced
            raise
        finally:
            for _, _, descriptor in waiting:
                os.close(descriptor)
        with self._lock:
            # Of what it has lost the system tells one who asks, and no other: a file may have been closed meanwhile.
            if self._lost is not None:
                raise self._lost
            for file, size, _ in waiting:
                file.synced = max(file.synced, size)

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
        common = common_fields(capture, date, file.info_id)
        if capture.response_head is None:
            offset = file.append(member(metadata_record(capture, common)))
            return Place(file.name, offset)

        original = self._originals.get(fetch.url)
        if original is None or original.digest != fetch.digest or capture.truncated is not None:
            original = None
        holds: Contents
        if original is None:
            response, holds = response_record(capture, common), "packed" if capture.packed else "text"
        else:
            response, holds = revisit_record(capture, common, original), "lines"
        response_id = response.rec_headers.get_header("WARC-Record-ID")
        head = capture.request_head
        request = (
            b"" if head is None else member(request_record(capture.fetch.url, head, common, response_id))
        )
        # One write: where the response is whole, so is the request before it.
        offset = file.append(request + member(response, holds)) + len(request)
        place = Place(file.name, offset)
        if original is None and fetch.digest is not None and capture.truncated is None:
            self._originals[fetch.url] = Original(fetch.digest, response_id, date, place)
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
        try:
            with _cannot_store(self.folder):
                file.close()
        except CannotStore as error:
            self._lost = error
            raise
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
        #: Bytes of whole records.
        self.size = 0
        #: So many of them are on the disk.
        self.synced = 0
        self._open_path = folder / (name + OPEN)
        warcinfo = warcinfo_record(name, info)
        #: Identity of the first record.
        self.info_id: str = warcinfo.rec_headers.get_header("WARC-Record-ID")
        self._fd = os.open(self._open_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            lock(self._fd, self._open_path)
            self.append(member(warcinfo))
            self._sync()
            sync_folder(folder)
        except BaseException:
            with suppress(OSError):
                self._open_path.unlink()
            os.close(self._fd)
            raise
        self._info_bytes = self.size

    def append(self, data: bytes) -> int:
        """
        Write whole records.

        Returns:
            Where they begin, in bytes.

        Raises:
            OSError: That failed; what had been written of them is cut off again.
        """
        try:
            write(self._fd, data)
        except OSError:
            # Should this fail too, the file stays .open, and the next run's repair cuts it.
            with suppress(OSError):
                self._cut_back()
            raise
        offset, self.size = self.size, self.size + len(data)
        return offset

    @property
    def waits(self) -> bool:
        """Whether some of its records are not on the disk yet."""
        return self.synced < self.size

    @property
    def is_in_place(self) -> bool:
        """Whether it stands where others look for it. One who has it open could write into it for ever."""
        try:
            return os.path.samestat(os.fstat(self._fd), self._open_path.stat())
        except (FileNotFoundError, NotADirectoryError):
            return False

    def descriptor(self) -> int:
        """Another descriptor of the file, which whoever asked for it closes."""
        return os.dup(self._fd)

    def close(self) -> None:
        """Give the file its lasting name. One in which nothing but the first record stands is removed."""
        try:
            if os.fstat(self._fd).st_size != self.size:
                self._cut_back()
                self._sync()
            elif self.waits:
                self._sync()
            if self.size == self._info_bytes:
                self._open_path.unlink()
            else:
                self._open_path.rename(self.folder / self.name)
            sync_folder(self.folder)
        finally:
            os.close(self._fd)

    def _sync(self) -> None:
        os.fsync(self._fd)
        self.synced = self.size

    def _cut_back(self) -> None:
        os.ftruncate(self._fd, self.size)
        os.lseek(self._fd, self.size, os.SEEK_SET)


@contextmanager
def _cannot_store(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotStore(
            f"The archive folder {folder} cannot be written: {error.strerror or error}. "
            "Make room, give yourself the right to write there, or set WARC_DIR to another place."
        ) from error
