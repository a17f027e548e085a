"""
How well our reader reads, beside others: `make bench-accuracy`.

Prints the tables, writes them into README.md between its two markers, and names the pages on which another
reader did better than ours. The same pages and seeds give the same tables; nothing asks the network.
"""

import argparse
import logging
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from crawler.errors import NotUnderstood
from tests.benchmarks.corpus import Page, named_fields, rendered_pages, saved_cases, saved_pages
from tests.benchmarks.peers import Reader, readers, understood
from tests.benchmarks.scores import COLUMNS, Column, Given, page_scores

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- accuracy -->", "<!-- /accuracy -->"
#: None of those that `make forests` asks: our reader was mended by them.
SEEDS = "20700-20719"

HEADS: Mapping[Column, str] = {
    "body": "body",
    "title": "title",
    "day": "published: day",
    "minute": "minute",
    "author": "comments: author",
    "time": "time",
    "text": "text",
    "parent": "edges: parent",
    "depth": "depth",
}


@dataclass(frozen=True, slots=True)
class Result:
    """One reader on one page."""

    page: str
    scores: Mapping[Column, float]
    #: What went wrong, where it failed.
    failure: str | None = None


Results = Mapping[str, Sequence[Result]]
"""By the reader's name, the pages in the same order for each."""


def results(pages: Sequence[Page], compared: Sequence[Reader]) -> Results:
    """Every reader on every page."""
    return {reader.name: [result(page, reader) for page in pages] for reader in compared}


def result(page: Page, reader: Reader) -> Result:
    """One reader on one page; one that fails has read nothing."""
    failure = None
    try:
        given = reader.read(page)
    except Exception as error:  # noqa: BLE001 - others' readers fail in any way, and that is a score
        given, failure = Given(), f"{type(error).__name__}: {error}"
    truth = page.truth
    there = truth.title or truth.body or truth.comments  # a page past the last comment has nothing to give
    if there and failure is None and not given.title and not given.body and not given.comments:
        failure = "gave nothing"
    scores = page_scores(truth, given)
    if failure is not None:
        scores = dict.fromkeys(scores, 0.0)
    return Result(page.name, {c: score for c, score in scores.items() if c in reader.gives}, failure)


def table(found: Results) -> str:
    """The means as a table in Markdown."""
    lines = [("reader", *(HEADS[column] for column in COLUMNS), "failed")]
    for name, rows in found.items():
        failed = sum(row.failure is not None for row in rows)
        lines.append((name, *(_mean(rows, column) for column in COLUMNS), str(failed)))
    ours = next(iter(found.values()))
    judged = (str(sum(column in row.scores for row in ours)) for column in COLUMNS)
    lines.append(("*pages judged*", *judged, ""))
    rule = ("---", *("---:" for _ in lines[0][1:]))
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def _mean(rows: Sequence[Result], column: Column) -> str:
    scores = [row.scores[column] for row in rows if column in row.scores]
    if not scores:
        return "–"
    # Never rounded up to 1: that means all of it.
    return f"{int(1000 * fmean(scores) + 1e-9) / 1000:.3f}"


def shortfalls(found: Results) -> Iterator[str]:
    """Where our reader is not right, a line each: those where another one is better come first."""
    (_, rows), *others = found.items()
    lines = []
    for place, row in enumerate(rows):
        if row.failure:
            lines.append((0, f"{row.page}: refused: {row.failure}"))
        for column, score in row.scores.items():
            better = {name: each[place].scores.get(column, 0.0) for name, each in others}
            name = max(better, key=better.__getitem__)
            if better[name] > score:
                lines.append((0, f"{row.page}: {column} {score:.3f}, {name} has {better[name]:.3f}"))
            elif score < 1:
                lines.append((1, f"{row.page}: {column} {score:.3f}, and no other is better"))
    return (line for _, line in sorted(lines, key=lambda line: line[0]))


def told_fields(cases: Iterable[tuple[Page, Mapping[str, Any]]]) -> list[tuple[str, bool]]:
    """Each field that the cases name, with the case's name, and whether our reader tells it right."""
    fields = []
    for page, expected in cases:
        try:
            told: Mapping[str, object] = asdict(understood(page))
        except NotUnderstood as refusal:
            # Of a refusal a case names a part of the message.
            part = str(expected.get("error", ""))
            told = {"error": part if part in str(refusal) else str(refusal), "kind": refusal.kind}
        fields += [(f"{page.name}: {where}", right) for where, right in named_fields(expected, told)]
    return fields


def with_section(readme: str, section: str) -> str:
    """
    The README with a new text between the two markers.

    Raises:
        ValueError: It has no such markers.
    """
    if not (BEGIN in readme and END in readme):
        raise ValueError(f"{BEGIN} and {END} must stand in README.md: the tables go between them")
    return re.sub(
        f"{re.escape(BEGIN)}.*?{re.escape(END)}",
        lambda _: f"{BEGIN}\n{section}\n{END}",
        readme,
        flags=re.DOTALL,
    )


def numbers(text: str) -> list[int]:
    """ "1-20" or "3,5,8-10" as numbers."""
    parts = [part.partition("-") for part in text.split(",")]
    return [number for first, _, last in parts for number in range(int(first), int(last or first) + 1)]


def refuse_network(event: str, _: tuple[object, ...]) -> None:
    """An audit hook: a library that would ask the network goes on as if there were none."""
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise OSError("a benchmark asks no network")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.accuracy", description=__doc__)
    parser.add_argument(
        "--seeds",
        default=SEEDS,
        help=f"of the random threads, one for each era: 7 or 1-20 or 3,5,8-10 ({SEEDS})",
    )
    parser.add_argument("--readme", type=Path, default=README, help="where the tables are written")
    arguments = parser.parse_args()
    sys.addaudithook(refuse_network)
    logging.disable()  # what the libraries complain of is in their scores
    warnings.simplefilter("ignore")

    cases = list(saved_cases())
    saved = list(saved_pages())
    rendered = list(rendered_pages(numbers(arguments.seeds)))
    compared = readers()
    tables = {
        f"{len(saved)} saved pages": results(saved, compared),
        f"{len(rendered)} rendered pages, seeds {arguments.seeds}": results(rendered, compared),
    }
    fields = told_fields(cases)
    told = f"{sum(right for _, right in fields):,} of the {len(fields):,} fields"
    parts = [f"{title}:\n\n{table(found)}" for title, found in tables.items()]
    parts.append(
        f"All {len(cases)} saved cases, with lists, feeds and pages to be refused:"
        f" ours reads {told} that they name."
    )
    section = "\n\n".join(parts)
    arguments.readme.write_text(
        with_section(arguments.readme.read_text(encoding="utf-8"), section), encoding="utf-8"
    )
    lines = [line for found in tables.values() for line in shortfalls(found)]
    lines += [f"{where} is not what expected.json says" for where, right in fields if not right]
    sys.stdout.write(f"{section}\n\nWhere our reader falls short:{'' if lines else ' nowhere'}\n")
    for line in lines:
        sys.stdout.write(f"  {line}\n")
    for page in saved:
        for words in page.unread:
            sys.stdout.write(f"  {page.name}: {words!r} is not judged: its moment belongs into times.json\n")


if __name__ == "__main__":
    main()
