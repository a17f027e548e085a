"""
Reading the archive again with today's reader, and bringing the database into step with what is read.

An article's rows are the fold of all its fetches, so an article is always read again as a whole, with those that share
comments with it. First what would change is shown; it is written only when that is asked for. What the database has
lost, or never had, is found in the archive: an empty database becomes the one that the archive tells of.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from crawler.errors import BadRecord, CannotStore, RowsDisagree
from crawler.families import Run, families, members, told
from crawler.fetching.records import ArchiveReader, Indexed
from crawler.items import Exchange, Recorded
from crawler.kept_out import loaded
from crawler.reading import READER_VERSION
from crawler.rereading import exchanges, reread
from crawler.site import Edition
from crawler.sites import readers
from crawler.storage.erasures import erased
from crawler.storage.recorded import articles_to_read, restore_frontier, save_unknown, unknown_fetches
from crawler.storage.refold import Difference, fold_told
from crawler.upkeep import opened
from crawler.visiting import SiteReader
from crawler.work import Progress, Say

#: Exchanges of the archive that are looked up in the database at a time.
INDEXED_AT_ONCE: Final = 1000
#: Examples that are kept of a column's changes.
EXAMPLES: Final = 3
#: Differences that say nothing but which reader it was.
_BOOKKEEPING: Final = frozenset(("reader_version",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is to be read again."""

    editions: tuple[Edition, ...]
    article_ids: tuple[int, ...] = ()
    crawl_id: int | None = None
    #: A day of UTC, on which something of the article was fetched.
    day: date | None = None
    #: Read again also what today's reader has read before.
    again: bool = False

    @property
    def everything(self) -> bool:
        """Whether nothing is left out: then the archive is searched for what the database does not know."""
        return not self.article_ids and self.crawl_id is None and self.day is None


@dataclass(slots=True)
class Counts:
    """Rows of a table that differ."""

    inserted: int = 0
    deleted: int = 0
    updated: int = 0


@dataclass(slots=True)
class Column:
    """Values of a column that differ."""

    count: int = 0
    #: Which row, the stored value, the value as read now.
    examples: list[tuple[str, Any, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Summary:
    """What reading again came to."""

    applied: bool
    #: Whether anything that was chosen is recorded, whoever has read it.
    recorded: bool = False
    articles: int = 0
    fetches: int = 0
    #: Articles of which anything differs.
    different: int = 0
    #: Exchanges that only the archive knows.
    unknown: int = 0
    #: Pages that are now understood otherwise: (before, now) → how many.
    outcomes: dict[tuple[str, str], int] = field(default_factory=dict)
    tables: dict[str, Counts] = field(default_factory=dict)
    columns: dict[tuple[str, str], Column] = field(default_factory=dict)
    #: Articles that could not be read again, and why.
    unread: dict[str, str] = field(default_factory=dict)

    def note(self, found: Difference) -> None:
        """Take account of a family of articles."""
        self.articles, self.fetches = len(found.article_ids), len(found.fetch_ids)
        for old, new in found.fetches:
            if old.fetch.outcome != new.outcome and old.reader_version is not None:
                pair = (old.fetch.outcome, new.outcome)
                self.outcomes[pair] = self.outcomes.get(pair, 0) + 1
        for name, changes in found.tables.items():
            counts = self.tables.setdefault(name, Counts())
            counts.inserted += len(changes.inserted)
            counts.deleted += len(changes.deleted)
            for stored, row in changes.updated:
                # Only the archive knew of such a visit: the row that was made of it says nothing yet.
                if name == "visits" and stored["outcome"] == "stopped" and stored["pages_read"] == 0:
                    counts.inserted += 1
                    continue
                columns = [column for column in row if stored[column] != row[column]]
                counts.updated += not _BOOKKEEPING.issuperset(columns)
                for column in columns:
                    self._note_value(name, column, stored, row)
        differs = any(counts.inserted or counts.deleted or counts.updated for counts in self.tables.values())
        self.different = self.articles if differs else 0

    def add(self, other: "Summary") -> None:
        """Take account of what reading other articles again came to."""
        self.articles += other.articles
        self.fetches += other.fetches
        self.different += other.different
        for pair, count in other.outcomes.items():
            self.outcomes[pair] = self.outcomes.get(pair, 0) + count
        for name, counts in other.tables.items():
            sums = self.tables.setdefault(name, Counts())
            sums.inserted += counts.inserted
            sums.deleted += counts.deleted
            sums.updated += counts.updated
        for key, column in other.columns.items():
            noted = self.columns.setdefault(key, Column())
            noted.count += column.count
            noted.examples += column.examples[: EXAMPLES - len(noted.examples)]

    def _note_value(self, table: str, column: str, stored: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        noted = self.columns.setdefault((table, column), Column())
        noted.count += 1
        if len(noted.examples) < EXAMPLES:
            number = row.get("id") or row.get("comment_id") or row.get("article_id")
            noted.examples.append((f"{table} {number}", stored[column], row[column]))


def reparse(
    url: str,
    folder: Path,
    choice: Choice,
    *,
    apply: bool,
    processes: int,
    say: Say,
    secret: str | None = None,
) -> Summary:
    """
    Read the chosen part of the archive again.

    Args:
        url: The database.

        folder: The archive.

        apply: Whether to write what differs. Each article is written in one transaction; what was done before a kill
            is not done again, as its fetches are then known to be read by today's reader.

        processes: How many read pages at a time.

        say: Is told how far it is.

        secret: FORGET_KEY; needed where people were forgotten, who must not come back from an archive that shows them.

    Raises:
        BadArgument: It is missing, or another than the one with which they were forgotten.
        CannotStore: There is no such folder, or as a crawl does.
        AlreadyRunning: As a crawl does, which must not run at the same time where something is written.
    """
    summary = Summary(applied=apply)
    _require(folder)
    archive = ArchiveReader(folder)
    with opened(url, choice.editions, apply=apply) as run:
        known_readers = readers()
        edition_ids = [edition.id for edition in choice.editions]
        known_readers = loaded(run, edition_ids, known_readers, secret).reading(known_readers)
        if choice.everything:
            _find_unknown(run, archive, choice.editions, known_readers, summary, apply=apply, say=say)
        for edition in choice.editions:
            chosen = partial(
                run,
                articles_to_read,
                edition,
                article_ids=choice.article_ids,
                crawl_id=choice.crawl_id,
                between=_whole_day(choice.day),
            )
            ids = chosen(reader_version=None if choice.again else READER_VERSION)
            summary.recorded = summary.recorded or bool(ids or chosen(reader_version=None))
            #: By article, what its family came to: with another one it may turn out to be part of a wider one.
            came_to: dict[int, Summary] = {}
            progress = Progress(say, f"{edition.code}: read again", len(ids))
            for known, said in told(families(run, edition, ids), archive.folder, processes, known_readers):
                article_ids = members(known)
                progress.add(len(article_ids))
                if came_to.keys() >= set(article_ids):
                    continue
                if isinstance(said, BadRecord):
                    summary.unread |= {f"{edition.code} {id}": str(said) for id in article_ids}
                    continue

                def again(some: Iterable[Recorded]) -> Iterator[Exchange]:
                    return reread(some, archive, known_readers)

                try:
                    found = run(
                        fold_told,
                        edition,
                        article_ids,
                        known,
                        said,
                        reread=again,
                        reader_version=READER_VERSION,
                        apply=apply,
                    )
                except (BadRecord, RowsDisagree) as error:
                    summary.unread |= {f"{edition.code} {id}": str(error) for id in article_ids}
                    continue
                if apply:
                    run(restore_frontier, edition, found.article_ids)
                family = Summary(applied=apply)
                if apply:  # what was written of some of them alone has been written
                    for part in _each_once(came_to[id] for id in found.article_ids if id in came_to):
                        family.add(part)
                family.note(found)
                came_to |= dict.fromkeys(found.article_ids, family)
            for family in _each_once(came_to.values()):
                summary.add(family)
    return summary


def _require(folder: Path) -> None:
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        raise CannotStore(
            f"The archive folder {folder} cannot be read: {error.strerror or error}. Set WARC_DIR to where yours is."
        ) from error


def _each_once(families: Iterable[Summary]) -> Iterable[Summary]:
    return {id(family): family for family in families}.values()


def _whole_day(day: date | None) -> tuple[datetime, datetime] | None:
    if day is None:
        return None
    begin = datetime.combine(day, clock_time(), tzinfo=UTC)
    return begin, datetime.max.replace(tzinfo=UTC) if day == date.max else begin + timedelta(days=1)


def _find_unknown(
    run: Run,
    archive: ArchiveReader,
    editions: Sequence[Edition],
    known_readers: Mapping[int, SiteReader],
    summary: Summary,
    *,
    apply: bool,
    say: Say,
) -> None:
    """Look for exchanges of the archive that the database does not know; record them where something is written."""
    wanted = {edition.id: edition for edition in editions}

    def bad(error: BadRecord) -> None:
        summary.unread[f"{error.file} at byte {error.offset}"] = error.problem

    redacted: set[int] = set()
    for name in archive.files():
        indexed = archive.index([name], bad=bad)
        while some := list(islice(indexed, INDEXED_AT_ONCE)):
            redacted.update(one.edition_id for one in some if one.redacted)
            here = {one.fetch_id: one for one in some if one.edition_id in wanted}
            unknown = sorted(run(unknown_fetches, here.keys()))
            summary.unknown += len(unknown)
            if apply and unknown:
                _record(run, archive, wanted, known_readers, [here[id] for id in unknown], bad)
    if summary.unknown:
        say(f"{summary.unknown} exchanges are known to the archive alone")
    strange = redacted & wanted.keys() - run(erased, list(wanted)).keys()
    for code in sorted(wanted[id].code for id in strange):
        say(
            f"{code}: people were forgotten in this archive, and the database does not know who: the next crawl brings "
            "them back. Copy the rows of the table erasures from its backup first, or forget them again."
        )


def _record(
    run: Run,
    archive: ArchiveReader,
    editions: Mapping[int, Edition],
    known: Mapping[int, SiteReader],
    unknown: Sequence[Indexed],
    bad: Callable[[BadRecord], None],
) -> None:
    """Make rows of `fetches` of exchanges that only the archive knows."""
    found: dict[int, list[Recorded]] = {}
    for one in unknown:
        try:
            archived = archive.at(one.place)
        except BadRecord as error:
            bad(error)
            continue
        fetch, version = archived.fetch, None
        if (
            fetch.article_id is None
        ):  # of a list it shows only here whether it is one; of an article, in its fold
            (told,) = exchanges([archived], known)
            assert told.fetch is not None
            fetch = told.fetch
            version = READER_VERSION if fetch.was_read else None
        recorded_so = Recorded(
            fetch=fetch, crawl_id=archived.crawl_id, visit_id=archived.visit_id, reader_version=version
        )
        found.setdefault(one.edition_id, []).append(recorded_so)
    for edition_id, some in found.items():
        run(save_unknown, editions[edition_id], known[edition_id].site.name, some)
