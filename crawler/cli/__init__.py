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

import sys
from io import TextIOWrapper
from typing import Any

import click

from crawler.cli import asking, crawling, histories, importing, keeping, probing
from crawler.errors import Stop


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

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # a terminal or file that has no Cyrillic gets \u0430
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except Stop as stop:
            click.echo(f"crawler: {stop}", err=True)
            ctx.exit(stop.exit_code)


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
