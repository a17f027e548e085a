"""What came of each check."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from crawler.errors import UnreadableValue
from crawler.site import Edition
from crawler.storage.database import storage_errors
from crawler.storage.invariants import database, histories, people, threads, values, visits
from crawler.storage.invariants.inspection import Inspection, Seen, Tell, Wrong, moment
from crawler.storage.invariants.people import PersonHash
from crawler.verify import archive, checks, fold
from crawler.verify.checks import Check
from crawler.work import Say

#: What is wrong is counted; so many of each check are kept to be shown.
EXAMPLES: Final = 5

#: Articles that are read again where not all are: a minute or two.
SAMPLE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is to be looked at."""

    editions: tuple[Edition, ...]
    #: So many articles, taken at random, are read again from the archive; None for all.
    sample: int | None = SAMPLE
    #: Whether to look at the archive at all.
    archive: bool = True


@dataclass(slots=True)
class Result:
    """What came of a check."""

    check: Check
    #: How many of what were looked at.
    over: dict[str, int] = field(default_factory=dict)
    wrong: int = 0
    examples: list[Wrong] = field(default_factory=list)
    #: What else is to be told; none of it is wrong.
    told: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.wrong

    def tell(self, wrong: Wrong) -> None:
        """Take account of something that does not hold."""
        self.wrong += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(wrong)

    def saw(self, seen: Seen) -> None:
        """Take account of what was looked at."""
        self.over, self.told = dict(seen.over), seen.told

    def as_dict(self) -> dict[str, Any]:
        """The result for other programs."""
        return {
            "name": self.check.name,
            "means": self.check.means,
            "invariants": self.check.invariants,
            "holds": self.holds,
            "over": self.over,
            "wrong": self.wrong,
            "examples": [{"where": one.where, "what": one.what} for one in self.examples],
            "told": self.told,
            "remedy": None if self.holds else self.check.remedy,
        }


def results(
    url: str,
    folder: Path,
    choice: Choice,
    *,
    processes: int,
    person_hash: PersonHash | None,
    say: Say,
) -> Iterator[Result]:
    """
    What came of each check, as soon as it is known. A crawl may go on meanwhile: all is looked at as it stood when this
    began.

    Args:
        url: The database.

        folder: The archive.

        processes: How many read the archive at a time.

        person_hash: How `erasures` knows people; None where that is not known, then nobody is looked for.

        say: Is told how far it is.

    Raises:
        CannotStore: Database or archive cannot be used.
    """
    with moment(url) as connection:
        inspection = Inspection(connection, [edition.id for edition in choice.editions])
        for check, question in _questions(url, person_hash):
            result = Result(check)
            with _goes_on(url, result):
                result.saw(question(inspection, result.tell))
            yield result
        if not choice.archive:
            return
        files, records = Result(checks.FILES), Result(checks.RECORDS)
        with _goes_on(url, files, records):
            seen = archive.looked_through(
                inspection, folder, files.tell, records.tell, processes=processes, say=say
            )
            files.saw(seen.files)
            records.saw(seen.records)
        yield from (files, records)
        folded, facts = Result(checks.FOLD), Result(checks.FACTS)
        with _goes_on(url, folded, facts):
            told = fold.folded(
                inspection,
                folder,
                choice.editions,
                folded.tell,
                facts.tell,
                sample=choice.sample,
                processes=processes,
                say=say,
            )
            folded.saw(told.rows)
            facts.saw(told.authors)
        yield from (folded, facts)


@contextmanager
def _goes_on(url: str, *checked: Result) -> Iterator[None]:
    """A value that nobody can read ends these checks, and not those after them."""
    try:
        with storage_errors(url):
            yield
    except UnreadableValue as error:
        for result in checked:
            result.tell(Wrong("database", f"{error.problem}: the rest was not looked at"))


def _questions(
    url: str, person_hash: PersonHash | None
) -> tuple[tuple[Check, Callable[[Inspection, Tell], Seen]], ...]:
    return (
        (checks.FILE, database.whole),
        (checks.SCHEMA, database.built),
        (checks.VIEWS, partial(database.viewed, url=url)),
        (checks.KEYS, database.keyed),
        (checks.VALUES, values.listed),
        (checks.TEXTS, values.readable),
        (checks.HISTORIES, histories.joined),
        (checks.CHANGES, histories.different),
        (checks.TIMES, histories.timed),
        (checks.MISSING, threads.missing),
        (checks.PLACES, threads.placed),
        (checks.COUNTS, threads.counted),
        (checks.VISITS, visits.visited),
        (checks.SWEEPS, visits.swept),
        (checks.FETCHES, visits.fetched),
        (checks.FRONTIER, visits.planned),
        (checks.AUTHORS, people.described),
        (checks.NAMES, people.spelled),
        (checks.FORGOTTEN, partial(people.forgotten, person_hash=person_hash)),
    )
