"""What the verbs share: options, examples under their help, tables and JSON on the terminal."""

import codecs
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from crawler.environment import Environment

Verb = TypeVar("Verb", bound=Callable[..., Any])

as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, times in UTC, for other programs."
)


#: No number of the site's or ours is as large, and no database counts much further.
LARGEST: Final = 10**18


class _Number(click.IntRange):
    """A number as the site gives them; one that is none is not called "an invalid integer range"."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if number > LARGEST:  # not as a range: every help would show it
            self.fail(f"{number} is too large for a number.", param, ctx)
        return number


NUMBER = _Number(min=1)


#: Bytes of WARC files that keep a process busy for longer than it takes to start.
WORTH_A_PROCESS: Final = 4 * 1024 * 1024


def processes(what: str) -> Callable[[Verb], Verb]:
    """The option --processes of a verb that shares its work: what each of them does."""
    return click.option(
        "--processes",
        type=NUMBER,
        callback=_worthwhile,
        show_default="one a processor, fewer for a small archive",
        help=f"How many {what} at a time.",
    )


def _worthwhile(context: click.Context, _: click.Parameter, asked: int | None) -> int:
    """As many processes as are asked for, or as there is work for in our archive and in the files that are named."""
    if asked is not None:
        return asked
    files: tuple[Path, ...] = (*context.params.get("files", ()), *Environment().warc_dir.glob("*.warc.gz*"))
    enough = sum(file.stat().st_size for file in files if file.is_file()) // WORTH_A_PROCESS
    return max(1, min(enough, os.cpu_count() or 1))


def say(line: str) -> None:
    """Tell how far a verb is, apart from what it prints."""
    click.echo(line, err=True)


def example(*lines: str) -> str:
    """The examples under a command's help."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def print_json(value: Any) -> None:
    takes_all = codecs.lookup(sys.stdout.encoding).name == "utf-8"
    click.echo(json.dumps(value, ensure_ascii=not takes_all, indent=2, default=_json_value))


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(f"{value!r} has no form in JSON")


def print_table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, nothing: str) -> None:
    """Columns as wide as their widest cell; the last one is cut at the edge of the terminal."""
    table = [[str(cell) for cell in row] for row in rows]
    if not table:
        click.echo(nothing)
        return
    widths = [max(len(row[column]) for row in [list(head), *table]) for column in range(len(head) - 1)]
    room = max(20, shutil.get_terminal_size((120, 40)).columns - sum(widths) - 2 * len(widths))
    numbers = {column for column in range(len(widths)) if all(_is_number(row[column]) for row in table)}
    for row in [list(head), *table]:
        cells = [
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        last = row[-1] if len(row[-1]) <= room else row[-1][: room - 1] + "…"
        click.echo("  ".join([*cells, last]).rstrip())


def _is_number(text: str) -> bool:
    return text == "?" or text.replace(".", "", 1).replace("-", "", 1).isdigit()
