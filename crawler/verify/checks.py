"""What is looked at: each check with its name, its meaning, the invariants that it is of, and its remedy."""

from dataclasses import dataclass
from typing import Final

#: Folds an article anew from the archive.
_FOLD_ANEW: Final = (
    "`crawler reparse --article N --again` shows what the archive says; with --apply it is written."
)
_ANEW: Final = (
    "make the rows anew from the archive: `crawler reparse --apply` on an empty, migrated database."
)
_REBUILD: Final = _ANEW[0].upper() + _ANEW[1:]
#: For rows of all kinds.
_FOLD_OR_REBUILD: Final = f"{_FOLD_ANEW} Rows of no article it leaves as they are; for these, {_ANEW}"
_RESTORE: Final = "Restore the file from a backup; look at the disk first."


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must hold."""

    name: str
    #: In one line, what holds where nothing is wrong.
    means: str
    #: Numbers of the invariants in README.md that it is of.
    invariants: tuple[int, ...] = ()
    #: What to do where it does not hold.
    remedy: str = _FOLD_ANEW


FILE: Final = Check(
    name="file",
    means="the file of the database is whole",
    invariants=(4,),
    remedy="Restore the database from a backup, or make it anew from the archive: `crawler reparse --apply` "
    "on an empty one. Look at the disk first.",
)
SCHEMA: Final = Check(
    name="schema",
    means="tables, columns and indexes are those of this program",
    remedy="Somebody changed them by hand: undo that, or copy the rows into a database that `crawler migrate` made.",
)
VIEWS: Final = Check(
    name="views",
    means="the views are those of this program",
    remedy="`crawler migrate` makes them anew when it changes the version; until then create them as "
    "crawler/storage/views.py has them.",
)
KEYS: Final = Check(
    name="keys",
    means="what a row refers to is there",
    invariants=(3, 10),
    remedy=f"Somebody deleted or wrote rows by hand. {_FOLD_OR_REBUILD}",
)
VALUES: Final = Check(
    name="values",
    means="closed lists hold only what is known, and columns that belong together agree",
    remedy=_FOLD_OR_REBUILD,
)
TEXTS: Final = Check(
    name="texts",
    means="texts, times and JSON can be read, and no text holds NUL or half of a character",
    invariants=(17,),
    remedy="`crawler reparse --article N --again --apply` writes the row anew. Where it cannot read the row either: "
    f"restore the database from a backup, or {_ANEW}",
)
HISTORIES: Final = Check(
    name="histories",
    means="the states of comments, ratings and articles join without gap or overlap, from the first sight to now",
    invariants=(8, 10),
)
CHANGES: Final = Check(
    name="changes",
    means="no state says the same as the one after it",
    invariants=(6,),
)
TIMES: Final = Check(
    name="times",
    means="every state began with a fetch that is stored, at its time",
    invariants=(7, 9),
)
MISSING: Final = Check(
    name="missing",
    means="what is missing or gone is so since a sweep, or since the site said that there is no such article",
    invariants=(11,),
)
PLACES: Final = Check(
    name="places",
    means="every comment stands where its parents put it",
    invariants=(12,),
)
COUNTS: Final = Check(
    name="counts",
    means="every article counts its live comments right",
)
VISITS: Final = Check(
    name="visits",
    means="every visit has its fetches, and one outcome unless its crawl still runs",
    invariants=(14,),
    remedy="Where its crawl was killed, the next crawl gives it one. A fetch that somebody moved must first be moved "
    f"back: its record in the archive names the article. Otherwise: {_FOLD_ANEW}",
)
SWEEPS: Final = Check(
    name="sweeps",
    means="a sweep saw as many comments as the site stated, but for what two sweeps running lacked alike",
    invariants=(13,),
)
FETCHES: Final = Check(
    name="fetches",
    means="every fetch has one outcome, which goes with its status",
    invariants=(14,),
    remedy=_FOLD_OR_REBUILD,
)
FRONTIER: Final = Check(
    name="frontier",
    means="an article that was read to its end, moved, not there or not understood, as the frontier says, has a visit",
    invariants=(5,),
    remedy="Visit the article again: `crawler crawl -a ids=N`.",
)
AUTHORS: Final = Check(
    name="authors",
    means="every author of a comment has a row that is named as their latest comment has it",
    remedy=_REBUILD,
)
NAMES: Final = Check(
    name="names",
    means="every spelling of a name is known by the fetch that first showed it",
    remedy=_REBUILD,
)
FORGOTTEN: Final = Check(
    name="forgotten",
    means="no row says who wrote it where that person was forgotten",
    invariants=(19,),
    remedy="Forget them again: `crawler forget`.",
)
FILES: Final = Check(
    name="files",
    means="every file of the archive is readable from front to back",
    invariants=(2,),
    remedy=_RESTORE,
)
RECORDS: Final = Check(
    name="records",
    means="every fetch has its whole record in the archive, which says the same of it",
    invariants=(1, 17),
    remedy=f"{_RESTORE} Where the file is whole and says something else than the database, the file is right: "
    f"{_ANEW}",
)
FOLD: Final = Check(
    name="fold",
    means="stored rows are what their fetches come to when they are read again",
    invariants=(6, 7, 8, 18),
)
FACTS: Final = Check(
    name="facts",
    means="authors are described as the latest page of theirs shows them",
    invariants=(18,),
    remedy=_REBUILD,
)

#: In the order in which they are made: what is wrong further up may be the reason for what is wrong further down.
OF_DATABASE: Final = (
    FILE,
    SCHEMA,
    VIEWS,
    KEYS,
    VALUES,
    TEXTS,
    HISTORIES,
    CHANGES,
    TIMES,
    MISSING,
    PLACES,
    COUNTS,
    VISITS,
    SWEEPS,
    FETCHES,
    FRONTIER,
    AUTHORS,
    NAMES,
    FORGOTTEN,
)
OF_ARCHIVE: Final = (FILES, RECORDS, FOLD, FACTS)
ALL: Final = (*OF_DATABASE, *OF_ARCHIVE)
