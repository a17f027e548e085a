"""
Programs for tests, each in a process of its own that is a copy of one which has imported what they need.

What a crawl of the sample site does takes a third of a second, and what it imports four times as long. So `python -m …`
is not started anew for each test: multiprocessing keeps a server that has imported it, and forks. A program finds what
it would find otherwise: its own arguments, environment, folder and output, no thread, no event loop. Whether it starts
from nothing is tested by those that are killed in mid-crawl, and by the commands of README.md.
"""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

#: What takes long to import and looks neither at the environment nor at the clock, and starts no event loop.
IMPORTED_BEFORE: Final = (
    "scrapy.cmdline",
    "scrapy.downloadermiddlewares.cookies",
    "scrapy.extensions.telnet",
    "scrapy.shell",
    "crawler.cli",
    "crawler.commands.crawl",
    "crawler.fetching.archiving",
    "crawler.fetching.hosts",
    "crawler.fetching.proxy",
    "crawler.fetching.robots",
    "crawler.forget",
    "crawler.importing",
    "crawler.pipelines",
    "crawler.reparse",
    "crawler.sites.military_review.spider",
    "crawler.verify.results",
    "time_machine",
)

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(list(IMPORTED_BEFORE))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


class Forked:
    """A program that was started: `python -m module arguments`."""

    def __init__(self, module: str, *arguments: str, env: Mapping[str, str], cwd: Path) -> None:
        self._output = TemporaryDirectory()
        self._out, self._err = (Path(self._output.name, name) for name in ("out", "err"))
        for path in (self._out, self._err):
            path.touch()
        self._process = _SERVER.Process(
            target=_become, args=(module, arguments, dict(env), cwd, self._out, self._err)
        )
        self._process.start()

    def ended(self, patience_s: float) -> Ended:
        """How it ended, once it has. After so many seconds it is killed, which raises TimeoutError."""
        with self._output:
            self._process.join(patience_s)
            if self._process.exitcode is None:
                self._process.kill()
                self._process.join()
                raise TimeoutError(f"It did not end within {patience_s} s:\n{self._err.read_text()}")
            return Ended(self._process.exitcode, self._out.read_text(), self._err.read_text())


def _become(
    module: str, arguments: Sequence[str], env: Mapping[str, str], cwd: Path, out: Path, err: Path
) -> None:
    """Be that program from now on."""
    for descriptor, path in ((1, out), (2, err)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
