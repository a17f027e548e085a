"""
Statements that are run for every page: compiled once, and run by the driver itself.

They are SQLAlchemy's like all others, and run on the same connection in the same transaction. What is left out is what
`Connection.execute` does each time: find the compiled form again, build a context and a result. On SQLite that takes
ten times as long as a look at one row, on Postgres as long as the server takes to answer.
"""

import json
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache, partial
from itertools import repeat
from operator import itemgetter
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import JSON, TypeEngine

from crawler.storage.types import UtcTime, time_of_text, utc_text

Core = Select[Any] | Insert | Update | Delete

#: Turns a value into one that the driver takes, or back; None where it already is one.
Processor = Callable[[Any], Any] | None


class Statement:
    """
    A statement with named parameters.

        ARTICLE = Statement(select(articles).where(articles.c.id == bindparam("article_id")))
        row = ARTICLE.first(connection, article_id=128836)

    Args:
        core: The same for both databases; None where it differs, then `sqlite` and `postgresql` are given.
    """

    def __init__(
        self, core: Core | None = None, *, sqlite: Core | None = None, postgresql: Core | None = None
    ) -> None:
        self._cores = {
            "sqlite": sqlite if core is None else core,
            "postgresql": postgresql if core is None else core,
        }
        self._compiled: dict[str, _Compiled] = {}

    def all(self, connection: Connection, **values: Any) -> list[Any]:
        """All rows, as named tuples."""
        compiled = self._for(connection)
        with driver(connection) as cursor:
            cursor.execute(compiled.sql, compiled.parameters(values))
            return compiled.rows(cursor.fetchall())

    @staticmethod
    def each(connection: Connection, *asked: tuple["Statement", Mapping[str, Any]]) -> list[list[Any]]:
        """All rows of each of several statements, with these values; on Postgres they are asked for together."""
        if connection.dialect.name != "postgresql":
            return [statement.all(connection, **values) for statement, values in asked]
        compiled = [statement._for(connection) for statement, _ in asked]
        with driver(connection) as cursor:
            found = cursor.found_by_each(
                [(one.sql, one.parameters(values)) for one, (_, values) in zip(compiled, asked, strict=True)]
            )
        return [one.rows(rows) for one, rows in zip(compiled, found, strict=True)]

    def first(self, connection: Connection, **values: Any) -> Any | None:
        """The first row, as a named tuple; None where there is none."""
        rows = self.all(connection, **values)
        return rows[0] if rows else None

    def run(self, connection: Connection, **values: Any) -> int:
        """Write; returns how many rows were written."""
        compiled = self._for(connection)
        with driver(connection) as cursor:
            cursor.execute(compiled.sql, compiled.parameters(values))
            written: int = cursor.rowcount
        return written

    def run_many(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> int:
        """Write once for each of these rows of values; returns how many rows were written."""
        compiled = self._for(connection)
        with driver(connection) as cursor:
            cursor.executemany(compiled.sql, compiled.parameters_of_many(rows))
            written: int = cursor.rowcount
        return written

    @contextmanager
    def running(
        self, connection: Connection, values: Mapping[str, Any], *, commits: bool = False
    ) -> Iterator[None]:
        """
        On Postgres: write, and do meanwhile what does not need the connection.

        Args:
            commits: Whether the transaction is committed in the same round trip.
        """
        compiled = self._for(connection)
        with driver(connection) as cursor:
            cursor.send([(compiled.sql, compiled.parameters(values))], commits=commits)
            try:
                yield
            finally:
                cursor.receive()

    def _for(self, connection: Connection) -> "_Compiled":
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            core = self._cores[dialect.name]
            assert core is not None
            compiled = self._compiled[dialect.name] = _Compiled(core, dialect)
        return compiled


class _Compiled:
    """A statement as one kind of database takes it."""

    def __init__(self, core: Core, dialect: Dialect) -> None:
        # Parameters by their places: values need not be looked up by name a second time, by the driver.
        same: Any = type(dialect)
        placed = same(paramstyle="qmark" if dialect.name == "sqlite" else "numeric_dollar")
        compiler = core.compile(dialect=placed)
        assert isinstance(compiler, SQLCompiler)
        self.sql = str(compiler)
        names = compiler.positiontup or []
        self._names = frozenset(names)
        self._constant = {name: value for name, value in compiler.params.items() if value is not None}
        self._parameters = RowValues(names, [compiler.binds[name].type for name in names], dialect)
        columns = list(core.exported_columns)
        names_of_columns = [column.name for column in columns]
        # What `_make` does, without counting.
        self._row: Callable[[Iterable[Any]], Any] = partial(
            tuple.__new__, namedtuple("Row", names_of_columns)
        )
        self._from_driver = [
            (place, from_driver)
            for place, column in enumerate(columns)
            if (from_driver := _result_processor(column.type, dialect)) is not None
        ]

    def parameters(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """The values of the parameters in order, as the driver takes them."""
        every = {**self._constant, **values} if self._constant else values
        assert len(every) == len(self._names), f"not these parameters: {every.keys() ^ self._names}"
        return self._parameters.of(every)

    def parameters_of_many(self, rows: Iterable[Mapping[str, Any]]) -> Iterable[Sequence[Any]]:
        """The same for each of these rows of values."""
        return self._parameters.of_many(
            [{**self._constant, **row} for row in rows] if self._constant else rows
        )

    def rows(self, found: Sequence[Any]) -> list[Any]:
        """What the driver found, as named tuples."""
        if not (found and self._from_driver):
            return [*map(self._row, found)]
        if len(found) == 1:
            [row] = map(list, found)
            for place, from_driver in self._from_driver:
                if row[place] is not None:  # mostly: of what is looked for to be sure that it is not there
                    row[place] = from_driver(row[place])
            return [self._row(row)]
        # Column by column, see `RowValues.of_many`.
        columns: list[Iterable[Any]] = list(zip(*found, strict=True))
        for place, from_driver in self._from_driver:
            columns[place] = map(from_driver, columns[place])
        return [*map(self._row, zip(*columns, strict=True))]


def _result_processor(type_: TypeEngine[Any], dialect: Dialect) -> Processor:
    """Turns a value of the driver's into one of this type; None where it is one."""
    if isinstance(type_, UtcTime):
        # psycopg reads times in the time zone of the connection, which is UTC.
        return _time_of_text if dialect.name == "sqlite" else None
    return type_.dialect_impl(dialect).result_processor(dialect, None)


def _time_of_text(value: str | None) -> datetime | None:
    return None if value is None else time_of_text(value)


class RowValues:
    """
    Gives the values of some names in order, as the driver takes them.

        values = RowValues(("id", "seen_at"), (BigNumber(), UtcTime()), dialect)
        values.of({"id": 1, "seen_at": moment})        # [1, "2026-11-02T09:00:00.000000Z"]

    Args:
        types: Of the values, in the order of their names.
    """

    def __init__(self, names: Sequence[str], types: Iterable[TypeEngine[Any]], dialect: Dialect) -> None:
        # An itemgetter of one name gives no tuple.
        self._of_row: Callable[[Mapping[str, Any]], Sequence[Any]] = (
            itemgetter(*names) if len(names) > 1 else lambda row: [row[name] for name in names]
        )
        self._processed = [
            (place, to_driver)
            for place, type_ in enumerate(types)
            if (to_driver := _bind_processor(type_, dialect)) is not None
        ]

    def of(self, row: Mapping[str, Any]) -> list[Any]:
        """The values of one row."""
        found = list(self._of_row(row))
        for place, to_driver in self._processed:
            found[place] = to_driver(found[place])
        return found

    def of_many(self, rows: Iterable[Mapping[str, Any]]) -> Iterable[Sequence[Any]]:
        """The values of rows, of at least one: made column by column, which is faster than row by row."""
        columns: list[tuple[Any, ...]] = list(zip(*map(self._of_row, rows), strict=True))
        for_driver: list[Iterable[Any]] = [*columns]
        for place, to_driver in self._processed:
            values = columns[place]
            first, number = values[0], len(values)
            # The rows of a page have most of their moments in common.
            if to_driver is _time and first is values[-1] and values.count(first) == number:
                for_driver[place] = repeat(_time(first), number)
            else:
                for_driver[place] = map(to_driver, values)
        return zip(*for_driver, strict=True)


def _bind_processor(type_: TypeEngine[Any], dialect: Dialect) -> Processor:
    """Turns a value of this type into one that the driver takes; None where it takes all as they are."""
    if isinstance(type_, UtcTime):
        return _time
    impl = type_.dialect_impl(dialect)
    return _json if isinstance(impl, JSON) else impl.bind_processor(dialect)


@lru_cache(maxsize=4096)  # a page's rows have one moment in many columns
def _time(value: datetime | None) -> str | None:
    """A time as text, which both drivers take for it, and sooner than they would turn a datetime into the same."""
    return None if value is None else utc_text(value)


def _json(value: Any) -> str | None:
    """JSON as text, which both drivers take for it."""
    if value is None:
        return None
    return "[]" if value == [] else _encoded(value)  # most lists are empty


#: Times may stand in it, as of rows that are written as JSON.
_encoded = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=utc_text, check_circular=False
).encode


class driver_errors:  # noqa: N801 - used as a function is
    """
    What the driver raises is raised as SQLAlchemy would.

        with driver_errors(connection):
            connection.connection.driver_connection.execute("…")
    """

    __slots__ = ("connection",)

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __enter__(self) -> Any:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        connection, dialect = self.connection, self.connection.dialect
        errors = dialect.loaded_dbapi.Error
        if not isinstance(error, errors):
            return
        lost = dialect.is_disconnect(error, connection.connection, None)
        if lost:
            connection.invalidate(error)
        told = DBAPIError.instance(None, None, error, errors, connection_invalidated=lost, dialect=dialect)
        raise told from error


class driver(driver_errors):  # noqa: N801 - as above
    """
    The driver's own cursor, in the transaction of ours.

        with driver(connection) as cursor:
            cursor.execute("…")
    """

    __slots__ = ()

    def __enter__(self) -> Any:
        connection = self.connection
        if not connection.in_transaction():
            connection.begin()
        cursor = connection.info.get("cursor")  # `info` is forgotten together with the driver's connection
        if cursor is None:
            if connection.dialect.name == "postgresql":
                from crawler.storage.libpq import Cursor  # psycopg is loaded by those who use it

                psycopg_connection: Any = connection.connection.driver_connection
                cursor = Cursor(psycopg_connection)
            else:
                cursor = connection.connection.cursor()
            connection.info["cursor"] = cursor
        return cursor
