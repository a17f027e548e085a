"""
The command `crawler`: its verbs. What they do is done elsewhere; here it is asked for and shown.

    crawling   try the sample, make the tables, crawl, look at crawls, check this machine
    asking     ask what is stored
    histories  ask what was before
    probing    look closely at one page
    keeping    keep the archive in order
    importing  take old pages out of archives that others made
    shown      what the verbs share: examples, tables, JSON
    told       how a change is told in words
    moments    moments as people give them
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any, Final

import click

from crawler.cli import asking, crawling, histories, importing, keeping, probing
from crawler.errors import CannotStore, Stop

#: With this programs end that nobody listens to any more (SIGPIPE), as a shell tells it.
NOBODY_LISTENS: Final = 141
#: What a disk says that takes no more.
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Commands(click.Group):
    """Lists the verbs in the order in which a newcomer meets them, and shows errors as one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs, each with its whole first sentence: click would cut it at the end of the line."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, verb.get_short_help_str(limit=200)) for name, verb in self.commands.items()]
            )

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        with _output():  # of --help and --version
            return super().make_context(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # a terminal or file that has no Cyrillic gets \u0430
                stream.reconfigure(errors="backslashreplace")
        with _output():
            try:
                return super().invoke(ctx)
            except Stop as stop:
                click.echo(f"crawler: {stop}", err=True)
                ctx.exit(stop.exit_code)


@contextmanager
def _output() -> Iterator[None]:
    """End where nobody reads what is printed any more, without a word; and where the disk is full, with one line."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            code = NOBODY_LISTENS
        elif error.errno in _FULL and error.filename is None:
            code = CannotStore.exit_code
            with suppress(OSError):  # perhaps it is this output
                click.echo(f"crawler: The output cannot be written: {error.strerror}.", err=True)
        else:
            raise
        for stream in (sys.stdout, sys.stderr):
            _give_up_what_is_left(stream)
        raise click.exceptions.Exit(code) from error


def _give_up_what_is_left(stream: Any) -> None:
    """Python writes at its end what is left of the output; where that fails, it makes 120 of every exit code."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="discussion-archive")
def main() -> None:
    """An archive of online discussion: news articles with their whole comment threads, kept for years.

    The database is the one that DATABASE_URL names; by default crawler.db in this folder.
    """


# In the order in which a newcomer meets them.
for verb in (
    crawling.sample,
    crawling.migrate,
    crawling.crawl,
    asking.articles,
    asking.thread,
    histories.history,
    histories.changes,
    crawling.crawls,
    crawling.doctor,
    probing.probe,
    probing.save_page,
    keeping.reparse,
    keeping.verify,
    importing.import_,
    keeping.forget,
):
    main.add_command(verb)
