"""Does work grow as fast as what it is done on?"""

import time
from collections.abc import Callable


def growth(work: Callable[[str], object], page: Callable[[int], str], size: int) -> float:
    """
    What a page of ten times this size costs, beside ten pages of this size: about 1 where the work is linear, and about
    10 where it is quadratic.

    Both are the same amount of work where it is linear, so what else the machine does meets both; they take turns, and
    the least CPU time of each is taken.
    """
    small, large = page(size), page(10 * size)

    def cost(html: str, times: int) -> float:
        started = time.process_time()
        for _ in range(times):
            work(html)
        return time.process_time() - started

    turns = [(cost(small, 10), cost(large, 1)) for _ in range(3)]
    return min(one for _, one in turns) / min(ten for ten, _ in turns)
