"""The stored state is the fold of the set of stored fetches, whatever happens."""

from collections.abc import Iterator

import pytest

from tests.histories import StoredState, histories, tried


@pytest.fixture
def stored_state(migrated_url: str) -> Iterator[StoredState]:
    state = StoredState(migrated_url)
    yield state
    state.close()


def test_what_is_stored_is_what_the_fetches_come_to(stored_state: StoredState) -> None:
    postgres = stored_state.connection.dialect.name == "postgresql"
    tried(histories(stored_state), 15 if postgres else 60, seed=1)
