"""Whom a comment answers where the tree does not say."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from crawler.dle.parents import MOST_SEARCHED, mentions, with_inferred_parents
from crawler.items import Comment, ParentSource, Quote

NOTHING = LexborHTMLParser("")


def said(id: int, by: str, body: str = "", *quotes: Quote) -> Comment:
    """A comment as a page without a tree shows it."""
    return Comment(
        id=id,
        parent_id=None,
        parent_source="root",
        nickname_raw=by,
        author_kind="member",
        profile_name=by,
        body=body,
        quotes=quotes,
        source_hash="",
    )


def words(author: str | None, text: str, **more: int) -> Quote:
    return Quote(author=author, text=text, **more)


def flat(*comments: Comment, page: str = "") -> dict[int, tuple[int | None, ParentSource]]:
    document = LexborHTMLParser(page)
    read = with_inferred_parents(comments, document, flat=True, article_id=9)
    return {comment.id: (comment.parent_id, comment.parent_source) for comment in read}


EARLIER = (
    said(1, "Heron", "The river is low."),
    said(2, "Crane", "It is not. The river was lower in spring!"),
    said(3, "Heron", "Low enough, and the river is low."),
    said(5, "Heron", "low"),
)


@pytest.mark.parametrize(
    ("quotes", "parent"),
    [
        ((words("Heron", "The river is low."),), 3),  # the latest that has the words
        ((words("heron", "the  RIVER is\nlow"),), 3),
        ((words("Heron", "The river"),), 3),
        ((words("Crane", "The river was lower"),), 2),
        ((words("Crane", "is not: the river, was"),), 2),  # editions add and change punctuation
        ((words("Crane", "The river is low."),), None),  # others' words
        ((words("Stork", "The river is low."),), None),  # nobody of this name has written before
        ((words("Heron", "The riv"),), None),  # no word is quoted by half
        ((words("Heron", "..."),), None),  # nothing to compare
        ((words(None, "The river is low."),), None),  # whoever said it
        ((words("Crane", "It is not."), words("Heron", "low")), 2),  # the first one counts …
        ((words("Stork", "unseen"), words("Heron", "low")), None),  # … also where it leads nowhere
        ((words(None, "a saying"), words("Heron", "low enough")), 3),  # but not one of unknown origin
        ((words("Heron", "low enough", level=2),), None),  # a quotation in a quotation is another's
        ((words("Heron", "low enough"), words("Crane", "It", comment_id=2)), 2),  # a number is sure
        ((words("Crane", "anything", comment_id=1),), 1),
        ((words("Crane", "It is not", comment_id=4),), None),  # not on this page, perhaps of another article
        ((words("Crane", "It is not", comment_id=8),), None),  # of the same article, but not yet written
        ((words("Heron", "low enough", comment_id=7),), None),  # itself
    ],
)
def test_a_flat_page(quotes: tuple[Quote, ...], parent: int | None) -> None:
    later = said(8, "Heron", "The river is low, the river was lower, low enough")
    read = flat(*EARLIER, said(7, "Stork", "Measure it.", *quotes), later)
    assert read[7] == ((parent, "quote") if parent else (None, "root"))
    assert {id for id, found in read.items() if found != (None, "root")} <= {7}


@pytest.mark.parametrize(
    ("title", "parent"),
    [
        ('<div data-commentid="4" data-commentpostid="9">', 4),
        ('<div data-commentid="4" data-commentpostid="10">', None),
        ('<div data-commentid="04" data-commentpostid="9">', None),
        ('<div data-commentid="4">', None),
    ],
)
def test_a_quoted_comment_of_an_earlier_page(title: str, parent: int | None) -> None:
    read = flat(said(7, "Stork", "No.", words("Heron", "x", comment_id=4)), page=title)
    assert read[7][0] == parent


def test_the_order_of_a_flat_page_does_not_matter() -> None:
    comments = [*EARLIER, said(7, "Stork", "Measure it.", words("Heron", "low"))]
    assert flat(*comments) == flat(*reversed(comments))


def test_an_author_may_be_quoted_by_the_name_of_the_profile() -> None:
    """Editions translate the visible name, and sometimes not that in the title of a quotation."""
    heron = replace(said(1, "Heron", "The river is low."), profile_name="Цапля")
    for name in ("Heron", "цапля", " Цапля\u200b"):
        assert flat(heron, said(2, "Crane", "No.", words(name, "river is low")))[2] == (1, "quote")


def capped(*below: Comment, page: str = "") -> dict[int, tuple[int | None, ParentSource]]:
    """
    A deepest list as engine 20 writes it, below comment 10 of Kestrel's; 20 begins another thread.

    The first of the list is known to answer 10; what follows may answer any before it.
    """
    tree = [said(10, "Kestrel", "A bridge of pontoons.")]
    tree += [
        replace(comment, parent_id=10, parent_source="capped" if place else "tree")
        for place, comment in enumerate(below)
    ]
    tree.append(said(20, "Stork", "Another matter."))
    read = with_inferred_parents(tree, LexborHTMLParser(page), flat=False, article_id=9)
    assert [comment.id for comment in read] == [comment.id for comment in tree]
    found = {comment.id: (comment.parent_id, comment.parent_source) for comment in read}
    assert (found[10], found[20]) == ((None, "root"), (None, "root"))
    return found


def text(id: int, inner: str) -> str:
    return f"<div id='comment-id-{id}'><div id='comm-id-{id}'>{inner}</div></div>"


def mention(name: str) -> str:
    return (
        f'<span class="comments-user-profile noncontenteditable" data-username="{name}"'
        f' data-userurl="/user/{name}/">{name}</span>'
    )


@pytest.mark.parametrize(
    ("inner", "found"),
    [
        (f"{mention('Crane')}, no", (12, "mention")),
        (f" <p><b>{mention('crane')}</b> no", (12, "mention")),
        (mention("Kestrel"), (10, "mention")),  # whoever stands above the list may be answered too
        (mention("Heron"), (15, "mention")),  # the last of his before it
        (mention("Dunlin"), (10, "capped")),  # stands behind it
        (mention("Stork"), (10, "capped")),  # writes in another thread
        (mention("Nobody"), (10, "capped")),
        (f"No, {mention('Crane')}", (10, "capped")),  # spoken of, not to
        (f"<img src='/a.png'>{mention('Crane')}", (10, "capped")),
        (f"<div>{mention('')}</div>", (10, "capped")),
        ("no", (10, "capped")),
    ],
)
def test_a_mention_below_the_depth_limit(inner: str, found: tuple[int, str]) -> None:
    read = capped(
        said(11, "Heron"),
        said(14, "Plover"),
        said(16, "Crane"),
        said(12, "Crane"),
        said(13, "Heron"),
        said(15, "Heron"),
        said(17, "Sapper"),
        said(18, "Dunlin"),
        page=text(17, inner) + text(99, mention("Heron")),
    )
    assert read[17] == found
    assert read[11] == (10, "tree")
    assert {id for id, of in read.items() if of[1] == "mention"} <= {17}


def test_a_later_number_is_never_the_one_mentioned() -> None:
    read = capped(said(11, "Heron"), said(14, "Crane"), said(12, "Sapper"), page=text(12, mention("Crane")))
    assert read[12] == (10, "capped")


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        (words("Crane", "three hours", comment_id=12), (12, "quote")),  # the number beats the mention
        (words("Kestrel", "pontoons", comment_id=10), (10, "quote")),
        (words("Crane", "three hours"), (12, "quote")),  # so do a name and words
        (words("Kestrel", "of pontoons"), (10, "quote")),
        (words("Stork", "another matter", comment_id=20), (11, "mention")),  # another thread
        (words("Stork", "another matter"), (11, "mention")),
        (words("Crane", "never said"), (11, "mention")),
        (words("Heron", "It took", comment_id=13), (11, "mention")),  # itself
    ],
)
def test_a_quotation_below_the_depth_limit(quote: Quote, found: tuple[int, str]) -> None:
    read = capped(
        said(11, "Heron", "It took a day."),
        said(12, "Crane", "It took three hours."),
        said(13, "Sapper", "Forty minutes.", quote),
        page=text(13, mention("Heron")),
    )
    assert read[13] == found


def test_where_the_tree_knows_better_words_do_not_count() -> None:
    tree = [
        said(1, "Heron", "The river is low."),
        replace(said(2, "Crane", "No."), parent_id=1, parent_source="tree"),
        replace(
            said(3, "Stork", "Yes.", words("Heron", "low", comment_id=1)),
            parent_id=2,
            parent_source="recovered",
        ),
        said(4, "Stork", "And yet.", words("Heron", "low", comment_id=1)),
    ]
    page = LexborHTMLParser(text(3, mention("Heron")) + text(4, mention("Heron")))
    assert with_inferred_parents(tree, page, flat=False, article_id=9) == tuple(tree)


def test_only_a_mention_that_begins_the_text_counts() -> None:
    page = (
        text(1, f"<!-- x --> <br>{mention('A')} {mention('B')}")
        + text(2, f"<blockquote>x</blockquote>{mention('A')}")
        + f"<p>{mention('A')}</p>"
        + text(4, '<span class="comments-user-profile">A</span>')
    )
    assert mentions(LexborHTMLParser(page)) == {1: "A"}


names = st.sampled_from(["Heron", "Crane", "Stork"])
bodies = st.lists(st.sampled_from(["low", "river", "is", "the", "not", "bridge"]), max_size=4).map(" ".join)
quotations = st.builds(
    Quote,
    author=st.none() | names,
    text=bodies,
    level=st.integers(1, 2),
    comment_id=st.none() | st.integers(1, 12),
)


@given(
    st.lists(
        st.tuples(st.integers(1, 12), names, bodies, st.lists(quotations, max_size=2)),
        unique_by=lambda row: row[0],
    ),
    st.booleans(),
)
def test_no_parent_is_invented(rows: list[tuple[int, str, str, list[Quote]]], is_flat: bool) -> None:
    """What is inferred is an earlier comment of the page, and below a depth limit one of the same list."""
    comments = [said(id, name, body, *quotes) for id, name, body, quotes in rows]
    if not is_flat:
        comments = [
            replace(comment, parent_id=0, parent_source="capped") if comment.id % 3 else comment
            for comment in comments
        ]
    read = with_inferred_parents(comments, NOTHING, flat=is_flat, article_id=9)
    before: set[int] = set()
    for comment, written in zip(read, comments, strict=True):
        if comment == written:
            before.add(comment.id)
            continue
        assert comment.parent_source == "quote"
        assert comment.parent_id is not None
        assert comment.parent_id < comment.id
        assert comment.parent_id in {other.id for other in comments}
        if not is_flat:
            assert written.parent_source == "capped"
            assert comment.parent_id in before
        before.add(comment.id)


def test_a_page_of_one_loud_author_is_read_fast() -> None:
    long = "loud " * 800
    comments = [said(id, "Heron", long, words("Heron", long + "!?")) for id in range(1, 2001)]
    comments += [said(id, "Heron", long, words("Heron", long + "quiet")) for id in range(2001, 2101)]
    started = time.process_time()
    read = flat(*comments)
    assert time.process_time() - started < 2
    assert read[2000] == (1999, "quote")
    assert read[2100] == (None, "root")


def test_so_many_comments_of_an_author_are_searched() -> None:
    comments = [said(1, "Heron", "low"), *(said(id, "Heron", "high") for id in range(2, MOST_SEARCHED + 2))]
    answer = said(1000, "Crane", "", words("Heron", "low"))
    assert flat(*comments, answer)[1000] == (None, "root")
    assert flat(*comments[:-1], answer)[1000] == (1, "quote")
