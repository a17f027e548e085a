"""Pages into our own archive, some at a time: archived, then recorded as not read yet."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from crawler.errors import BadRecord
from crawler.families import Run
from crawler.fetching.capture import Capture
from crawler.fetching.foreign_answers import answer
from crawler.fetching.records import Archived, ArchiveReader
from crawler.fetching.rewriting import Without, capture_without
from crawler.fetching.warc import WarcArchive
from crawler.importing.captures import is_of_later_years, may_be_of_later_years
from crawler.importing.summary import Summary
from crawler.items import Fetch, Recorded
from crawler.reading import READER_VERSION
from crawler.rereading import exchanges
from crawler.site import Edition
from crawler.sites import readers
from crawler.storage.recorded import import_number, imported_files, save_unknown, unknown_fetches

#: Pages that are recorded in one transaction, and how many bytes they may have together.
AT_ONCE: Final = 100
BYTES_AT_ONCE: Final = 16 * 1024 * 1024


class Taker(ABC):
    """Takes pages, some at a time."""

    def __init__(self, run: Run, summary: Summary, without: Without | None) -> None:
        self.run = run
        self.summary = summary
        self._without = without
        #: Each with its digest before anybody was cut out of it.
        self._some: list[tuple[Capture, str | None]] = []
        self._bytes = 0

    def take(self, found: Capture) -> None:
        whole = found.fetch.digest
        if self._without is not None:
            found = capture_without(found, self._without)
        self._some.append((found, whole))
        self._bytes += len(found.body)
        if len(self._some) >= AT_ONCE or self._bytes >= BYTES_AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Take those that are waiting."""
        some = [(one, whole) for one, whole in self._some if not _is_of_later_years(one)]
        for _ in range(len(self._some) - len(some)):
            self.summary.pass_over("later_years")
        self._some, self._bytes = [], 0
        new, known = self.run(_numbered, some)
        self.summary.known += known
        self.summary.taken += len(new)
        self._take(new)

    @abstractmethod
    def _take(self, new: Sequence[Capture]) -> None:
        """Take pages that were not imported before."""


def _archived(one: Capture) -> Archived:
    """A page as it would come back from our archive."""
    found = answer((one.response_head or b"") + one.body)
    assert found is not None
    return Archived(fetch=one.fetch, headers=found.headers, sent=one.body)


def _is_of_later_years(one: Capture) -> bool:
    """Whether the date of a capture cannot be its own: see `captures.is_of_later_years`."""
    archived, at = _archived(one), one.fetch.fetched_at
    if one.fetch.outcome != "ok" or not may_be_of_later_years(archived.body().text, at):
        return False
    known = readers()
    (exchange,) = exchanges([archived], known)
    site = known[one.fetch.edition_id].site
    return exchange.page is not None and is_of_later_years(exchange.page, at, exchange.edition, site)


def _numbered(connection: Any, some: Sequence[tuple[Capture, str | None]]) -> tuple[list[Capture], int]:
    """Those that are new, with the numbers that are theirs; and how many are known."""
    taken: dict[int, Capture] = {}
    known = 0
    for one, whole in some:
        fetches: Mapping[int, Fetch] = {id: other.fetch for id, other in taken.items()}
        number, is_known = import_number(connection, one.fetch, fetches, whole=whole)
        if is_known:
            known += 1
        else:
            taken[number] = replace(one, fetch=replace(one.fetch, id=number))
    return list(taken.values()), known


class Taking(Taker):
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
        self._warcs.sync()
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


class Looking(Taker):
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
            for exchange in exchanges([_archived(one)], known):
                assert exchange.fetch is not None
                self.summary.came_to(exchange.fetch.outcome)


def take_up(run: Run, archive: ArchiveReader, edition: Edition, begins: str, summary: Summary) -> None:
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
