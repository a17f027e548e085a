"""Work that takes long: shared between processes, and how far it is."""

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import Connection
from threading import Thread
from typing import Final, TypeVar

Say = Callable[[str], None]

#: Seconds between two lines of progress.
EVERY_S: Final = 5.0

Job = TypeVar("Job")
Result = TypeVar("Result")


def shared(
    work: Callable[[Job], Result],
    jobs: Iterable[Job],
    processes: int,
    *,
    here: Callable[[Job], bool] | None = None,
) -> Iterator[tuple[Job, Result | None]]:
    """
    Each job with its result, in the order of the jobs; no more jobs are taken than keep the processes busy.

    Args:
        work: What other processes do; it and all that it is given and gives must be picklable.

        processes: How many work at a time. With one, no other process is begun.

        here: The jobs that are not worth sending: the caller gets None for them, as for all with one process, and does
            them itself when their turn comes.
    """
    if processes <= 1:
        yield from ((job, None) for job in jobs)
        return
    # A process that is forked from one with threads may hang.
    context = multiprocessing.get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    with ProcessPoolExecutor(
        processes, mp_context=context, initializer=_end_with, initargs=(theirs,)
    ) as pool:
        waiting: deque[tuple[Job, Future[Result] | None]] = deque()
        try:
            for job in jobs:
                waiting.append((job, None if here is not None and here(job) else pool.submit(work, job)))
                if len(waiting) > 2 * processes:
                    first, future = waiting.popleft()
                    yield first, None if future is None else future.result()
            for first, future in waiting:
                yield first, None if future is None else future.result()
        except BaseException:
            # Nobody wants the rest. Who is interrupted once more while they wait for it would wait for ever.
            ours.close()
            raise


def _end_with(pipe: Connection) -> None:
    """
    Let this process end as soon as the other end of the pipe is closed, be it by a kill: nobody else would end it.

    Ctrl-C goes to all processes of a terminal, and one tells of it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        pipe.poll(None)
        os._exit(1)

    Thread(target=wait, daemon=True).start()


class Progress:
    """Says from time to time how far it is, and how long the rest will take at this pace."""

    def __init__(self, say: Say, what: str, total: float, of: str = "articles") -> None:
        self._say = say
        self._what = what
        self._total = total
        self._of = of
        self._done = 0.0
        self._began = self._said = time.monotonic()

    def add(self, count: float) -> None:
        """So many more are done."""
        self._done += count
        now = time.monotonic()
        if now - self._said >= EVERY_S and 0 < self._done < self._total:
            self._said = now
            left = (now - self._began) / self._done * (self._total - self._done)
            self._say(
                f"{self._what} {self._done:,.0f} of {self._total:,.0f} {self._of}, {left / 60:.0f} min left"
            )
