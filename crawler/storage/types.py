"""Columns that mean the same on SQLite and on Postgres."""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from crawler.errors import UnreadableValue


class UtcTime(TypeDecorator[datetime]):
    """
    A moment in UTC: timestamptz on Postgres, text of constant width on SQLite.

    The text is ISO 8601 with microseconds and Z, `2017-11-03T09:20:00.000000Z`, so that SQLite's comparing and
    sorting by bytes is comparing and sorting by time. Values without a zone are refused: they could mean anything.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(27))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        text = utc_text(value)
        return text if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return time_of_text(value)
        moment: datetime = value
        return moment.astimezone(UTC)


def utc_text(moment: datetime) -> str:
    """The moment as SQLite keeps it: `2017-11-03T09:20:00.000000Z`. Raises ValueError where it has no zone."""
    if moment.tzinfo is None:
        raise ValueError(f"a stored time needs a time zone, {moment} has none")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    # Not strftime: it is four times as slow, and writes the year 17 with two digits.
    return moment.isoformat("T", "microseconds").removesuffix("+00:00") + "Z"


def time_of_text(text: str) -> datetime:
    """
    The moment that SQLite keeps as this text.

    Raises:
        UnreadableValue: It is none.
    """
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise UnreadableValue(f"{text!r:.60} stands where a time should stand") from error


def json_of_text(text: str) -> Any:
    """
    What SQLite keeps as this JSON.

    Raises:
        UnreadableValue: It is none.
    """
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise UnreadableValue(f"{text!r:.60} stands where JSON should stand") from error


#: Numbers that the site gives, and our own that grow for years. SQLite only counts up a plain INTEGER by itself.
BigNumber = BigInteger().with_variant(Integer(), "sqlite")

#: jsonb on Postgres: `json` has no equality there, so no IS DISTINCT FROM.
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

#: Text that sorts by its bytes on both databases: a path's order is the reading order of a thread.
ByteOrdered = Text().with_variant(Text(collation="C"), "postgresql")
