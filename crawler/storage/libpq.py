"""
A cursor for Postgres that brings several statements to the server in one round trip, and can do other work meanwhile.

psycopg asks, waits, and asks again: on a near server that costs as much as most answers. Its own pipeline mode saves
the waiting, and takes more time than that for itself. So what is run for every page goes to libpq by the part of
psycopg that is made for it, `psycopg.pq`: an unchanged page is stored in three quarters of the time.
"""

from collections.abc import Iterable, Sequence
from select import POLLIN, POLLOUT, poll
from typing import Any, Final

from psycopg import Connection, OperationalError
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

#: Statements that the server keeps prepared for a connection. Those of a crawl are some dozens; which columns a change
#: names differs, though, and a crawl may run for months.
PREPARED_MOST: Final = 200

#: A statement with parameters $1, $2, …, and their values.
Asked = tuple[str, Sequence[Any]]

Found = list[tuple[Any, ...]]

_DONE: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


class Cursor:
    """
    A cursor as PEP 249 has it, as far as `crawler.storage.statements` needs one.

    It begins a transaction where there is none, as psycopg's cursors do, and prepares every statement when it is first
    run. Nobody else may prepare any on the same connection: no second one of these, nor psycopg, which after a ROLLBACK
    forgets all, also ours (`prepare_threshold` is to be None).

    Raises:
        psycopg.Error: As psycopg's cursors do.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self._libpq = connection.pgconn
        self._values = Transformer(connection)
        self._names: dict[str, bytes] = {}
        self._readable, self._either = poll(), poll()
        self._readable.register(self._libpq.socket, POLLIN)
        self._either.register(self._libpq.socket, POLLIN | POLLOUT)
        #: Where among all that the server says the answers are: beside them it tells of BEGIN and COMMIT.
        self._answers = slice(0)
        self._interrupt: KeyboardInterrupt | None = None
        self._found: Found = []
        #: How many rows the last statement has written or found.
        self.rowcount = -1

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self.send([(sql, values)])
        [result] = self.receive()
        self._found, self.rowcount = self._rows(result), result.command_tuples or 0

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each of these rows of values."""
        self.send([(sql, values) for values in rows])
        self._found, self.rowcount = [], sum(result.command_tuples or 0 for result in self.receive())

    def fetchall(self) -> Found:
        """The rows that the last statement has found."""
        return self._found

    def found_by_each(self, asked: Sequence[Asked]) -> list[Found]:
        """The rows that each of these statements finds."""
        self.send(asked)
        return [self._rows(result) for result in self.receive()]

    def send(self, asked: Sequence[Asked], *, commits: bool = False) -> None:
        """
        Send statements to the server, which begins to run them. Before anything else comes `receive`.

        Args:
            commits: Whether the transaction is committed after them.
        """
        if len(self._names) > PREPARED_MOST:
            _require_done(self._libpq.exec_(b"DEALLOCATE ALL"))
            self._names.clear()
        sent = [(self._name(sql), self._texts(values)) for sql, values in asked]
        libpq = self._libpq
        begins = libpq.transaction_status == TransactionStatus.IDLE
        libpq.enter_pipeline_mode()
        if begins:
            libpq.send_query_params(b"BEGIN", None)
        for name, texts in sent:
            libpq.send_query_prepared(name, texts)
        if commits:
            libpq.send_query_params(b"COMMIT", None)
        libpq.pipeline_sync()
        self._answers = slice(int(begins), int(begins) + len(sent))

    def receive(self) -> list[PGresult]:
        """What the server says to each statement that was sent."""
        results: list[PGresult] = []
        while True:
            result = self._next()
            if result is None:  # the end of one answer
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                break
            results.append(result)
        self._libpq.exit_pipeline_mode()
        self._let_interrupt()
        for result in results:
            _require_done(result)
        return results[self._answers]

    def copy(self, sql: str, rows: bytes) -> None:
        """Run COPY … FROM STDIN, with rows as `copied` writes them."""
        libpq = self._libpq
        if libpq.transaction_status == TransactionStatus.IDLE:
            self.send([])
            self.receive()
        libpq.send_query(sql.encode())
        result = self._next()
        if result is not None and result.status == ExecStatus.COPY_IN:
            libpq.put_copy_data(rows)
            libpq.put_copy_end()
            result = self._next()
        while self._next() is not None:
            pass
        self._let_interrupt()
        assert result is not None
        _require_done(result)

    def _next(self) -> PGresult | None:
        """
        What the server says next; None at the end of an answer. libpq would wait, too, but let no other thread run.

        An interrupt is held back until nothing is left that the next statement would take for its own answer; a second
        one, when the server does not answer at all, is not.
        """
        libpq = self._libpq
        while libpq.flush():
            self._wait(self._either)
        while libpq.is_busy():
            self._wait(self._readable)
        result = libpq.get_result()
        if result is None and libpq.status == ConnStatus.BAD:
            raise OperationalError(libpq.get_error_message())
        return result

    def _wait(self, ready: poll) -> None:
        try:
            ready.poll()
        except KeyboardInterrupt as interrupt:
            if self._interrupt is not None:
                raise
            self._interrupt = interrupt
        self._libpq.consume_input()

    def _let_interrupt(self) -> None:
        interrupt, self._interrupt = self._interrupt, None
        if interrupt is not None:
            raise interrupt

    def _rows(self, result: PGresult) -> Found:
        self._values.set_pgresult(result)
        return self._values.load_rows(0, result.ntuples, tuple)

    def _name(self, sql: str) -> bytes:
        """The name under which a statement is prepared."""
        name = self._names.get(sql)
        if name is None:
            name = b"statement_%d" % len(self._names)
            _require_done(self._libpq.prepare(name, sql.encode()))
            self._names[sql] = name
        return name

    def _texts(self, values: Sequence[Any]) -> Sequence[Any]:
        """Values as the server takes them; their types it knows from where they stand."""
        return self._values.dump_sequence(values, [PyFormat.TEXT] * len(values))


def copied(rows: Iterable[Sequence[str | int | None]]) -> bytes:
    """Rows as COPY takes them in its text format."""
    lines = [
        "\t".join([r"\N" if one is None else _escaped(one) if type(one) is str else str(one) for one in row])
        for row in rows
    ]
    return ("\n".join(lines) + "\n").encode()


def _escaped(text: str) -> str:
    # To look is faster than to replace nothing. The backslash comes first: the others bring new ones.
    if "\\" in text:
        text = text.replace("\\", r"\\")
    if "\n" in text:
        text = text.replace("\n", r"\n")
    if "\t" in text:
        text = text.replace("\t", r"\t")
    if "\r" in text:
        text = text.replace("\r", r"\r")
    return text


def _require_done(result: PGresult) -> None:
    """Raise what went wrong."""
    if result.status not in _DONE:
        raise error_from_result(result)
