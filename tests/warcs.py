"""The WARC files of a folder, read front to back by two programs that are not ours."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator

from crawler.fetching.capture import Place


@dataclass(frozen=True, slots=True)
class Record:
    """A record as both readers see it."""

    kind: str
    #: Its fields, their names in lower case.
    fields: dict[str, str]
    #: Status of the answer, where it is one.
    status: str | None
    #: SHA-256 of what follows the head, in hexadecimal.
    digest: str
    payload: bytes


def records(folder: Path) -> dict[Place, Record]:
    """
    All records of all files with a lasting name, in order.

    Raises AssertionError where the readers disagree or a digest is wrong.
    """
    found: dict[Place, Record] = {}
    for path in sorted(folder.glob("*.warc.gz")):
        by_warcio = list(_by_warcio(path))
        by_fastwarc = list(_by_fastwarc(path))
        assert [(offset, record.kind, record.payload) for offset, record in by_warcio] == by_fastwarc, path
        found |= {Place(path.name, offset): record for offset, record in by_warcio}
    return found


def _by_warcio(path: Path) -> Iterator[tuple[int, Record]]:
    with path.open("rb") as file:
        iterator = ArchiveIterator(file, check_digests=True)
        for record in iterator:
            payload = record.raw_stream.read()
            offset = iterator.get_record_offset()  # after reading: it goes to the record's end
            assert not record.digest_checker.problems, (path, offset, record.digest_checker.problems)
            names = [name.lower() for name, _ in record.rec_headers.headers]
            assert len(names) == len(set(names)), (path, offset, names)
            yield (
                offset,
                Record(
                    kind=record.rec_type,
                    fields={name.lower(): value for name, value in record.rec_headers.headers},
                    status=record.http_headers.get_statuscode()
                    if record.rec_type in ("response", "revisit")
                    else None,
                    digest=hashlib.sha256(payload).hexdigest(),
                    payload=payload,
                ),
            )


def _by_fastwarc(path: Path) -> Iterator[tuple[int, str, bytes]]:
    with path.open("rb") as file:
        for record in FastIterator(file, parse_http=False):
            assert record.verify_block_digest(), (path, record.stream_pos)
            kind = record.headers["WARC-Type"]
            if kind in ("request", "response", "revisit"):
                record.parse_http(auto_decode="none")
            assert kind != "response" or record.verify_payload_digest(), (path, record.stream_pos)
            yield record.stream_pos, kind, record.reader.read()
