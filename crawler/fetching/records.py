"""
Reading the archive: every exchange as it was noted before anybody read its page.

    reader = ArchiveReader(folder)
    for archived in reader.exchanges(): …      # all of them, file by file
    archived = reader.at(place)                # one, by the place that `fetches` names

A file that a crawl still writes is read up to its last whole record. What is damaged is told by `BadRecord`, never
read as less than it was: digests are checked, and every record is a gzip member with a checksum of its own.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, TypeVar, get_args

from crawler.errors import BadRecord
from crawler.fetching.bodies import Body, looked_at
from crawler.fetching.capture import Place
from crawler.fetching.files import OPEN
from crawler.fetching.members import MAX_RECORD, members
from crawler.fetching.record import RawRecord, Record
from crawler.items import Fetch, FetchKind

_ANSWERS: Final = ("response", "revisit", "metadata")

_Read = TypeVar("_Read")


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
    #: Whether somebody who was forgotten was cut out of it.
    redacted: bool = False


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

    def raw(self, name: str) -> Iterator[tuple[int, bytes, RawRecord]]:
        """
        All records of a file, to be written elsewhere: where each begins, itself as it is packed, and what it says.

        Raises:
            BadRecord: One of them cannot be read.
        """
        with self._opened(name) as file, self._opened(name) as packed:
            offset, record = 0, None
            for following, data in members(file, name):
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
        read: Callable[[Record, Place], _Read],
        files: Iterable[str] | None,
        bad: Callable[[BadRecord], object] | None,
        *,
        answers_only: bool = True,
        start: int = 0,
    ) -> Iterator[_Read]:
        for name in self.files() if files is None else files:
            try:
                with self._opened(name) as file:
                    for offset, data in members(file, name, start):
                        try:
                            if isinstance(data, BadRecord):
                                raise data
                            record = Record.of(data, name, offset)
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

    def _record(self, place: Place) -> Record:
        try:
            with self._opened(place.file) as file:
                _, data = next(members(file, place.file, place.offset), (0, b""))
        except _Missing as error:
            raise BadRecord(place.file, place.offset, error.problem) from error
        if isinstance(data, BadRecord):
            raise data
        if not data:
            raise BadRecord(place.file, place.offset, "there is no record")
        return Record.of(data, place.file, place.offset)

    def _archived(self, record: Record, place: Place) -> Archived:
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

    def _checked(self, record: Record, place: Place) -> tuple[Place, Archived | None]:
        if record.kind in _ANSWERS:
            return place, self._archived(record, place)
        record.check()
        return place, None

    def _original(self, revisit: Record, digest: str) -> bytes:
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
    def _indexed(record: Record, place: Place) -> Indexed:
        return Indexed(
            fetch_id=record.number("Archive-Fetch-Id"),
            edition_id=record.number("Archive-Edition-Id"),
            kind=record.one_of(get_args(FetchKind), "Archive-Kind"),
            fetched_at=record.moment("WARC-Date"),
            place=place,
            crawl_id=record.crawl_id,
            visit_id=record.visit_id,
            article_id=record.number_or_none("Archive-Article-Id"),
            redacted=record.has("Archive-Redacted"),
        )


class _Missing(BadRecord):
    """A whole file is not there."""
