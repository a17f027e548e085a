"""A comment thread as people read it on a terminal: an indented tree."""

import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from crawler.items import Change
from crawler.normalise.threads import SEGMENT_WIDTH

#: Deeper comments are not indented further, or nothing would be left for the words.
DEEPEST_INDENT = 12

#: What the site did, in a word or two; "new" needs none.
CHANGED: Final[Mapping[Change, str]] = {
    "edit": "edited",
    "merge": "added to",
    "translation": "translated anew",
    "rename": "renamed",
    "move": "moved",
    "missing": "missing",
    "gone": "gone",
    "return": "there again",
}


def day_and_time(moment: datetime | None, zone: ZoneInfo, *, precision: str | None = "minute") -> str:
    """A moment in the site's own time: "3 Nov 2017 12:20"; "?" where it is not known."""
    if moment is None:
        return "?"
    local = moment.astimezone(zone)
    day = f"{local.day} {local:%b %Y}"
    return day if precision == "day" else f"{day} {local:%H:%M}"


def tree_lines(
    comments: Sequence[Mapping[str, Any]], *, zone: ZoneInfo, width: int, gone: Collection[int] = ()
) -> Iterator[str]:
    """
    The lines of a thread.

    Where a comment answers one that is not among them, a line in its place says so.

    Args:
        comments: Rows of `storage.queries.thread`, in reading order.

        gone: Numbers of comments that are not among them because they are gone.

        zone: The site's time zone.

        width: Columns of the terminal.
    """
    rows = list(_with_absent_ones(comments, gone))
    last = _last_of_their_siblings(rows)
    #: For each depth above the comment: whether more siblings follow there, so that their line goes on.
    goes_on: list[bool] = []
    for comment in rows:
        depth = min(comment["depth"], DEEPEST_INDENT)
        del goes_on[depth:]
        goes_on += [False] * (depth - len(goes_on))
        is_last = comment["id"] in last
        stem = "".join("│  " if more else "   " for more in goes_on[1:])
        head = stem + ("" if depth == 0 else "└─ " if is_last else "├─ ")
        rest = stem + ("" if depth == 0 else "   " if is_last else "│  ")
        goes_on.append(not is_last)
        if "absent" in comment:
            yield f"{head}({comment['absent']})"
            continue
        yield head + _headline(comment, zone)
        for line in _words(comment, max(30, width - len(rest) - 2)):
            yield f"{rest}  {line}".rstrip()


def _with_absent_ones(
    comments: Iterable[Mapping[str, Any]], gone: Collection[int]
) -> Iterator[Mapping[str, Any]]:
    """The comments, and before the first answer to one that is not among them a row that stands for it."""
    known: set[str] = set()
    for comment in comments:
        above: list[str] = []
        path = comment["path"][:-SEGMENT_WIDTH]
        while path and path not in known:
            above.append(path)
            path = path[:-SEGMENT_WIDTH]
        for path in reversed(above):
            id, parent = path[-SEGMENT_WIDTH:], path[-2 * SEGMENT_WIDTH : -SEGMENT_WIDTH]
            yield {
                "id": int(id),
                "parent_id": int(parent) if parent else None,
                "depth": len(path) // SEGMENT_WIDTH - 1,
                "absent": "gone" if int(id) in gone else "a comment that was never seen",
            }
        known.update(above, (comment["path"],))
        yield comment


def is_marked(comment: Mapping[str, Any]) -> bool:
    """Whether something has happened to a comment since it was seen first, so that it has a history."""
    return bool(comment["change"] != "new")


def _headline(comment: Mapping[str, Any], zone: ZoneInfo) -> str:
    date = day_and_time(comment["posted_at"], zone, precision=comment["posted_precision"])
    if comment["posted_at"] is None and comment["posted_raw"]:
        date = f"“{comment['posted_raw']}”"
    parts = [comment["nickname"] or "(no name)", date]
    if comment["rating"] is not None:
        parts.append(f"{comment['rating']:+d}" if comment["rating"] else "0")
    if is_marked(comment):
        since = "since " if comment["state"] != "live" else ""
        parts.append(f"{CHANGED[comment['change']]} {since}{day_and_time(comment['seen_at'], zone)}")
        parts.append(f"#{comment['id']}")
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
