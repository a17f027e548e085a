"""Each mistake that a writer could make is caught by comparing histories with what is stored of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from tests.histories import NUMBER, SEED, StoredState, histories, tried
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
    """
    By one of the very histories that pass without it (see test_histories), and by the naive fold alone: a mistake in
    `crawler.fold` would be made by its own whole as well.
    """
    with applied(mutant), pytest.raises((AssertionError, IntegrityError)):
        tried(histories(on_sqlite, whole=False), NUMBER, seed=SEED, shrink=False)
