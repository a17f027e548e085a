"""The verb that takes old pages out of archives that others made."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.keeping import chosen_editions
from crawler.cli.shown import as_json, example, print_json, processes, say
from crawler.environment import Environment
from crawler.errors import CannotStore

if TYPE_CHECKING:
    from crawler.importing.summary import Summary


@click.command(
    "import",
    epilog=example(
        "crawler import --dry-run CC-MAIN-20180219.warc.gz",
        "crawler import CC-MAIN-20180219.warc.gz wayback.warc.gz",
        "crawler import --edition ru --json *.warc.gz",
    ),
)
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--edition", help="Only pages of this edition, such as en; by default all.")
@click.option("--dry-run", is_flag=True, help="Only look what is in the files; write nothing.")
@processes("read pages")
@as_json
def import_(
    files: tuple[Path, ...], edition: str | None, dry_run: bool, processes: int, as_json: bool
) -> None:
    """Take old pages of threads out of archives that others made: WARC and ARC files, packed or not.

    Each page counts from the moment at which it was captured: what it shows that we did not know becomes a part of the
    history. Importing a file again changes nothing. Ends with 3 where a file could not be read to its end; what could
    be read is imported all the same.
    """
    from crawler import importing  # other verbs need not wait for it

    environment = Environment()
    summary = importing.import_files(
        environment.database_url,
        environment.warc_dir,
        files,
        chosen_editions(edition),
        dry_run=dry_run,
        processes=processes,
        say=say,
        secret=environment.forget_secret,
    )
    if as_json:
        print_json(asdict(summary))
    else:
        for line in _lines(summary):
            click.echo(line)
    if summary.damaged:
        sys.exit(CannotStore.exit_code)


def _lines(summary: Summary) -> Iterator[str]:
    from crawler.importing.captures import REASONS

    yield f"{summary.files} files with {summary.records:,} records"
    if summary.taken_up:
        yield f"{summary.taken_up:,} pages taken up that an import which was killed had left"
    yield f"{summary.taken:,} pages {'would be taken' if summary.dry_run else 'taken'}"
    for outcome, count in sorted(summary.outcomes.items()):
        yield f"  {count:,} {outcome}"
    yield f"{summary.known:,} pages already there"
    yield f"{sum(summary.passed_over.values()):,} records passed over"
    for reason, count in sorted(summary.passed_over.items(), key=lambda pair: -pair[1]):
        name, _, status = reason.partition(" ")
        yield f"  {count:,} {' '.join([REASONS[name], status]).strip()}"
    if not summary.dry_run:
        yield (
            f"{summary.articles:,} articles read again: {summary.articles_new:,} articles and "
            f"{summary.comments_new:,} comments are new, {summary.states_added:,} old states became known"
        )
    for where, problem in summary.unread.items():
        yield f"{where}: {problem}"
    if summary.damaged > len(summary.unread):
        yield f"and {summary.damaged - len(summary.unread):,} more places that cannot be read"
