"""Moments as people give them to a command."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crawler.cli.moments import as_of, moment
from crawler.errors import BadArgument

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
SECOND = timedelta(seconds=1)


def utc(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=UTC)  # type: ignore[misc,arg-type] # mypy takes the numbers for the zone


@pytest.mark.parametrize(
    ("text", "beginning", "end"),
    [
        ("2017-11-04", utc(2017, 11, 3, 21), utc(2017, 11, 4, 21)),
        ("2017-11-04T10:00", utc(2017, 11, 4, 7), utc(2017, 11, 4, 7, 1)),
        ("2017-11-04 10:00", utc(2017, 11, 4, 7), utc(2017, 11, 4, 7, 1)),
        ("2017-11-04T10:00:30", utc(2017, 11, 4, 7, 0, 30), utc(2017, 11, 4, 7, 0, 31)),
        ("2017-11-04T10:00:30.5", utc(2017, 11, 4, 7, 0, 30, 500_000), utc(2017, 11, 4, 7, 0, 30, 500_001)),
        ("2017-11-04T10:00Z", utc(2017, 11, 4, 10), utc(2017, 11, 4, 10, 1)),
        ("2017-11-04T10:00:00+05:00", utc(2017, 11, 4, 5), utc(2017, 11, 4, 5, 0, 1)),
        # In 2012 the site's time was four hours before UTC.
        ("2012-11-04T10:00", utc(2012, 11, 4, 6), utc(2012, 11, 4, 6, 1)),
        ("2017-12-31", utc(2017, 12, 30, 21), utc(2017, 12, 31, 21)),
    ],
)
def test_what_is_named_has_a_beginning_and_an_end(text: str, beginning: datetime, end: datetime) -> None:
    assert moment("--since", text, MOSCOW, "beginning") == beginning
    assert moment("--until", text, MOSCOW, "end") == end
    assert as_of("--as-of", text, MOSCOW) == end - timedelta(microseconds=1)


def test_a_day_of_25_hours_and_an_hour_that_comes_twice() -> None:
    day = [moment("", "2017-10-29", BERLIN, side) for side in ("beginning", "end")]
    assert day[1] - day[0] == timedelta(hours=25)
    twice = [moment("", "2017-10-29T02:30", BERLIN, side) for side in ("beginning", "end")]
    assert twice == [utc(2017, 10, 29, 0, 30), utc(2017, 10, 29, 1, 31)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2017-11",
        "2017-13-01",
        "2017-02-30",
        "2017-11-4",
        "2017-11-04T",
        "2017-11-04T25:00",
        "2017-11-04T10",
        "2017-11-04T10:00 Moscow",
        "2017-11-04Z",
        "20171104",
        "9999-12-31",
        "２０１７-11-04",
    ],
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(BadArgument, match=r"--as-of .*: is no moment\. Write 2017-11-04"):
        as_of("--as-of", text, MOSCOW)


def test_before_all_time() -> None:
    with pytest.raises(BadArgument, match="--since 0001-01-01: is no moment"):
        moment("--since", "0001-01-01", MOSCOW, "beginning")
