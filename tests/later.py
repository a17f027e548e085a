"""
A command that runs at another time: `python -m tests.later SECONDS scrapy crawl …`.

The clock of the machine stays as it is; the process believes that it is so many seconds later.
"""

import runpy
import sys
from datetime import UTC, datetime, timedelta

import time_machine


def main() -> None:
    shift, module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    moment = datetime.now(UTC) + timedelta(seconds=float(shift))
    with time_machine.travel(moment, tick=True):
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
