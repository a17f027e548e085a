"""Stored rows, and what their fetches come to when they are read again."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crawler.errors import BadRecord
from crawler.families import families, members, told
from crawler.reading import READER_VERSION
from crawler.site import Edition
from crawler.storage.invariants.archived import open_visits, stored_articles
from crawler.storage.invariants.inspection import Inspection, Seen, Tell, Wrong
from crawler.storage.invariants.people import likeness
from crawler.storage.recorded import articles_to_read
from crawler.storage.refold import Changes, Difference, difference
from crawler.work import Progress, Say


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What was looked at."""

    rows: Seen
    authors: Seen


@dataclass(slots=True)
class _Counts:
    articles: int = 0
    fetches: int = 0
    authors: int = 0
    #: Articles of which an older reader has read something.
    older: int = 0
    #: Articles that are being visited.
    visited: int = 0
    #: Articles whose records are damaged.
    unread: int = 0


def folded(
    inspection: Inspection,
    folder: Path,
    editions: Sequence[Edition],
    bad_row: Tell,
    bad_author: Tell,
    *,
    sample: int | None,
    processes: int,
    say: Say,
) -> Folded:
    """
    Read articles again from the archive, and compare what they come to with what is stored.

    Args:
        sample: So many articles of each edition, taken at random; None for all.
    """
    counts = _Counts()
    for edition in editions:
        for found in _differences(inspection, edition, folder, counts, sample, processes, say):
            counts.articles += len(found.article_ids)
            counts.fetches += len(found.fetch_ids)
            what = _words(found)
            if what:
                first, *others = found.article_ids
                where = inspection.named("article", first, edition.id)
                tail = f", read together with {', '.join(map(str, others))}" if others else ""
                bad_row(Wrong(where + tail, what))
            alike = likeness(inspection.connection, found)
            counts.authors += alike.compared
            for key, what in alike.other:
                bad_author(Wrong(inspection.named("author", key, edition.id), what))
    over = {"articles": counts.articles, "fetches": counts.fetches}
    return Folded(
        rows=Seen(over=over, told=_left_out(counts)), authors=Seen(over={"authors": counts.authors})
    )


def _differences(
    inspection: Inspection,
    edition: Edition,
    folder: Path,
    counts: _Counts,
    sample: int | None,
    processes: int,
    say: Say,
) -> Iterator[Difference]:
    connection = inspection.connection

    def run(work: Any, *args: Any, **kwargs: Any) -> Any:
        return work(connection, *args, **kwargs)

    every = stored_articles(connection, edition)
    older = set(articles_to_read(connection, edition, reader_version=READER_VERSION))
    visited = open_visits(connection, edition)
    counts.older += len(older)
    counts.visited += len(visited - older)
    chosen = [id for id in every if id not in older and id not in visited]
    if sample is not None and sample < len(chosen):
        chosen = sorted(random.sample(chosen, sample))  # no secret: others every time
    progress = Progress(say, f"{edition.code}: read again", len(chosen))
    left_out = older | visited
    for known, said in told(families(run, edition, chosen), folder, processes):
        ids = members(known)
        progress.add(len(ids))
        if left_out.intersection(ids):
            continue
        try:
            if isinstance(said, BadRecord):
                raise said
            yield difference(connection, edition, ids, known, said, reader_version=READER_VERSION)
        except BadRecord:  # the check of the records tells which
            counts.unread += len(ids)


def _left_out(counts: _Counts) -> tuple[str, ...]:
    told = []
    if counts.older:
        told.append(f"{counts.older} articles were read by another reader: `crawler reparse --apply`")
    if counts.visited:
        told.append(f"{counts.visited} articles are being visited")
    if counts.unread:
        told.append(f"{counts.unread} articles cannot be read again, as their records are damaged")
    return tuple(told)


def _words(found: Difference) -> str:
    """How stored rows differ from what their fetches come to; nothing where they do not."""
    parts = [f"{name}: {_of_table(changes)}" for name, changes in found.tables.items() if changes]
    other = [one for one, fetch in found.fetches if one.fetch.outcome != fetch.outcome]
    if other:
        parts.append(f"{len(other)} fetches are understood otherwise, such as {other[0].fetch.id}")
    return "; ".join(parts)


def _of_table(changes: Changes) -> str:
    parts = []
    if changes.inserted:
        parts.append(f"{len(changes.inserted)} rows are missing")
    if changes.deleted:
        parts.append(f"{len(changes.deleted)} rows are too many")
    if changes.updated:
        columns = sorted({name for old, new in changes.updated for name in new if old[name] != new[name]})
        parts.append(f"{len(changes.updated)} rows differ in {', '.join(columns)}")
    return ", ".join(parts)
