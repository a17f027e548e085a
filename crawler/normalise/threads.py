"""Where a comment stands in its thread: under which root, how deep, and where in reading order."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from crawler.errors import NotUnderstood

#: Digits of one comment's part of a path. The site has given out some tens of millions of numbers; a
#: bigint's 19 digits would nearly double every path to make room for numbers that never come.
SEGMENT_WIDTH = 10
_SEGMENT = f"%0{SEGMENT_WIDTH}d"
_BEYOND = 10**SEGMENT_WIDTH


class Place(NamedTuple):
    """The place of one comment."""

    #: The comment that the branch begins with; of a root, its own number.
    root_id: int
    #: 0 for a root, 1 for an answer to it …
    depth: int
    #: The segments of all ancestors and the comment's own. Sorted byte by byte, paths are in reading
    #: order: each comment before its answers, siblings by number.
    path: str


def segment(id: int) -> str:
    """
    A comment's own part of its path.

    Raises:
        NotUnderstood: The number is negative or too long, so that paths would no longer sort right.
            No comment has such a number; the page is not what we think it is.
    """
    if not 0 <= id < _BEYOND:
        raise NotUnderstood(f"{id} is no number of a comment: those have 1 to {SEGMENT_WIDTH} digits.")
    return _SEGMENT % id


def places(
    comments: Iterable[tuple[int, int | None]], known: Mapping[int, Place] | None = None
) -> dict[int, Place]:
    """
    The place of each comment, from who answers whom.

    The order of the comments does not matter. Costs one step per comment, however deep they nest.

    - A comment whose parent is neither among them nor known stands as if it were at depth 1 under a
      root of the parent's number.
    - In a circle (also a comment that answers itself) one comment must give way: the lowest number
      among those to be placed stands as a root, the others under it. Such a comment is recognised by
      having a parent and depth 0.
    - A comment that stands twice with different parents is placed under the lowest.

    Args:
        comments: Number and parent's number of each comment to be placed.

        known: Places of comments placed earlier, such as those of other pages. Where one of their
            ancestors is among `comments`, its new place counts, not the one that their paths tell.

    Raises:
        NotUnderstood: A number that no comment can have, see `segment`.
    """
    parents: dict[int, int | None] = {}
    for id_, parent_id in comments:
        stated = parents.get(id_)
        if stated is None or (parent_id is not None and parent_id < stated):
            parents[id_] = parent_id
    placing = dict.fromkeys(parents)
    if known:
        _add_ancestors(parents, known)

    found: dict[int, Place] = {}
    for start in placing:
        if start in found:
            continue
        parent_id = parents[start]
        if (
            parent_id is None or parent_id in found or parent_id not in parents
        ):  # mostly so: parents come first
            found[start] = _place(start, parent_id, found)
            continue
        for id_ in reversed(_line_above(start, parents, found, placing)):
            found[id_] = _place(id_, parents[id_], found)
    return {id_: found[id_] for id_ in placing}


def _add_ancestors(parents: dict[int, int | None], known: Mapping[int, Place]) -> None:
    """Adds the ancestors of known comments that are answered, as far as their paths tell."""
    answered = {parent_id for parent_id in parents.values() if parent_id is not None}
    for id_ in sorted(answered - parents.keys() & known.keys()):
        path = known[id_].path
        end = len(path)
        while end and (own := int(path[end - SEGMENT_WIDTH : end])) not in parents:
            end -= SEGMENT_WIDTH
            parents[own] = int(path[end - SEGMENT_WIDTH : end]) if end else None


def _line_above(
    start: int, parents: dict[int, int | None], found: Mapping[int, Place], placing: Mapping[int, None]
) -> list[int]:
    """A comment and its ancestors up to the first that has a place already; circles are cut on the way."""
    line: dict[int, None] = {}
    id_: int | None = start
    while id_ in parents and id_ not in found:
        if id_ in line:
            ancestors = list(line)
            circle = ancestors[ancestors.index(id_) :]
            parents[min((i for i in circle if i in placing), default=min(circle))] = None
            line.clear()
            id_ = start
        line[id_] = None
        id_ = parents[id_]
    return list(line)


def _place(id_: int, parent_id: int | None, found: Mapping[int, Place]) -> Place:
    own = segment(id_)
    if parent_id is None:
        return Place(id_, 0, own)
    above = found.get(parent_id)
    if above is None:
        return Place(parent_id, 1, segment(parent_id) + own)
    return Place(above.root_id, above.depth + 1, above.path + own)
