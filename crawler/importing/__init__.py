"""
Old states of threads out of archives that others made: Common Crawl, the Wayback Machine, wget.

    captures   which records are pages of our threads, and what our archive holds of them
    pages      all of those that stand in some files
    taking     into our own archive, some at a time
    summary    what an import came to

First each page is written into our own archive and recorded, with its own date and under the number that belongs to it;
that it was not read yet is noted there. Then the articles are folded anew, each once, with all that was ever fetched of
them. Whatever a kill leaves half done the next import goes on with: what was archived and not recorded, and what was
recorded and not read. Importing the same file again changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from crawler.errors import BadRecord, RowsDisagree
from crawler.families import Run, families, members, told
from crawler.fetching.records import ArchiveReader
from crawler.fetching.warc import WarcArchive
from crawler.importing.pages import take_pages
from crawler.importing.summary import Summary
from crawler.importing.taking import Looking, Taking, take_up
from crawler.items import Exchange, Recorded
from crawler.kept_out import loaded
from crawler.reading import READER_VERSION
from crawler.rereading import reread
from crawler.site import Edition
from crawler.sites import readers
from crawler.storage.recorded import imports_to_read, restore_frontier
from crawler.storage.refold import Difference, Reread, fold_told
from crawler.upkeep import opened
from crawler.visiting import SiteReader
from crawler.work import Progress, Say


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
            take_pages(files, Looking(run, summary, without), editions, summary, now=now, say=say)
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
                take_up(run, archive, edition, sources[edition.id] + "-", summary)
            take_pages(files, Taking(run, warcs, summary, without), editions, summary, now=now, say=say)
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
        except (BadRecord, RowsDisagree) as error:
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
