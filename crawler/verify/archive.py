"""Files and records of the archive, and the fetches that name them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Final

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from crawler.errors import BadRecord, CannotStore
from crawler.fetching.capture import Place
from crawler.fetching.files import OPEN, TORN, is_written
from crawler.fetching.records import Archived, ArchiveReader
from crawler.items import Recorded
from crawler.normalise.text import storable
from crawler.storage.invariants.archived import fetches_by_file, fetches_in, fetches_of
from crawler.storage.invariants.inspection import Inspection, Seen, Tell, Wrong
from crawler.work import Progress, Say, shared

#: Exchanges that are looked up in the database at a time.
AT_ONCE: Final = 1000

_COMPARED: Final = ("edition_id", "kind", "status", "bytes", "digest", "article_id", "page")


@dataclass(frozen=True, slots=True)
class _Answer:
    """A record of an answer, as small as it can be: a file has many."""

    fetch_id: int
    edition_id: int
    offset: int
    #: Hash of all that a row of `fetches` should say too.
    said: bytes


@dataclass(slots=True)
class _Looked:
    """What a file holds."""

    records: int = 0
    answers: list[_Answer] = field(default_factory=list)
    #: What cannot be read, by its offset.
    bad: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedThrough:
    """What was looked at in the archive."""

    files: Seen
    records: Seen


@dataclass(slots=True)
class _Counts:
    records: int = 0
    fetches: int = 0
    #: Exchanges that no row of `fetches` knows.
    unknown: int = 0
    #: Records of fetches whose rows name another place.
    twice: int = 0


def looked_through(
    inspection: Inspection, folder: Path, bad_file: Tell, bad_record: Tell, *, processes: int, say: Say
) -> LookedThrough:
    """
    Read all files from front to back, and compare what they hold with the fetches that name them.

    Raises:
        CannotStore: There is no such folder, though fetches stand in it, or it cannot be read.
    """
    connection = inspection.connection
    expected = fetches_by_file(connection, inspection.edition_ids)
    _require(folder, expected)
    counts = _Counts()
    archive = ArchiveReader(folder)
    elsewhere = fetches_by_file(connection, None).keys() - expected.keys()
    names = [name for name in archive.files() if name not in elsewhere]
    written = {name for name in names if is_written(folder / (name + OPEN))}
    progress = Progress(say, "archive: looked through", len(names), "files")
    for name, sent in shared(partial(_look, folder), names, processes):
        looked = sent or _look(folder, name)
        progress.add(1)
        counts.records += looked.records
        matched = _compared(inspection, archive, name, looked, bad_record, counts, new=name in written)
        if len(matched) < expected.pop(name, 0):
            for fetch_id, offset in fetches_in(connection, inspection.edition_ids, name):
                if fetch_id not in matched:
                    problem = looked.bad.pop(offset or 0, None)
                    _tell_lost(bad_record, fetch_id, name, offset, problem)
        for offset, problem in sorted(looked.bad.items()):
            bad_file(Wrong(f"{name} at byte {offset}", problem))
    for lost, count in expected.items():
        if lost is None:
            for fetch_id, _ in fetches_in(connection, inspection.edition_ids, None):
                bad_record(Wrong(f"fetch {fetch_id}", "it was never archived"))
        else:
            bad_record(Wrong(lost, f"there is no such file, and {count} fetches stand in it"))
    return LookedThrough(
        files=Seen(over={"files": len(names), "records": counts.records}, told=_open_ends(folder, written)),
        records=Seen(over={"fetches": counts.fetches}, told=_known_to_the_archive_alone(counts)),
    )


def _require(folder: Path, expected: Mapping[str | None, int]) -> None:
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not any(expected):
            return
        raise CannotStore(
            f"The archive folder {folder} cannot be read: {error.strerror or error}. "
            "Set WARC_DIR to where yours is, or look at the database alone: --no-archive."
        ) from error


def _compared(
    inspection: Inspection,
    archive: ArchiveReader,
    name: str,
    looked: _Looked,
    bad_record: Tell,
    counts: _Counts,
    *,
    new: bool,
) -> set[int]:
    """Compare the answers in a file with their rows; returns the numbers of the fetches that stand there."""
    matched: set[int] = set()
    mine = frozenset(inspection.edition_ids)
    for some in _portions(looked.answers):
        rows = fetches_of(inspection.connection, [answer.fetch_id for answer in some])
        for answer in some:
            if answer.edition_id not in mine:
                continue
            row = rows.get(answer.fetch_id)
            if row is None:
                counts.unknown += not new  # of a crawl that goes on it is perhaps being stored just now
            elif (row.fetch.warc_file, row.fetch.warc_offset) != (name, answer.offset):
                counts.twice += 1
            else:
                counts.fetches += 1
                matched.add(answer.fetch_id)
                if answer.said != _said(row):
                    what = _difference(archive, Place(name, answer.offset), row)
                    bad_record(Wrong(f"fetch {answer.fetch_id}", what))
    return matched


def _portions(answers: Sequence[_Answer]) -> Iterator[list[_Answer]]:
    rest = iter(answers)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def _tell_lost(tell: Tell, fetch_id: int, file: str, offset: int | None, problem: str | None) -> None:
    what = f"at byte {offset} of {file} stands no record of it"
    if problem is not None:
        what = f"its record at byte {offset} of {file} is damaged: {problem}"
    tell(Wrong(f"fetch {fetch_id}", what))


def _open_ends(folder: Path, written: set[str]) -> tuple[str, ...]:
    """What crawls, running or killed, have left in the folder."""
    told = []
    if written:
        told.append(f"{len(written)} files are still written by a crawl")
    left = [path for path in folder.glob(f"*{OPEN}") if path.name.removesuffix(OPEN) not in written]
    if left:
        told.append(f"{len(left)} files were left open by a crawl that was killed: the next one closes them")
    torn = list(folder.glob(f"*{TORN}"))
    if torn:
        size = sum(path.stat().st_size for path in torn)
        told.append(f"{len(torn)} files {TORN} hold {size} bytes of records that were never whole")
    return tuple(told)


def _known_to_the_archive_alone(counts: _Counts) -> tuple[str, ...]:
    told = []
    if counts.unknown:
        told.append(
            f"{counts.unknown} exchanges are known to the archive alone: `crawler reparse --apply` stores them"
        )
    if counts.twice:
        told.append(f"{counts.twice} records are of fetches that name another place")
    return tuple(told)


# --- one file, in a process of its own -----------------------------------------------------------------------------


def _look(folder: Path, name: str) -> _Looked:
    looked = _Looked()

    def bad(error: BadRecord) -> None:
        looked.bad[error.offset] = error.problem

    for place, archived in ArchiveReader(folder).checked(name, bad=bad):
        looked.records += 1
        if archived is not None:
            fetch = archived.fetch
            said = _said(_known(archived))
            looked.answers.append(_Answer(fetch.id, fetch.edition_id, place.offset, said))
    if not looked.bad:
        _count_again(folder / name, looked)
    return looked


def _count_again(path: Path, looked: _Looked) -> None:
    """Let another reader count the records of a file, unless a crawl still writes it."""
    count = 0
    try:
        with path.open("rb") as file:
            for _ in ArchiveIterator(file, no_record_parse=True):
                count += 1
    except FileNotFoundError:
        return
    except (ArchiveLoadFailed, EOFError) as error:
        looked.bad[0] = f"another reader cannot read it: {error}"
        return
    if count != looked.records:
        looked.bad[0] = f"it has {looked.records} records, and another reader finds {count}"


def _known(archived: Archived) -> Recorded:
    """An archived exchange as a row of `fetches` would have it."""
    return Recorded(
        fetch=archived.fetch, crawl_id=archived.crawl_id, visit_id=archived.visit_id, reader_version=None
    )


def _said(known: Recorded) -> bytes:
    """Hash of what both an archived exchange and its row say."""
    return blake2b(repr(_facts(known)).encode(), digest_size=16).digest()


def _facts(known: Recorded) -> dict[str, Any]:
    fetch = known.fetch
    facts: dict[str, Any] = {name: getattr(fetch, name) for name in _COMPARED}
    facts["url"] = storable(fetch.url)
    facts["fetched_at"] = fetch.fetched_at.astimezone(UTC)
    return facts | {"crawl_id": known.crawl_id, "visit_id": known.visit_id}


def _difference(archive: ArchiveReader, place: Place, row: Recorded) -> str:
    there, here = _facts(_known(archive.at(place))), _facts(row)
    other = [f"{name} {here[name]!s}, and {there[name]!s}" for name in here if here[name] != there[name]]
    return f"the database and the archive say: {'; '.join(other)}"
