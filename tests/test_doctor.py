"""`crawler doctor`: each thing that can be wrong, as it is found on real databases and folders."""

import json
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql
from sqlalchemy import Connection, insert, text

from crawler import doctor
from crawler.cli import main
from crawler.doctor import Finding
from crawler.environment import EMBEDDED_DATABASE, Environment
from crawler.storage import database
from crawler.storage.checks import Durability, Examination
from crawler.storage.schema import crawls, editions, fetches
from tests.postgres import Server

#: Settings of a server that keeps what it was given; that of the tests does not, for speed.
DURABILITY = ("fsync", "full_page_writes", "synchronous_commit")


def found(url: str, folder: Path, **environment: Any) -> list[Finding]:
    """What the doctor says of this database, with an archive folder and a contact that are as they should be."""
    return doctor.findings(
        Environment(
            **{"database_url": url, "warc_dir": folder / "archive", "contact": "me@example.org"} | environment
        )
    )


def of(findings: list[Finding], about: str) -> list[Finding]:
    return [finding for finding in findings if finding.about == about]


def failed(findings: list[Finding]) -> list[str]:
    """What failed; the disk of this machine may be as full as it likes."""
    return [finding.about for finding in findings if finding.mark == "FAIL" and finding.about != "disk"]


@contextmanager
def writing(url: str) -> Iterator[Connection]:
    with database.engine(url, writes=True).begin() as connection:
        yield connection


def a_crawl(connection: Connection, *, heartbeat_at: datetime) -> None:
    """A crawl of the edition en that says that it runs."""
    edition = {
        "id": 1,
        "site": "s",
        "code": "en",
        "base_url": "https://s.example",
        "time_zone": "Europe/Moscow",
    }
    connection.execute(insert(editions).values(edition))
    counters = dict.fromkeys(
        ("pages", "articles", "comments_new", "comments_changed", "comments_gone", "errors"), 0
    )
    connection.execute(
        insert(crawls).values(
            id=7,
            edition_id=1,
            spider="s",
            arguments={},
            state="running",
            started_at=heartbeat_at,
            heartbeat_at=heartbeat_at,
            **counters,
        )
    )


# Nothing is wrong


def test_a_good_sqlite_database(sqlite_url: str, tmp_path: Path) -> None:
    database.migrate(sqlite_url)
    findings = found(sqlite_url, tmp_path)
    assert {finding.mark for finding in findings if finding.about != "disk"} == {"ok"}
    assert [finding.about for finding in findings if finding.about != "disk"] == [
        "versions",
        "clock",
        "database",
        "schema",
        "archive",
        "contact",
    ]
    assert str(tmp_path / "test.db") in of(findings, "database")[0].found


def test_a_good_postgres_database(postgres_url: str, tmp_path: Path) -> None:
    database.migrate(postgres_url)
    findings = found(postgres_url, tmp_path)
    assert "FAIL" not in {finding.mark for finding in findings if finding.about != "disk"}
    assert of(findings, "schema")[0].mark == "ok"
    # What the server itself says is off, and nothing else, is warned of.
    with database.engine(postgres_url).connect() as connection:
        off = {name for name in DURABILITY if connection.scalar(text(f"SHOW {name}")) == "off"}
    warned = [finding for finding in of(findings, "database") if finding.mark == "warn"]
    assert {finding.found.split()[0] for finding in warned} == off


def test_looking_changes_nothing(database_url: str, tmp_path: Path) -> None:
    database.migrate(database_url)
    before = set(tmp_path.iterdir())
    found(database_url, tmp_path)
    assert {path for path in tmp_path.iterdir() if path.suffix not in {".db-wal", ".db-shm"}} == before
    with database.engine(database_url).connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM hosts")) == 0


def test_a_postgres_password_is_shown_to_nobody(postgres_url: str, tmp_path: Path) -> None:
    password = psycopg.conninfo.conninfo_to_dict(postgres_url.replace("+psycopg", "")).get("password")
    address = database.database_address(postgres_url)
    wrong = address.set(password="not-that-one-17").render_as_string(hide_password=False)
    for url in (postgres_url, wrong):
        told = json.dumps([finding.as_dict() for finding in found(url, tmp_path)])
        assert "not-that-one-17" not in told
        assert not password or str(password) not in told


# The database


def test_the_embedded_database_need_not_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    findings = found(EMBEDDED_DATABASE, tmp_path)
    assert of(findings, "database")[0].mark == "ok"
    assert "the first crawl makes it" in of(findings, "database")[0].found
    assert not list(tmp_path.glob("*.db"))


def test_the_embedded_database_is_brought_up_to_date_by_a_crawl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crawler.db").touch()
    assert of(found(EMBEDDED_DATABASE, tmp_path), "schema")[0].mark == "ok"


def test_a_chosen_database_must_be_there(sqlite_url: str, tmp_path: Path) -> None:
    findings = found(sqlite_url, tmp_path)
    assert failed(findings) == ["database"]
    assert "crawler migrate" in of(findings, "database")[0].remedy
    assert doctor.exit_code(findings) == 3
    assert not (tmp_path / "test.db").exists()


def test_no_folder_for_the_database(tmp_path: Path) -> None:
    findings = found(f"sqlite:///{tmp_path}/none/test.db", tmp_path)
    assert failed(findings) == ["database"]
    assert "Make the folder" in of(findings, "database")[0].remedy


def test_postgres_is_down(tmp_path: Path) -> None:
    findings = found("postgresql+psycopg://me:secret@127.0.0.1:1/archive", tmp_path)
    assert failed(findings) == ["database"]
    assert "Connection refused" in of(findings, "database")[0].found
    assert "secret" not in of(findings, "database")[0].line
    assert doctor.exit_code(findings) == 3


@pytest.mark.parametrize("url", ["no address", "mysql://localhost/x", "sqlite://"])
def test_not_an_address_of_ours(url: str, tmp_path: Path) -> None:
    findings = found(url, tmp_path)
    assert failed(findings) == ["database"]
    assert "DATABASE_URL" in of(findings, "database")[0].found


def test_no_tables_yet(postgres_url: str, tmp_path: Path) -> None:
    findings = found(postgres_url, tmp_path)
    assert failed(findings) == ["schema"]
    assert of(findings, "schema")[0].remedy == "Run `crawler migrate`."
    assert doctor.exit_code(findings) == 3


def test_a_schema_of_tomorrow(database_url: str, tmp_path: Path) -> None:
    database.migrate(database_url)
    with writing(database_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_of_tomorrow'"))
    findings = found(database_url, tmp_path)
    assert failed(findings) == ["schema"]
    assert of(findings, "schema")[0].remedy == "Update this program."


def test_a_file_that_is_no_database(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "test.db").write_bytes(b"a shopping list, and no database at all" * 100)
    findings = found(sqlite_url, tmp_path)
    assert failed(findings) == ["database"]
    assert "not a database" in of(findings, "database")[0].found


def test_a_damaged_file(sqlite_url: str, tmp_path: Path) -> None:
    database.migrate(sqlite_url)
    with writing(sqlite_url) as connection:
        connection.execute(text("CREATE TABLE filler AS SELECT hex(randomblob(400000)) AS words"))
        connection.execute(text("CREATE TABLE more AS SELECT hex(randomblob(400000)) AS words"))
    file = tmp_path / "test.db"
    body = bytearray(file.read_bytes())
    body[-900_000:-100_000] = b"\xff" * 800_000
    file.write_bytes(body)
    findings = found(sqlite_url, tmp_path)
    assert failed(findings) == ["database"]
    assert "backup" in of(findings, "database")[0].remedy


def test_a_database_that_cannot_be_written(postgres_url: str, tmp_path: Path) -> None:
    database.migrate(postgres_url)
    with writing(postgres_url) as connection:
        name = connection.scalar(text("SELECT current_database()"))
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    findings = found(postgres_url, tmp_path)
    assert failed(findings) == ["database"]
    assert "read-only" in of(findings, "database")[0].found


def test_a_database_that_cannot_hold_every_letter(postgres_server: Server, tmp_path: Path) -> None:
    plain = f"discussion_archive_test_{secrets.token_hex(6)}"
    name = sql.Identifier(plain)
    with closing(psycopg.connect(postgres_server.url, autocommit=True)) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0").format(name)
        )
        try:
            address = database.database_address(postgres_server.url).set(database=plain)
            findings = found(address.render_as_string(hide_password=False), tmp_path)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
    assert "SQL_ASCII" in " ".join(finding.found for finding in findings if finding.mark == "FAIL")


def examined(**what: Any) -> Examination:
    """A good Postgres, but for what is named."""
    whole = Durability(encoding="UTF8", settings=dict.fromkeys(DURABILITY, "on"), folds_cyrillic=True)
    good = Examination(
        version="15.3 (Debian)", durability=whole, schema="current", schema_version=database.HEAD
    )
    return replace(good, **what)


def said_of(examination: Examination, *, embedded: bool = False) -> dict[str, str]:
    """Marks by the first words of what was found."""
    findings = doctor.database_findings(examination, shown="postgresql://me@here/archive", embedded=embedded)
    return {finding.found: finding.mark for finding in findings}


@pytest.mark.parametrize(
    ("examination", "mark", "words"),
    [
        (examined(version="14.9"), "warn", "older than 15"),
        (examined(version="19beta1"), "ok", "answers"),
        (
            examined(durability=Durability(encoding="UTF8", settings={"fsync": "off"}, folds_cyrillic=True)),
            "warn",
            "fsync is off",
        ),
        (
            examined(durability=Durability(encoding="UTF8", settings={}, folds_cyrillic=False)),
            "warn",
            "lower('ПРИВЕТ')",
        ),
        (examined(durability=None, journal_mode="delete"), "warn", "'delete'"),
        (examined(schema="older", schema_version="0000"), "FAIL", "version 0000, but"),
        (examined(not_writable="disk full"), "FAIL", "disk full"),
        (examined(damage=("row 3 missing from index", "page 7")), "FAIL", "row 3 missing from index; page 7"),
    ],
)
def test_what_a_database_says_of_itself(examination: Examination, mark: str, words: str) -> None:
    said = said_of(examination)
    assert [each for found, each in said.items() if words in found] == [mark]
    assert set(said.values()) <= {"ok", mark}


# The clock, and crawls that never ended


def test_the_clock_is_behind(database_url: str, tmp_path: Path) -> None:
    database.migrate(database_url)
    with writing(database_url) as connection:
        a_crawl(connection, heartbeat_at=datetime.now(UTC))
        later = datetime.now(UTC) + timedelta(hours=5)
        connection.execute(
            insert(fetches).values(
                id=101,
                edition_id=1,
                url="u",
                kind="feed",
                fetched_at=later,
                bytes=0,
                source="live",
                outcome="ok",
            )
        )
    findings = found(database_url, tmp_path)
    assert failed(findings) == ["clock"]
    assert f"{later:%Y-%m-%d %H:%M}" in of(findings, "clock")[1].found
    assert doctor.exit_code([finding for finding in findings if finding.about != "disk"]) == 1
    assert failed(doctor.findings(environment_of(database_url, tmp_path), now=later)) == []


def environment_of(url: str, folder: Path) -> Environment:
    return Environment(database_url=url, warc_dir=folder / "archive")


@pytest.mark.parametrize("now", [datetime(1970, 1, 2, tzinfo=UTC), datetime(2106, 2, 7, tzinfo=UTC)])
def test_a_clock_that_cannot_be_right(now: datetime, sqlite_url: str, tmp_path: Path) -> None:
    database.migrate(sqlite_url)
    findings = doctor.findings(environment_of(sqlite_url, tmp_path), now=now)
    assert failed(findings) == ["clock"]


@pytest.mark.parametrize(("minutes", "warned"), [(1, 0), (6, 1)])
def test_a_crawl_that_gives_no_sign_of_life(
    minutes: int, warned: int, database_url: str, tmp_path: Path
) -> None:
    database.migrate(database_url)
    with writing(database_url) as connection:
        a_crawl(connection, heartbeat_at=datetime.now(UTC) - timedelta(minutes=minutes))
    findings = found(database_url, tmp_path)
    assert [finding.mark for finding in of(findings, "crawls")] == ["warn"] * warned
    assert all("crawl 7 of the edition en" in finding.found for finding in of(findings, "crawls"))


# Folders and disks


def test_an_archive_folder_that_is_there(sqlite_url: str, tmp_path: Path) -> None:
    database.migrate(sqlite_url)
    (tmp_path / "archive").mkdir()
    assert "can be written" in of(found(sqlite_url, tmp_path), "archive")[0].found
    assert not list((tmp_path / "archive").iterdir())


@pytest.mark.parametrize("place", ["file", "file/below/it"])
def test_an_archive_folder_that_cannot_be(place: str, sqlite_url: str, tmp_path: Path) -> None:
    database.migrate(sqlite_url)
    (tmp_path / "file").touch()
    findings = found(sqlite_url, tmp_path, warc_dir=tmp_path / place)
    assert failed(findings) == ["archive"]
    assert "WARC_DIR" in of(findings, "archive")[0].remedy
    assert doctor.exit_code(findings) == 3


@pytest.mark.parametrize(("gib", "mark"), [(1.9, "FAIL"), (2, "warn"), (9.9, "warn"), (10, "ok")])
def test_free_space(gib: float, mark: str) -> None:
    assert doctor.space_finding(int(gib * 1024**3), "the archive").mark == mark


def test_file_systems_of_other_machines() -> None:
    mounts = (
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "40 22 0:41 / /srv/far\\040away rw shared:9 - nfs4 server:/export rw\n"
        "41 40 8:2 / /srv/far\\040away/near rw - xfs /dev/sdb1 rw\n"
    )
    kinds = {
        "/var/crawler.db": "ext4",
        "/srv/far": "ext4",
        "/srv/far away/crawler.db": "nfs4",
        "/srv/far away/near/crawler.db": "xfs",
    }
    assert {path: doctor.file_system(Path(path), mounts) for path in kinds} == kinds
    assert "nfs4" in doctor.NETWORK_FILE_SYSTEMS


# The command


def test_nobody_to_complain_to(sqlite_url: str, tmp_path: Path) -> None:
    database.migrate(sqlite_url)
    findings = found(sqlite_url, tmp_path, contact=None)
    assert [finding.mark for finding in of(findings, "contact")] == ["warn"]
    assert failed(findings) == []


@pytest.mark.parametrize(
    ("marks", "code"),
    [
        ({}, 0),
        ({"contact": "warn"}, 0),
        ({"clock": "FAIL"}, 1),
        ({"disk": "FAIL", "contact": "warn"}, 1),
        ({"clock": "FAIL", "database": "FAIL"}, 3),
        ({"schema": "FAIL"}, 3),
        ({"archive": "FAIL"}, 3),
    ],
)
def test_exit_codes(marks: dict[str, doctor.Mark], code: int) -> None:
    assert doctor.exit_code([Finding(mark=m, about=about, found=".") for about, m in marks.items()]) == code


def test_lines_and_json_say_the_same(sqlite_url: str, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": sqlite_url, "WARC_DIR": str(tmp_path / "archive")}
    lines = CliRunner().invoke(main, ["doctor"], env=environment)
    asked = CliRunner().invoke(main, ["doctor", "--json"], env=environment)
    findings = json.loads(asked.stdout)
    assert lines.exit_code == asked.exit_code == 3
    assert len(lines.stdout.splitlines()) == len(findings)
    for line, finding in zip(lines.stdout.splitlines(), findings, strict=True):
        assert set(finding) == {"mark", "about", "found", "remedy"}
        if finding["about"] not in {"clock", "disk"}:
            assert (
                line
                == f"{finding['mark']:4}  {finding['about']}: {finding['found']} {finding['remedy']}".rstrip()
            )
