"""What SQLite and Postgres say differently, kept in one small place."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, or_
from sqlalchemy.dialects import postgresql, sqlite

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
    keys = [column.name for column in table.primary_key]
    statement: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
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
    ordered = sorted(rows, key=lambda row: tuple(row[key] for key in keys))
    # SQLAlchemy forgets how many rows an INSERT wrote, unless it is told to ask before it closes the cursor.
    return connection.execute(statement, ordered, execution_options={"preserve_rowcount": True}).rowcount


def portions(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The values in portions that fit into one IN (…)."""
    for start in range(0, len(values), IDS_AT_ONCE):
        yield values[start : start + IDS_AT_ONCE]
