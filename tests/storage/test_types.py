"""Columns that mean the same on both databases."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from crawler.fold.content import json_text
from crawler.items import Host
from crawler.storage import database, ledger
from crawler.storage.types import utc_text
from tests.postgres import Server

#: Not in the first or last year: in UTC that may be one that no calendar of Python's has.
any_moment = st.datetimes(timezones=st.timezones()).filter(lambda moment: 1 < moment.year < 9999)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2017, 11, 3, 9, 20, tzinfo=UTC), "2017-11-03T09:20:00.000000Z"),
        (datetime(2017, 11, 3, 12, 20, tzinfo=timezone(timedelta(hours=3))), "2017-11-03T09:20:00.000000Z"),
        (datetime(17, 1, 1, 0, 0, 0, 5, tzinfo=UTC), "0017-01-01T00:00:00.000005Z"),
    ],
)
def test_the_text_of_a_moment(moment: datetime, text: str) -> None:
    assert utc_text(moment) == text


@given(any_moment, any_moment)
def test_texts_sort_as_their_moments_do(one: datetime, other: datetime) -> None:
    assert len(utc_text(one)) == 27
    assert (utc_text(one) < utc_text(other)) == (one.astimezone(UTC) < other.astimezone(UTC))
    assert datetime.fromisoformat(utc_text(one)) == one.astimezone(UTC)


def test_a_moment_comes_back_in_utc(connection: Connection) -> None:
    in_moscow = datetime(2017, 11, 3, 12, 20, tzinfo=timezone(timedelta(hours=3)))
    ledger.save_host(connection, Host(host="example.org", paused_until=in_moscow))
    (host,) = ledger.known_hosts(connection, ["example.org"])
    assert host.paused_until is not None
    assert (host.paused_until, host.paused_until.tzinfo) == (in_moscow, UTC)


@pytest.mark.parametrize("style", ["German", "SQL, DMY", "Postgres"])
def test_a_moment_is_read_however_the_server_would_write_it(
    migrated_postgres: str, postgres_server: Server, style: str
) -> None:
    with postgres_server.database(copy_of=migrated_postgres) as url:
        name = url.rpartition("/")[2]
        with database.engine(url).begin() as connection:
            connection.execute(text(f"ALTER DATABASE \"{name}\" SET DateStyle = '{style}'"))
        with database.engine(url).connect() as connection:
            paused = datetime(2017, 11, 3, tzinfo=UTC)
            ledger.save_host(connection, Host(host="example.org", paused_until=paused))
            [host] = ledger.known_hosts(connection, ["example.org"])
            assert host.paused_until == paused


def test_a_moment_without_a_zone_is_refused(connection: Connection) -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        ledger.save_host(connection, Host(host="a", paused_until=datetime(2017, 11, 3)))  # noqa: DTZ001 (the point)


def test_json_is_short_and_readable() -> None:
    assert json_text({"имя": ["Вася", None, 1]}) == '{"имя":["Вася",null,1]}'
