"""Moments as people give them to a command."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from crawler.errors import BadArgument

_FORM: Final = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<minute>[0-9]{2}:[0-9]{2})(?P<second>:[0-9]{2}(?P<fraction>\.[0-9]{1,6})?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?)?"
)

#: A moment is as long as it is exactly given; a day is as long as the calendar says.
_LENGTHS: Final = {
    "fraction": timedelta(microseconds=1),
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
}

Side = Literal["beginning", "end"]


def moment(option: str, text: str, zone: ZoneInfo, side: Side) -> datetime:
    """
    A moment in UTC, the beginning or the end of what is named: of a day, of a minute, of a second.

    Times are shown to the minute: what was seen at 12:02:30 is shown as 12:02, and has to be there for one who asks for
    12:02 or for that day.

    Args:
        option: What is to be named in an error.

        text: `2017-11-04`, `2017-11-04T10:00` or `2017-11-04 10:00:30`; with Z or +03:00 at its end, of that zone.

        zone: The site's zone, which holds where none is given.

        side: The end is no part of it any more: the end of a day is the next midnight.

    Raises:
        BadArgument: The text names no moment.
    """
    found = _FORM.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        start = datetime.fromisoformat(text)
        if start.tzinfo is None:
            # When clocks are set back, an hour comes twice: its beginning is that of the first, its end of the second.
            start = start.replace(tzinfo=zone, fold=int(side == "end"))
        if side == "end":
            length = next((length for name, length in _LENGTHS.items() if found[name]), None)
            if length is None:
                start += timedelta(days=1)  # by the calendar of its zone
            else:
                start = start.astimezone(UTC) + length
        return start.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadArgument(
            f"{option} {text}: is no moment. Write 2017-11-04 or 2017-11-04T10:00, in the site's time, "
            "or 2017-11-04T07:00Z."
        ) from None


def as_of(option: str, text: str, zone: ZoneInfo) -> datetime:
    """The last moment of what is named."""
    return moment(option, text, zone, "end") - timedelta(microseconds=1)
