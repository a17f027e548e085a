"""What SQLite and Postgres say differently, kept in one small place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Table,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite

from crawler.storage.statements import Statement

#: Most values in one IN (…): both databases bound the parameters of a statement.
IDS_AT_ONCE = 1000


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    update: Sequence[str],
    smaller: str | None = None,
) -> int:
    """
    Insert the rows; where a key is there already, update the named columns if one of them really differs.

    All rows have the same columns. They are written in the order of their keys: two writers that took them in opposite
    orders would lock each other out.

    Args:
        smaller: Update only where this column is smaller in the new row.

    Returns:
        How many rows were written. One that would change nothing is not touched and not counted.
    """
    if not rows:
        return 0
    statement = _upsert(connection.dialect.name, table, tuple(rows[0]), tuple(update), smaller)
    if len(rows) == 1:
        return statement.run(connection, **rows[0])
    keys = [column.name for column in table.primary_key]
    return statement.run_many(connection, sorted(rows, key=itemgetter(*keys)))


@lru_cache  # tables live as long as the program, and are few
def _upsert(
    dialect: str, table: Table, columns: tuple[str, ...], update: tuple[str, ...], smaller: str | None
) -> Statement:
    keys = [column.name for column in table.primary_key]
    statement: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    statement = statement.values({name: bindparam(name) for name in columns})
    if update:
        new = statement.excluded
        differs = or_(*(table.c[name].is_distinct_from(new[name]) for name in update))
        statement = statement.on_conflict_do_update(
            index_elements=keys,
            set_={name: new[name] for name in update},
            where=differs if smaller is None else new[smaller] < table.c[smaller],
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    return Statement(statement)


def portions(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The values in portions that fit into one IN (…)."""
    for start in range(0, len(values), IDS_AT_ONCE):
        yield values[start : start + IDS_AT_ONCE]


def sought(
    columns: Iterable[ColumnElement[Any]],
    key: Column[Any],
    name: str,
    *where: ColumnElement[bool],
    source: FromClause | None = None,
) -> Statement:
    """
    A statement that finds the rows of a table whose `key` is in a list: the parameter of this name.

    It is one statement for any number of values, which IN (…) is not. Postgres plans it once, which in the first
    minutes of an archive is for an empty table, where reading all of it seems best, and stays so while the table grows.
    So its form leaves no choice: one look into the index for each value.

    Args:
        source: What is selected from; the table itself by default.
    """
    # As JSON: psycopg takes ten times as long to write an array.
    values = bindparam(name, type_=JSON())
    rows = select(*columns).select_from(key.table if source is None else source).where(*where)
    listed = func.json_each(values).table_valued("value")
    wanted = func.json_array_elements_text(values).table_valued("value").render_derived(name="wanted")
    fence: ColumnElement[int] = literal_column("0")  # a subquery with an OFFSET is planned by itself
    found = rows.where(key == cast(wanted.c.value, key.type)).offset(fence).lateral("found")
    return Statement(
        sqlite=rows.where(key.in_(select(listed.c.value))),
        postgresql=select(found).select_from(wanted.join(found, true())),
    )
