"""
What a visit that saw the end of a thread proves of the comments that it did not see.

Missing is not deleted: a page may be stale, a comment may slip from one page to another between two requests. So one
sweep makes a comment missing and another one, at least an hour later, gone; and where very much is missing at once, or
the site counts otherwise than we do, nothing is believed until it happens again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from crawler.items import VisitOutcome

#: Between two sweeps that confirm each other: caches hold pages for minutes.
APART: Final = timedelta(hours=1)

#: Where more than one in so many live comments is missing at once, something may be wrong with what we were shown.
ONE_IN: Final = 5

#: Outcomes of visits that saw the end of a thread.
PROVEN: Final[Set[str]] = frozenset(("swept", "miscounted", "suspect"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a visit that saw the end proves."""

    outcome: VisitOutcome
    #: Live comments that are now missing.
    missing: tuple[int, ...] = ()
    #: Missing comments that are now gone.
    gone: tuple[int, ...] = ()
    #: Where the outcome is "suspect": the comments that are held back until another sweep confirms it.
    unseen: tuple[int, ...] | None = None


def swept(
    seen: Set[int],
    stated: int | None,
    *,
    at: datetime,
    live: Collection[int],
    missing_since: Mapping[int, datetime],
    earlier: Sequence[Mapping[str, Any]],
) -> Swept:
    """
    What a visit proves that read all comment pages up to the end of the thread.

    Args:
        seen: Numbers of all comments that it saw.

        stated: How many the site says there are, as said last.

        at: When it ended.

        live: The article's live comments, those just seen among them.

        missing_since: The article's missing comments, and since when they are.

        earlier: Rows of the article's earlier visits, newest first.
    """
    proven = [visit for visit in earlier if visit["outcome"] in PROVEN]
    drift = _drift(stated, len(seen))
    if drift and not (proven and _drift(proven[0]["comments_stated"], proven[0]["comments_seen"]) == drift):
        return Swept(outcome="miscounted")
    gone = tuple(sorted(id for id, since in missing_since.items() if id not in seen and at - since >= APART))
    unseen = tuple(sorted(id for id in live if id not in seen))
    if not _too_many(unseen, live):
        return Swept(outcome="swept", missing=unseen, gone=gone)
    confirmed = _confirmed(unseen, proven, at)
    if confirmed is None:
        return Swept(outcome="suspect", unseen=unseen)
    # What is missing only now waits for the next sweep, unless it is so little that it would be believed by itself.
    others = [id for id in unseen if id not in confirmed]
    missing = sorted(confirmed) if _too_many(others, live) else unseen
    return Swept(outcome="swept", missing=tuple(missing), gone=gone)


def _drift(stated: int | None, seen: int) -> int:
    return 0 if stated is None else stated - seen


def _too_many(unseen: Collection[int], live: Collection[int]) -> bool:
    return ONE_IN * len(unseen) > len(live)


def _confirmed(unseen: Iterable[int], proven: Iterable[Mapping[str, Any]], at: datetime) -> set[int] | None:
    """Those that every suspect visit since one an hour ago has not seen either; None where there was none so early."""
    still = set(unseen)
    for visit in proven:
        if visit["outcome"] == "miscounted":
            continue
        if visit["outcome"] != "suspect":
            return None
        still.intersection_update(visit["unseen"])
        if at - visit["finished_at"] >= APART:
            return still
    return None
