"""The schema: built step by step, the same as the tables in the code, and all that is promised outside."""

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from crawler.errors import BadArgument, BadRecord, CannotStore
from crawler.items import Exchange, Recorded
from crawler.storage import database
from crawler.storage.schema import metadata
from crawler.storage.views import VIEWS
from crawler.storage.writer import save_exchange
from tests.postgres import Server
from tests.storing import EN, NOON, comment, dump, fetch, found, normal, page, store

#: What may be asked for by SQL: relations and columns that must be there, as table or view.
CONTRACT = {
    "editions": "id site code base_url time_zone translation_of",
    "articles": "id edition_id url title lead body footnotes section byline source_credit tags images published_at "
    "published_raw views rating comments_stated comments_stored state first_seen_at last_seen_at changed_at gone_at "
    "fetch_id",
    "article_history": "article_id edition_id seen_at until url title lead body footnotes section byline source_credit "
    "tags images published_at published_raw state fetch_id",
    "authors": "key edition_id nickname kind profile_name full_name skeleton site_user_id renamed_to first_seen_at",
    "author_names": "author_key edition_id nickname_raw first_seen_at fetch_id",
    "comments": "id edition_id article_id parent_id parent_source root_id depth path author_key nickname_raw posted_at "
    "posted_raw posted_precision body quotes links images rating state first_seen_at changed_at state_since gone_at "
    "source_hash fetch_id",
    "comment_history": "comment_id edition_id seen_at until article_id parent_id parent_source author_key nickname_raw "
    "posted_at posted_raw posted_precision body quotes links images state fetch_id",
    "rating_history": "comment_id edition_id seen_at until rating fetch_id",
    "fetches": "id crawl_id visit_id edition_id article_id page url kind status fetched_at bytes digest warc_file "
    "warc_offset source reader_version outcome detail",
    "visits": "id crawl_id edition_id article_id started_at finished_at sweep pages_expected pages_read "
    "comments_stated comments_seen comments_new comments_changed comments_missing outcome",
    "frontier": "article_id edition_id url discovered_at discovered_via next_visit_at reason last_visit_at "
    "last_sweep_at attempts outcome",
    "hosts": "host robots_state robots_text crawl_delay last_request_at paused_until failures",
    "crawls": "id edition_id spider arguments state started_at finished_at heartbeat_at pages articles comments_new "
    "comments_changed comments_gone errors finish_reason",
    "erasures": "author_hash edition_id erased_at reason",
    "thread_view": "edition_id article_id article_title comment_id nickname depth path body",
    "reply_view": "edition_id comment_id author_key parent_id parent_author_key posted_at",
    "author_view": "edition_id author_key nickname last_comment_at",
    "completeness_view": "edition_id article_id comments_stated comments_stored complete",
}


def columns(connection: Connection, relation: str) -> list[str]:
    return list(connection.execute(text(f"SELECT * FROM {relation} WHERE 1 = 0")).keys())


def relations(url: str) -> set[str]:
    """Tables and views, without alembic's own."""
    with database.engine(url).connect() as connection:
        there = inspect(connection)
        return {*there.get_table_names(), *there.get_view_names()} - {"alembic_version"}


def test_up_down_and_up_again(database_url: str) -> None:
    everything = metadata.tables.keys() | VIEWS.keys()
    for _ in range(2):
        database.migrate(database_url)
        assert relations(database_url) == everything
        command.downgrade(database.alembic_config(database_url), "base")
        assert relations(database_url) == set()


def test_options_in_the_address_count(postgres_url: str) -> None:
    with database.engine(postgres_url).begin() as connection:
        connection.execute(text("CREATE SCHEMA kept_apart"))
    url = f"{postgres_url}{'&' if '?' in postgres_url else '?'}options=-csearch_path%3Dkept_apart"
    database.migrate(url)
    assert relations(url) == metadata.tables.keys() | VIEWS.keys()
    assert relations(postgres_url) == set()
    with database.engine(url).connect() as connection:
        assert connection.scalar(text("SHOW timezone")) == "UTC"


def test_migrating_what_is_migrated_changes_nothing(migrated_url: str) -> None:
    before = relations(migrated_url)
    database.migrate(migrated_url)
    assert relations(migrated_url) == before


def test_migrations_build_what_the_code_says(migrated_url: str) -> None:
    command.check(database.alembic_config(migrated_url))
    assert set(VIEWS) <= relations(migrated_url)  # the check looks at tables only, and leaves the views alone


def test_the_code_is_written_for_the_last_of_them() -> None:
    scripts = ScriptDirectory.from_config(database.alembic_config(""))
    assert scripts.get_heads() == [database.HEAD]


@pytest.mark.parametrize("relation", CONTRACT)
def test_relation_of_the_contract(connection: Connection, relation: str) -> None:
    assert set(CONTRACT[relation].split()) <= set(columns(connection, relation))


def test_views_are_those_of_the_code(connection: Connection) -> None:
    there = inspect(connection)
    assert set(there.get_view_names()) == set(VIEWS)
    for name, select in VIEWS.items():
        defined = there.get_view_definition(name)
        assert defined is not None
        if connection.dialect.name == "sqlite":
            assert " ".join(defined.split()) == f"CREATE VIEW {name} AS " + " ".join(select.split())
        assert columns(connection, name) == list(
            connection.execute(text(f"SELECT * FROM ({select}) AS today WHERE 1 = 0")).keys()
        )


def test_views_mean_the_same_on_postgres(postgres_connection: Connection) -> None:
    """Postgres keeps a view in words of its own, so each is made anew beside the old one and compared."""

    def kept(name: str) -> Any:
        words = f"SELECT pg_get_viewdef('{name}'::regclass)"
        return postgres_connection.execute(text(words)).scalar_one()

    for name, select in VIEWS.items():
        postgres_connection.execute(text(f"CREATE VIEW today_{name} AS {select}"))
        assert kept(f"today_{name}") == kept(name)


TYPES = {
    "timestamptz": "posted_at published_at first_seen_at last_seen_at changed_at state_since gone_at seen_at until "
    "rated_at fetched_at started_at finished_at heartbeat_at discovered_at next_visit_at last_visit_at last_sweep_at "
    "robots_fetched_at last_request_at paused_until erased_at last_comment_at first_comment_at parent_posted_at",
    "jsonb": "footnotes tags images quotes links arguments unseen",
    "int8": "id article_id comment_id parent_id root_id fetch_id crawl_id visit_id site_user_id views bytes "
    "last_fetch_id rating_fetch_id renamed_fetch_id",
    "int2": "edition_id translation_of",
    "bool": "sweep complete",
}


def test_types_on_postgres(postgres_connection: Connection) -> None:
    expected = {column: kind for kind, names in TYPES.items() for column in names.split()}
    asked = "SELECT table_name, column_name, udt_name, collation_name FROM information_schema.columns "
    for table, column, kind, collation in found(
        postgres_connection, asked + "WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
    ):
        name = f"{table}.{column}"
        if name == "editions.id":
            assert kind == "int2"
        elif (plain := column.removesuffix("_before")) in expected:
            assert kind == expected[plain], name
        else:
            assert kind in {"text", "int4", "int8", "float8"}, name
        assert (collation == "C") == (column == "path"), name


def test_numbers_of_our_own_are_counted_by_the_database(postgres_connection: Connection) -> None:
    asked = "SELECT pg_get_serial_sequence('{}', 'id')"
    for table, counted in {"crawls": True, "visits": False, "fetches": False, "comments": False}.items():
        ((sequence,),) = found(postgres_connection, asked.format(table))
        assert (sequence is not None) == counted, table


def test_times_and_json_on_sqlite(sqlite_connection: Connection) -> None:
    store(sqlite_connection, page(comment(11, posted_raw="3 November 2017 12:20"), tags=("мир",)))
    ((posted_at,),) = found(sqlite_connection, "SELECT posted_at FROM comments")
    assert posted_at == "2017-11-03T09:20:00.000000Z"
    ((tags,),) = found(sqlite_connection, "SELECT tags FROM articles")
    assert tags == '["мир"]'


def test_case_of_cyrillic_on_postgres(postgres_connection: Connection) -> None:
    assert found(postgres_connection, "SELECT lower('ПРИВЕТ')") == [("привет",)]


def test_a_database_on_sqlite_keeps_what_it_was_told(sqlite_connection: Connection) -> None:
    told = {
        name: sqlite_connection.exec_driver_sql(f"PRAGMA {name}").scalar()
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    }
    assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


NEXT = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "next", "{head}"


def upgrade():
    with op.batch_alter_table("articles") as batch:
        batch.alter_column("byline", new_column_name="written_by", existing_type=sa.Text())
    {more}


def downgrade():
    with op.batch_alter_table("articles") as batch:
        batch.alter_column("written_by", new_column_name="byline", existing_type=sa.Text())
"""


def a_later_version(url: str, folder: Path, more: str = "") -> Any:
    """Alembic's configuration as of a version that has one more migration."""
    (folder / "next.py").write_text(NEXT.format(more=more, head=database.HEAD))
    config = database.alembic_config(url)
    config.set_main_option("version_locations", f"{database.PROJECT}/migrations/versions\n{folder}")
    config.set_main_option("path_separator", "newline")
    return config


def test_a_later_migration_may_rebuild_a_table_that_others_refer_to(
    migrated_url: str, tmp_path: Path
) -> None:
    with database.engine(migrated_url, writes=True).begin() as connection:
        store(connection, page(comment(11)))
    later = a_later_version(migrated_url, tmp_path)
    command.upgrade(later, "next")
    with database.engine(migrated_url).connect() as connection:
        assert found(connection, "SELECT id, written_by FROM articles") == [(7, None)]
    command.downgrade(later, database.HEAD)
    with database.reading(migrated_url) as connection:
        assert found(connection, "SELECT comment_id, article_title FROM thread_view") == [(11, "Title")]


def test_rows_outlive_a_table_that_is_made_anew(migrated_url: str) -> None:
    with database.engine(migrated_url, writes=True).begin() as connection:
        store(connection, page(comment(11, rating=1)), 1)
        store(connection, page(comment(11, rating=2)), 2)
        before = dump(connection)
    assert before["author_names"]
    assert before["rating_states"]
    command.downgrade(database.alembic_config(migrated_url), "0004")
    command.upgrade(database.alembic_config(migrated_url), "head")
    with database.reading(migrated_url) as connection:
        assert dump(connection) == before


def test_a_migration_that_breaks_off_leaves_the_old_version(migrated_url: str, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        command.upgrade(a_later_version(migrated_url, tmp_path, "1 / 0"), "next")
    with database.reading(migrated_url) as connection:
        assert "byline" in columns(connection, "articles")
        assert set(inspect(connection).get_view_names()) == set(VIEWS)


def test_a_migration_on_sqlite_that_orphans_rows_is_undone(migrated_sqlite: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/copy.db"
    (tmp_path / "copy.db").write_bytes(migrated_sqlite.read_bytes())
    with database.engine(url, writes=True).begin() as connection:
        store(connection, page(comment(11)))
    with pytest.raises(RuntimeError, match="leaves a row of comments"):
        command.upgrade(a_later_version(url, tmp_path, 'op.execute("DELETE FROM articles")'), "next")
    with database.reading(url) as connection:
        assert found(connection, "SELECT id FROM articles") == [(7,)]


# --- databases that cannot be used ----------------------------------------------------------------------------------


def refusal(url: str) -> str:
    """What a person is told who wants to read this database."""
    with pytest.raises(CannotStore) as told, database.reading(url):
        pass
    assert "\n" not in str(told.value)
    return str(told.value)


def set_version(url: str, version: str) -> None:
    with database.engine(url, writes=True).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def test_a_database_of_a_newer_version(migrated_url: str) -> None:
    set_version(migrated_url, "later")
    with pytest.raises(CannotStore) as told:
        database.migrate(migrated_url)
    for said in (refusal(migrated_url), str(told.value)):
        assert "has schema version later" in said
        assert "newer version of this program: update this one" in said


def test_a_database_that_is_not_migrated(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        assert "There is no database at" in refusal(database_url)
        sqlite3.connect(database_url.removeprefix("sqlite:///")).close()
        Path(database_url.removeprefix("sqlite:///")).touch()
    assert refusal(database_url).endswith("has no tables yet. Run `crawler migrate` first.")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:secret@127.0.0.1:1/none", "Connection refused"),
        ("postgresql://me:secret@no-such-host.invalid/none", "no-such-host.invalid"),
    ],
)
def test_a_server_that_is_not_there(url: str, said: str) -> None:
    with pytest.raises(CannotStore) as migrating:
        database.migrate(url)
    for told in (refusal(url), str(migrating.value)):
        assert said in told
        assert "crawler doctor" in told
        assert "secret" not in told


def test_a_database_that_is_not_there(postgres_server: Server) -> None:
    told = refusal(re.sub(r"/[^/]*$", "/no_such_database", postgres_server.url))
    assert 'database "no_such_database" does not exist' in told


def test_a_server_that_only_reads(postgres_url: str, postgres_server: Server) -> None:
    name = postgres_url.rpartition("/")[2]
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
    with pytest.raises(CannotStore, match="read-only transaction"):
        database.migrate(postgres_url)


def test_a_database_that_somebody_holds(migrated_url: str) -> None:
    """As an open transaction that has asked a view keeps `crawler migrate` from making the views anew."""
    writer = database.engine(migrated_url, writes=True)
    on_sqlite = writer.dialect.name == "sqlite"
    with writer.begin() as holder, writer.connect() as waiting:
        holder.execute(text("UPDATE alembic_version SET version_num = version_num"))
        raw: Any = waiting.connection
        raw.execute("PRAGMA busy_timeout = 10" if on_sqlite else "SET lock_timeout = '10ms'")
        raw.commit()
        with pytest.raises(CannotStore) as told, database.storage_errors(migrated_url):
            waiting.execute(text("UPDATE alembic_version SET version_num = version_num"))
    assert str(told.value).endswith(
        "Another program is at work in it: try again when that is done, or end it."
    )


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear archive, " * 100)
    assert "file is not a database" in refusal(f"sqlite:///{tmp_path}/letter.db")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CannotStore, match=r"The folder .*/none of the database does not exist\. Make it"):
        database.migrate(f"sqlite:///{tmp_path}/none/crawler.db")


BAD_ADDRESSES: Mapping[str, str] = {
    "": "is not a database address",
    "crawler.db": "is not a database address",
    "nonsense://me:secret@host/name": "is not a database address",
    "postgresql://me:secret@host:port/name": "is not a database address",
    "postgresql://me:a@b:secret@host/name": "write @ as %40",
    "sqlite://": "in memory",
    "sqlite:///:memory:": "in memory",
    "mysql://me:secret@host/name": "only SQLite and Postgres",
}


@pytest.mark.parametrize(("address", "said"), BAD_ADDRESSES.items())
def test_bad_addresses(address: str, said: str) -> None:
    with pytest.raises(BadArgument, match=said) as told:
        database.engine(address)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:secret@host/name", "postgresql+psycopg://me:***@host/name"),
        ("postgresql+asyncpg://host/name", "postgresql+psycopg://host/name"),
        ("sqlite:///crawler.db", "sqlite:///crawler.db"),
    ],
)
def test_addresses_are_shown_without_passwords(address: str, shown: str) -> None:
    assert database.shown(address) == shown


def test_rows_of_the_first_version_become_those_of_today(database_url: str) -> None:
    """A comment and an article that were stored before states said how they came about."""
    config = database.alembic_config(database_url)
    command.upgrade(config, "0001")
    with database.engine(database_url, writes=True).begin() as connection:
        connection.execute(
            text(
                "INSERT INTO editions VALUES (1, 'made_up', 'en', 'https://en.example.org', 'Europe/Moscow', NULL)"
            )
        )
        at = "2017-11-05T12:00:00.000000Z"
        connection.execute(
            text(
                "INSERT INTO articles (id, edition_id, url, title, body, footnotes, tags, images, comments_stored, "
                "state, first_seen_at, last_seen_at, fetch_id) VALUES (7, 1, 'https://en.example.org/7-a.html', "
                "'Title', 'Text.', '[]', '[]', '[]', 1, 'live', :at, :at, 101)"
            ),
            {"at": at},
        )
        connection.execute(
            text(
                "INSERT INTO authors (key, edition_id, nickname, kind, profile_name, skeleton, first_seen_at) "
                "VALUES ('vasya', 1, 'Vasya', 'member', 'Vasya', 'Vasya', :at)"
            ),
            {"at": at},
        )
        connection.execute(
            text(
                "INSERT INTO comments (id, edition_id, article_id, parent_source, author_key, nickname_raw, body, "
                "quotes, links, images, source_hash, root_id, depth, path, state, first_seen_at, state_since, "
                "content_hash, fetch_id) VALUES (11, 1, 7, 'root', 'vasya', 'Vasya', 'Words of 11.', '[]', '[]', "
                "'[]', 'of old', 11, 0, '0000000011', 'live', :at, :at, 'of old', 101)"
            ),
            {"at": at},
        )
    database.migrate(database_url)

    def not_archived(known: Sequence[Recorded]) -> Iterable[Exchange]:
        raise BadRecord("", 0, f"of {len(known)} exchanges some were made before there was an archive")

    brought = fetch(201, article_id=7)
    exchange = Exchange(edition=EN, fetch=brought, normal=normal(page(comment(11)), brought.fetched_at))
    with database.engine(database_url, writes=True).begin() as connection:
        # The same words in other markup, read by another reader: nothing has changed.
        saved = save_exchange(
            connection, exchange, crawl_id=None, now=NOON, reread=not_archived, reader_version=2
        )
        assert saved.comments_changed == 0
        states = found(connection, "SELECT state, change, fetch_id, until FROM comment_history")
        assert states == [("live", "new", 101, None)]
