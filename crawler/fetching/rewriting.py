"""
WARC files written anew, with other bodies in some of their records.

A file that is closed is never changed. To take something out of it a new one is made, with the same records in the
same order, and the old one is destroyed when nothing refers to it any more:

    rewriting = Rewriting(folder, change, on=today)
    for name in files: rewriting.write(name)       # beside the old ones, names end in .new
    rewriting.publish()                            # now they have their lasting names
    …                                              # whoever knows places learns `rewriting.moved`
    destroy(folder, files)

A changed body is stored unpacked: its Content-Encoding and Content-Length are renamed with the prefix X-Crawler-, a
right Content-Length follows, the digests are those of the new body, and Archive-Redacted has the day. Nothing
else of a record changes. A revisit refers to its original by file, offset and digest; where the original has moved,
those follow, so files with revisits to records of a file have to be rewritten together with it (`refers_to`).
"""

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from crawler.errors import CannotStore
from crawler.fetching.bodies import legible, looked_at
from crawler.fetching.capture import Capture, Place, head_of_unpacked, packed_member, payload_digest
from crawler.fetching.files import TORN, sync_folder
from crawler.fetching.record import Changed, RawRecord, header_lines
from crawler.fetching.records import ArchiveReader

NEW: Final = ".new"
"""What the names of files end in that are not yet whole."""

NOT_LOOKED_INTO: Final = frozenset(("robots", "sitemap"))
"""Kinds of answers that show nobody."""

MAX_UNPACKED: Final = 64 * 1024 * 1024
"""Longest body that is looked into, unpacked, in bytes."""

#: "military_review-en-20171103092000-1a2b3c4d-00001.warc.gz": all but the token stays.
_NAMED: Final = re.compile(r"(.*-\d{14}-)([0-9a-f]{8})(-\d{5}\.warc\.gz)")
_EMPTY: Final = hashlib.sha256().hexdigest()

Without = Callable[[int, str, bytes], bytes]
"""
A body without what is to be taken out: from the number of its edition, its address and its unpacked text.
The very same object where there is nothing of it.
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """A record with an exchange that stands elsewhere now."""

    fetch_id: int
    edition_id: int
    old: Place
    new: Place
    article_id: int | None
    #: Length and digest of the body as it is stored now, where that has changed.
    changed: Changed | None = None


def body_without(
    sent: bytes, encodings: Collection[bytes], without: Callable[[bytes], bytes]
) -> bytes | None:
    """
    A body without what is to be taken out, unpacked; None where there is nothing of it.

    Of a body that is not whole nothing is ever read. Where what can be read of it shows what is to be taken out,
    nothing is left of it, since nobody knows what else it hides.
    """
    body = looked_at(sent, encodings=encodings, max_bytes=MAX_UNPACKED)
    if body.fault is None:
        new = without(body.text)
        return None if new is body.text else new
    for text in (legible(sent, encodings=encodings, max_bytes=MAX_UNPACKED), sent):
        if without(text) is not text:
            return b""
    return None


def capture_without(capture: Capture, without: Without) -> Capture:
    """What is archived of an answer without what is to be taken out; the same where there is nothing of it."""
    fetch, head = capture.fetch, capture.response_head
    if head is None or fetch.kind in NOT_LOOKED_INTO:
        return capture

    def cut(text: bytes) -> bytes:
        return without(fetch.edition_id, fetch.url, text)

    body = body_without(capture.body, _encodings(header_lines(head)), cut)
    if body is None:
        return capture
    return replace(
        capture,
        fetch=replace(fetch, bytes=len(body), digest=hashlib.sha256(body).hexdigest() if body else None),
        response_head=head_of_unpacked(head, len(body)),
        body=body,
        packed=False,
        redacted_on=fetch.fetched_at.date(),
    )


def _encodings(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    return [value for name, value in headers if name.lower() == b"content-encoding"]


class Rewriting:
    """
    Some files of an archive that are written anew.

    Files with revisits must come after those that they refer to: in the order of their names.

    Args:
        without: Is not asked about robots.txt and sitemaps: they show nobody.

        on: The day that is noted in changed records.
    """

    def __init__(self, folder: Path, without: Without, *, on: date) -> None:
        self.folder = folder
        self.moved: dict[Place, Moved] = {}
        #: Old name → new name, in the order in which they were written.
        self.files: dict[str, str] = {}
        #: Files of one process that began in the same second have one token, and so keep their order.
        self._tokens: dict[str, str] = {}
        self._without = without
        self._on = on

    def write(self, name: str) -> None:
        """
        Write one file anew, beside the old one.

        Raises:
            BadRecord: One of its records cannot be read, so what it shows is not known.
            CannotStore: The new file cannot be written.
        """
        new_name = self._new_name(name)
        path = self.folder / (new_name + NEW)
        try:
            with path.open("xb") as file:
                at = 0
                for old, record, packed in self._records(name, new_name):
                    if record is not None:
                        self._note(record, old, Place(new_name, at))
                    at += file.write(packed)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise CannotStore(
                f"The archive folder {self.folder} cannot be written: {error.strerror or error}."
            ) from error
        self.files[name] = new_name

    def publish(self) -> None:
        """Give the new files their lasting names, beside the old ones."""
        for new_name in self.files.values():
            (self.folder / (new_name + NEW)).rename(self.folder / new_name)
        sync_folder(self.folder)

    def _records(self, name: str, new_name: str) -> Iterator[tuple[Place, RawRecord | None, bytes]]:
        """Each record of a file: where it stood, itself where it is that of an exchange, and how it is written now."""
        for offset, packed, record in ArchiveReader(self.folder).raw(name):
            place = Place(name, offset)
            if record.kind == "warcinfo":
                record.set("WARC-Filename", new_name)
                yield place, None, packed_member(record.written())
            elif record.kind == "response":
                changed = self._changed(record)
                yield place, record, packed_member(record.written(), "text") if changed else packed
            elif record.kind == "revisit":
                moved = self._refer_anew(record)
                yield place, record, packed_member(record.written()) if moved else packed
            else:
                yield place, record if record.kind == "metadata" else None, packed

    def _changed(self, record: RawRecord) -> bool:
        """Change the body of a response, if there is anything to take out."""
        if not is_looked_into(record):
            return False
        edition_id, url = record.number("Archive-Edition-Id"), record.text("WARC-Target-URI")
        head, _, sent = record.block.partition(b"\r\n\r\n")
        body = body_without(
            sent, _encodings(header_lines(head)), lambda text: self._without(edition_id, url, text)
        )
        if body is None:
            return False
        record.block = head_of_unpacked(head, len(body)) + body
        record.set("WARC-Payload-Digest", payload_digest(hashlib.sha256(body).hexdigest()))
        record.set("Archive-Redacted", self._on.isoformat())
        record.changed = Changed(len(body), hashlib.sha256(body).hexdigest() if body else None)
        return True

    def _refer_anew(self, record: RawRecord) -> bool:
        """Let a revisit refer to where its original stands now."""
        original = self.moved.get(referred(record))
        if original is None:
            return False
        record.set("WARC-Refers-To-Filename", original.new.file)
        record.set("WARC-Refers-To-File-Offset", str(original.new.offset))
        changed = original.changed
        if changed is not None:
            head, _, _ = record.block.partition(b"\r\n\r\n")
            record.block = head_of_unpacked(head, changed.bytes)
            record.set("WARC-Payload-Digest", payload_digest(changed.digest or _EMPTY))
            record.set("Archive-Redacted", self._on.isoformat())
            record.changed = changed
        return True

    def _new_name(self, name: str) -> str:
        match = _NAMED.fullmatch(name)
        if match is None:
            return f"{name.removesuffix('.warc.gz')}-{secrets.token_hex(4)}.warc.gz"
        token = self._tokens.setdefault(match[2], secrets.token_hex(4))
        return f"{match[1]}{token}{match[3]}"

    def _note(self, record: RawRecord, old: Place, new: Place) -> None:
        self.moved[old] = Moved(
            fetch_id=record.number("Archive-Fetch-Id"),
            edition_id=record.number("Archive-Edition-Id"),
            old=old,
            new=new,
            article_id=record.number_or_none("Archive-Article-Id"),
            changed=record.changed,
        )


def is_looked_into(record: RawRecord) -> bool:
    """Whether a record's body may show somebody: those of robots.txt and sitemaps do not."""
    return record.kind == "response" and record.text("Archive-Kind") not in NOT_LOOKED_INTO


def referred(record: RawRecord) -> Place:
    """Where the original of a revisit stands."""
    return Place(record.text("WARC-Refers-To-Filename"), record.number("WARC-Refers-To-File-Offset"))


@dataclass(frozen=True, slots=True)
class Searched:
    """What a look through a file found."""

    #: Records whose bodies show what is to be taken out.
    showing: int
    #: Numbers of the editions of all exchanges in it.
    editions: frozenset[int]
    #: Other files with originals of its revisits.
    refers_to: frozenset[str]


def searched(folder: Path, without: Without, name: str) -> Searched:
    """
    Look through a file for what is to be taken out of it.

    Raises:
        BadRecord: One of its records cannot be read.
    """
    showing = 0
    editions: set[int] = set()
    others: set[str] = set()
    for _, _, record in ArchiveReader(folder).raw(name):
        edition_id = record.number_or_none("Archive-Edition-Id")
        if edition_id is not None:
            editions.add(edition_id)
        if record.kind == "revisit":
            others.add(referred(record).file)
        elif is_looked_into(record):
            assert edition_id is not None
            url = record.text("WARC-Target-URI")
            head, _, sent = record.block.partition(b"\r\n\r\n")

            def cut(text: bytes, edition_id: int = edition_id, url: str = url) -> bytes:
                return without(edition_id, url, text)

            showing += body_without(sent, _encodings(header_lines(head)), cut) is not None
    return Searched(showing, frozenset(editions), frozenset(others - {name}))


def to_rewrite(found: Mapping[str, Searched]) -> list[str]:
    """The files that show something, and all with revisits to records of one that is written anew; in order."""
    names = {name for name, one in found.items() if one.showing}
    while True:
        more = {name for name, one in found.items() if name not in names and one.refers_to & names}
        if not more:
            return sorted(names)
        names |= more


def destroy(folder: Path, names: Sequence[str]) -> None:
    """Remove files for good. Those that are not there are passed over."""
    for name in names:
        with suppress(FileNotFoundError):
            (folder / name).unlink()
    sync_folder(folder)


def leftovers(folder: Path) -> list[str]:
    """Remnants that no reader looks into but that hold bytes: unfinished new files, and what killed crawls tore."""
    return sorted(path.name for ending in (NEW, TORN) for path in folder.glob(f"*.warc.gz{ending}"))
