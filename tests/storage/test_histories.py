"""The stored state is the fold of the set of stored fetches, whatever happens; and the test of it catches mistakes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from tests.histories import StoredState, histories, tried
from tests.mutants import MUTANTS, Mutant, applied


@pytest.fixture(scope="module")
def on_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredState]:
    copy = tmp_path_factory.mktemp("histories") / "histories.db"
    copy.write_bytes(migrated_sqlite.read_bytes())
    state = StoredState(f"sqlite:///{copy}")
    yield state
    state.close()


@pytest.fixture
def stored_state(migrated_url: str) -> Iterator[StoredState]:
    state = StoredState(migrated_url)
    yield state
    state.close()


def test_what_is_stored_is_what_the_fetches_come_to(stored_state: StoredState) -> None:
    postgres = stored_state.connection.dialect.name == "postgresql"
    tried(histories(stored_state), 15 if postgres else 60, seed=1)


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_is_caught(mutant: Mutant, on_sqlite: StoredState) -> None:
    with applied(mutant), pytest.raises((AssertionError, IntegrityError)):
        tried(histories(on_sqlite, whole=False), 100, seed=1, shrink=False)
