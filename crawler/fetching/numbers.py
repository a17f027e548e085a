"""Numbers for fetches and visits, given without asking the database: the order in which things were asked for."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from crawler.fetching.clock import Clock

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Numbers:
    """
    Numbers that grow with time, and of which no two editions ever give the same one.

    A number is the clock in µs × 100 + the edition's number, or the edition's last number + 100 where
    the clock stands still or jumps back.
    """

    def __init__(
        self, last: Mapping[int, int] | None = None, *, clock: Callable[[], datetime] | None = None
    ) -> None:
        """
        Args:
            last: The highest number given so far, by edition.
        """
        self._last = dict(last or {})
        self._clock = clock or Clock().wall

    def next(self, edition_id: int) -> int:
        """The next number of this edition. Raises ValueError for an edition that is not in 0 … 99."""
        if not 0 <= edition_id < 100:
            raise ValueError(f"edition {edition_id} leaves no room in its numbers: use 0 to 99")
        microseconds = (self._clock() - _EPOCH) // timedelta(microseconds=1)
        number = microseconds * 100 + edition_id
        if edition_id in self._last:
            number = max(number, self._last[edition_id] + 100)
        self._last[edition_id] = number
        return number

    def continue_after(self, edition_id: int, last_id: int) -> None:
        """Give only numbers above `last_id`, the highest that is stored of this edition."""
        self._last[edition_id] = max(last_id, self._last.get(edition_id, last_id))
