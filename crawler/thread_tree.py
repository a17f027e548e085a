"""A comment thread as people read it on a terminal: an indented tree."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

#: Deeper comments are not indented further, or nothing would be left for the words.
DEEPEST_INDENT = 12


def day_and_time(moment: datetime | None, zone: ZoneInfo, *, precision: str | None = "minute") -> str:
    """A moment in the site's own time: "3 Nov 2017 12:20"; "?" where it is not known."""
    if moment is None:
        return "?"
    local = moment.astimezone(zone)
    day = f"{local.day} {local:%b %Y}"
    return day if precision == "day" else f"{day} {local:%H:%M}"


def tree_lines(comments: Sequence[Mapping[str, Any]], *, zone: ZoneInfo, width: int) -> Iterator[str]:
    """
    The lines of a thread.

    Args:
        comments: Rows of `storage.queries.thread`, in reading order.

        zone: The site's time zone.

        width: Columns of the terminal.
    """
    last = _last_of_their_siblings(comments)
    #: For each depth above the comment: whether more siblings follow there, so that their line goes on.
    goes_on: list[bool] = []
    for comment in comments:
        depth = min(comment["depth"], DEEPEST_INDENT)
        del goes_on[depth:]
        goes_on += [False] * (depth - len(goes_on))
        is_last = comment["id"] in last
        stem = "".join("│  " if more else "   " for more in goes_on[1:])
        head = stem + ("" if depth == 0 else "└─ " if is_last else "├─ ")
        rest = stem + ("" if depth == 0 else "   " if is_last else "│  ")
        goes_on.append(not is_last)
        yield head + _headline(comment, zone)
        for line in _words(comment, max(30, width - len(rest) - 2)):
            yield f"{rest}  {line}".rstrip()


def _headline(comment: Mapping[str, Any], zone: ZoneInfo) -> str:
    date = day_and_time(comment["posted_at"], zone, precision=comment["posted_precision"])
    if comment["posted_at"] is None and comment["posted_raw"]:
        date = f"“{comment['posted_raw']}”"
    parts = [comment["nickname"] or "(no name)", date]
    if comment["rating"] is not None:
        parts.append(f"{comment['rating']:+d}" if comment["rating"] else "0")
    if comment["state"] != "live":
        parts.append(comment["state"])
    return " · ".join(parts)


def _words(comment: Mapping[str, Any], width: int) -> Iterator[str]:
    for quote in comment["quotes"]:
        text = f"{quote['author']}: {quote['text']}" if quote["author"] else quote["text"]
        yield from (f"> {line}" for line in _wrapped(text, width - 2))
    yield from _wrapped(comment["body"], width)


def _wrapped(text: str, width: int) -> Iterator[str]:
    for line in text.split("\n"):
        yield from textwrap.wrap(line, width) or [""] if line else []


def _last_of_their_siblings(comments: Iterable[Mapping[str, Any]]) -> set[int]:
    # Orphans of one lost parent share its number, so they stand together as its answers would.
    return set({comment["parent_id"]: comment["id"] for comment in comments}.values())
