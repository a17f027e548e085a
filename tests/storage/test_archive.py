"""A crawl's one door: who may come in, what a lost connection does, and what is said where nobody can come in."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import OperationalError

from crawler import doctor
from crawler.environment import Environment
from crawler.errors import AlreadyRunning, CannotStore, CrawlerError
from crawler.site import Edition
from crawler.storage import archive as door
from crawler.storage import database, ledger, queries
from crawler.storage.archive import LOCK_CLASS, Archive
from crawler.storage.schema import hosts
from tests.broken_line import Line
from tests.postgres import Server
from tests.storing import EN, NOON, RU, SITE, fetch

#: Seconds that no step of these tests takes.
PATIENCE_S = 20


@contextmanager
def opened(url: str, *editions: Edition) -> Iterator[Archive]:
    archive = Archive(url, editions)
    archive.open()
    try:
        yield archive
    finally:
        archive.close()


def refusal(kind: type[CrawlerError], url: str, *editions: Edition, embedded: bool = False) -> str:
    """What a person is told who cannot crawl."""
    with pytest.raises(kind) as told:
        Archive(url, editions or (EN,), embedded=embedded).open()
    assert "\n" not in str(told.value)
    return str(told.value)


def add_host(connection: Connection, name: str) -> int:
    """Some work: one more row; returns how many there are."""
    connection.execute(hosts.insert().values(host=name, robots_state="unknown", failures=0))
    return connection.execute(select(func.count()).select_from(hosts)).scalar_one()


# --- locks ----------------------------------------------------------------------------------------------------------


def test_one_crawl_of_an_edition_at_a_time(migrated_url: str) -> None:
    with opened(migrated_url, EN):
        told = refusal(AlreadyRunning, migrated_url, EN)
        assert "Another crawl of the edition en is running" in told
        assert "or an import, reparse or forget" in told
        with opened(migrated_url, RU):
            assert "edition ru" in refusal(AlreadyRunning, migrated_url, RU)
    with opened(migrated_url, EN, RU):
        pass


def test_the_locks_of_several_editions_are_taken_all_or_none(migrated_url: str) -> None:
    with opened(migrated_url, RU):
        refusal(AlreadyRunning, migrated_url, RU, EN)
        with opened(migrated_url, EN):
            pass


def test_two_names_of_one_file_are_one_database(migrated_sqlite: Path, tmp_path: Path) -> None:
    (tmp_path / "real.db").write_bytes(migrated_sqlite.read_bytes())
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    with opened(f"sqlite:///{tmp_path}/real.db", EN):
        refusal(AlreadyRunning, f"sqlite:///{tmp_path}/link.db", EN)


HOLDER = """
import sys
from crawler.storage.archive import Archive
from tests.storing import EN
archive = Archive(sys.argv[1], [EN])
archive.open()
print("open", flush=True)
sys.stdin.read()
"""


def test_a_killed_crawl_frees_its_lock(migrated_url: str) -> None:
    command = [sys.executable, "-c", HOLDER, migrated_url]
    with subprocess.Popen(
        command, cwd=database.PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        try:
            refusal(AlreadyRunning, migrated_url, EN)
            with opened(migrated_url, RU):
                pass
        finally:
            holder.send_signal(signal.SIGKILL)
        assert holder.wait() == -signal.SIGKILL
    wait_until_free(migrated_url)


def wait_until_free(url: str) -> None:
    """Postgres frees a lock when it sees that the connection is gone, a moment later."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            with opened(url, EN):
                return
        except AlreadyRunning:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


# --- work -----------------------------------------------------------------------------------------------------------


def test_work_is_one_transaction(migrated_url: str) -> None:
    def half_done(connection: Connection) -> None:
        add_host(connection, "half")
        raise ZeroDivisionError

    with opened(migrated_url, EN) as archive:
        assert archive.run_now(add_host, "first") == 1
        with pytest.raises(ZeroDivisionError):
            archive.run_now(half_done)
        assert archive.run_now(add_host, "second") == 2
    with database.reading(migrated_url) as connection:
        assert queries.totals(connection)["hosts"] == 2


def test_work_that_cannot_be_committed_leaves_nothing(migrated_url: str) -> None:
    def without_its_visit(connection: Connection) -> None:
        # Whether the visit is there is looked at in the end only.
        ledger.save_fetch(connection, fetch(1), crawl_id=None, visit_id=99)

    with opened(migrated_url, EN) as archive:
        with pytest.raises(CannotStore):
            archive.run_now(without_its_visit)
        assert archive.run_now(add_host, "next") == 1
    with database.reading(migrated_url) as connection:
        assert queries.totals(connection)["fetches"] == 0


def test_work_is_done_in_order_and_before_closing(migrated_url: str) -> None:
    async def several() -> list[int]:
        return await asyncio.gather(*(archive.run(add_host, f"{number}") for number in range(5)))

    with opened(migrated_url, EN) as archive:
        archive.hand_in(add_host, "handed in")
        assert asyncio.run(several()) == [2, 3, 4, 5, 6]
        archive.hand_in(add_host, "last")
    with database.reading(migrated_url) as connection:
        assert queries.totals(connection)["hosts"] == 7


def test_nothing_is_stored_before_what_was_fetched_is_on_the_disk(migrated_url: str) -> None:
    stored: list[int] = []

    def sync() -> None:
        with database.reading(migrated_url) as connection:
            stored.append(queries.totals(connection)["hosts"])
        if len(stored) == 3:
            raise CannotStore("The disk is broken.")

    archive = Archive(migrated_url, [EN], sync=sync)
    archive.open()
    try:
        for name in ("first", "second"):
            asyncio.run(archive.store(add_host, name))
        with pytest.raises(CannotStore, match="broken"):
            asyncio.run(archive.store(add_host, "third"))
        assert archive.run_now(add_host, "not fetched") == 3
    finally:
        archive.close()
    assert stored == [0, 1, 2]


def test_work_handed_in_that_fails_is_logged(migrated_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with opened(migrated_url, EN) as archive:
        archive.hand_in(add_host, "twice")
        archive.hand_in(add_host, "twice")
    assert "cannot be used: " in caplog.text


def test_what_the_database_refuses_is_said_in_one_line(migrated_url: str) -> None:
    with opened(migrated_url, EN) as archive:
        archive.run_now(add_host, "twice")
        with pytest.raises(CannotStore) as told:
            archive.run_now(add_host, "twice")
        assert "\n" not in str(told.value)
        assert archive.run_now(add_host, "another") == 2


def test_a_crawl_reads_what_others_write(migrated_url: str) -> None:
    """Each piece of work sees today's rows: no transaction stays open between two."""
    with opened(migrated_url, EN) as english, opened(migrated_url, RU) as russian:
        assert english.run_now(add_host, "en.example.org") == 1
        assert russian.run_now(add_host, "example.org") == 2


# --- connections that break -----------------------------------------------------------------------------------------


def end_connections(server: Server, url: str) -> None:
    """Cut off all who are connected to this database, as an administrator or a failing server would."""
    administrator: Engine = database.engine(server.url)
    with administrator.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name "
                "AND pid <> pg_backend_pid()"
            ),
            {"name": url.rpartition("/")[2]},
        )


@pytest.fixture
def own_postgres(migrated_postgres: str, postgres_server: Server) -> Iterator[str]:
    """Address of a migrated Postgres database of the test's own."""
    with postgres_server.database(copy_of=migrated_postgres) as url:
        yield url


def test_a_lost_connection_is_made_again_with_its_locks(own_postgres: str, postgres_server: Server) -> None:
    with opened(own_postgres, EN, RU) as archive:
        assert archive.run_now(add_host, "before") == 1
        end_connections(postgres_server, own_postgres)
        assert archive.run_now(add_host, "after") == 2
        refusal(AlreadyRunning, own_postgres, EN)
        refusal(AlreadyRunning, own_postgres, RU)


def test_work_that_was_cut_off_is_done_once(own_postgres: str, postgres_server: Server) -> None:
    tries: list[int] = []

    def cut_off_once(connection: Connection) -> int:
        there = add_host(connection, "one")
        if not tries:
            tries.append(there)
            end_connections(postgres_server, own_postgres)
        return add_host(connection, "two")

    with opened(own_postgres, EN) as archive:
        assert archive.run_now(cut_off_once) == 2
    assert tries == [1]


def test_after_work_that_is_always_cut_off_nothing_is_written_without_the_lock(
    own_postgres: str, postgres_server: Server
) -> None:
    def cut_off(connection: Connection) -> int:
        add_host(connection, "cut off")
        end_connections(postgres_server, own_postgres)
        return add_host(connection, "too late")

    with opened(own_postgres, EN) as archive:
        with pytest.raises(CannotStore, match="terminat"):
            archive.run_now(cut_off)
        with opened(own_postgres, EN), pytest.raises(CannotStore, match="terminat"):
            archive.run_now(add_host, "without the lock")
    with database.reading(own_postgres) as connection:
        assert queries.totals(connection)["hosts"] == 0


def test_who_lost_the_lock_does_not_write(own_postgres: str, postgres_server: Server) -> None:
    with opened(own_postgres, EN) as archive:
        end_connections(postgres_server, own_postgres)
        with opened(own_postgres, EN):
            with pytest.raises(AlreadyRunning):
                archive.run_now(add_host, "without the lock")
            with pytest.raises(AlreadyRunning):  # nor later, without asking again
                archive.run_now(add_host, "without the lock")
    with database.reading(own_postgres) as connection:
        assert queries.totals(connection)["hosts"] == 0


def test_a_server_that_is_away_is_waited_for(own_postgres: str, caplog: pytest.LogCaptureFixture) -> None:
    with Line(own_postgres) as line, opened(line.url, EN) as archive, ThreadPoolExecutor() as other:
        assert archive.run_now(add_host, "before") == 1
        with line.away():
            waits = other.submit(archive.run_now, add_host, "after")
            with pytest.raises(TimeoutError):
                waits.result(timeout=1.5)
        assert waits.result() == 2
        refusal(AlreadyRunning, own_postgres, EN)
    assert [record.getMessage().partition("It is waited for")[2] for record in caplog.records] == [
        ", 10 minutes at most.",
        "",
    ]
    assert caplog.records[-1].getMessage() == "The database answers again."


def test_who_closes_waits_for_no_server(own_postgres: str) -> None:
    with Line(own_postgres) as line, ThreadPoolExecutor() as other:
        archive = Archive(line.url, [EN])
        archive.open()
        with line.away():
            waits = other.submit(archive.run_now, add_host, "nowhere")
            with pytest.raises(TimeoutError):
                waits.result(timeout=0.3)
            archive.close()
            with pytest.raises(CannotStore, match="connection failed"):
                waits.result()


def test_a_server_that_did_not_hear_of_the_break_keeps_nobody_out(own_postgres: str) -> None:
    """It holds the lock for the connection that we have lost, until it misses us."""
    with Line(own_postgres) as line, opened(line.url, EN, RU) as archive:
        assert archive.run_now(add_host, "before") == 1
        line.cut(server_hears=False)
        refusal(AlreadyRunning, own_postgres, EN)
        assert archive.run_now(add_host, "after") == 2
        refusal(AlreadyRunning, own_postgres, EN)
        line.cut(server_hears=False)
        assert archive.run_now(add_host, "again") == 3


def test_a_connection_lost_for_good(
    own_postgres: str, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "AWAY_S", 1.0)
    name = own_postgres.rpartition("/")[2]
    administrator = database.engine(postgres_server.url)
    with (
        opened(own_postgres, EN) as archive,
        administrator.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
    ):
        connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
        try:
            end_connections(postgres_server, own_postgres)
            archive.hand_in(add_host, "nowhere")
            with pytest.raises(CannotStore, match="not currently accepting connections") as told:
                archive.run_now(add_host, "nor later")
        finally:
            connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
    password = database.database_address(own_postgres).password
    assert password is None or password not in str(told.value)


def test_locks_are_free_after_closing_a_lost_connection(own_postgres: str, postgres_server: Server) -> None:
    with opened(own_postgres, EN):
        end_connections(postgres_server, own_postgres)
    with opened(own_postgres, EN):
        pass


def test_another_writer_is_waited_for(migrated_sqlite: Path, tmp_path: Path) -> None:
    (tmp_path / "busy.db").write_bytes(migrated_sqlite.read_bytes())
    url = f"sqlite:///{tmp_path}/busy.db"
    began = threading.Event()

    def write_for_a_while() -> None:
        with database.engine(url, writes=True).begin() as other:
            add_host(other, "other")
            began.set()
            time.sleep(0.3)

    with opened(url, EN) as archive:
        writer = threading.Thread(target=write_for_a_while)
        writer.start()
        began.wait(PATIENCE_S)
        assert archive.run_now(add_host, "ours") == 2
        writer.join()


def test_who_will_write_holds_the_file_from_the_beginning(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads first and writes later would fail at once, however patient, if another wrote meanwhile."""
    (tmp_path / "busy.db").write_bytes(migrated_sqlite.read_bytes())
    url = f"sqlite:///{tmp_path}/busy.db"
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.1)
    with database.engine(url, writes=True).connect() as first, database.engine(url).connect() as reader:
        assert queries.totals(first)["hosts"] == 0
        with pytest.raises(OperationalError, match="database is locked"):
            add_host(reader, "second")
        assert add_host(first, "first") == 1


def test_two_crawls_do_not_end_each_other_where_the_server_would_be_strict(
    own_postgres: str, postgres_server: Server
) -> None:
    name = own_postgres.rpartition("/")[2]
    with database.engine(postgres_server.url).begin() as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_isolation = serializable'))
    with opened(own_postgres, EN) as english, opened(own_postgres, RU) as russian:

        def meanwhile(connection: Connection) -> int:
            add_host(connection, "en.example.org")
            return russian.run_now(add_host, "example.org")

        assert english.run_now(meanwhile) == 1
        assert english.run_now(add_host, "another") == 3


def test_the_lock_of_postgres_is_ours(own_postgres: str) -> None:
    """Other programs on the server may use advisory locks too: ours have a class of their own."""
    with opened(own_postgres, RU), database.reading(own_postgres) as connection:
        held = connection.execute(
            text(
                "SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        ).all()
    assert [tuple(row) for row in held] == [(LOCK_CLASS, RU.id)]


# --- databases that cannot be used ----------------------------------------------------------------------------------


def test_the_embedded_database_is_made_by_itself(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/crawler.db"
    archive = Archive(url, [EN], embedded=True)
    archive.open()
    archive.run_now(ledger.save_editions, SITE)
    archive.close()
    with database.reading(url) as connection:
        assert queries.edition_id(connection, "en") == EN.id


def test_a_chosen_database_is_not(database_url: str) -> None:
    told = refusal(CannotStore, database_url)
    assert "`crawler migrate`" in told
    if database_url.startswith("sqlite"):
        assert not Path(database_url.removeprefix("sqlite:///")).exists()


def test_a_database_of_another_version(migrated_url: str) -> None:
    with database.engine(migrated_url, writes=True).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    assert "update this one" in refusal(CannotStore, migrated_url)
    assert "update this one" in refusal(CannotStore, migrated_url)  # the first refusal freed what it held


def test_a_server_that_is_not_there() -> None:
    told = refusal(CannotStore, "postgresql://me:secret@127.0.0.1:1/name")
    assert "127.0.0.1" in told
    assert "Connection refused" in told
    assert "secret" not in told


@pytest.mark.parametrize("embedded", [True, False])
def test_a_folder_that_is_not_there(tmp_path: Path, embedded: bool) -> None:
    told = refusal(CannotStore, f"sqlite:///{tmp_path}/none/crawler.db", embedded=embedded)
    assert told.startswith(f"The folder {tmp_path}/none of the database does not exist.")


@pytest.fixture
def reachable_folder() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own belong to the one who runs it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def without_power() -> Iterator[None]:
    """Root may write anywhere: for these tests it becomes nobody for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("embedded", [True, False])
def test_a_folder_that_is_not_writable(reachable_folder: Path, embedded: bool) -> None:
    reachable_folder.chmod(0o555)
    with without_power():
        told = refusal(CannotStore, f"sqlite:///{reachable_folder}/crawler.db", embedded=embedded)
    reachable_folder.chmod(0o755)
    assert "cannot be written: Permission denied" in told
    assert list(reachable_folder.iterdir()) == []


def test_a_file_that_is_not_writable(reachable_folder: Path, migrated_sqlite: Path) -> None:
    file = reachable_folder / "crawler.db"
    file.write_bytes(migrated_sqlite.read_bytes())
    file.chmod(0o444)
    reachable_folder.chmod(0o777)
    with without_power():
        told = refusal(CannotStore, f"sqlite:///{file}")
    assert "readonly database" in told


def test_a_folder_in_which_one_may_only_read(reachable_folder: Path, migrated_sqlite: Path) -> None:
    file = reachable_folder / "crawler.db"
    file.write_bytes(migrated_sqlite.read_bytes())
    file.chmod(0o444)
    reachable_folder.chmod(0o555)
    url = f"sqlite:///{file}"
    with without_power():
        with pytest.raises(CannotStore) as raised, database.reading(url):
            pass
        findings = doctor.findings(Environment(database_url=url, warc_dir=reachable_folder))
    reachable_folder.chmod(0o755)
    assert "copy the database to where you have it" in str(raised.value)
    assert any("copy the database to where you have it" in finding.remedy for finding in findings)


def test_a_database_that_is_locked_for_long(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "busy.db").write_bytes(migrated_sqlite.read_bytes())
    url = f"sqlite:///{tmp_path}/busy.db"
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.1)
    with database.engine(url, writes=True).begin() as other:
        add_host(other, "other")
        assert "database is locked" in refusal(CannotStore, url)


def test_a_killed_crawl_is_marked_by_the_next(migrated_url: str) -> None:
    with opened(migrated_url, EN) as archive:
        begun = archive.run_now(ledger.begin_crawl, edition_id=1, spider="s", arguments={}, now=NOON)
    with opened(migrated_url, EN) as archive:
        archive.run_now(ledger.begin_crawl, edition_id=1, spider="s", arguments={}, now=NOON)
    with database.reading(migrated_url) as connection:
        states = {row["id"]: row["state"] for row in queries.newest_crawls(connection, limit=9)}
    assert states == {begun: "killed", begun + 1: "running"}


def test_operational_errors_of_the_driver_have_their_say() -> None:
    error = OperationalError("SELECT 1", {}, Exception("First line\n\tsecond  line."))
    told = str(database.cannot_store(error, "postgresql://me:secret@host/name"))
    assert "cannot be used: First line. second line. `crawler doctor`" in told
    assert "secret" not in told
