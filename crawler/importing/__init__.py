"""
Old states of threads out of archives that others made: Common Crawl, the Wayback Machine, wget.

    captures   which records are pages of our threads, and what our archive holds of them

First each page is written into our own archive and recorded, with its own date and under the number that belongs to it;
that it was not read yet is noted there. Then the articles are folded anew, each once, with all that was ever fetched of
them. Whatever a kill leaves half done the next import goes on with: what was archived and not recorded, and what was
recorded and not read. Importing the same file again changes nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from crawler.errors import BadRecord
from crawler.families import Run, families, members, told
from crawler.fetching.capture import Capture
from crawler.fetching.foreign import ForeignRecord, answer, payload_name, records
from crawler.fetching.records import Archived, ArchiveReader
from crawler.fetching.rewriting import Without, capture_without
from crawler.fetching.warc import WarcArchive
from crawler.importing.captures import PageAt, capture, hosts, original_date, page_at
from crawler.items import Exchange, Fetch, Recorded
from crawler.kept_out import loaded
from crawler.reading import READER_VERSION
from crawler.rereading import exchanges, reread
from crawler.site import Edition
from crawler.sites import readers
from crawler.storage.recorded import (
    import_number,
    imported_files,
    imports_to_read,
    restore_frontier,
    save_unknown,
    unknown_fetches,
)
from crawler.storage.refold import Difference, Reread, fold_told
from crawler.upkeep import opened
from crawler.visiting import SiteReader
from crawler.work import Progress, Say

#: Pages that are recorded in one transaction, and how many bytes they may have together.
AT_ONCE: Final = 100
BYTES_AT_ONCE: Final = 16 * 1024 * 1024
#: Of what cannot be read, so much is told one by one.
TOLD: Final = 50


@dataclass(slots=True)
class Summary:
    """What an import came to."""

    dry_run: bool
    files: int = 0
    records: int = 0
    #: Pages that are new.
    taken: int = 0
    #: Pages that were imported before.
    known: int = 0
    #: Why the others were passed over: one of `captures.REASONS` → how many.
    passed_over: dict[str, int] = field(default_factory=dict)
    #: What came of the new pages when they were read: an outcome of `crawler.items.FetchOutcome` → how many.
    outcomes: dict[str, int] = field(default_factory=dict)
    #: Pages that an import which was killed had archived or recorded only.
    taken_up: int = 0
    articles: int = 0
    articles_new: int = 0
    comments_new: int = 0
    #: Superseded states of articles, comments and ratings that are known now and were not.
    states_added: int = 0
    #: How many places could not be read.
    damaged: int = 0
    #: Where that was, and why.
    unread: dict[str, str] = field(default_factory=dict)

    def pass_over(self, reason: str) -> None:
        self.passed_over[reason] = self.passed_over.get(reason, 0) + 1

    def bad(self, error: BadRecord) -> None:
        self._tell(f"{error.file} at byte {error.offset}", error.problem)

    def unreadable(self, edition: Edition, article_ids: Sequence[int], error: BadRecord) -> None:
        self._tell(f"{edition.code} {', '.join(map(str, article_ids))}", str(error))

    def _tell(self, where: str, problem: str) -> None:
        self.damaged += 1
        if len(self.unread) < TOLD:
            self.unread[where] = problem

    def came_to(self, outcome: str) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def folded(self, found: Difference) -> None:
        """Take account of a family of articles."""
        self.articles += len(found.article_ids)
        self.articles_new += len(found.tables["articles"].inserted)
        self.comments_new += len(found.tables["comments"].inserted)
        self.states_added += sum(
            len(found.tables[name].inserted) for name in ("article_states", "comment_states", "rating_states")
        )
        for old, new in found.fetches:
            if old.fetch.source == "import" and old.fetch.outcome == "ok" and old.reader_version is None:
                self.came_to(new.outcome)


def import_files(
    url: str,
    folder: Path,
    files: Sequence[Path],
    editions: Sequence[Edition],
    *,
    dry_run: bool,
    processes: int = 1,
    say: Say,
    now: datetime | None = None,
    secret: str | None = None,
) -> Summary:
    """
    Take the pages of these editions out of foreign archives.

    Args:
        url: The database.

        folder: Our own archive.

        dry_run: Look only at what there is; nothing is written.

        processes: How many read pages at a time, when articles are folded.

        say: Is told how far it is.

        now: The time; a capture from later is refused.

        secret: FORGET_KEY; needed where people were forgotten, of whom nothing is taken.

    Raises:
        BadArgument: It is missing, or another than the one with which they were forgotten.
        CannotStore, AlreadyRunning: As a crawl does, which must not run at the same time where something is written.
    """
    summary = Summary(dry_run=dry_run, files=len(files))
    now = now or datetime.now(UTC)
    with opened(url, editions, apply=not dry_run) as run:
        sites = readers()
        kept_out = loaded(run, [edition.id for edition in editions], sites, secret)
        without = kept_out.without if kept_out else None
        if dry_run:
            _take(files, _Looking(run, summary, without), editions, summary, now=now, say=say)
            return summary
        sources = {edition.id: f"{sites[edition.id].site.name}-{edition.code}-import" for edition in editions}
        warcs = WarcArchive(
            folder,
            sources,
            info={"robots": "as it was for those who fetched the pages", "description": _DESCRIPTION},
        )
        warcs.open()
        try:
            archive = ArchiveReader(folder)
            for edition in editions:
                _take_up(run, archive, edition, sources[edition.id] + "-", summary)
            _take(files, _Taking(run, warcs, summary, without), editions, summary, now=now, say=say)
        finally:
            warcs.close()
        for edition in editions:
            _fold(run, archive, edition, kept_out.reading(sites), processes, summary, say=say)
    return summary


_DESCRIPTION: Final = (
    "Pages out of archives that others made, which fields Archive-Origin-* name: heads as they stood there, chunks "
    "joined, header lines that do not fit the body renamed. Fields Archive-* name the fetch, edition, article and "
    "comment page of a record."
)


# --- out of foreign archives ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repeat:
    """A revisit: a page that was the same as one that stands elsewhere in these files."""

    page: PageAt
    #: Header Date of its own answer; empty where it has none.
    date: bytes
    #: Names its original: by the digest of its body, or else by its number.
    original: str


def _take(
    files: Sequence[Path],
    taker: "_Taker",
    editions: Sequence[Edition],
    summary: Summary,
    *,
    now: datetime,
    say: Say,
) -> None:
    """Hand on the pages that are in these files."""
    known = hosts([edition for reader in readers().values() for edition in reader.site.editions])
    chosen = {edition.id for edition in editions}
    total = sum(path.stat().st_size for path in files) / 1e6
    progress = Progress(say, "read", total, "MB")
    read = 0

    def page_of(record: ForeignRecord) -> PageAt | None:
        nonlocal read
        summary.records += 1
        progress.add(max(record.read - read, 0) / 1e6)
        read = record.read
        found: PageAt | str = "kind"
        if record.kind in ("response", "revisit"):
            found = page_at(record, known, now=now)
        if isinstance(found, PageAt) and found.edition.id not in chosen:
            found = "other_edition"
        if isinstance(found, PageAt):
            return found
        summary.pass_over(found)
        return None

    repeats: list[_Repeat] = []
    for path in files:
        read = 0
        for record, page in records(path, wanted=page_of, bad=summary.bad):
            found = _repeat(page, record) if record.kind == "revisit" else _captured(page, record)
            match found:
                case _Repeat():
                    repeats.append(found)
                case Capture():
                    taker.take(found)
                case reason:
                    summary.pass_over(reason)
    _take_repeats(files, repeats, taker, summary)
    taker.finish()


def _captured(page: PageAt, record: ForeignRecord, date: bytes | None = None) -> Capture | str:
    """What is archived of a record, or why nothing is."""
    found = answer(record.block, date=date)
    if found is not None and date is None and (own := original_date(page, found)) is not None:
        found = answer(record.block, date=own)
    if found is None:
        return "no_answer"
    if found.status != 200:
        return f"status {found.status}"
    if not found.body:
        return "empty"
    truncated = record.fields.get("warc-truncated")
    if truncated is None and "warc-segment-number" in record.fields:
        truncated = "length"  # the first part of several
    return capture(page, found, truncated=truncated)


def _repeat(page: PageAt, record: ForeignRecord) -> _Repeat | str:
    own = answer(record.block)
    if own is not None and own.status != 200:
        return f"status {own.status}"
    if "not-modified" in record.fields.get("warc-profile", ""):
        return "status 304"
    dates = own.values(b"Date") if own is not None else []
    return _Repeat(
        page=page,
        date=dates[-1] if dates else b"",
        original=payload_name(record) or record.fields.get("warc-refers-to", ""),
    )


def _take_repeats(
    files: Sequence[Path], repeats: Sequence[_Repeat], taker: "_Taker", summary: Summary
) -> None:
    """Look for the bodies of revisits, in a second reading of the files."""
    waiting: dict[str, list[_Repeat]] = {}
    for repeat in repeats:
        waiting.setdefault(repeat.original, []).append(repeat)

    def names(record: ForeignRecord) -> list[str] | None:
        named = [
            name for name in (payload_name(record), record.fields.get("warc-record-id")) if name in waiting
        ]
        return [name for name in named if name] if record.kind == "response" and named else None

    for path in files if waiting else ():
        for record, named in records(path, wanted=names, bad=str):  # what is damaged was told before
            for name in named:
                for repeat in waiting.pop(name, ()):
                    found = _captured(repeat.page, record, repeat.date)
                    if isinstance(found, Capture):
                        taker.take(found)
                    else:
                        summary.pass_over(found)
    for left in waiting.values():
        for _ in left:
            summary.pass_over("repeats")


# --- into our own --------------------------------------------------------------------------------------------------


class _Taker(ABC):
    """Takes pages, some at a time."""

    def __init__(self, run: Run, summary: Summary, without: Without | None) -> None:
        self.run = run
        self.summary = summary
        self._without = without
        self._some: list[Capture] = []
        self._bytes = 0

    def take(self, found: Capture) -> None:
        if self._without is not None:
            found = capture_without(found, self._without)
        self._some.append(found)
        self._bytes += len(found.body)
        if len(self._some) >= AT_ONCE or self._bytes >= BYTES_AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Take those that are waiting."""
        some, self._some, self._bytes = self._some, [], 0
        new, known = self.run(_numbered, some)
        self.summary.known += known
        self.summary.taken += len(new)
        self._take(new)

    @abstractmethod
    def _take(self, new: Sequence[Capture]) -> None:
        """Take pages that were not imported before."""


def _numbered(connection: Any, some: Sequence[Capture]) -> tuple[list[Capture], int]:
    """Those that are new, with the numbers that are theirs; and how many are known."""
    taken: dict[int, Capture] = {}
    known = 0
    for one in some:
        fetches: Mapping[int, Fetch] = {id: other.fetch for id, other in taken.items()}
        number, is_known = import_number(connection, one.fetch, fetches)
        if is_known:
            known += 1
        else:
            taken[number] = replace(one, fetch=replace(one.fetch, id=number))
    return list(taken.values()), known


class _Taking(_Taker):
    """Archives and records pages."""

    def __init__(self, run: Run, warcs: WarcArchive, summary: Summary, without: Without | None) -> None:
        super().__init__(run, summary, without)
        self._warcs = warcs

    def _take(self, new: Sequence[Capture]) -> None:
        fetches = []
        for one in new:
            place = self._warcs.save(one)
            fetches.append(replace(one.fetch, warc_file=place.file, warc_offset=place.offset))
            if one.fetch.outcome != "ok":
                self.summary.came_to(one.fetch.outcome)
        self.run(_save, fetches)


def _save(connection: Any, fetches: Sequence[Fetch]) -> None:
    """Record pages that are archived; it is noted that they were not read yet."""
    known = readers()
    for edition_id in {fetch.edition_id for fetch in fetches}:
        site = known[edition_id].site
        edition = next(edition for edition in site.editions if edition.id == edition_id)
        found = [
            Recorded(fetch=fetch, crawl_id=None, visit_id=None, reader_version=_version(fetch))
            for fetch in fetches
            if fetch.edition_id == edition_id
        ]
        save_unknown(connection, edition, site.name, found)


def _version(fetch: Fetch) -> int | None:
    """Of the reader that has read a page: none yet, unless nobody ever will."""
    return READER_VERSION if fetch.was_read and fetch.outcome != "ok" else None


class _Looking(_Taker):
    """Reads pages and writes nothing."""

    def __init__(self, run: Run, summary: Summary, without: Without | None) -> None:
        super().__init__(run, summary, without)
        self._seen: set[int] = set()

    def _take(self, new: Sequence[Capture]) -> None:
        known = readers()
        for one in new:
            mark = hash((one.fetch.url, one.fetch.fetched_at, one.fetch.digest))
            if mark in self._seen:
                self.summary.taken -= 1
                self.summary.known += 1
                continue
            self._seen.add(mark)
            found = answer((one.response_head or b"") + one.body)
            assert found is not None
            archived = Archived(fetch=one.fetch, headers=found.headers, sent=one.body)
            for exchange in exchanges([archived], known):
                assert exchange.fetch is not None
                self.summary.came_to(exchange.fetch.outcome)


def _take_up(run: Run, archive: ArchiveReader, edition: Edition, begins: str, summary: Summary) -> None:
    """Record what an import has archived that was killed before it could record it: the last ones of its files."""
    known = run(imported_files, edition)
    for name in archive.files():
        if not name.startswith(begins):
            continue
        indexed = archive.index([name], bad=summary.bad, start=known.get(name, 0))
        while some := list(islice(indexed, AT_ONCE)):
            places = {one.fetch_id: one.place for one in some}
            unknown = sorted(run(unknown_fetches, places.keys()))
            fetches = []
            for id in unknown:
                try:
                    fetches.append(archive.at(places[id]).fetch)
                except BadRecord as error:
                    summary.bad(error)
            run(_save, fetches)
            summary.taken_up += len(fetches)


def _fold(
    run: Run,
    archive: ArchiveReader,
    edition: Edition,
    sites: Mapping[int, SiteReader],
    processes: int,
    summary: Summary,
    *,
    say: Say,
) -> None:
    """Fold the articles anew of which a page was recorded and not read, each once."""

    def again(some: Sequence[Recorded]) -> Iterator[Exchange]:
        return reread(some, archive, sites)

    ids = run(imports_to_read, edition)
    progress = Progress(say, f"{edition.code}: folded", len(ids))
    done: set[int] = set()
    for known, said in told(families(run, edition, ids), archive.folder, processes, sites):
        article_ids = members(known)
        if done.issuperset(article_ids):
            continue  # it turned out to belong to a family that has been folded
        progress.add(len(article_ids))
        try:
            if isinstance(said, BadRecord):
                raise said
            found = run(_folded, edition, article_ids, known, said, again)
        except BadRecord as error:
            summary.unreadable(edition, article_ids, error)
            continue
        done.update(found.article_ids)
        summary.folded(found)


def _folded(
    connection: Any,
    edition: Edition,
    article_ids: Sequence[int],
    known: Sequence[Recorded],
    said: Iterable[Exchange],
    again: Reread,
) -> Difference:
    """Write what all fetches of some articles come to."""
    found = fold_told(
        connection,
        edition,
        article_ids,
        known,
        said,
        reread=again,
        reader_version=READER_VERSION,
        apply=True,
    )
    restore_frontier(connection, edition, found.article_ids)
    return found
