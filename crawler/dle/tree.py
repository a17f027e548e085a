"""
Who answers whom, from the raw tags of a page.

The engine writes a thread as nested lists, and three families of versions write them in three ways
that HTML parsers repair wrongly or not at all:

    10.5, 10.6   the items of a list are not closed, but for those with answers: "</ol></li>";
                 answers below the depth limit are not on the page
    13 to 16     all is closed; below the limit an answer's item stands directly in the item that it
                 answers, which HTML forbids and parsers therefore flatten
    20           all is closed; below the limit answers follow what they answer as further items of
                 the deepest list; advertisements are items without a number

What can be proved, and what cannot:

- An item directly in a list answers the item that the list stands in ("tree"), an item directly in
  an item answers that one ("recovered").
- Engine 20's deepest list mixes answers to the item above it with answers to its own items. Its first
  item answers the item above. For the others that item is the deepest ancestor that the page proves
  ("capped"); whether they answer it directly or an item before them, the page does not say.
- Whether a page's deepest list is at the limit is not written either. It is taken to be so where
  numbers in it go down (a list is ordered by number, flattened answers break the order), or where it
  is as deep as the engine's default limit, and only on pages without items in items. On a site
  with a lower limit, flattened answers that happen to be in order are taken for "tree".
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from crawler.dle.tags import Tag, list_tags
from crawler.items import ParentSource

#: The engine's limit at installation: the root is level 0, so six lists stand in one another.
DEFAULT_LIMIT = 5

_ITEM = re.compile(rb"""(?:^|[\s"'/])id\s*=\s*["']?comments-tree-item-([0-9]{1,18})(?=[\s"'/]|$)""")
_TREE_CLASS = re.compile(
    rb"""(?:^|[\s"'/])class\s*=\s*(?:"|'|(?=c))(?:[^"']*\s)?comments-tree-(?:list|item)(?=[\s"'/]|$)"""
)


class Parent(NamedTuple):
    """Which comment a comment answers, and how that is known."""

    id: int | None
    source: ParentSource


class Tree(NamedTuple):
    """The thread as a page shows it."""

    #: The parent of each comment, in the order of the page; empty where the page shows a flat list.
    parents: dict[int, Parent]
    #: True where lists and items close as they open. Where they do not, a page is damaged or
    #: its engine is one that nobody has seen, and the parents may be wrong.
    balanced: bool


def tree(html: str) -> Tree:
    """The thread that a page shows, in time linear in its length, however it is built or broken."""
    steps = _steps(list_tags(html))
    opened, closed, nested = _counts(steps)
    # The unclosed style closes just the items with answers, and perhaps the last one of all; the
    # other one closes them all. Where both counts fit (a chain without branches), both mean the same.
    off_unclosed = min(abs(closed - nested), abs(closed - nested - 1))
    unclosed = off_unclosed < opened - closed
    balanced = closed == opened or off_unclosed == 0
    return Tree(_parents(steps, unclosed), balanced)


class _Step(NamedTuple):
    """A tag that belongs to the tree: a list or an item that opens or closes."""

    name: bytes
    #: The comment's number; None for an item without one (an advertisement) and for lists.
    id: int | None


def _steps(tags: Iterable[Tag]) -> list[_Step]:
    """
    The tags of the tree alone, without those of lists inside the comments.

    A comment may hold lists of its own: stars, images, what its author wrote. They are balanced
    apart, between one tag of the tree and the next, so that their ends are not taken for the tree's.
    """
    steps: list[_Step] = []
    depth = 0  # of the tree: lists and items that are open
    inner: list[bytes] = []
    open_inner = {b"ol": 0, b"ul": 0, b"li": 0}
    for name, rest in tags:
        if not name:
            continue
        if name[:1] != b"/":
            item = _ITEM.search(rest) if name == b"li" else None
            if item or (name != b"ul" and _TREE_CLASS.search(rest)):
                steps.append(_Step(name, int(item[1]) if item else None))
                depth += 1
            elif depth:
                inner.append(name)
                open_inner[name] += 1
                continue
            else:
                continue
        else:
            name = name[1:]
            if name == b"li" and inner and inner[-1] != b"li":
                continue  # closes nothing: a list stands between it and any item
            if open_inner[name]:
                while True:
                    last = inner.pop()
                    open_inner[last] -= 1
                    if last == name:
                        break
                continue
            if name == b"ul" or not depth:
                continue
            steps.append(_Step(b"/" + name, None))
        if inner:
            inner.clear()
            open_inner = dict.fromkeys(open_inner, 0)
    return steps


def _counts(steps: list[_Step]) -> tuple[int, int, int]:
    """How many items open, how many of them close by a tag of their own, how many lists stand in items."""
    stack: list[bytes] = []
    lists = opened = closed = nested = 0
    for name, _ in steps:
        if name == b"li":
            stack.append(name)
            opened += 1
        elif name == b"ol":
            nested += bool(stack) and stack[-1] == b"li"
            stack.append(name)
            lists += 1
        elif name == b"/li":
            if stack and stack[-1] == b"li":
                stack.pop()
                closed += 1
        elif lists:
            lists -= 1
            while stack.pop() != b"ol":
                pass
    return opened, closed, nested


class _Open(NamedTuple):
    """A list or item that is open."""

    name: bytes
    #: The nearest comment: the item's own, or the one that a list stands in.
    id: int | None
    #: How many lists are open, this one included.
    level: int


def _parents(steps: list[_Step], unclosed: bool) -> dict[int, Parent]:
    parents: dict[int, Parent] = {}
    stack: list[_Open] = []
    levels: dict[int, list[list[int]]] = {}  # level → the comments of each list there
    lists: list[list[int]] = []
    items_in_items = False
    for name, id in steps:
        if name == b"ol":
            top = stack[-1] if stack else None
            stack.append(_Open(name, top.id if top else None, top.level + 1 if top else 1))
            lists.append([])
            levels.setdefault(len(lists) - 1, []).append(lists[-1])
        elif name == b"li":
            if unclosed and stack and stack[-1].name == b"li":
                stack.pop()
            top = stack[-1] if stack else None
            above = top.id if top else None
            if id is None:
                stack.append(_Open(name, above, top.level if top else 0))
                continue
            in_item = top is not None and top.name == b"li"
            items_in_items |= in_item
            if id not in parents and id != above:
                source: ParentSource = "root" if above is None else "recovered" if in_item else "tree"
                parents[id] = Parent(above, source)
                if lists and not in_item:
                    lists[-1].append(id)
            stack.append(_Open(name, id, top.level if top else 0))
        elif name == b"/li":
            if stack and stack[-1].name == b"li":
                stack.pop()
        elif lists:
            lists.pop()
            while stack.pop().name != b"ol":
                pass
    if levels and not unclosed and not items_in_items:
        deepest = max(levels)
        if deepest >= DEFAULT_LIMIT or any(_goes_down(ids) for ids in levels[deepest] if deepest):
            for ids in levels[deepest]:
                for id in ids[1:]:
                    parents[id] = Parent(parents[id].id, "capped")
    return parents


def _goes_down(ids: list[int]) -> bool:
    return any(later < earlier for earlier, later in pairwise(ids))
