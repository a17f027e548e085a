"""What the headers of an answer say: the same whether it comes from the site or from the archive."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from crawler.normalise.text import storable

MAX_CLOCK_DIFFERENCE: Final = timedelta(days=1)
"""A server whose clock differs by more is wrong, or a cache answered: then ours is the better one."""

_MAX_DETAIL: Final = 300


def server_time(date: bytes | None, fetched_at: datetime) -> datetime:
    """
    The moment from which the page's relative dates count ("5 minutes ago"), in UTC.

    That is the answer's header Date, which is from the clock that wrote the page; `fetched_at`, our
    own clock, where the header is missing, unreadable or more than a day away.
    """
    try:
        said = parsedate_to_datetime(_on_one_line(date or b""))
        said = said.replace(tzinfo=UTC) if said.tzinfo is None else said.astimezone(UTC)
    except (ValueError, OverflowError):  # the last day of the year 9999 is a later one elsewhere
        return fetched_at
    return said if abs(said - fetched_at) <= MAX_CLOCK_DIFFERENCE else fetched_at


def redirect(location: bytes | None) -> str | None:
    """Where the answer's header Location says that the page is now; None where it says nothing."""
    return _on_one_line(location or b"") or None


def _on_one_line(value: bytes) -> str:
    """A header's value as the archive has it, so that it means the same when it comes from there."""
    return b" ".join(value.splitlines()).decode("latin-1").strip()


def one_line(text: str) -> str:
    """The text on one line, without control characters and what is no letter, at most 300 characters."""
    text = storable(re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip())
    return text if len(text) <= _MAX_DETAIL else text[: _MAX_DETAIL - 1] + "…"
