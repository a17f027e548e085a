"""
Writing many rows of a table, in the way that measures best on each database (`make bench-storing`).

    insert_rows   rows that are not there: COPY on Postgres, which beats INSERT from the second row on
    update_rows   rows that are there
    delete_rows   the same
    Writes        a few rows of several tables, in one statement

On Postgres large batches of changes are copied into a temporary table, from which one statement changes the real one;
smaller ones, and all on SQLite, are made row by row by one prepared statement. Rows are written in the order of their
keys: two writers that took them in opposite orders would lock each other out.

What is there is known: whoever calls has looked, in the same transaction, and is the edition's only writer. Should that
ever be wrong, the database refuses a key that is there already, and nothing of the transaction is kept.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, Final, Literal

from sqlalchemy import (
    CTE,
    JSON,
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    Insert,
    Table,
    Update,
    and_,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)

from crawler.storage.statements import RowValues, Statement, driver

#: From so many rows on a temporary table is worth its making.
MANY: Final = 200

Rows = Sequence[Mapping[str, Any]]


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows that are not there. All have the same columns."""
    if not rows:
        return
    _insertion(connection, table, rows)()


def _insertion(connection: Connection, table: Table, rows: Rows) -> Callable[[], object]:
    """Makes rows ready, of which there is at least one; the function inserts them."""
    columns = tuple(rows[0])
    if len(rows) == 1:
        return partial(_insert(table, columns).run, connection, **rows[0])
    ordered = sorted(rows, key=itemgetter(*_keys(table)))
    if connection.dialect.name == "postgresql":
        return _copying(connection, table, columns, ordered, into=table.name)
    return partial(_insert(table, columns).run_many, connection, ordered)


def update_rows(connection: Connection, table: Table, rows: Rows, columns: Sequence[str]) -> None:
    """
    Give columns of rows that are there the values that stand in `rows`.

    Args:
        rows: All have the table's keys and these columns; what else they have is not looked at.
    """
    if not rows:
        return
    keys = _keys(table)
    ordered = sorted(rows, key=itemgetter(*keys))
    if _by_temporary_table(connection, rows):
        new = ", ".join(f"{name} = new_rows.{name}" for name in columns)
        change = f"UPDATE {table.name} old SET {new} FROM new_rows"  # noqa: S608 - names of our own schema
        _with_temporary_table(connection, table, (*keys, *columns), ordered, change)
    else:
        statement = _update(table, tuple(columns))
        values = [_update_values(table, columns, row) for row in ordered]
        if len(values) == 1:
            statement.run(connection, **values[0])
        else:
            statement.run_many(connection, values)


def delete_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Delete the rows that have the keys of these."""
    if not rows:
        return
    keys = _keys(table)
    ordered = sorted(rows, key=itemgetter(*keys))
    if _by_temporary_table(connection, rows):
        change = f"DELETE FROM {table.name} old USING new_rows"  # noqa: S608 - names of our own schema
        _with_temporary_table(connection, table, keys, ordered, change)
    else:
        _delete(table).run_many(connection, ({f"its_{k}": row[k] for k in keys} for row in ordered))


class Writes:
    """
    Rows of several tables that are written together: nothing of it is there before it is sent.

    On Postgres the few rows go in one statement: to ask the server costs more than most of what it has to do. While it
    is at them, the many are made ready, and follow by COPY.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._parts: list[_Part] = []
        self._rows: list[Rows] = []
        self._many: list[tuple[Table, Rows]] = []

    def insert(self, table: Table, rows: Rows) -> None:
        """Insert a few rows that are not there. Others that they refer to are handed in before, and are few, too."""
        if rows:
            self._parts.append(("insert" if len(rows) == 1 else "insert some", table, tuple(rows[0])))
            self._rows.append(rows)

    def insert_many(self, table: Table, rows: Rows) -> None:
        """Insert many rows that are not there, after the few."""
        if rows:
            self._many.append((table, rows))

    def update(self, table: Table, row: Mapping[str, Any], columns: Sequence[str]) -> None:
        """Give columns of a row that is there the values that stand in `row`; no row is to be updated twice."""
        if columns:
            self._parts.append(("update", table, tuple(columns)))
            self._rows.append([row])

    def send(self, *, commits: bool = False) -> None:
        """
        Write all that was handed in.

        Args:
            commits: Whether the transaction may be committed with it, where that saves a round trip.
        """
        parts, rows, many = tuple(self._parts), self._rows, self._many
        self._parts, self._rows, self._many = [], [], []
        if self.connection.dialect.name == "postgresql" and len(parts) > 1:
            values = _together_values(parts, rows)
            with _together(parts).running(self.connection, values, commits=commits and not many):
                # The server has to do for a while.
                insertions = [_insertion(self.connection, table, some) for table, some in many]
            for insert_them in insertions:
                insert_them()
            return
        for (kind, table, columns), some in zip(parts, rows, strict=True):
            if kind == "update":
                update_rows(self.connection, table, some, columns)
            else:
                insert_rows(self.connection, table, some)
        for table, some in many:
            insert_rows(self.connection, table, some)


#: What is done to which table, with these columns.
_Part = tuple[Literal["insert", "insert some", "update"], Table, tuple[str, ...]]


def _by_temporary_table(connection: Connection, rows: Rows) -> bool:
    return connection.dialect.name == "postgresql" and len(rows) >= MANY


def _with_temporary_table(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows, change: str
) -> None:
    """Copy the rows into a table `new_rows` of this transaction, and change those that have the same keys."""
    names = ", ".join(columns)
    same = " AND ".join(f"old.{name} = new_rows.{name}" for name in _keys(table))
    connection.execute(
        text(f"CREATE TEMPORARY TABLE new_rows AS SELECT {names} FROM {table.name} LIMIT 0")  # noqa: S608 - as above
    )
    _copying(connection, table, columns, rows, into="new_rows")()
    # Autovacuum does not see it, and without knowing its size Postgres may join it in the worst way.
    connection.execute(text("ANALYZE new_rows"))
    connection.execute(text(f"{change} WHERE {same}"))
    connection.execute(text("DROP TABLE new_rows"))


def _copying(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows, *, into: str
) -> Callable[[], None]:
    """Makes rows ready; the function copies them."""
    from crawler.storage.libpq import copied  # psycopg is loaded by those who use it

    ready = copied(_values(table, columns, connection.dialect).of_many(rows))

    def copy() -> None:
        with driver(connection) as cursor:
            cursor.copy(f"COPY {into} ({', '.join(columns)}) FROM STDIN", ready)

    return copy


# Tables and dialects live as long as the program, and are few.


@lru_cache
def _keys(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key)


@lru_cache
def _values(table: Table, columns: tuple[str, ...], dialect: Dialect) -> RowValues:
    return RowValues(columns, [table.c[name].type for name in columns], dialect)


@lru_cache
def _insert(table: Table, columns: tuple[str, ...]) -> Statement:
    return Statement(insert(table).values({name: bindparam(name) for name in columns}))


@lru_cache
def _update(table: Table, columns: tuple[str, ...]) -> Statement:
    return Statement(_update_of(table, columns))


def _update_of(table: Table, columns: Iterable[str], suffix: str = "") -> Update:
    return update(table).where(_this(table, suffix)).values(_new(table, columns, suffix))


def _new(table: Table, columns: Iterable[str], suffix: str) -> dict[str, BindParameter[Any]]:
    return {name: bindparam(f"new_{name}{suffix}", type_=table.c[name].type) for name in columns}


def _update_values(
    table: Table, columns: Iterable[str], row: Mapping[str, Any], suffix: str = ""
) -> dict[str, Any]:
    values = {f"its_{name}{suffix}": row[name] for name in _keys(table)}
    for name in columns:
        values[f"new_{name}{suffix}"] = row[name]
    return values


@lru_cache
def _delete(table: Table) -> Statement:
    return Statement(delete(table).where(_this(table)))


def _this(table: Table, suffix: str = "") -> ColumnElement[bool]:
    return and_(*(table.c[name] == bindparam(f"its_{name}{suffix}") for name in _keys(table)))


def _together_values(parts: tuple[_Part, ...], rows: Iterable[Rows]) -> dict[str, Any]:
    """The values of the parameters of `_together`."""
    values: dict[str, Any] = {}
    for place, ((kind, table, columns), some) in enumerate(zip(parts, rows, strict=True)):
        if kind == "insert some":
            values[f"rows_{place}"] = sorted(some, key=itemgetter(*_keys(table)))
        elif kind == "insert":
            values |= {f"new_{name}{place}": some[0][name] for name in columns}
        else:
            values |= _update_values(table, columns, some[0], f"{place}")
    return values


@lru_cache
def _together(parts: tuple[_Part, ...]) -> Statement:
    """One statement of Postgres for several changes."""
    changes: list[CTE] = []
    for place, (kind, table, columns) in enumerate(parts):
        change: Insert | Update
        if kind == "insert":
            change = insert(table).values(_new(table, columns, f"{place}"))
        elif kind == "insert some":
            typed = [column(name, table.c[name].type) for name in columns]
            given = func.json_to_recordset(bindparam(f"rows_{place}", type_=JSON())).table_valued(*typed)
            change = insert(table).from_select(
                columns, select(given.render_derived(name="given", with_types=True))
            )
        else:
            change = _update_of(table, columns, f"{place}")
        changes.append(change.cte(f"change_{place}"))
    return Statement(select(literal(1).label("done")).add_cte(*changes))
