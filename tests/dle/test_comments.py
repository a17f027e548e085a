"""The comments of a page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from crawler.dle.comments import Block, comments
from crawler.dle.fields import profile_name, rating
from crawler.dle.skins import DEFAULT, Skin
from crawler.dle.tree import tree
from crawler.errors import NotUnderstood
from crawler.items import Comment
from tests.dle.forest import Era, Node, forests, rendered, shown

SKIN = Skin(
    name="tested",
    recognises=".head .name",
    author=".head .name",
    date=".head .date",
    full_name=".head .real",
    avatar=".head img",
)

MEMBER = '<a href="https://topwar.ru/user/Lord+of+%D0%A1/">Lord of C</a>'


def block(html: str) -> Block:
    return comments(
        LexborHTMLParser(html), tree(html), skins=(SKIN, DEFAULT), base_url="https://topwar.ru/", article_id=9
    )


def only(html: str) -> Comment:
    (comment,) = block(html).comments
    return comment


def comment(
    id: int = 7,
    *,
    name: str = MEMBER,
    date: str = "3 November 2017 12: 20",
    more: str = "",
    text: str = "words",
) -> str:
    return (
        f'<div id=\'comment-id-{id}\'><div class="c"><div class="head">'
        f'<img src="/uploads/fotos/foto_15.jpg?v=1" alt="x"><span class="name">{name}</span>'
        f"<span class=\"date\">{date}</span>{more}</div><div id='comm-id-{id}'>{text}</div></div></div>"
    )


def test_a_member() -> None:
    read = only(comment(more='<b class="real"> Ivan  Petrov </b>'))
    assert (read.id, read.parent_id, read.parent_source) == (7, None, "root")
    assert (read.nickname_raw, read.author_kind, read.profile_name) == ("Lord of C", "member", "Lord of С")
    assert (read.full_name, read.site_user_id) == ("Ivan Petrov", 15)
    assert (read.posted_raw, read.posted_machine) == ("3 November 2017 12: 20", None)
    assert read.body == "words"
    assert block(comment()).skin == "tested"


@pytest.mark.parametrize(
    "name", ["Ivan", '<a href="mailto:i@example.org">Ivan</a>', "<a>Ivan</a>", "<b>Ivan</b>"]
)
def test_a_guest_has_no_profile(name: str) -> None:
    read = only(comment(name=name))
    assert (read.nickname_raw, read.author_kind, read.profile_name) == ("Ivan", "guest", None)
    assert read.site_user_id is None


def test_a_real_name_in_brackets_beside_the_nickname() -> None:
    read = only(comment(name=f"{MEMBER} (Ivan (the) Petrov)"))
    assert (read.nickname_raw, read.full_name) == ("Lord of C", "Ivan (the) Petrov")


def test_a_date_for_machines_stands_beside_the_words() -> None:
    read = only(comment(date='<time datetime="2017-11-03T12:20">3 hours ago</time>'))
    assert (read.posted_raw, read.posted_machine) == ("3 hours ago", "2017-11-03T12:20")


def test_what_stands_in_the_text_is_no_field() -> None:
    spoof = (
        '<div class="head"><span class="name">Spoof</span><span class="date">1 May 2020 10:00</span></div>'
    )
    bare = "<div id='comment-id-7'><div id='comm-id-7'>" + spoof + MEMBER + "</div></div>"
    read = only(bare)
    assert (read.nickname_raw, read.posted_raw, read.author_kind) == ("", None, "unknown")
    assert block(bare).skin == "unknown"


@pytest.mark.parametrize("unclosed", [1, 2, 3, 5])
def test_unclosed_elements_give_no_comment_the_fields_of_another(unclosed: int) -> None:
    """The guest's comment swallows the next one in the parser's tree, and keeps its own fields all the same."""
    guest = "<div id='comment-id-1'>" + "<div>" * unclosed + "<div id='comm-id-1'>one</div>"
    first, second = block(guest + comment(2, more='<span class="ratingtypeplus">4</span>')).comments
    assert (first.nickname_raw, first.posted_raw, first.rating, first.body) == ("", None, None, "one")
    assert (second.nickname_raw, second.rating, second.body) == ("Lord of C", 4, "words")


def test_a_text_that_is_not_closed_ends_at_the_next_comment() -> None:
    first, second = block("<div id='comment-id-1'><div id='comm-id-1'>one <div>" + comment(2)).comments
    assert first.body == "one"
    assert second.body == "words"


def test_the_first_of_two_with_one_number_counts() -> None:
    read = block(comment(7, text="first") + comment(7, text="second"))
    assert [c.body for c in read.comments] == ["first"]
    assert read.remarks == ("comment 7 stands twice on the page, the first one counts",)


def test_a_comment_without_a_text_element_is_not_understood() -> None:
    with pytest.raises(NotUnderstood, match="comment 8 has no text"):
        block(comment(7) + "<div id='comment-id-8'>words</div>")


def test_items_of_the_tree_are_comments_where_the_inner_element_is_missing() -> None:
    html = (
        '<ol class="comments-tree-list"><li id="comments-tree-item-7" class="comments-tree-item">{}</li></ol>'
    )
    assert only(html.format("<div id='comm-id-7'>words</div>")).body == "words"


@pytest.mark.parametrize("element", ["div", "article", "li", "section"])
def test_the_id_counts_on_any_element(element: str) -> None:
    assert only(f'<{element} id="comment-id-7"><p id="comm-id-7">words</p></{element}>').body == "words"


@pytest.mark.parametrize("id", ["comment-id-", "comment-id-x", "comment-id-0", "comment-id-" + "9" * 30])
def test_ids_without_a_number_are_no_comments(id: str) -> None:
    assert block(f'<div id="{id}"></div>').comments == ()


@pytest.mark.parametrize(
    ("date", "read"),
    [
        ("3 November 2017 12: 20", "3 November 2017 12: 20"),
        ("01.07.2026 22:04 &nbsp; Comments: 309", "01.07.2026 22:04"),
        ("24 Ноября 2021 в 02:00", "24 Ноября 2021 в 02:00"),
        ("Вчера, 12:20", "Вчера, 12:20"),
        ("5 minutes ago", "5 minutes ago"),
        ("offline", None),
    ],
)
def test_an_unknown_skin_still_has_author_and_date(date: str, read: str | None) -> None:
    html = (
        f"<div id='comment-id-7'><table><tr><td>{MEMBER}<br>Private</td><td>{date}</td></tr>"
        "<tr><td><div id='comm-id-7'>10 May 2001 10:10</div></td></tr></table></div>"
    )
    comment = only(html)
    assert block(html).skin == "unknown"
    assert (comment.nickname_raw, comment.profile_name, comment.author_kind) == (
        "Lord of C",
        "Lord of С",
        "unknown",
    )
    assert comment.posted_raw == read


def test_a_comment_that_does_not_fit_the_skin_of_the_page_is_named() -> None:
    read = block(comment(1) + comment(2) + "<div id='comment-id-3'><div id='comm-id-3'>x</div></div>")
    assert read.skin == "tested"
    assert [c.author_kind for c in read.comments] == ["member", "member", "unknown"]
    assert read.remarks == ("comment 3 does not look like skin tested, and 0 more",)


@pytest.mark.parametrize(
    ("html", "value"),
    [
        ('<ul class="unit-rating"><li class="current-rating" style="width:80%;">80</li><li>1</li></ul>', 80),
        ('<span id="comments-ratig-layer-7"><span class="ratingtypeplus ignore-select">4</span></span>', 4),
        ('<span class="ratingtypeplusminus ignore-select ratingplus">+21</span>', 21),
        (
            '<span data-comments-ratig-layer-id="7"><span class="ratingtypeplusminus ratingminus">-3</span></span>',
            -3,
        ),
        ('<span class="ratingtypeplusminus ratingminus">−3</span>', -3),
        ('<span class="ratingtypeplusminus ratingzero">0</span>', 0),
        ('<span class="ratingtypeplusminus ratingplus">+1 204</span>', 1204),
        ('<i id="comments-likes-id-7">4</i><i id="comments-dislikes-id-7">6</i>', -2),
        ('<i data-comments-likes-id="7">4</i><i data-comments-dislikes-id="7">1</i>', 3),
        ('<span class="ratingtypeplus">many</span>', None),
        ("", None),
    ],
)
def test_ratings(html: str, value: int | None) -> None:
    assert only(comment(more=html)).rating == value


@pytest.mark.parametrize("text", ["", "+", "4.5", "four", "1e3", "٣", "+-3"])
def test_what_is_no_rating(text: str) -> None:
    assert rating(text) is None


@pytest.mark.parametrize(
    ("href", "name"),
    [
        ("https://topwar.ru/user/Ivan/", "Ivan"),
        ("/user/Ivan", "Ivan"),
        ("user/Ivan/", "Ivan"),
        ("//topwar.ru/user/Ivan/#info", "Ivan"),
        ("/user/Lord+of+the%2BSith/", "Lord of the+Sith"),
        ("/user/%D0%9F%D0%B0%D1%80%D1%82%D0%B8%D0%B7%D0%B0%D0%BD/", "Партизан"),
        ("/user/Партизан/", "Партизан"),
        ("/index.php?subaction=userinfo&user=Ivan+P", "Ivan P"),
        ("/user/Ivan/news/", None),
        ("/user/", None),
        ("/user/%FF/", None),
        ("/user/+/", None),
        ("/users/Ivan/", None),
        ("mailto:user/Ivan/", None),
    ],
)
def test_the_name_in_a_profile_link(href: str, name: str | None) -> None:
    assert profile_name(href) == name


QUOTE = (
    '<div class="title_quote" data-commentuser="A" data-commentid="{id}" data-commentpostid="{article}"></div>'
    '<div class="quote">x</div>'
)


@pytest.mark.parametrize(
    ("text", "parent"),
    [
        (QUOTE.format(id=5, article=9), 5),
        (QUOTE.format(id=5, article=1), 5),  # it stands on the page
        (QUOTE.format(id=4, article=9), 4),  # on an earlier page of this thread
        (QUOTE.format(id=4, article=1), None),  # of another article
        (QUOTE.format(id=7, article=9), None),  # itself
        (QUOTE.format(id=8, article=9), None),  # not yet written
        (QUOTE.format(id=5, article=9) + QUOTE.format(id=6, article=9), 5),
        ('<div class="quote">x</div>' + QUOTE.format(id=5, article=9), 5),
        ("none", None),
    ],
)
def test_a_flat_page_shows_parents_in_quotations(text: str, parent: int | None) -> None:
    read = {c.id: c for c in block(comment(5) + comment(6) + comment(7, text=text)).comments}
    assert (read[7].parent_id, read[7].parent_source) == (parent, "quote" if parent else "root")


def test_in_a_tree_quotations_say_nothing_of_parents() -> None:
    item = '<li id="comments-tree-item-{0}" class="comments-tree-item">{1}</li>'
    quoting = comment(7, text=QUOTE.format(id=5, article=9))
    html = f'<ol class="comments-tree-list">{item.format(5, comment(5))}{item.format(7, quoting)}</ol>'
    assert [(c.parent_id, c.parent_source) for c in block(html).comments] == [(None, "root")] * 2


@given(forests(), st.sampled_from(["10.5", "13", "20", "flat"]))
def test_every_comment_of_a_thread_has_its_own_words(
    forest: tuple[list[Node], dict[int, int | None]], era: Era
) -> None:
    roots, _ = forest
    read = block(rendered(roots, era)).comments
    assert {c.id: c.body for c in read} == {id: f"words {id}" for id in shown(roots, era)}


def test_the_hash_is_of_the_comment_alone() -> None:
    base = only(comment(more='<span class="ratingtypeplus">4</span>')).source_hash
    same = [
        comment(more='<span class="ratingtypeplus">5</span>'),
        comment().replace("foto_15.jpg?v=1", "foto_15.jpg?v=2"),
        comment(more="<i>on line</i>"),
        "<p>page</p>" + comment() + "<footer>more</footer>",
        comment().replace('class="c"', 'class="other"'),
    ]
    assert {only(html).source_hash for html in same} == {base}
    nested = (
        comment().removesuffix("</div>")
        + '<ol class="comments-tree-list"><li>'
        + comment(8)
        + "</li></ol></div>"
    )
    assert block(nested).comments[0].source_hash == base


@pytest.mark.parametrize(
    "changed",
    [comment(text="other words"), comment(name="Lord of C"), comment(date="3 November 2017 12: 21")],
)
def test_the_hash_tells_contents_apart(changed: str) -> None:
    assert only(changed).source_hash != only(comment()).source_hash


def test_a_date_that_moves_is_not_in_the_hash() -> None:
    assert only(comment(date="3 hours ago")).source_hash == only(comment(date="4 hours ago")).source_hash
