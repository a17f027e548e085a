"""
Which of two readings of the same thing is the better one, and whether they tell of a change.

"3 hours ago" and 12:20 can be the same moment; a parent guessed from a quotation is worth less than one that the page
proved. A better reading is not a change.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Row

from crawler.items import ParentSource, Precision
from crawler.normalise.threads import SEGMENT_WIDTH, segment

#: How much a way of knowing a parent is worth: a weaker one never replaces a stronger one.
STRENGTH: Mapping[ParentSource, int] = {
    "root": 3,
    "tree": 3,
    "recovered": 3,
    "capped": 2,
    "mention": 1,
    "quote": 1,
}

#: Two readings of a date agree when they differ by less than what the coarser one leaves open.
LEFT_OPEN: Mapping[Precision, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


def is_change(new: Mapping[str, Any], old: Row[*tuple[Any, ...]]) -> bool:
    """
    Whether the site changed the comment: other words, author, parent, or a date that contradicts the stored one.

    The same markup read differently is a better reader, not a change.
    """
    if new["source_hash"] == old.source_hash:
        return False
    if new["content_hash"] != old.content_hash:
        return True
    return not dates_agree("posted", new, old._mapping)


def contradicts(content: Mapping[str, Any], old: Row[*tuple[Any, ...]]) -> bool:
    """
    Whether a weaker way of knowing the parent says that the stored place is wrong.

    A "capped" parent is proved to be an ancestor: where the stored place lies under another branch, the comment has
    moved. What is inferred from words proves nothing against a page that showed the parent.
    """
    if content["parent_source"] != "capped":
        return False
    ancestors = {old.path[start : start + SEGMENT_WIDTH] for start in range(0, len(old.path), SEGMENT_WIDTH)}
    return segment(content["parent_id"]) not in ancestors


def keep_better_date(
    name: Literal["posted", "published"], content: dict[str, Any], old: Mapping[Any, Any]
) -> None:
    """Put back the stored date unless the new one contradicts it or is more exact."""
    at, precision = f"{name}_at", f"{name}_precision"
    if old[at] is None:
        return
    if content[at] is None or (
        dates_agree(name, content, old) and LEFT_OPEN[content[precision]] >= LEFT_OPEN[old[precision]]
    ):
        content |= {column: old[column] for column in (at, f"{name}_raw", precision)}


def dates_agree(
    name: Literal["posted", "published"], content: Mapping[str, Any], old: Mapping[Any, Any]
) -> bool:
    """Whether the two dates can be the same moment, each as exactly as it is known; an unknown one can be any."""
    at, precision = f"{name}_at", f"{name}_precision"
    if content[at] is None or old[at] is None:
        return True
    left_open = max(LEFT_OPEN[content[precision]], LEFT_OPEN[old[precision]])
    difference: timedelta = abs(content[at] - old[at])
    return difference < left_open
