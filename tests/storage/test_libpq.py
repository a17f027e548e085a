"""Statements that go to Postgres several at once, and what is done while it is at them."""

import signal
import threading
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors
from psycopg.pq import TransactionStatus

from crawler.storage.libpq import PREPARED_MOST, Cursor, copied

ONE, TWO = ("SELECT $1::int", [1]), ("SELECT n, $1::text FROM generate_series(1, 2) n", ["a"])


@pytest.fixture(scope="module")
def connection(migrated_postgres: str) -> Iterator[psycopg.Connection]:
    address = migrated_postgres.replace("+psycopg", "")
    with psycopg.connect(address, prepare_threshold=None) as connected:
        connected.execute("CREATE TEMPORARY TABLE given (number bigint, said text, more text)")
        connected.execute(
            "CREATE TEMPORARY TABLE kept (number int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)"
        )
        connected.commit()
        yield connected


@pytest.fixture(scope="module")
def one_cursor(connection: psycopg.Connection) -> Cursor:
    return Cursor(connection)


@pytest.fixture
def cursor(connection: psycopg.Connection, one_cursor: Cursor) -> Iterator[Cursor]:
    yield one_cursor
    connection.rollback()
    connection.execute("TRUNCATE given, kept")
    connection.commit()


def status(connection: psycopg.Connection) -> TransactionStatus:
    return connection.info.transaction_status


def test_a_statement_finds_rows(cursor: Cursor, connection: psycopg.Connection) -> None:
    assert status(connection) == TransactionStatus.IDLE
    cursor.execute("SELECT $1::bigint, $2::text, $3::bool, $4::json", [2**60, "Вася\\", True, None])
    assert cursor.fetchall() == [(2**60, "Вася\\", True, None)]
    assert status(connection) == TransactionStatus.INTRANS


def test_several_find_each_their_own(cursor: Cursor) -> None:
    assert cursor.found_by_each([ONE, TWO, ONE]) == [[(1,)], [(1, "a"), (2, "a")], [(1,)]]


def test_how_many_rows_were_written(cursor: Cursor) -> None:
    cursor.executemany("INSERT INTO given VALUES ($1, $2)", [(number, "x") for number in range(1000)])
    assert cursor.rowcount == 1000
    cursor.execute("UPDATE given SET said = 'y' WHERE number < $1", [10])
    assert cursor.rowcount == 10


def test_more_than_the_way_takes_at_once(cursor: Cursor) -> None:
    long = "x" * 100_000
    found = cursor.found_by_each([("SELECT $1::text, $2::int", [long, number]) for number in range(100)])
    assert found == [[(long, number)] for number in range(100)]


def test_after_one_that_fails_nothing_is_done(cursor: Cursor, connection: psycopg.Connection) -> None:
    write = ("INSERT INTO given VALUES ($1)", [1])
    with pytest.raises(errors.DivisionByZero):
        cursor.found_by_each([write, ("SELECT 1 / $1::int", [0]), write])
    with pytest.raises(errors.InFailedSqlTransaction):
        cursor.execute(*ONE)
    connection.rollback()
    cursor.execute("SELECT count(*) FROM given")
    assert cursor.fetchall() == [(0,)]


def test_a_statement_that_is_none(cursor: Cursor, connection: psycopg.Connection) -> None:
    for _ in range(2):
        with pytest.raises(errors.SyntaxError):
            cursor.execute("SELEKT 1")
        connection.rollback()
    assert cursor.found_by_each([ONE]) == [[(1,)]]


def test_text_that_postgres_cannot_keep_is_refused_before_anything_is_sent(
    cursor: Cursor, connection: psycopg.Connection
) -> None:
    with pytest.raises(psycopg.DataError):
        cursor.execute("SELECT $1::text", ["a\0b"])
    assert status(connection) == TransactionStatus.IDLE
    assert cursor.found_by_each([ONE]) == [[(1,)]]


def test_committed_in_the_same_round_trip(cursor: Cursor, connection: psycopg.Connection) -> None:
    cursor.send([("INSERT INTO kept VALUES ($1)", [1])], commits=True)
    [result] = cursor.receive()
    assert result.command_tuples == 1
    assert status(connection) == TransactionStatus.IDLE
    connection.rollback()
    cursor.execute("SELECT number FROM kept")
    assert cursor.fetchall() == [(1,)]


def test_what_cannot_be_committed_is_told(cursor: Cursor, connection: psycopg.Connection) -> None:
    write = ("INSERT INTO kept VALUES ($1)", [1])
    cursor.send([write, write], commits=True)
    with pytest.raises(errors.UniqueViolation):
        cursor.receive()
    connection.rollback()
    cursor.execute("SELECT number FROM kept")
    assert cursor.fetchall() == []


#: Of the signs that mean something to COPY more than of others.
_TEXTS = st.none() | st.text(
    st.sampled_from("\\\n\r\t.N'\"\v\b") | st.characters(exclude_characters="\0", codec="utf-8")
)


@given(st.lists(st.tuples(st.none() | st.integers(-(2**63), 2**63 - 1), _TEXTS, _TEXTS), min_size=1))
def test_what_is_copied_comes_back(
    connection: psycopg.Connection, one_cursor: Cursor, rows: list[tuple[int | None, str | None, str | None]]
) -> None:
    try:
        one_cursor.copy("COPY given FROM STDIN", copied(rows))
        one_cursor.execute("SELECT * FROM given")
        assert Counter(one_cursor.fetchall()) == Counter(rows)  # the server puts them where there is room
    finally:
        connection.rollback()


def test_rows_that_cannot_be_copied(cursor: Cursor, connection: psycopg.Connection) -> None:
    for sql, rows in (("COPY given FROM STDIN", copied([("x", "", "")])), ("COPY nowhere FROM STDIN", b"")):
        with pytest.raises(psycopg.Error):
            cursor.copy(sql, rows)
        assert status(connection) == TransactionStatus.INERROR
        connection.rollback()
    assert cursor.found_by_each([ONE]) == [[(1,)]]


def test_prepared_statements_do_not_grow_without_end(cursor: Cursor) -> None:
    for number in range(2 * PREPARED_MOST):
        cursor.execute(f"SELECT {number}")
    cursor.execute("SELECT count(*) FROM pg_prepared_statements")
    [(prepared,)] = cursor.fetchall()
    assert prepared <= PREPARED_MOST + 1


def test_others_run_while_the_server_works(cursor: Cursor) -> None:
    stopped, counted = threading.Event(), []

    def count() -> None:
        while not stopped.wait(0.001):
            counted.append(1)

    thread = threading.Thread(target=count)
    thread.start()
    cursor.execute("SELECT pg_sleep(0.5)")
    stopped.set()
    thread.join()
    assert len(counted) > 20


def test_an_interrupt_waits_for_the_answer(cursor: Cursor) -> None:
    main = threading.main_thread().ident
    assert main is not None
    # Who is started in the background by a shell ignores interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            cursor.found_by_each([("SELECT 'late' FROM pg_sleep(0.5)", []), ONE])
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert cursor.found_by_each([TWO]) == [[(1, "a"), (2, "a")]]


def test_a_server_that_goes_away_is_not_waited_for(
    migrated_postgres: str, connection: psycopg.Connection
) -> None:
    with psycopg.connect(migrated_postgres.replace("+psycopg", ""), prepare_threshold=None) as lost:
        cursor = Cursor(lost)
        cursor.execute(*ONE)
        cursor.send([("SELECT pg_sleep(60)", [])])
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [lost.info.backend_pid])
        connection.rollback()
        with pytest.raises(psycopg.OperationalError, match="terminat"):
            cursor.receive()
        with pytest.raises(psycopg.OperationalError):
            cursor.execute(*ONE)
        assert lost.broken
        lost.close()
