"""
Random threads, the pages on which the engine shows them, and what those pages prove.

`forest(random)` makes up a thread, `pages(forest)` writes it as one era of the engine does, in some template and
split over comment pages, and `truths(forest)` says what an honest reader must make of them: from the thread
itself, never from the pages. The depth limit, unclosed items and flat lists take away some of what the
thread knows; a truth holds only what the page still proves.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from random import Random
from typing import Literal

from crawler.items import Image, Link, Moment, ParentSource, Quote
from tests import forest_texts
from tests.forest_people import Dated, DateForm, Edition, Person, dated, people
from tests.forest_texts import Block, Text

Era = Literal["10.5", "13", "20", "flat"]
ERAS: tuple[Era, ...] = ("10.5", "13", "20", "flat")

CommentSkin = Literal["topwar-2021", "dle-default", "table", "cards", "bare"]
COMMENT_SKINS: tuple[CommentSkin, ...] = ("topwar-2021", "dle-default", "table", "cards", "bare")
#: Those that our reader knows; of the others it knows the engine's ids alone.
KNOWN_SKINS: tuple[CommentSkin, ...] = ("topwar-2021", "dle-default")

ArticleSkin = Literal["2025", "2021", "2018", "dle-default"]
ARTICLE_SKINS: tuple[ArticleSkin, ...] = ("2025", "2021", "2018", "dle-default")

Paging = Literal["links", "ajax", "lazyload"]
Ratings = Literal["stars", "likes", "sum", "apart"]

#: How the engines under the templates write dates.
_FORMS: dict[CommentSkin, tuple[DateForm, ...]] = {
    "topwar-2021": ("out", "out", "out", "day", "ago", "machine", "bad"),
    "dle-default": ("out", "out", "day", "bad"),
    "table": ("out",),
    "cards": ("out",),
    "bare": ("out",),
}

#: The engine's depth limit at installation; a root is level 0.
LIMIT = 5

#: Most comments of a forest.
MOST = 24


@dataclass(slots=True, kw_only=True)
class Post:
    """A comment, its place in the thread, and all that is written in it."""

    id: int
    author: Person
    date: Dated
    rating: int | None
    #: Words of its own that others may quote.
    words: str
    above: "Post | None"
    #: Whom its text quotes, and in which markup.
    quotes: "tuple[Post, forest_texts.QuoteMarkup] | None" = None
    #: The member whom its text names at the start, as engine 20's does in answers.
    mentions: Person | None = None
    text: Text = field(default_factory=lambda: Text("", "", (), (), ()))
    signature: bool = False
    answers: "list[Post]" = field(default_factory=list)

    @property
    def level(self) -> int:
        level, above = 0, self.above
        while above is not None:
            level, above = level + 1, above.above
        return level


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """A thread, its article, and how they are to be shown."""

    posts: tuple[Post, ...]
    era: Era
    edition: Edition
    article_id: int
    title: str
    published: Dated
    fetched_at: datetime
    skin: CommentSkin
    article_skin: ArticleSkin
    paging: Paging
    ratings: Ratings
    #: Whether ratings are marked by attributes, as from engine 16 on.
    new_ratings: bool
    #: Most roots of a page; most comments of a flat one.
    per_page: int
    #: What stands between two tags.
    space: str
    #: The level below which lists nest no further; a root is level 0.
    limit: int = LIMIT

    @property
    def base_url(self) -> str:
        return "https://en.topwar.ru" if self.edition == "en" else "https://topwar.ru"

    @property
    def path(self) -> str:
        return f"/{self.article_id}-pristan.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a thread, as it is fetched."""

    url: str
    number: int
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What can be known of a comment from the pages of its thread."""

    id: int
    page: int
    parent_id: int | None
    parent_source: ParentSource
    depth: int
    #: Key, nickname, real name and number; None where the page does not say who it is.
    author: tuple[str, str, str | None, int | None] | None
    posted: Moment | None
    rating: int | None
    body: str
    quotes: tuple[Quote, ...]
    links: tuple[Link, ...]
    images: tuple[Image, ...]


def forest(
    random: Random,
    era: Era,
    *,
    most: int = MOST,
    skins: Sequence[CommentSkin] = COMMENT_SKINS,
    authors: Sequence[Person] | None = None,
) -> Forest:
    """A random thread that an era shows, by these authors or random ones."""
    edition: Edition = random.choice(("en", "ru"))
    base_url = "https://en.topwar.ru" if edition == "en" else "https://topwar.ru"
    fetched_at = datetime(2018, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randint(0, 9 * 365 * 86_400))
    article_id = random.randint(1_000, 300_000)
    skin = random.choice([skin for skin in skins if era != "flat" or skin != "bare"])
    ratings: Ratings = random.choice(("stars", "likes", "sum", "apart"))
    authors = authors or people(random, random.randint(1, 8))
    posts: list[Post] = []
    number = random.randint(0, 5_000_000)
    for _ in range(random.randint(1, most)):
        number += random.randint(1, 3)
        # Half of the comments answer the newest one: long chains pass the depth limit.
        above = random.choice([None, posts[-1], posts[-1], random.choice(posts)]) if posts else None
        post = Post(
            id=number,
            author=random.choice(authors),
            date=dated(random, _FORMS[skin], fetched_at=fetched_at, edition=edition),
            rating=_rating(random, ratings),
            words=forest_texts.sentence(random, number),
            above=above,
            signature=random.random() < 0.2,
        )
        if above is not None:
            above.answers.append(post)
        if posts and random.random() < 0.4:
            quoted = above if above is not None and random.random() < 0.7 else random.choice(posts)
            post.quotes = (quoted, random.choice(forest_texts.QUOTE_MARKUPS))
        if era == "20" and above is not None and above.author.profile is not None and random.random() < 0.4:
            post.mentions = above.author
        post.text = forest_texts.text(random, list(_blocks(random, post, article_id, base_url, edition)))
        posts.append(post)
    return Forest(
        posts=tuple(posts),
        era=era,
        edition=edition,
        article_id=article_id,
        title=forest_texts.sentence(random, article_id),
        published=dated(random, ("machine",), fetched_at=fetched_at, edition=edition),
        fetched_at=fetched_at,
        skin=skin,
        article_skin=random.choice(ARTICLE_SKINS),
        paging=random.choice(("links", "ajax", "lazyload")),
        ratings=ratings,
        new_ratings=random.random() < 0.5,
        per_page=random.randint(1, most),
        space=random.choice(("", "\n", "\n  ")),
        # With a lower limit engine 20's flattened answers look like others, unless their numbers go down.
        limit=LIMIT if era == "20" else random.choice((1, 2, 4, LIMIT, LIMIT)),
    )


def _rating(random: Random, ratings: Ratings) -> int | None:
    if random.random() < 0.2:
        return None  # the engine leaves it out for who may not rate
    if ratings == "stars":
        return 20 * random.randint(0, 5)
    return random.choice((0, 1, 21, 1204)) if ratings == "likes" else random.choice((0, 7, -3, 1204, -56))


def _blocks(random: Random, post: Post, article_id: int, base_url: str, edition: Edition) -> Iterator[Block]:
    if post.quotes is not None:
        yield _quotation(random, *post.quotes, article_id, russian=edition == "ru")
    if post.mentions is not None:
        yield forest_texts.mention(post.mentions.profile or "", post.mentions.shown, post.words)
    else:
        yield forest_texts.plain(post.words)
    for _ in range(random.choice((0, 0, 1, 3))):
        yield forest_texts.block(random, base_url)


def _quotation(
    random: Random, post: Post, markup: forest_texts.QuoteMarkup, article_id: int, *, russian: bool
) -> Block:
    inner = None
    if post.quotes is not None and random.random() < 0.5:  # it quoted somebody itself
        inner = _quotation(random, *post.quotes, article_id, russian=russian)
    return forest_texts.quotation(
        markup,
        name=post.author.nickname,
        shown=post.author.shown,
        link=post.author.short_link,
        words=post.words,
        inner=inner,
        comment_id=post.id,
        article_id=article_id,
        russian=russian,
    )


# --- what the pages prove ---------------------------------------------------------------------------------


def truths(forest: Forest) -> dict[int, Truth]:
    """What can be known of each comment that stands on a page, by its number, in the order of the pages."""
    on_page = {post.id: number for number, posts in enumerate(split(forest), 1) for post in posts}
    found: dict[int, Truth] = {}
    for post in sorted(forest.posts, key=lambda post: post.id):
        if post.id not in on_page:
            continue
        parent_id, source = _proved_parent(forest, post, on_page)
        above = found.get(parent_id) if parent_id is not None else None
        found[post.id] = Truth(
            id=post.id,
            page=on_page[post.id],
            parent_id=parent_id,
            parent_source=source,
            depth=0 if above is None else above.depth + 1,
            author=_proved_author(forest, post.author),
            posted=post.date.moment,
            rating=post.rating,
            body=post.text.body,
            quotes=post.text.quotes,
            links=post.text.links,
            images=post.text.images,
        )
    return {id: found[id] for id in on_page}


def _proved_parent(forest: Forest, post: Post, on_page: dict[int, int]) -> tuple[int | None, ParentSource]:
    if forest.era == "flat":
        return _quoted_parent(forest, post, on_page)
    above = post.above
    if above is None:
        return None, "root"
    if post.level < forest.limit or forest.era == "10.5":
        return above.id, "tree"
    if forest.era == "13" and any(
        forest.limit < LIMIT or each.level > LIMIT
        for each in forest.posts
        if on_page[each.id] == on_page[post.id]
    ):
        return above.id, "tree" if post.level == forest.limit else "recovered"
    # Engine 20 mixes all that is deeper into one list under the last comment that nests. A page of the
    # engines before it on which nothing is deeper looks the same, and nobody can tell that it is not mixed.
    head = post
    while head.level >= forest.limit:
        assert head.above is not None
        head = head.above
    if post is head.answers[0]:
        return head.id, "tree"
    mixed = [head, *(each for answer in head.answers for each in _branch(answer, forest))]
    before = [each for each in mixed[: mixed.index(post)] if each.id < post.id]
    if post.quotes is not None:
        quoted, markup = post.quotes
        if quoted in before and (markup == "20" or _can_be_named(forest, quoted, markup)):
            return quoted.id, "quote"
    elif post.mentions is not None:
        named = [each for each in before if post.mentions.address_name in _names(forest, each.author)]
        if named:  # the last one is the likeliest
            return named[-1].id, "mention"
    return head.id, "capped"


def _quoted_parent(forest: Forest, post: Post, on_page: dict[int, int]) -> tuple[int | None, ParentSource]:
    if post.quotes is not None:
        quoted, markup = post.quotes
        here = on_page[quoted.id] == on_page[post.id]
        if markup == "20" or (here and _can_be_named(forest, quoted, markup)):
            return quoted.id, "quote"
    return None, "root"


def _can_be_named(forest: Forest, quoted: Post, markup: forest_texts.QuoteMarkup) -> bool:
    """Whether a quotation says whose words it has, and the page says whose comment they stand in."""
    return markup != "unnamed" and bool(_names(forest, quoted.author))


def _names(forest: Forest, person: Person) -> set[str]:
    """By what names a page knows somebody."""
    if person.profile is None:
        return {person.nickname.casefold()} if forest.skin in KNOWN_SKINS else set()
    return {person.nickname.casefold(), person.profile.casefold()}


def _proved_author(forest: Forest, author: Person) -> tuple[str, str, str | None, int | None] | None:
    name = author.nickname
    if forest.skin in KNOWN_SKINS:
        if author.profile is None:
            return f"guest:{name.casefold()}", name, None, None
        return author.profile.casefold(), name, author.full_name, author.number
    # In a template that nobody has seen a name without a profile is not found, and who is a guest not known.
    return None if author.profile is None else (f"unknown:{name.casefold()}", name, None, None)


def split(forest: Forest) -> list[list[Post]]:
    """The comments of each page, in the order of the page."""
    if forest.era == "flat":
        ordered = sorted(forest.posts, key=lambda post: post.id)
        return [ordered[at : at + forest.per_page] for at in range(0, len(ordered), forest.per_page)]
    roots = [post for post in forest.posts if post.above is None]
    parts = (roots[at : at + forest.per_page] for at in range(0, len(roots), forest.per_page))
    return [[post for root in part for post in _branch(root, forest)] for part in parts]


def _branch(post: Post, forest: Forest) -> list[Post]:
    """A comment and all below it that an era shows, each before its answers."""
    if forest.era == "10.5" and post.level > forest.limit:
        return []
    return [post, *(each for answer in post.answers for each in _branch(answer, forest))]


# --- the pages --------------------------------------------------------------------------------------------


def pages(forest: Forest) -> list[Page]:
    """The pages of a thread, the article's own address first."""
    parts = split(forest)
    return [
        Page(url=_url(forest, number), number=number, html=_page(forest, posts, number, len(parts)))
        for number, posts in enumerate(parts, 1)
    ]


def answers(forest: Forest) -> list[Page]:
    """The same pages of comments, as the engine answers the script that loads them."""
    parts = split(forest)
    return [
        Page(
            url=f"{forest.base_url}/{_ANSWERING[forest.era]}&cstart={number}&news_id={forest.article_id}&skin=vo",
            number=number,
            html=_answer(forest, posts, number, len(parts)),
        )
        for number, posts in enumerate(parts, 1)
    ]


_ANSWERING: dict[Era, str] = {
    "flat": "engine/ajax/comments.php?massact=disable",
    "10.5": "engine/ajax/comments.php?massact=disable",
    "13": "engine/ajax/controller.php?mod=comments",
    "20": "index.php?controller=ajax&mod=comments",
}


def _answer(forest: Forest, posts: list[Post], number: int, count: int) -> str:
    thread = _thread(forest, posts)
    navigation = _navigation(forest, number, count) if forest.paging != "lazyload" else ""
    if forest.era in ("13", "20"):
        thread += '<div id="dle-ajax-comments"></div>'
    navigation, thread = in_json(forest, navigation), in_json(forest, thread)
    if forest.era == "13" and not navigation:
        return f'{{"navigation": null, "comments": "{thread}"}}'
    return f'{{"navigation": "{navigation}", "comments": "{thread}"}}'


def in_json(forest: Forest, html: str) -> str:
    """HTML as an era writes it into its answers."""
    if forest.era in ("13", "20"):
        return json.dumps(html)[1:-1].replace("/", "\\/")
    # Put together by hand, with an escape that JSON does not know.
    return html.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'").replace("\n", "\\n")


def _url(forest: Forest, number: int) -> str:
    if number == 1:
        return forest.base_url + forest.path
    return f"{forest.base_url}/page,1,{number},{forest.path[1:]}"


def _page(forest: Forest, posts: list[Post], number: int, count: int) -> str:
    stated = len(forest.posts)
    heading = f"{stated} comments" if forest.edition == "en" else f"Комментарии ({stated})"
    script = "var dle_root='/'; var dle_skin='vo'; document.write('<ol class=\"comments-tree-list\"><li>');"
    if forest.paging == "lazyload" and count > 1:
        script += (
            f" var dle_news_id= '{forest.article_id}'; var total_comments_pages= '{count}';"
            f" var current_comments_page= '{number}';"
        )
    return forest.space.join(
        (
            f'<!DOCTYPE html><html lang="{forest.edition}"><head><meta charset="utf-8">',
            f"<title>{escape(forest.title)}</title>",
            f'<link rel="canonical" href="{_url(forest, number)}"><script>{script}</script></head><body>',
            '<nav><ul><li><a href="/news/">News</a></li></ul></nav><div id="dle-content">',
            _article(forest),
            f'<div class="b-comments"><h3 class="section-title">{heading}</h3>',
            '<form method="post" name="dlemasscomments" id="dlemasscomments"><div id="dle-comments-list">',
            '<div id="comment"></div>',
            _thread(forest, posts),
            '<div id="dle-ajax-comments"></div></div></form>',
            _navigation(forest, number, count),
            "</div></div><footer>18+</footer></body></html>",
        )
    )


def _article(forest: Forest) -> str:
    title = escape(forest.title, quote=False)
    date, attribute = forest.published.words, ""
    if forest.published.machine is not None:
        attribute = f' datetime="{forest.published.machine}"'
    words = "The ferry has come.<br /><br />Паром пришёл."
    if forest.article_skin == "2025":
        return (
            f'<div id="full-story"><article class="full-story-cont"><h1>{title}</h1><div class="post-meta">'
            f'<time class="meta meta-time"{attribute}>{date}</time></div>'
            f'<div class="full-story-text text">{words}<div class="banner-block">AD</div></div></article></div>'
        )
    if forest.article_skin == "2021":
        return (
            f'<div id="full-story"><article><h1 class="heading">{title}</h1><div class="meta fs-0875">'
            f'<time class="meta__time"{attribute}>{date}</time><div class="meta__views">15 680</div></div>'
            f'<div class="pfull-cont text">{words}</div><div id="shareline">Share</div></article></div>'
        )
    if forest.article_skin == "2018":
        return (
            f"<article><h1>{title}</h1><time{attribute}>{date}</time><p>The ferry has come.</p>"
            '<div class="ya-news">Our channel</div><p>Паром пришёл.</p></article>'
        )
    return (
        '<article class="box story fullstory"><div class="box_in"><div class="meta"><ul class="left">'
        f'<li class="story_date"><time{attribute}>{date}</time></li></ul></div>'
        f'<h1 class="title">{title}</h1><div class="text">{words}</div></div></article>'
    )


def _navigation(forest: Forest, number: int, count: int) -> str:
    if count == 1 or forest.paging == "lazyload":
        return (
            '<div class="ajax_comments_area"><div class="ajax_comments_next"></div></div>'
            if count > 1
            else ""
        )
    parts = []
    for each in range(1, count + 1):
        url = _url(forest, each) + "#comment"
        if each == number:
            parts.append(f"<span>{each}</span>")
        elif each > 10 and each != count:
            parts.append('<span class="nav_ext">...</span>' if each == 11 else "")
        elif forest.paging == "ajax":
            call = f"CommentsPage('{each}', '{forest.article_id}', '{url}'); return false;"
            parts.append(f'<a href="#" onclick="{call}">{each}</a>')
        else:
            parts.append(f'<a href="{url}">{each}</a>')
    return f'<div class="dle-comments-navigation"><div class="navigation">{" ".join(parts)}</div></div>'


def _thread(forest: Forest, posts: list[Post]) -> str:
    if forest.era == "flat":
        return forest.space.join(written(forest, post) for post in posts)
    roots = [post for post in posts if post.above is None]
    if forest.era == "10.5":
        # Only an item with answers is closed, by what ends their list; and the last of all.
        return _unclosed(forest, roots, 0) + "</li></ol>"
    return f'<ol class="comments-tree-list">{_balanced(forest, roots, 0)}</ol>'


def _item(forest: Forest, post: Post) -> str:
    return f'<li id="comments-tree-item-{post.id}" class="comments-tree-item" >{written(forest, post)}'


def _unclosed(forest: Forest, posts: Sequence[Post], level: int) -> str:
    parts = ['<ol class="comments-tree-list">']
    for post in posts:
        parts.append(_item(forest, post))
        if post.answers and level < forest.limit:
            parts += [_unclosed(forest, post.answers, level + 1), "</ol></li>"]
    return forest.space.join(parts)


def _balanced(forest: Forest, posts: Sequence[Post], level: int) -> str:
    parts = []
    for post in posts:
        inner = _balanced(forest, post.answers, level + 1) if post.answers else ""
        if inner and level < forest.limit:
            inner = f'<ol class="comments-tree-list">{inner}</ol>'
        if forest.era == "20":
            banner = (
                '<li class="comments-tree-item" ><div class="banner">AD</div></li>'
                if post.id % 4 == 0
                else ""
            )
            item = _item(forest, post)
            parts.append(
                f"{item}</li>{inner}{banner}" if level >= forest.limit else f"{item}{inner}</li>{banner}"
            )
        else:
            parts.append(f"{_item(forest, post)}{inner}</li>")
    return forest.space.join(parts)


# --- the templates of comments ----------------------------------------------------------------------------


def written(forest: Forest, post: Post) -> str:
    """A comment in its template."""
    parts = {
        "id": str(post.id),
        "name": post.author.link,
        "alt": escape(post.author.shown),
        "avatar": post.author.avatar,
        "date": escape(post.date.words),
        "datetime": "" if post.date.machine is None else f' datetime="{post.date.machine}"',
        "text": post.text.html,
        "rating": "" if post.rating is None else _rating_html(forest, post.id, post.rating),
        "signature": '<div class="signature">--------------------<br />Motto</div>' if post.signature else "",
        "from": "от " if forest.edition == "ru" else "",
    }
    return forest.space.join(_TEMPLATES[forest.skin]).format_map(parts)


_TEMPLATES: dict[CommentSkin, tuple[str, ...]] = {
    "topwar-2021": (
        '<div id=\'comment-id-{id}\'><div class="comment pos-comm"><div class="comment-head">',
        '<i class="avatar fit-cover"><img src="{avatar}" alt="{alt}" loading="lazy"></i>',
        '<span class="name truncate">{name}</span>',
        '<div class="comment-meta"><span class="group-label">Visitors</span>',
        '<time class="date c-muted"{datetime}>{date}</time></div></div>',
        "<div class=\"comment-text\"><div id='comm-id-{id}'>{text}</div></div>{signature}",
        '<div class="comment-foot"><ul class="comment-tools"><li class="com__reply"><a href="#">Reply</a></li></ul>',
        '<div class="com-likes">{rating}</div></div></div></div>',
    ),
    "dle-default": (
        '<div id=\'comment-id-{id}\'><div class="comment" id="1"><div class="com_info"><div class="avatar">',
        '<span class="cover" style="background-image: url({avatar});">{alt}</span></div><div class="com_user">',
        '<b class="name">{name}</b><span class="grey"> {from}{date}</span></div>',
        '<div class="meta"><div class="rate">{rating}</div></div></div>',
        '<div class="com_content"><div class="text"><div id=\'comm-id-{id}\'>{text}</div></div>{signature}</div>',
        '<div class="com_bottom"><a href="#">Reply</a></div></div></div>',
    ),
    "table": (
        '<table class="opinion" id="comment-id-{id}"><tr><td><img src="{avatar}" alt="{alt}">',
        "{name}<br><small>Ensign</small></td><td>{date} &nbsp; Posts: 309 <span>#4</span> {rating}</td></tr>",
        '<tr><td colspan="2"><div id="comm-id-{id}">{text}</div></td></tr></table>',
    ),
    "cards": (
        '<article class="msg" id="comment-id-{id}" data-id="{id}" itemscope>',
        '<header><a class="ava" href="#"><img src="{avatar}" alt="{alt}"></a><div class="who">{name}</div>',
        '<div class="rank">Sergeant</div><div class="when">{date}</div></header>',
        '<div class="words"><section id="comm-id-{id}">{text}</section></div>',
        '<aside>{rating} <a href="#" onclick="dle_reply(\'{id}\');">Answer</a></aside></article>',
    ),
    "bare": (
        '<p class="by">{name} <span>{date}</span> {rating}</p>',
        '<div class="x"><div id=\'comm-id-{id}\'>{text}</div></div><p class="act"><a href="#">Answer</a></p>',
    ),
}


def _rating_html(forest: Forest, id: int, value: int) -> str:
    layer = f'id="comments-ratig-layer-{id}" class="ignore-select"'
    if forest.new_ratings:
        layer = f'data-comments-ratig-layer-id="{id}"'
    if forest.ratings == "stars":
        return (
            f'<div class="rating"><ul class="unit-rating"><li class="current-rating" style="width:{value}%;">'
            f'{value}</li><li><a href="#">1</a></li><li><a href="#">2</a></li></ul></div>'
        )
    if forest.ratings == "likes":
        return f'<span {layer}><span class="ratingtypeplus">{_spaced(value)}</span></span>'
    if forest.ratings == "sum":
        sign = "plus" if value > 0 else "minus" if value < 0 else "zero"
        shown = ("+" if value > 0 else "") + _spaced(value)
        return f'<span {layer}><span class="ratingtypeplusminus rating{sign}">{shown}</span></span>'
    likes, dislikes = max(value, 0) + id % 5, max(-value, 0) + id % 5
    if forest.new_ratings:
        return f'<span data-comments-likes-id="{id}">{likes}</span> <b data-comments-dislikes-id="{id}">{dislikes}</b>'
    return (
        f'<span id="comments-likes-id-{id}" class="ignore-select">{likes}</span>'
        f' <span id="comments-dislikes-id-{id}" class="ignore-select">{dislikes}</span>'
    )


def _spaced(value: int) -> str:
    return f"{value:,}".replace(",", " ")
