"""
A made-up site of two articles that changes in all ways that the real one does, and the pages that it sends.

It knows nothing of how pages are read, visited or stored. What it sends is what is true of it at that moment, as its
skin of that moment shows it; `read` is a reader of such pages, in two versions.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Final, Literal
from zoneinfo import ZoneInfo

from crawler.items import Article, ArticlePage, Comment, CommentPage, Image, ParentSource, Quote

ARTICLES: Final = (7, 8)
MOSCOW: Final = ZoneInfo("Europe/Moscow")

#: The site's pages of comments, at most.
MOST_PAGES: Final = 3

Skin = Literal["tree", "capped", "flat", "guessed"]
"""
How pages look.

tree     comments nested as deep as they answer each other, dates to the minute
capped   nested to depth 1, dates counted in hours from now
flat     no tree at all, and only the day of each comment
guessed  no tree, but some comments begin with the name of whom they answer; dates in words that one reader cannot read
"""

SKINS: Final[tuple[Skin, ...]] = ("tree", "capped", "flat", "guessed")

ChangeKind = Literal[
    "post", "edit", "append", "link", "date", "remove", "hide", "restore", "move", "rename", "respell",
    "rate", "rewrite", "illustrate", "view", "purge", "return", "lose", "readdress", "put back", "page",
    "count pages", "drift", "skin",
]  # fmt: skip
"""
What may happen to the site.

post         somebody writes a comment          edit        other words, as old as before
append       the engine joins two comments      link        another picture under the words
date         another date                       remove      a comment is deleted with all below it
hide         a comment alone is not shown       restore     a comment is shown again
move         under another comment or article   rename      a member takes another name
respell      the same name, written otherwise   rate        another rating
rewrite      other words in the article         illustrate  another picture in the article
view         the article was read and rated     purge       nearly all comments of an article are hidden
return       all comments are shown again       lose        the article is not found
readdress    the article has moved              put back    the article is there again
page         other comments a page              count pages whether pages say how many there are
drift        the site counts its comments wrong skin        pages look otherwise
"""

#: What happens often stands several times.
CHANGES: Final[tuple[ChangeKind, ...]] = (
    "post", "post", "post", "post", "edit", "edit", "append", "link", "date", "remove", "hide", "restore", "move",
    "move", "move", "rename", "respell", "rate", "rate", "rewrite", "illustrate", "view", "purge", "return", "lose",
    "readdress", "put back", "put back", "page", "page", "count pages", "drift", "skin", "skin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who writes; without a profile a guest."""

    number: int
    base: str
    nickname: str
    profile: str | None


@dataclass(frozen=True, slots=True)
class Post:
    """A comment as the site keeps it."""

    id: int
    article: int
    parent: int | None
    account: int
    words: str
    posted: datetime
    picture: int = 0
    rating: int | None = None
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Story:
    """An article as the site keeps it."""

    words: str
    picture: int = 0
    views: int = 0
    status: Literal["here", "not_found", "moved"] = "here"
    #: How many comments more than there are the site says there are.
    drift: int = 0


@dataclass(frozen=True, slots=True)
class Markup:
    """A comment as a page shows it."""

    post: Post
    account: Account
    #: The comments that it answers, the nearest first, whether they are shown or not.
    above: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A page as it left the server."""

    article: int
    story: Story
    number: int
    comments: tuple[Markup, ...]
    stated: int
    #: None where the page does not say how many there are.
    pages: int | None
    skin: Skin
    #: The server's clock.
    sent: datetime


class ChangingSite:
    """The site at a moment."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.stories = {id: Story(f"Story of {id}.") for id in ARTICLES}
        self.posts: dict[int, Post] = {}
        self.accounts = [
            Account(0, "Anna", "Anna", "Anna"),
            Account(1, "Boris", "Boris", "Boris"),
            Account(2, "Vera", "Vera", "Vera"),
            Account(3, "Gleb", "Gleb", None),
        ]
        self.skin: Skin = "tree"
        self.per_page = 3
        self.counts_pages = True
        self._words = count(1)
        for number in range(8):
            self.change("post", number, number // 2)
        # One that is answered has never been shown.
        self._put(replace(self._post(1), shown=False))

    def copy(self) -> "ChangingSite":
        """The site as it is now, for later."""
        past = copy(self)
        past.stories, past.posts, past.accounts = dict(self.stories), dict(self.posts), list(self.accounts)
        return past

    # --- what happens to it -----------------------------------------------------------------------------------------

    def change(self, kind: ChangeKind, a: int, b: int) -> None:
        """Let something happen: `a` says to what, `b` how; any numbers will do."""
        self.now += timedelta(minutes=1)
        article = ARTICLES[a % len(ARTICLES)]
        story = self.stories[article]
        post = self._post(a)
        account = self.accounts[a % 3]
        match kind:
            case "post":
                self._write(article, a, b)
            case "edit":
                self._put(replace(post, words=f"Words {next(self._words)} of {post.id}."))
            case "append":
                later = max(self.now, post.posted + timedelta(minutes=1))
                self._put(replace(post, words=f"{post.words}\nAnd {next(self._words)}.", posted=later))
            case "link":
                self._put(replace(post, picture=b % 3))
            case "date":
                self._put(replace(post, posted=self.now - timedelta(minutes=b * 20)))
            case "remove":
                for id in (post.id, *self._below(post.id)):
                    self._put(replace(self.posts[id], shown=False))
            case "hide" | "restore":
                hidden = [one for one in self.posts.values() if not one.shown]
                if kind == "hide" or hidden:
                    one = post if kind == "hide" else hidden[b % len(hidden)]
                    self._put(replace(one, shown=kind == "restore"))
            case "move":
                # Rather one that is answered: those below it move with it.
                self._move(self.posts[post.parent] if post.parent is not None and b % 3 else post, b)
            case "rename":
                name = account.base if b % 4 == 0 else f"{account.base}{b % 4}"
                self.accounts[account.number] = replace(account, nickname=name, profile=name)
            case "respell":
                spelled = account.nickname.swapcase()
                self.accounts[account.number] = replace(account, nickname=spelled)
            case "rate":
                self._put(replace(post, rating=None if b == 0 else b - 4))
            case "rewrite":
                self.stories[article] = replace(story, words=f"Story {next(self._words)} of {article}.")
            case "illustrate":
                self.stories[article] = replace(story, picture=b % 3)
            case "view":
                self.stories[article] = replace(story, views=story.views + b)
            case "purge":
                for one in self._of(article)[1 + b % 2 :]:
                    self._put(replace(one, shown=False))
            case "return":
                for one in self._of(article):
                    self._put(replace(one, shown=True))
            case "lose" | "readdress":
                self.stories[article] = replace(story, status="not_found" if kind == "lose" else "moved")
            case "put back":
                self.stories = {id: replace(one, status="here") for id, one in self.stories.items()}
            case "page":
                self.per_page = (1, 2, 3, 100)[a % 4]
            case "count pages":
                self.counts_pages = not self.counts_pages
            case "drift":
                self.stories[article] = replace(story, drift=(0, 1, 2, -1)[b % 4])
            case "skin":
                self.skin = SKINS[a % len(SKINS)]

    def _post(self, a: int) -> Post:
        posts = list(self.posts.values())
        return posts[a % len(posts)] if posts else Post(0, 0, None, 0, "", self.now)

    def _put(self, post: Post) -> None:
        self.posts[post.id] = post

    def _of(self, article: int) -> list[Post]:
        return [post for post in self.posts.values() if post.article == article]

    def _write(self, article: int, a: int, b: int) -> None:
        mine = [post.id for post in self._of(article)]
        id = 11 + len(self.posts)
        # Every second one begins a branch, or there would be few pages on which several stand side by side.
        parent = mine[b % len(mine)] if mine and b % 2 else None
        self._put(Post(id, article, parent, (a + b) % 4, f"Words of {id}.", self.now))

    def _below(self, id: int) -> Iterator[int]:
        for post in self.posts.values():
            if post.parent == id:
                yield post.id
                yield from self._below(post.id)

    def _move(self, post: Post, b: int) -> None:
        branch = [post.id, *self._below(post.id)]
        other = self._post(b)
        if other.id == post.id:
            article, parent = ARTICLES[b % len(ARTICLES)], None
        elif other.id in branch:  # the two change places
            article, parent = post.article, other.id
            self._put(replace(other, parent=post.parent))
        else:
            article, parent = other.article, other.id
        for id in branch:
            self._put(replace(self.posts[id], article=article))
        self._put(replace(self.posts[post.id], parent=parent))

    # --- what it sends ----------------------------------------------------------------------------------------------

    def answer(self, article: int, number: int) -> Answer | Literal["not_found", "moved"]:
        """What the site answers to who asks for this page of an article's comments."""
        story = self.stories[article]
        if story.status != "here":
            return story.status
        shown = [post for post in self._of(article) if post.shown]
        per_page = max(self.per_page, -(-len(shown) // MOST_PAGES))
        pages = max(1, -(-len(shown) // per_page))
        if number > pages:
            return "not_found"
        return Answer(
            article=article,
            story=story,
            number=number,
            comments=tuple(
                Markup(post, self.accounts[post.account], tuple(self._above(post)))
                for post in shown[(number - 1) * per_page : number * per_page]
            ),
            stated=max(0, len(shown) + story.drift),
            pages=pages if self.counts_pages else None,
            skin=self.skin,
            sent=self.now,
        )

    def _above(self, post: Post) -> Iterator[int]:
        while post.parent is not None:
            yield post.parent
            post = self.posts[post.parent]


# --- its reader -----------------------------------------------------------------------------------------------------


def read(answer: Answer, version: int) -> ArticlePage:
    """
    What a page says, as this version of the reader understands it.

    The first version takes a soft break (~) for a character and a member for a guest, cannot read the dates of the skin
    "guessed", and loses the parents of some comments of the skin "tree"; and it takes an advertisement for a part of
    every other article.
    """
    story = answer.story
    posted = (answer.sent - timedelta(days=3)).astimezone(MOSCOW)
    return ArticlePage(
        article=Article(
            id=answer.article,
            path=f"/{answer.article}-a.html",
            title=story.words.split(".")[0],
            body=f"Buy a boat!\n\n{story.words}" if version == 1 and answer.article % 2 else story.words,
            images=_pictures(story.picture),
            tags=("made up",),
            views=story.views or None,
            rating=story.views // 3,
            published_raw="2 November 2017 10:00" if answer.skin == "tree" else f"{posted:2 November 2017}",
            comments_stated=answer.stated,
        ),
        comments=CommentPage(
            number=answer.number,
            comments=tuple(_comment(markup, answer, version) for markup in answer.comments),
            stated=answer.stated,
            pages=answer.pages,
            flat=answer.skin in ("flat", "guessed"),
        ),
        skin=answer.skin,
    )


def _comment(markup: Markup, answer: Answer, version: int) -> Comment:
    post, account = markup.post, markup.account
    source, parent = _parent(markup, answer.skin, version)
    layout = "new" if answer.skin in ("tree", "capped") else "old"
    hashed = repr((layout, post.id, account, post.words, post.picture))
    words = f"{post.words}~" if post.id % 2 else post.words
    guest = account.profile is None or (version == 1 and account.number == 2)
    return Comment(
        id=post.id,
        parent_id=parent,
        parent_source=source,
        nickname_raw=account.nickname,
        author_kind="guest" if guest else "member",
        profile_name=None if guest else account.profile,
        site_user_id=None if guest else 100 + account.number,
        posted_raw=_date(post, answer, version),
        body=words if version == 1 else words.replace("~", ""),
        quotes=(Quote(text="So be it.", author="Anna"),) if post.id % 3 == 0 else (),
        images=_pictures(post.picture),
        rating=post.rating,
        source_hash=sha256(hashed.encode()).hexdigest(),
    )


def _parent(markup: Markup, skin: Skin, version: int) -> tuple[ParentSource, int | None]:
    above, id = markup.above, markup.post.id
    match skin:
        case "tree" if id % 2 == 0 and above:
            return ("root", None) if version == 1 else ("recovered", above[0])
        case "capped" if len(above) > 1:
            return "capped", above[-1]
        case "tree" | "capped":
            return ("tree", above[0]) if above else ("root", None)
        case "guessed" if id % 2 and above:
            return ("mention", above[-1]) if version == 1 and id % 3 == 0 else ("mention", above[0])
        case _:
            return "root", None


def _date(post: Post, answer: Answer, version: int) -> str:
    local = post.posted.astimezone(MOSCOW)
    hours = int((answer.sent - post.posted) / timedelta(hours=1))
    match answer.skin:
        case "capped" if 0 < hours < 20:
            return f"{hours} hours ago"
        case "flat":
            return f"{local:%-d %B %Y}"
        case "guessed" if version == 1:
            return f"{hours} small hours before the one in which this page was sent to whoever reads it"
        case _:
            return f"{local:%-d %B %Y %H:%M}"


def _pictures(number: int) -> tuple[Image, ...]:
    return (Image(url=f"https://example.org/{number}.png"),) if number else ()
