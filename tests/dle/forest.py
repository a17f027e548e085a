"""Threads of comments as each family of engines writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hypothesis import strategies as st

Era = Literal["10.5", "13", "20", "flat"]

ERAS: tuple[Era, ...] = ("10.5", "13", "20")

#: The engine's depth limit at installation; the root is level 0.
LIMIT = 5

#: What stands inside comments and must not disturb the tree around them.
DECOYS = (
    "",
    '<ul class="unit-rating"><li class="current-rating" style="width:80%;">80</li><li>1</li></ul>',
    "<ol><li>first<li>second</ol>",
    "<ul><li>one<ul><li>two</li></ul></li></ul>",
    '<!-- <li id="comments-tree-item-1" class="comments-tree-item"> </ol> -->',
    "<span title=\"a > b, </li></ol><li id='comments-tree-item-2'>\">hint</span>",
    "<script>document.write('<ol class=\"comments-tree-list\"><li>');</script>",
    "<a href=/x/ title=it's>unquoted</a>",
    "</ul>",
)


@dataclass(slots=True)
class Node:
    """A comment with its answers, in the order of their numbers."""

    id: int
    decoy: str = ""
    answers: "list[Node]" = field(default_factory=list)


Parents = Mapping[int, int | None]


@st.composite
def forests(draw: st.DrawFn) -> tuple[list[Node], dict[int, int | None]]:
    """A random thread, its comments numbered in the order in which they were written, and the parents."""
    roots: list[Node] = []
    nodes: list[Node] = []
    parents: dict[int, int | None] = {}
    id = 0
    for _ in range(draw(st.integers(1, 30))):
        id += draw(st.integers(1, 3))
        node = Node(id, draw(st.sampled_from(DECOYS)))
        # Half of the comments answer the newest one: long chains pass the depth limit.
        parent = draw(st.one_of(st.none(), st.just(-1), st.just(-1), st.integers(0, len(nodes))))
        if parent is None or not nodes:
            roots.append(node)
            parents[id] = None
        else:
            above = nodes[parent % len(nodes)]
            above.answers.append(node)
            parents[id] = above.id
        nodes.append(node)
    return roots, parents


def rendered(roots: Sequence[Node], era: Era, *, limit: int = LIMIT) -> str:
    """The thread as the engine of an era writes it."""
    if era == "flat":
        return "".join(comment(node) for node in sorted(_all(roots), key=lambda node: node.id))
    if era == "10.5":
        # Only an item with answers is closed, by what ends their list; and the last of all.
        return _old(roots, 0, limit) + "</li></ol>"
    items = _balanced(roots, 0, limit, era)
    return f'<ol class="comments-tree-list">{items}</ol>'


def shown(roots: Sequence[Node], era: Era, *, limit: int = LIMIT) -> set[int]:
    """The numbers of the comments that an era shows: 10.5 leaves out what is below its limit."""
    levels = [(node, 0) for node in roots]
    ids = set()
    while levels:
        node, level = levels.pop()
        if era != "10.5" or level <= limit:
            ids.add(node.id)
            levels += [(answer, level + 1) for answer in node.answers]
    return ids


def comment(node: Node) -> str:
    """A comment with its decoy."""
    return (
        f'<div id=\'comment-id-{node.id}\'><div class="comment" id="{node.id}">'
        f"<div id='comm-id-{node.id}'>words {node.id}</div>{node.decoy}</div></div>"
    )


def _item(node: Node) -> str:
    return f'<li id="comments-tree-item-{node.id}" class="comments-tree-item" >{comment(node)}'


def _old(nodes: Sequence[Node], level: int, limit: int) -> str:
    parts = ['<ol class="comments-tree-list">']
    for node in nodes:
        parts.append(_item(node))
        if node.answers and level < limit:
            parts += [_old(node.answers, level + 1, limit), "</ol></li>"]
    return "".join(parts)


def _balanced(nodes: Sequence[Node], level: int, limit: int, era: Era) -> str:
    parts = []
    for node in nodes:
        inner = _balanced(node.answers, level + 1, limit, era) if node.answers else ""
        if inner and level < limit:
            inner = f'<ol class="comments-tree-list">{inner}</ol>'
        if era == "20":
            banner = (
                '<li class="comments-tree-item" ><div class="banner">AD</div></li>'
                if node.id % 4 == 0
                else ""
            )
            if level >= limit:
                parts.append(f"{_item(node)}</li>{inner}{banner}")
            else:
                parts.append(f"{_item(node)}{inner}</li>{banner}")
        else:
            parts.append(f"{_item(node)}{inner}</li>")
    return "".join(parts)


def _all(roots: Sequence[Node]) -> list[Node]:
    nodes, rest = [], list(roots)
    while rest:
        node = rest.pop()
        nodes.append(node)
        rest += node.answers
    return nodes
