"""
What stands between two comments of a page: the ends and beginnings of items and lists.

A template writes it in few ways, and a thread of thousands has no more; so each is looked at once.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from crawler.dle.tags import Tag, tags
from crawler.dle.tree import Step, Steps

#: What the id of an item begins with.
_ITEM = "comments-tree-item-"

#: Longer markup between two comments has more in it than tags of the tree, and will hardly come again.
_LONG = 1_000

#: Stands for the number of the second comment: no comment has it.
NOBODY = str(10**18 - 1)


class Piece(NamedTuple):
    """
    A tag of the tree and the white space around it.

    An item or list in which nothing is left when comments are taken out of the page is none that a parser or selector
    could miss, so it goes with them: see `opens` and `closes`. That holds for lists and items that have nothing but
    the engine's own id and class, and for an item only where no other item of its list is open, as that would be
    closed by it.
    """

    #: The tag; of the second comment's own item the part before its number …
    tag: str
    #: … and the part behind that.
    rest: str | None = None
    #: What it opens, if that may go: an item, "i", or a list, "o".
    opens: str = ""
    #: What it closes.
    closes: str = ""


class Between(NamedTuple):
    """Markup between two comments; the number of the second may be another."""

    pieces: tuple[Piece, ...]
    tags: list[Tag]
    #: What belongs to the tree, where that is the same whatever stands before.
    steps: list[Step] | None = None
    #: Place of the second comment's own item among it, counted from the end; 0 where it has none.
    own: int = 0


def between(markup: str, number: str) -> Between:
    """
    What the markup between two comments is.

    Args:
        number: That of the second comment.
    """
    if len(markup) > _LONG:
        return Between((Piece(markup),), tags(markup))
    before, own, behind = markup.partition(_ITEM + number)
    known = _known(before, behind if own else None)
    if known.steps is None:
        return Between((Piece(markup),), tags(markup))
    return known if known.pieces else known._replace(pieces=(Piece(markup),))


@lru_cache(maxsize=1_000)
def _known(before: str, behind: str | None) -> Between:
    """
    Markup between two comments, but for the second's number.

    Args:
        behind: What follows the id of the second comment's own item; None where there is no such item.
    """
    markup = before if behind is None else f"{before}{_ITEM}{NOBODY}{behind}"
    found = tags(markup)
    steps = Steps(in_tree=True)
    steps.add(found)
    if steps.has_open_lists or NOBODY in f"{before} {behind}" or (behind or "")[:1].isdigit():
        return Between((), found)
    numbers = [number for _, number in steps.taken]
    own = numbers.index(int(NOBODY)) - len(numbers) if int(NOBODY) in numbers else 0
    pieces = _pieces(markup)
    if not pieces and behind is None:
        pieces = (Piece(markup),)
    return Between(pieces, found, steps.taken, own)


_PIECE = re.compile(
    rf"""[ \t\n]*+(?:(?P<close></(?:li|ol)>)|(?P<list><ol\ class="comments-tree-list">)
        |<li\ id="{_ITEM}(?P<number>[0-9]++)"\ class="comments-tree-item"[ ]?>)[ \t\n]*+""",
    re.VERBOSE,
)


def _pieces(markup: str) -> tuple[Piece, ...]:
    """The tags of the tree; none where there is anything else."""
    pieces: list[Piece] = []
    at = 0
    for match in _PIECE.finditer(markup):
        if match.start() > at:
            break
        at = match.end()
        if match["close"]:
            pieces.append(Piece(match[0], closes="i" if match["close"] == "</li>" else "o"))
        elif match["list"]:
            pieces.append(Piece(match[0], opens="o"))
        else:
            opens = "i" if pieces and (pieces[-1].opens == "o" or pieces[-1].closes == "i") else ""
            if match["number"] == NOBODY:
                begin, end = match.span("number")
                pieces.append(Piece(markup[match.start() : begin], markup[end:at], opens))
            else:
                pieces.append(Piece(match[0], opens=opens))
    return tuple(pieces) if at == len(markup) else ()
