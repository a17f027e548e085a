"""
Which of two readings of the same thing is the better one, and whether they tell of a change.

"3 hours ago" and 12:20 can be the same moment; a parent guessed from a quotation is worth less than one that the page
proved. A better reading is not a change.
"""

from collections.abc import Callable, Mapping, Set
from datetime import timedelta
from typing import Any, Final, Literal

from crawler.fold.look import Look, Row
from crawler.items import Change, ParentSource, Precision
from crawler.normalise.threads import SEGMENT_WIDTH, segment

#: How much a way of knowing a parent is worth: a weaker one never replaces a stronger one.
STRENGTH: Final[Mapping[ParentSource, int]] = {
    "root": 3,
    "tree": 3,
    "recovered": 3,
    "capped": 2,
    "mention": 1,
    "quote": 1,
}

#: From this strength on the page itself shows the parent; what is weaker was inferred from words.
SHOWN: Final = 2

#: Two readings of a date agree when they differ by less than what the coarser one leaves open.
LEFT_OPEN: Final[Mapping[Precision, timedelta]] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}

#: A comment's words and who wrote them.
_WHO: Final = frozenset(("author_key", "nickname_raw"))
_WORDS: Final = _WHO | {"body", "quotes", "links", "images"}

DateName = Literal["posted", "published"]


def change_of_comment(said: Row, old: Row, look: Look, path: Callable[[int], str]) -> Change | None:
    """
    What the site did to a comment between two looks; None where it did nothing.

    The same markup read differently is a better reader, not a change. Only what another comment's markup decides, the
    place in the tree, can change without the comment's own.

    Args:
        said: The content columns as read now. What the stored reading knows better is put back into them.

        path: Gives the stored path of the comment of this number, where it is needed.
    """
    same_markup = said["source_hash"] == old["source_hash"]
    read_anew = same_markup and look.reader_version != old["reader_version"]
    other_date = _keep_better_date("posted", said, old, trusted=same_markup and not read_anew)
    moved = _keep_better_parent(said, old, look, path) and not read_anew
    if not same_markup:
        # Not by their hash: that of an older row may have been computed otherwise.
        words = {name for name in _WORDS if said[name] != old[name]}
        if words or other_date:
            return _kind_of_edit(words, said, old, look)
    return "move" if moved or said["article_id"] != old["article_id"] else None


def _kind_of_edit(words: Set[str], said: Row, old: Row, look: Look) -> Change:
    dated = said["posted_at"] is not None and old["posted_at"] is not None
    if dated and said["posted_at"] > old["posted_at"] and _grew(old["body"], said["body"]):
        return "merge"
    if words and words <= _WHO:
        return "rename"
    if look.translated and words - _WHO and "images" not in words and _same_but_words(said, old):
        return "translation"
    return "edit"


def _grew(old: str, new: str) -> bool:
    return len(new) > len(old) and new.startswith(old)


def _same_but_words(said: Row, old: Row) -> bool:
    """Whether nothing has changed that a translator leaves alone: who is quoted where, and where links lead."""

    def frame(row: Row) -> list[Any]:
        quotes = [(quote["level"], quote["comment_id"]) for quote in row["quotes"]]
        return [quotes, [link["url"] for link in row["links"]], row["author_key"]]

    return frame(said) == frame(old)


def _keep_better_parent(said: Row, old: Row, look: Look, path: Callable[[int], str]) -> bool:
    """
    Put back the stored parent where it is known better; returns whether the page shows that the comment has moved.

    A "capped" parent is proved to be an ancestor: where the stored place lies under another branch, the comment has
    moved. What is inferred from words proves nothing against a page that showed the parent; nor does a page without a
    tree, on which all seem to be roots.
    """
    source: ParentSource = said["parent_source"]
    new = 0 if look.flat and source == "root" else STRENGTH[source]
    stored = STRENGTH[old["parent_source"]]
    if new < stored:
        if source == "capped" and segment(said["parent_id"]) not in _segments(path(old["id"])):
            return True
        said |= {"parent_id": old["parent_id"], "parent_source": old["parent_source"]}
        return False
    return said["parent_id"] != old["parent_id"] and new == stored and new >= SHOWN


def _segments(path: str) -> set[str]:
    return {path[start : start + SEGMENT_WIDTH] for start in range(0, len(path), SEGMENT_WIDTH)}


def change_of_article(said: Row, old: Row, look: Look) -> Change | None:
    """What the site did to an article between two looks; None where it did nothing. `said` as for comments."""
    other_date = _keep_better_date("published", said, old, trusted=False)
    other = {name for name in said if not name.startswith("published_") and said[name] != old[name]}
    if not other and not other_date:
        return None
    same_images = [image["url"] for image in said["images"]] == [image["url"] for image in old["images"]]
    return (
        "translation" if look.translated and "url" not in other and not other_date and same_images else "edit"
    )


def _keep_better_date(name: DateName, said: Row, old: Row, *, trusted: bool) -> bool:
    """
    Put back the stored date where it is known better; returns whether the new one contradicts it.

    Args:
        trusted: Whether the stored date was read from the same markup by the same reader: then one that contradicts it
            comes from a clock that went wrong, and must at least be more exact.
    """
    at, precision = f"{name}_at", f"{name}_precision"
    if old[at] is None and not (trusted and said[at] is None):
        return False
    if said[at] is None:
        # Words that nobody understands may move by themselves too ("a moon ago", "two moons ago"): the first ones stay.
        contradicts, better = False, False
    else:
        contradicts = not dates_agree(said[at], said[precision], old[at], old[precision])
        finer = LEFT_OPEN[said[precision]] < LEFT_OPEN[old[precision]]
        better = finer or (contradicts and not trusted)
    if not better:
        said |= {column: old[column] for column in (at, f"{name}_raw", precision)}
    return contradicts


def dates_agree(one: Any, one_precision: Precision, other: Any, other_precision: Precision) -> bool:
    """Whether two dates can be the same moment, each as exactly as it is known."""
    difference: timedelta = abs(one - other)
    return difference < max(LEFT_OPEN[one_precision], LEFT_OPEN[other_precision])
