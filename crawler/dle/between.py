"""
What stands between two comments of a page: the ends and beginnings of items and lists.

A template writes it in few ways, and a thread of thousands has no more; so each is looked at once.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from crawler.dle.kinds import ATTRIBUTES, OPAQUE, REMARK, Element, element
from crawler.dle.tags import Tag, tags
from crawler.dle.tree import Run, Step, Steps

#: What the id of an item begins with.
_ITEM = "comments-tree-item-"

#: Stands for the number of the second comment where what is between is looked up …
PLACE = "\0"
#: … and looked at: no comment has it.
NOBODY = 10**18 - 1

#: Longer markup between two comments has more in it than tags of the tree, and will hardly come again.
_LONG = 1_000


class Between(NamedTuple):
    """
    Markup between two comments.

    When comments are taken out of the page, items and lists are left with nothing in them. They go as well: see
    `run` and `opens`. That holds for those that have nothing but the engine's own id and class, which no
    parser or selector could miss; and for an item only where no other item of its list is open, as that one
    would be closed by it.
    """

    #: All tags; where there are `steps`, `NOBODY` for the number of the second comment.
    tags: Sequence[Tag]
    #: Those that belong to the tree, where they are the same whatever stands before; None where they are not.
    steps: list[Step] | None = None
    #: Place of the second comment's own item among them, counted from the end; 0 where it has none.
    own: int = 0
    #: The same steps and no other tags: what closes items and lists, then what opens them. None where there is more.
    run: Run | None = None
    #: The markup of what it closes …
    closing: str = ""
    #: … and the tags behind it.
    opening: tuple[str, ...] = ()
    #: What each of these opens, if it may go: b"li" or b"ol".
    opens: tuple[bytes, ...] = ()
    #: Whether the last of them has `PLACE` for the number of the second comment.
    is_numbered: bool = False
    #: Whether there is nothing but white space and tags of the tree.
    is_sound: bool = False


def known_between(markup: str, number: str) -> Between:
    """
    What the markup between two comments is.

    Args:
        number: That of the second comment.
    """
    known = None
    if len(markup) < _LONG and PLACE not in markup:
        known = _known(markup.replace(number, PLACE))
    return known or Between(tags(markup), opening=(markup,), opens=(b"",))


def end_of_sound(html: str, begin: int, end: int) -> int:
    """
    How far there is nothing in a page but what a parser leaves in the state in which it was.

    That is white space, tags of the tree, scripts and remarks without tags in them, and whole elements.

    Returns:
        `end` or, where what reaches it ends behind it, that place; or where something else begins.
    """
    at = begin
    while at < end:
        sound = _SOUND.match(html, at) or element(html, at)
        if sound is None:
            break
        at = sound.end if isinstance(sound, Element) else sound.end()
    return at


@lru_cache(maxsize=1_000)
def _known(markup: str) -> Between | None:
    """Markup between two comments, with `PLACE` for the number of the second; None where it is not known."""
    if markup.count(PLACE) != len(_OWN.findall(markup)):
        return None
    found = tags(markup.replace(PLACE, str(NOBODY)))
    steps = Steps(in_tree=True)
    steps.add(found)
    taken = steps.one_by_one()
    numbers = [number for _, number in taken]
    if steps.has_open_lists or not numbers.count(NOBODY) == markup.count(PLACE) <= 1:
        return None
    own = numbers.index(NOBODY) - len(numbers) if NOBODY in numbers else 0
    form = _FORM.fullmatch(markup)
    if form is None or "<" not in markup:
        return Between(
            tags=found,
            steps=taken,
            own=own,
            opening=(markup,),
            opens=(b"",),
            is_numbered=own != 0,
            is_sound=_TAGS_OF_TREE.fullmatch(markup) is not None,
        )
    closed = _CLOSES.findall(form["closing"])
    none_open = bool(form["list"]) or closed[-1:] == ["li"]  # no other item of the list
    tags_and_what_they_open = ((form["list"], b"ol"), (form["item"], b"li" if none_open else b""))
    opened = [name for name, tag in ((b"ol", form["list"]), (b"li", form["item"])) if tag]
    return Between(
        tags=found,
        steps=taken,
        own=own,
        run=Run([name.encode() for name in reversed(closed)], closed.count("ol"), opened),
        closing=form["closing"],
        opening=tuple(tag for tag, _ in tags_and_what_they_open if tag),
        opens=tuple(opens for tag, opens in tags_and_what_they_open if tag),
        is_numbered=own != 0,
        is_sound=True,
    )


_TAGS_OF_TREE = re.compile(rf"(?:[ \t\n]++|</(?:ol|li)>|<(?:ol|li){ATTRIBUTES}[ ]?>)*")
_SOUND = re.compile(rf"[ \t\n]++|</(?:ol|li)>|<(?:ol|li){ATTRIBUTES}[ ]?>|{OPAQUE}|{REMARK}")
_OWN = re.compile(rf"""{_ITEM}{PLACE}(?=["'])""")
_FORM = re.compile(
    rf"""(?P<closing>(?:[ \t\n]*</(?:li|ol)>)*)
        (?P<list>[ \t\n]*<ol\ class="comments-tree-list">)?
        (?P<item>[ \t\n]*<li\ id="{_ITEM}{PLACE}"\ class="comments-tree-item"[ ]?>)?
        [ \t\n]*""",
    re.VERBOSE,
)
_CLOSES = re.compile("</(li|ol)>")
