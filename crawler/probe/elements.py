"""
What in a page belongs to which comment, but to no field: its elements and words outside its text.

By the engine's ids alone, as nothing else is sure on a page whose template nobody has seen.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.dle.text import folded

_COMMENT = re.compile(r"(?:comment-id|comments-tree-item)-([0-9]{1,18})")
_TEXT = re.compile(r"comm-id-[0-9]{1,18}")
_NO_WORDS = frozenset(("script", "style", "template", "noscript", "svg", "select", "textarea"))


@dataclass(slots=True)
class Own:
    """A comment's own part of the page: not its text, not another comment."""

    id: int
    root: LexborNode
    #: In the order of the page, the root left out.
    elements: list[LexborNode] = field(default_factory=list)
    #: The words between the tags, folded, each with the element that they stand in.
    words: list[tuple[str, LexborNode]] = field(default_factory=list)


def own_parts(document: LexborHTMLParser, ids: Collection[int]) -> list[Own]:
    """The own parts of these comments, in the order of the page."""
    roots: dict[int, LexborNode] = {}
    for node in document.css("[id^='comment']"):
        match = _COMMENT.fullmatch(node.id or "")
        id = int(match[1]) if match else 0
        # The comment's own element counts before the item of the tree that it stands in.
        if id in ids and (id not in roots or (_is_item(roots[id]) and not _is_item(node))):
            roots[id] = node
    return [_own(id, roots[id]) for id in ids if id in roots]


def _own(id: int, root: LexborNode) -> Own:
    own = Own(id, root)
    stack = list(root.iter(include_text=True))[::-1]
    while stack:  # not recursion: the page may be built to harm
        node = stack.pop()
        if node.tag == "-text":
            words = folded(node.text_content or "")
            parent = node.parent
            if words and parent is not None:
                own.words.append((words, parent))
            continue
        if (node.tag or "-").startswith("-") or node.tag in _NO_WORDS or _is_of_another(node, id):
            continue
        own.elements.append(node)
        stack += list(node.iter(include_text=True))[::-1]
    return own


def _is_item(node: LexborNode) -> bool:
    return (node.id or "").startswith("comments-tree-item")


def _is_of_another(node: LexborNode, id: int) -> bool:
    """Whether an element is the text of a comment, or a comment other than this one."""
    own = node.id or ""
    match = _COMMENT.fullmatch(own)
    return (match is not None and int(match[1]) != id) or _TEXT.fullmatch(own) is not None


def is_within(node: LexborNode, places: Collection[int]) -> bool:
    """Whether an element, or one that it stands in, is among these, by memory id; a few levels deep."""
    here: LexborNode | None = node
    for _ in range(8):
        if here is None:
            return False
        if here.mem_id in places:
            return True
        here = here.parent
    return False
