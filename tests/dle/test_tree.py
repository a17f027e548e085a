"""Who answers whom, from the raw tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.dle.tree import Parent, tree
from tests.dle.forest import ERAS, LIMIT, Era, Node, forests, rendered, shown
from tests.growth import growth

#: The parent of each comment of a thread that passes the depth limit twice, and branches below it.
CHAIN = Node(1, answers=[Node(2, answers=[Node(3, answers=[Node(4, answers=[Node(5, answers=[])])])])])
CHAIN.answers[0].answers[0].answers[0].answers[0].answers = [
    Node(6, answers=[Node(7, answers=[Node(10)]), Node(9)]),
    Node(8),
]


@pytest.mark.parametrize(
    ("era", "sources"),
    [
        ("10.5", {6: (5, "tree"), 8: (5, "tree")}),
        (
            "13",
            {
                6: (5, "tree"),
                7: (6, "recovered"),
                8: (5, "tree"),
                9: (6, "recovered"),
                10: (7, "recovered"),
            },
        ),
        (
            "20",
            {6: (5, "tree"), 7: (5, "capped"), 8: (5, "capped"), 9: (5, "capped"), 10: (5, "capped")},
        ),
    ],
)
def test_below_the_depth_limit(era: Era, sources: dict[int, Parent]) -> None:
    read = tree(rendered([CHAIN], era))
    above: dict[int, tuple[int | None, str]] = {1: (None, "root")} | {
        id: (id - 1, "tree") for id in range(2, 6)
    }
    assert read.parents == above | sources
    assert read.balanced


@given(forests(), st.sampled_from(ERAS))
def test_reading_gives_the_thread_back(forest: tuple[list[Node], dict[int, int | None]], era: Era) -> None:
    roots, true_parents = forest
    read = tree(rendered(roots, era))
    assert read.balanced
    assert set(read.parents) == shown(roots, era)
    for id, (parent, source) in read.parents.items():
        if source == "capped":
            assert era != "10.5"  # At the limit, and not below it, the pages of 13 and 20 are the same.
            assert parent in ancestors(id, true_parents)
            assert level(parent, true_parents) == LIMIT - 1
        else:
            assert parent == true_parents[id]
            assert (source == "root") == (parent is None)
            assert (source == "recovered") == (era == "13" and level(id, true_parents) > LIMIT)


def ancestors(id: int, parents: dict[int, int | None]) -> list[int]:
    found = []
    parent = parents[id]
    while parent is not None:
        found.append(parent)
        parent = parents[parent]
    return found


def level(id: int | None, parents: dict[int, int | None]) -> int:
    assert id is not None
    return len(ancestors(id, parents))


@given(forests())
def test_numbers_that_go_down_prove_a_lower_limit(
    forest: tuple[list[Node], dict[int, int | None]],
) -> None:
    """Engine 20 with a limit of 2: what is not in order in the deepest list cannot be siblings."""
    roots, true_parents = forest
    for id, (parent, source) in tree(rendered(roots, "20", limit=2)).parents.items():
        if source == "capped":
            assert parent in ancestors(id, true_parents)
        elif source == "root":
            assert true_parents[id] is None


def test_a_flat_page_has_no_tree() -> None:
    assert tree(rendered([CHAIN], "flat")).parents == {}


def test_a_comment_that_stands_twice_counts_where_it_stands_first() -> None:
    item = '<li id="comments-tree-item-{}" class="comments-tree-item">{}</li>'
    nested = '<ol class="comments-tree-list">{}</ol>'
    page = nested.format(
        item.format(1, nested.format(item.format(2, ""))) + item.format(2, "") + item.format(3, "")
    )
    assert tree(page).parents == {1: (None, "root"), 2: (1, "tree"), 3: (None, "root")}


def test_an_item_in_itself_does_not_answer_itself() -> None:
    item = '<li id="comments-tree-item-5" class="comments-tree-item">'
    assert tree(f'<ol class="comments-tree-list">{item}{item}</li></li></ol>').parents == {5: (None, "root")}


def test_a_damaged_page_is_reported() -> None:
    roots = [Node(id, answers=[Node(id + 100)]) for id in range(1, 9)]
    page = rendered(roots, "13")
    damaged = page.replace("</li>", "", 3)
    assert not tree(damaged).balanced


@pytest.mark.parametrize(
    "page",
    [
        '<ol class="comments-tree-list"><li id="comments-tree-item-{}">',
        '<li id="comments-tree-item-{}">',
        '<ol class="comments-tree-list"></li></ul><ul><li>{}',
        '<li id="comments-tree-item-{}"></ul></ol>',
        "<li>{}",
        "</ol></li></ul>{}",
        '<li id="comments-tree-item-{}',
    ],
)
def test_hostile_pages_take_linear_time(page: str) -> None:
    def html(number: int) -> str:
        return '<ol class="comments-tree-list">' + "".join(page.format(id) for id in range(1, number))

    assert growth(tree, html, 5_000) < 4
