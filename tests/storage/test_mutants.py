"""Each mistake that a writer could make is caught by comparing histories with what is stored of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.histories import StoredState, failed, histories, tried_again
from tests.mutants import MUTANTS, Mutant, applied


@pytest.fixture(scope="module")
def on_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredState]:
    copy = tmp_path_factory.mktemp("mutants") / "mutants.db"
    copy.write_bytes(migrated_sqlite.read_bytes())
    state = StoredState(f"sqlite:///{copy}")
    yield state
    state.close()


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_is_caught(mutant: Mutant, on_sqlite: StoredState) -> None:
    """By the naive fold alone: a mistake in `crawler.fold` would be made by its own whole as well."""
    machine = histories(on_sqlite, whole=False)
    with applied(mutant):
        found = failed(machine, 600, seed=1)  # most fail within some dozens
    before = machine.tried
    tried_again(machine, found)  # the very history that fails with the mistake passes without
    assert machine.tried > before
