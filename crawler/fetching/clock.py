"""The two clocks: what time it is, and how much time has passed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """
    Where this room takes all its times from, so that a test can bring its own.

    `wall` may jump when somebody sets the machine's clock: it names moments, for storing. `steady`
    never jumps and means nothing outside this process: it measures waits, in seconds.
    """

    wall: Callable[[], datetime] = _now
    steady: Callable[[], float] = time.monotonic
