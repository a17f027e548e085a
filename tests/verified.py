"""What `crawler verify` says of a database and its archive."""

from pathlib import Path
from typing import Any

from crawler.sites import readers
from crawler.storage.invariants.people import PersonHash
from crawler.verify.results import Choice, Result, results

EDITIONS = tuple(
    {edition.id: edition for one in readers().values() for edition in one.site.editions}.values()
)


def looked(
    url: str, folder: Path, *, processes: int = 1, person_hash: PersonHash | None = None, **choice: Any
) -> list[Result]:
    """What comes of all checks, of all articles and editions if nothing else is chosen."""
    chosen = Choice(**({"editions": EDITIONS, "sample": None} | choice))
    lines: list[str] = []
    return list(results(url, folder, chosen, processes=processes, person_hash=person_hash, say=lines.append))


def faults(found: list[Result]) -> dict[str, list[str]]:
    """The checks that do not hold, and what they say."""
    return {
        one.check.name: [f"{wrong.where}: {wrong.what}" for wrong in one.examples]
        for one in found
        if not one.holds
    }
