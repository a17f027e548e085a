"""Reading the pages of a random thread gives the thread back."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.forest import ERAS, LIMIT, Era, Forest, Post, forest, pages, truths
from tests.forest_people import Dated, Person
from tests.forest_reading import answer_differences, differences
from tests.forest_texts import Text

NOBODY = Person("Kestrel", "Kestrel", None)
NEVER = Dated("", None, None)


@pytest.mark.parametrize("era", ERAS)
@given(random=st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_reading_gives_the_thread_back(era: Era, random: Random) -> None:
    assert not list(differences(forest(random, era)))


@pytest.mark.parametrize("era", ERAS)
@given(random=st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_answers_to_the_script_hold_the_same_comments(era: Era, random: Random) -> None:
    assert not list(answer_differences(forest(random, era)))


#: Whom each comment of a thread answers that passes the depth limit twice and branches below it.
ABOVE = {1: None, 2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6, 8: 5, 9: 6, 10: 7}


def thread(era: Era) -> Forest:
    posts: dict[int, Post] = {}
    for id, answered in ABOVE.items():
        above = posts[answered] if answered else None
        posts[id] = Post(id=id, author=NOBODY, date=NEVER, rating=id, words=f"w{id}", above=above)
        posts[id].text = Text(f"w{id}", f"w{id}", (), (), ())
        if above is not None:
            above.answers.append(posts[id])
    return replace(
        forest(Random(1), era, skins=["topwar-2021"]),  # noqa: S311 - no secret
        posts=tuple(posts.values()),
        per_page=30,
        limit=LIMIT,
        paging="links",
        ratings="sum",
    )


@pytest.mark.parametrize(
    ("era", "told"),
    [
        ("10.5", {6: (5, "tree"), 8: (5, "tree")}),
        (
            "13",
            {
                6: (5, "tree"),
                7: (6, "recovered"),
                10: (7, "recovered"),
                9: (6, "recovered"),
                8: (5, "tree"),
            },
        ),
        (
            "20",
            {6: (5, "tree"), 7: (5, "capped"), 10: (5, "capped"), 9: (5, "capped"), 8: (5, "capped")},
        ),
    ],
)
def test_what_pages_prove_below_the_depth_limit(era: Era, told: dict[int, tuple[int, str]]) -> None:
    above = {1: (None, "root"), **{id: (id - 1, "tree") for id in range(2, 6)}}
    found = {id: (truth.parent_id, truth.parent_source) for id, truth in truths(thread(era)).items()}
    assert found == above | told
    assert list(found) == [1, 2, 3, 4, 5, *told]  # in the order of the page


@pytest.mark.parametrize(
    ("old", "new", "noticed"),
    [
        ("w3<", "w4<", "comment 3: body"),
        (">+3<", ">+4<", "comment 3: rating"),
        ('id="comments-tree-item-3"', 'id="comments-tree-item-8"', "comment 3: parent_id"),
        ("comment-id-10", "comment-is-10", "comments are"),
        (">10 comments<", ">11 comments<", "stated"),
    ],
)
def test_differences_are_noticed(old: str, new: str, noticed: str) -> None:
    rendered = pages(thread("13"))
    wrong = [replace(page, html=page.html.replace(old, new)) for page in rendered]
    assert not list(differences(thread("13"), rendered))
    assert any(noticed in line for line in differences(thread("13"), wrong))
