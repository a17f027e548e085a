"""What the questions share: the moment that they are asked of, the editions, how rows are named."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, select

from crawler.storage import database
from crawler.storage.schema import editions

#: Rows that are held in memory at a time.
AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row or file of which something does not hold."""

    #: "comment 17 (en)".
    where: str
    what: str


Tell = Callable[[Wrong], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was looked at."""

    #: How many of what: {"comments": 17}.
    over: Mapping[str, int]
    #: What else is to be told; none of it is wrong.
    told: tuple[str, ...] = ()


@dataclass(slots=True)
class Inspection:
    """A database at one moment, as far as some editions go."""

    connection: Connection
    edition_ids: Sequence[int]
    _codes: dict[int, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def mine(self, table: Table) -> ColumnElement[bool]:
        """The condition that a row is of one of the editions."""
        return table.c.edition_id.in_(self.edition_ids)

    def rows(self, query: Select[Any]) -> Iterator[Row[Any]]:
        """The rows that a question gives, a few at a time."""
        yield from self.connection.execute(query.execution_options(yield_per=AT_ONCE))

    def count(self, *tables: Table) -> dict[str, int]:
        """How many rows of the editions the tables have."""
        for table in tables:
            if table.name not in self._counts:
                query = select(func.count()).select_from(table).where(self.mine(table))
                self._counts[table.name] = self.connection.scalar(query) or 0
        return {table.name: self._counts[table.name] for table in tables}

    def total(self, *tables: Table) -> dict[str, int]:
        """How many rows of the editions the tables have together."""
        return {"rows": sum(self.count(*tables).values())}

    def named(self, what: str, number: object, edition_id: int) -> str:
        """A row as it is told: "comment 17 (en)"."""
        if not self._codes:
            query = select(editions.c.id, editions.c.code)
            self._codes = {row.id: row.code for row in self.connection.execute(query)}
        return f"{what} {number} ({self._codes.get(edition_id, edition_id)})"


@contextmanager
def moment(url: str) -> Iterator[Connection]:
    """
    A connection that sees the database as it is at this moment, also when a crawl goes on, and cannot write.

    Raises:
        CannotStore: The database cannot be used, or its schema is of another version.
    """
    with database.reading(url) as connection:
        if (
            connection.dialect.name == "sqlite"
        ):  # a transaction of ours sees one moment from its first question on
            connection.exec_driver_sql("PRAGMA query_only = ON")
        else:
            connection.rollback()
            connection = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        yield connection
