"""Whatever happens between a site and what is stored of it, all holds that `crawler verify` looks for in the rows."""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from crawler.storage.invariants import database, histories, people, threads, values, visits
from crawler.storage.invariants.inspection import Inspection, Wrong
from tests.histories import Histories, StoredState, tried
from tests.storing import EN, RU

QUESTIONS = (
    database.keyed,
    values.listed,
    histories.joined,
    histories.different,
    histories.timed,
    threads.missing,
    threads.placed,
    threads.counted,
    visits.visited,
    visits.swept,
    visits.fetched,
    visits.planned,
    people.described,
    people.spelled,
)


class Inspected(Histories):
    """Histories of which the last state is looked at."""

    looked_at: ClassVar[int] = 0

    def teardown(self) -> None:
        super().teardown()
        wrong: list[Wrong] = []
        with self.connection.begin():
            for question in QUESTIONS:
                seen = question(Inspection(self.connection, [EN.id, RU.id]), wrong.append)
                type(self).looked_at += sum(seen.over.values())
        assert wrong == []


@pytest.fixture
def stored_state(migrated_url: str) -> Iterator[StoredState]:
    state = StoredState(migrated_url)
    yield state
    state.close()


def test_what_is_stored_holds_to_every_rule(stored_state: StoredState) -> None:
    postgres = stored_state.connection.dialect.name == "postgresql"
    here = {"stored_state": stored_state, "tried": 0, "compared": 0, "looked_at": 0}
    machine: type[Inspected] = type("InspectedHere", (Inspected,), here)
    tried(machine, 5 if postgres else 15, seed=5)
    assert machine.looked_at > 100 * machine.tried
