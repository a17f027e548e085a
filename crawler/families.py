"""Articles with those that share comments with them, read again from the archive as a whole, by several processes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from crawler.errors import BadRecord
from crawler.fetching.records import ArchiveReader
from crawler.items import Exchange, Recorded
from crawler.rereading import reread
from crawler.site import Edition
from crawler.sites import readers
from crawler.storage.recorded import recorded
from crawler.storage.refold import family
from crawler.visiting import SiteReader
from crawler.work import shared

Run = Callable[..., Any]
"""Calls a function of `storage` with a connection first; with the arguments that follow it."""

#: An article with more fetches is read in this process: to send so many pages to and fro would take more memory.
MOST_SENT: Final = 500


def families(run: Run, edition: Edition, article_ids: Sequence[int]) -> Iterator[list[Recorded]]:
    """The recorded exchanges of the articles, each together with those with which it shares comments."""
    done: set[int] = set()
    for article_id in article_ids:
        if article_id not in done:
            members = run(family, edition, [article_id])
            done.update(members)
            yield run(recorded, edition, members)


def members(known: Iterable[Recorded]) -> list[int]:
    """The articles that a family's exchanges asked for."""
    return sorted({one.fetch.article_id for one in known if one.fetch.article_id is not None})


def told(
    known_families: Iterable[list[Recorded]],
    folder: Path,
    processes: int,
    with_readers: Mapping[int, SiteReader] | None = None,
) -> Iterator[tuple[list[Recorded], Iterable[Exchange] | BadRecord]]:
    """
    Each family with its exchanges as they are read now, or with what hinders that; in the order of the families.

    Args:
        with_readers: How the pages of each edition are read; those of all sites for None.
    """
    pages = with_readers or readers()
    for known, said in shared(partial(_read, folder, pages), known_families, processes, here=_is_large):
        yield known, _Reread(known, folder, pages) if said is None else said


@dataclass(frozen=True, slots=True)
class _Reread:
    """
    The exchanges of a family, read when they are asked for: each time from the start.

    A transaction is repeated where the connection broke; half of the exchanges must not be taken for all of them.
    """

    known: Sequence[Recorded]
    folder: Path
    pages: Mapping[int, SiteReader]

    def __iter__(self) -> Iterator[Exchange]:
        return reread(self.known, ArchiveReader(self.folder), self.pages)


def _is_large(known: list[Recorded]) -> bool:
    return len(known) > MOST_SENT


def _read(folder: Path, pages: Mapping[int, SiteReader], known: list[Recorded]) -> list[Exchange] | BadRecord:
    """The exchanges of a family, read in a process of its own."""
    try:
        return list(reread(known, ArchiveReader(folder), pages))
    except BadRecord as error:
        return error
