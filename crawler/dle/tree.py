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
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, cast

from crawler.dle.tags import Tag, list_tags
from crawler.items import ParentSource

#: The engine's limit at installation: the root is level 0, so six lists stand in one another.
DEFAULT_LIMIT = 5

_LIST_TAGS = frozenset((b"ol", b"/ol", b"ul", b"/ul", b"li", b"/li"))
#: The look behind stands inside, so that the search can run to the first "id" at once.
_ITEM = re.compile(rb"""id(?<![^\s"'/]id)\s*=\s*["']?comments-tree-item-([0-9]{1,18})(?=[\s"'/]|$)""")
_TREE_CLASS = re.compile(
    rb"""(?:^|[\s"'/])class\s*=\s*(?:"|'|(?=c))(?:[^"']*\s)?comments-tree-(?:list|item)(?=[\s"'/]|$)"""
)


class Parent(NamedTuple):
    """Which comment a comment answers, and how that is known."""

    id: int | None
    source: ParentSource


#: What answers nobody, and what stands outside the tree.
ROOT = Parent(None, "root")


class Tree(NamedTuple):
    """The thread as a page shows it."""

    #: The parent of each comment, in the order of the page; empty where the page shows a flat list.
    parents: dict[int, Parent]
    #: True where lists and items close as they open. Where they do not, a page is damaged or
    #: its engine is one that nobody has seen, and the parents may be wrong.
    balanced: bool


def tree(html: str | bytes, steps: "Steps | None" = None) -> Tree:
    """
    The thread that a page shows, in time linear in its length, however it is built or broken.

    Args:
        steps: The tags of the page's tree, where they are known.
    """
    if steps is None:
        steps = Steps()
        steps.add(list_tags(html))
    parents, in_order = _parents(steps.taken, unclosed=False)
    taken = steps.one_by_one() if not in_order else []
    if not in_order and not parents:
        parents, in_order = _parents(taken, unclosed=False)
    if in_order:
        return Tree(parents, balanced=True)
    opened, closed, nested = _counts(taken)
    # The unclosed style closes just the items with answers, and perhaps the last one of all; the
    # other one closes them all. Where both counts fit (a chain without branches), both mean the same.
    off_unclosed = min(abs(closed - nested), abs(closed - nested - 1))
    if off_unclosed < opened - closed:
        parents, _ = _parents(taken, unclosed=True)
    return Tree(parents, balanced=closed == opened or off_unclosed == 0)


Step = tuple[bytes, int | None]
"""
A tag that belongs to the tree: its name, b"li" where it opens and b"/li" where it closes, and the comment's
number; None for an item without one (an advertisement) and for lists. A plain tuple, because there are thousands.
"""


class Run(NamedTuple):
    """Steps as templates write them between two comments: items and lists close, then one or both open."""

    #: Names of what closes, from the outside in.
    closes: list[bytes]
    #: How many of these are lists.
    lists: int
    #: Names of what opens. An item is that of the second comment.
    opens: list[bytes]


class Steps:
    """
    The tags of a page that belong to its tree, taken from all its tags piece by piece.

    A comment may hold lists of its own: stars, images, what its author wrote. They are balanced
    apart, between one tag of the tree and the next, so that their ends are not taken for the tree's.
    """

    __slots__ = ("_in_tree", "_inner", "_open_inner", "taken")

    def __init__(self, *, in_tree: bool = False) -> None:
        self.taken: list[Step | tuple[Run, int]] = []
        self._in_tree = in_tree
        self._inner: list[bytes] = []
        self._open_inner = {b"ol": 0, b"ul": 0, b"li": 0}

    def add(self, tags: Iterable[Tag]) -> None:
        """Take what belongs to the tree from the tags that follow, whatever else is among them."""
        steps, inner, open_inner, in_tree = self.taken, self._inner, self._open_inner, self._in_tree
        for name, rest in tags:
            if name not in _LIST_TAGS:
                continue
            if name == b"li" and (item := _ITEM.search(rest)):
                steps.append((name, int(item[1])))
                in_tree = True
            elif name == b"ol" or name == b"li":
                if _is_of_tree(rest):
                    steps.append((name, None))
                    in_tree = True
                else:
                    if in_tree:
                        inner.append(name)
                        open_inner[name] += 1
                    continue
            elif name == b"ul":
                if in_tree:
                    inner.append(name)
                    open_inner[name] += 1
                continue
            elif inner:
                name = name[1:]
                if name == b"li" and inner[-1] != b"li":
                    continue  # closes nothing: a list stands between it and any item
                if open_inner[name]:
                    while True:
                        last = inner.pop()
                        open_inner[last] -= 1
                        if last == name:
                            break
                    continue
                if name == b"ul":
                    continue
                steps.append((b"/" + name, None))
            elif in_tree and name != b"/ul":
                steps.append((name, None))
                continue
            else:
                continue
            if inner:
                inner.clear()
                open_inner.update(dict.fromkeys(open_inner, 0))
        self._in_tree = in_tree

    @property
    def has_open_lists(self) -> bool:
        """Whether lists that are not the tree's stand open."""
        return bool(self._inner)

    def add_known(self, steps: Sequence[Step], own: int, id: int, run: Run | None = None) -> bool:
        """
        Take steps that are the same wherever no lists but the tree's are open; False where that is not so.

        Args:
            own: Place, counted from the end, of the step in which a comment's number is to be put; 0 for none.

            id: The number.

            run: The same steps as a run, where they are one.
        """
        if self._inner or not self._in_tree:
            return False
        if run is not None:
            self.taken.append((run, id))
            return True
        self.taken += steps
        if own:
            self.taken[own] = b"li", id
        return True

    def one_by_one(self) -> list[Step]:
        """The steps, also those of runs."""
        steps: list[Step] = []
        for step in self.taken:
            run, id = step
            if type(run) is not Run:
                steps.append(cast(Step, step))
                continue
            steps += ((b"/" + name, None) for name in reversed(run.closes))
            steps += ((name, id if name == b"li" else None) for name in run.opens)
        return steps


@lru_cache(maxsize=100)
def _is_of_tree(rest: bytes) -> bool:
    """Whether a tag's attributes have a class of the tree."""
    return _TREE_CLASS.search(rest) is not None


def _counts(steps: list[Step]) -> tuple[int, int, int]:
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


def _parents(steps: Iterable[Step | tuple[Run, int]], *, unclosed: bool) -> tuple[dict[int, Parent], bool]:
    """
    The parent of each comment, and whether each tag closes what was opened last, and all are closed.

    Where a run closes something else than what is open, the steps must be taken one by one; then there are no parents.
    """
    parents: dict[int, Parent] = {}
    #: Names of the lists and items that are open …
    stack: list[bytes] = []
    #: … and of each of them the nearest comment (an item's own, or the one that a list stands in), and of lists how
    #: their items answer that.
    near: list[tuple[int | None, Parent | None]] = []
    levels: dict[int, list[list[int]]] = {}  # level → the comments of each list there
    lists: list[list[int]] = []
    items_in_items = False
    in_order = True
    for step, id in steps:
        opens: Sequence[bytes]
        if type(step) is Run:
            closes = step.closes
            if closes:
                if stack[-len(closes) :] != closes:
                    return {}, False
                del stack[-len(closes) :], near[-len(closes) :]
                if step.lists:
                    del lists[-step.lists :]
            opens = step.opens
        elif step == b"/li":
            if stack and stack[-1] == b"li":
                stack.pop()
                near.pop()
            else:
                in_order = False
            continue
        elif step == b"/ol":
            if lists:
                lists.pop()
                near.pop()
                while stack.pop() != b"ol":
                    near.pop()
                    in_order = False
            continue
        else:
            opens = (cast(bytes, step),)
        for name in opens:
            if name == b"ol":
                above = near[-1][0] if near else None
                stack.append(name)
                near.append((above, ROOT if above is None else Parent(above, "tree")))
                lists.append([])
                levels.setdefault(len(lists) - 1, []).append(lists[-1])
                continue
            if unclosed and stack and stack[-1] == b"li":
                stack.pop()
                near.pop()
            in_item = bool(stack) and stack[-1] == b"li"
            above, parent = near[-1] if near else (None, ROOT)
            if id is None:
                stack.append(name)
                near.append((above, None))
                continue
            items_in_items |= in_item
            if id not in parents and id != above:
                parents[id] = parent or (ROOT if above is None else Parent(above, "recovered"))
                if lists and not in_item:
                    lists[-1].append(id)
            stack.append(name)
            near.append((id, None))
    if levels and not unclosed and not items_in_items:
        deepest = max(levels)
        if deepest >= DEFAULT_LIMIT or any(_goes_down(ids) for ids in levels[deepest] if deepest):
            for ids in levels[deepest]:
                for id in ids[1:]:
                    parents[id] = Parent(parents[id].id, "capped")
    return parents, in_order and not stack


def _goes_down(ids: list[int]) -> bool:
    return any(later < earlier for earlier, later in pairwise(ids))
