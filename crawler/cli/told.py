"""How a change is told in words, for people on a terminal."""

import os
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import click

from crawler.differences import marked, shortened
from crawler.thread_tree import day_and_time

#: Of words that have not changed, so many are shown on each side of those that have.
CONTEXT_WORDS: Final = 8

#: Texts that are compared word by word.
_TEXTS: Final = ("title", "lead", "body")

#: Tell nothing by themselves that another column does not tell.
_SILENT: Final = {
    "state",
    "parent_source",
    "posted_raw",
    "posted_precision",
    "published_raw",
    "published_precision",
}

_MARK: Final = re.compile(r"(?P<removed>\[-.*?-\])|\{\+.*?\+\}", re.DOTALL)


def difference_lines(
    differs: Mapping[str, tuple[Any, Any]], zone: ZoneInfo, width: int, *, context: int | None = None
) -> Iterator[str]:
    """
    What differs between two states, column by column.

    Args:
        differs: As of `crawler.differences.differences`.

        zone: The site's time zone.

        width: Columns of the terminal.

        context: As of `crawler.differences.marked`.
    """
    for name, (before, after) in differs.items():
        if name in _TEXTS:
            head = "" if name == "body" else f"{name}: "
            yield from wrapped(head + marked(before or "", after or "", context=context), width)
        elif name == "quotes":
            for old, new in _pairs([quoted(one) for one in before], [quoted(one) for one in after]):
                yield from wrapped("> " + marked(old, new, context=context), width)
        elif name in ("links", "images"):
            removed, added = _urls(before, after), _urls(after, before)
            yield from (f"{name[:-1]} [-{url}-]" for url in removed)
            yield from (f"{name[:-1]} {{+{url}+}}" for url in added)
        elif name == "author_key" and "nickname_raw" in differs:
            continue
        elif name not in _SILENT:
            yield from wrapped(f"{_LABELS.get(name, name)}: {_value(name, after, zone)}", width)
            yield from wrapped(f"  before: {_value(name, before, zone)}", width)


_LABELS: Final = {
    "article_id": "article",
    "parent_id": "answers",
    "author_key": "author",
    "nickname_raw": "name",
    "posted_at": "date",
    "published_at": "date",
    "source_credit": "credit",
    "url": "address",
}


def _value(name: str, value: Any, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return day_and_time(value, zone)
    if name == "parent_id" and value is None:
        return "no comment"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or "none"
    return "none" if value in (None, "") else str(value)


def _urls(those: Iterable[Mapping[str, Any]], but: Iterable[Mapping[str, Any]]) -> list[str]:
    others = {one["url"] for one in but}
    return [one["url"] for one in those if one["url"] not in others]


def quoted(quote: Mapping[str, Any]) -> str:
    """A quotation with the name of whom it quotes."""
    return f"{quote['author']}: {quote['text']}" if quote["author"] else str(quote["text"])


def _pairs(old: list[str], new: list[str]) -> Iterator[tuple[str, str]]:
    for place in range(max(len(old), len(new))):
        pair = "".join(old[place : place + 1]), "".join(new[place : place + 1])
        if pair[0] != pair[1]:
            yield pair


def wrapped(text: str, width: int) -> Iterator[str]:
    """The lines of a text, none longer than the terminal is wide."""
    for line in text.split("\n"):
        yield from textwrap.wrap(line, max(30, width), break_on_hyphens=False) or [""]


def beginning(text: str, width: int) -> Iterator[str]:
    """The beginning of a text that is no more."""
    return wrapped(shortened(text, 4 * CONTEXT_WORDS), width)


def show(lines: Iterable[str], indent: str = "  ") -> None:
    """
    Print lines, what was removed in red and what was added in green where the terminal has colours, and its user wants
    them (https://no-color.org).
    """
    text = "\n".join(f"{indent}{line}".rstrip() for line in lines)
    if text:
        click.echo(text if os.environ.get("NO_COLOR") else _MARK.sub(_coloured, text))


def _coloured(mark: re.Match[str]) -> str:
    return click.style(mark[0], fg="red" if mark["removed"] else "green")
