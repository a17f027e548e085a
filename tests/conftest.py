"""What every test may ask for, empty databases; and what none may touch, the developer's own."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Connection

from crawler.storage import database, ledger
from tests.postgres import CannotStart, Server, postgres
from tests.storing import SITE

# How long an example takes says more about what else the machine is doing than about our code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_the_developer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """
    Keep the real database and archive out of reach, also of commands that a test starts.

    Without DATABASE_URL the default would hold, `crawler.db` in the working directory: the developer's own.
    So it names a place where no database can be: a test that forgets to name its own fails and harms nothing.
    """
    folder = tmp_path_factory.mktemp("environment")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(
            "DATABASE_URL", f"sqlite:///{folder}/no-such-folder/name-a-database-in-your-test.db"
        )
        environment.setenv("WARC_DIR", str(folder / "archive"))
        for name in ("CONTACT", "PROXY_URL", "FORGET_KEY"):
            environment.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A running Postgres, one for the whole run."""
    try:
        with postgres() as server:
            yield server
        return
    except CannotStart as told:
        reason = str(told)
    pytest.fail(reason, pytrace=False)


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """Address of an empty Postgres database, for SQLAlchemy."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Address of an SQLite database that does not exist yet, for SQLAlchemy."""
    return f"sqlite:///{tmp_path}/test.db"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Address of an empty database for SQLAlchemy: the test runs once on each kind."""
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url


@pytest.fixture(scope="session")
def bare_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with today's schema and no rows: to be copied, not written."""
    file = tmp_path_factory.mktemp("bare") / "template.db"
    database.migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_sqlite(bare_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the editions of `SITE`: to be copied, not written."""
    file = Path(shutil.copy(bare_sqlite, tmp_path_factory.mktemp("migrated") / "template.db"))
    _save_editions(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: Server) -> Iterator[str]:
    """The same on Postgres: the address of a database to be copied, not written."""
    with postgres_server.database() as url:
        database.migrate(url)
        _save_editions(url)
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a database of the test's own with today's schema and the editions of `SITE`, on each kind."""
    if request.param == "sqlite":
        copy = shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "migrated.db")
        yield f"sqlite:///{copy}"
        return
    server: Server = request.getfixturevalue("postgres_server")
    with server.database(copy_of=request.getfixturevalue("migrated_postgres")) as url:
        yield url


@pytest.fixture(scope="session")
def new_database(
    bare_sqlite: Path, postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    """Makes databases with today's schema and no rows that live as long as the run: give it "sqlite" or "postgres"."""
    with ExitStack() as open_ones:

        def new(kind: str) -> str:
            if kind == "sqlite":
                return (
                    f"sqlite:///{shutil.copy(bare_sqlite, tmp_path_factory.mktemp('database') / 'test.db')}"
                )
            url = open_ones.enter_context(postgres_server.database())
            database.migrate(url)
            return url

        yield new


@pytest.fixture
def sqlite_connection(migrated_sqlite: Path) -> Iterator[Connection]:
    """A writing connection whose transaction is rolled back in the end; so all tests may share one database."""
    yield from _rolled_back(f"sqlite:///{migrated_sqlite}")


@pytest.fixture
def postgres_connection(migrated_postgres: str) -> Iterator[Connection]:
    """The same on Postgres."""
    yield from _rolled_back(migrated_postgres)


@pytest.fixture(params=["sqlite", "postgres"])
def connection(request: pytest.FixtureRequest) -> Connection:
    """A writing connection whose transaction is rolled back in the end: the test runs once on each kind."""
    connection = request.getfixturevalue(f"{request.param}_connection")
    assert isinstance(connection, Connection)
    return connection


def _save_editions(url: str) -> None:
    with database.engine(url, writes=True).begin() as connection:
        ledger.save_editions(connection, SITE)


def _rolled_back(url: str) -> Iterator[Connection]:
    with database.engine(url, writes=True).connect() as connection:
        yield connection
        connection.rollback()
