"""The Postgres that the other tests run on, and what they rely on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.postgres import (
    FOLDER,
    Build,
    CannotStart,
    Server,
    embedded_builds,
    postgres,
    system_builds,
    with_database,
)


def one(url: str, question: str) -> object:
    """The one value that the question has for an answer."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def test_case_of_cyrillic_is_folded(postgres_url: str) -> None:
    assert one(postgres_url, "SELECT lower('ПРИВЕТ')") == "привет"
    assert one(postgres_url, "SELECT 'ник' ILIKE 'НИК'") is True


def test_each_database_is_new_and_goes_away(postgres_server: Server) -> None:
    with postgres_server.database() as first, postgres_server.database() as second:
        with psycopg.connect(first.replace("+psycopg", "")) as connection:
            connection.execute("CREATE TABLE here ()")
        assert one(first, "SELECT to_regclass('here') IS NOT NULL") is True
        assert one(second, "SELECT to_regclass('here') IS NOT NULL") is False
    left = "SELECT count(*) FROM pg_database WHERE datname = ANY (ARRAY['{}', '{}'])"
    names = first.rpartition("/")[2], second.rpartition("/")[2]
    assert one(postgres_server.url, left.format(*names)) == 0


def test_package_brings_a_postgres() -> None:
    assert embedded_builds()


@pytest.mark.parametrize("build", [*system_builds(), *embedded_builds()], ids=lambda build: build.release)
def test_private_server(build: Build) -> None:
    with postgres([build]) as server:
        assert server.pid is not None
        assert one(server.url, "SELECT lower('ПРИВЕТ')") == "привет"
        assert one(server.url, "SHOW listen_addresses") == "127.0.0.1"
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url.replace("tests:", "tests:not-"))
        folder = Path(str(one(server.url, "SHOW data_directory"))).parent
        assert folder.name.startswith(FOLDER)
        assert (folder / "data").stat().st_uid != 0  # the server insists on being the owner
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_what_a_killed_run_left_is_cleared_away() -> None:
    script = """if True:
        import psycopg, time
        from tests.postgres import embedded_builds, postgres
        with postgres(embedded_builds()) as server, psycopg.connect(server.url) as connection:
            print(server.pid, *connection.execute("SHOW data_directory").fetchone(), flush=True)
            time.sleep(60)
    """
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        server, data = run.stdout.readline().split(maxsplit=1)
        folder = Path(data.strip()).parent
        run.kill()
    assert folder.exists()
    with postgres(embedded_builds()):
        assert not folder.exists()
    os.kill(int(server), signal.SIGQUIT)  # it would end by itself, but only within a minute


def test_without_postgres_the_remedy_is_named() -> None:
    with pytest.raises(CannotStart, match="TEST_DATABASE_URL"), postgres([]):
        pass


def test_a_build_that_does_not_work_is_named() -> None:
    with (
        pytest.raises(CannotStart, match=r"nowhere: .*TEST_DATABASE_URL"),
        postgres([Build(Path("/nowhere"), "18.6")]),
    ):
        pass


def test_server_that_does_not_answer_is_told_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:9/postgres")
    with pytest.raises(CannotStart, match="TEST_DATABASE_URL") as told, postgres():
        pass
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://me:pw@host:5433/postgres", "postgresql+psycopg://me:pw@host:5433/new"),
        ("postgresql://me@host", "postgresql+psycopg://me@host/new"),
        ("postgresql:///postgres?host=/run/pg", "postgresql+psycopg:///new?host=/run/pg"),
    ],
)
def test_address_of_another_database(given: str, expected: str) -> None:
    assert with_database(given, "new", scheme="postgresql+psycopg") == expected
