"""
What the sample site has to say: articles and threads, read from `articles/*.toml` and `people.toml`.

These values are the ground truth for tests. A test that wants the site to change between two crawls
makes a changed article (`without`, `rewritten`, `with_comment`) and puts it on its `SampleSite`.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Literal
from zoneinfo import ZoneInfo

from crawler.items import Link, Quote
from crawler.sample import markup

Edition = Literal["en", "ru"]

EDITIONS: tuple[Edition, ...] = ("en", "ru")

#: Where the site's clock hangs; its pages do not say.
ZONE = ZoneInfo("Europe/Moscow")

#: Root comments on one comment page; each brings all its answers along.
ROOTS_PER_PAGE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """A text in both editions."""

    en: str
    ru: str

    def __getitem__(self, edition: Edition) -> str:
        return self.en if edition == "en" else self.ru


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who comments."""

    nickname: Both
    #: The name in the profile link, before encoding; None for a guest.
    profile_name: str | None = None
    #: The site's number of a member.
    user_id: int | None = None
    #: A guest's address, which the engine links to.
    email: str | None = None
    signature: Both | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleComment:
    """One comment, and what a reader of its page should find in it."""

    id: int
    #: Number of the comment that it answers; None for a root.
    parent_id: int | None
    #: 0 for a root.
    depth: int
    author: Person
    #: Aware, in UTC, to the minute.
    posted_at: datetime
    #: None where the page shows no rating.
    rating: int | None
    #: The text as written, in the markup of `crawler.sample.markup`.
    source: Both

    def body(self, edition: Edition) -> str:
        """The author's own words as plain text."""
        return markup.plain(markup.parsed(self.source[edition]))

    def quotes(self, edition: Edition) -> tuple[Quote, ...]:
        """What the author quotes."""
        return tuple(markup.quotes(markup.parsed(self.source[edition])))

    def links(self, edition: Edition) -> tuple[Link, ...]:
        """Where the text leads to."""
        return markup.links(markup.parsed(self.source[edition]))

    def images(self, edition: Edition) -> tuple[str, ...]:
        """Paths of the attached images."""
        return markup.images(markup.parsed(self.source[edition]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleText:
    """What an article says in one edition."""

    title: str
    #: The summary: on cards, in feeds and in the description of the article page.
    lead: str
    paragraphs: tuple[str, ...]
    byline: str
    tags: tuple[str, ...]
    source_credit: str
    #: Caption of the image.
    caption: str | None
    footnotes: tuple[str, ...]

    @property
    def body(self) -> str:
        """The article as plain text, an empty line between paragraphs, without footnotes and caption."""
        return "\n\n".join(self.paragraphs)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleArticle:
    """One article with its thread."""

    id: int
    slug: str
    #: Path of the section, without slashes at the ends: "news", "armament/drones".
    section: str
    #: Aware, in UTC, to the minute.
    published_at: datetime
    views: int
    rating: int | None
    #: Path of the image.
    image: str | None
    text: Mapping[Edition, ArticleText]
    #: By id; an answer has a higher number than what it answers.
    comments: tuple[SampleComment, ...]

    @property
    def path(self) -> str:
        return f"/{self.id}-{self.slug}.html"

    @property
    def comment_pages(self) -> int:
        """How many comment pages the thread takes, at least 1."""
        return max(1, -(-len(self.answers(None)) // ROOTS_PER_PAGE))

    def answers(self, comment_id: int | None) -> tuple[SampleComment, ...]:
        """The direct answers to a comment, or the roots."""
        return tuple(comment for comment in self.comments if comment.parent_id == comment_id)

    def comment_page(self, number: int) -> tuple[SampleComment, ...]:
        """The comments of page `number` (from 1) in reading order."""
        roots = self.answers(None)[(number - 1) * ROOTS_PER_PAGE : number * ROOTS_PER_PAGE]
        return tuple(comment for root in roots for comment in self.branch(root))

    def branch(self, comment: SampleComment) -> Iterator[SampleComment]:
        """A comment and all below it, in reading order."""
        yield comment
        for answer in self.answers(comment.id):
            yield from self.branch(answer)

    def comment(self, comment_id: int) -> SampleComment:
        """The comment with this number. Raises KeyError where there is none."""
        for comment in self.comments:
            if comment.id == comment_id:
                return comment
        raise KeyError(comment_id)

    def without(self, comment_id: int) -> "SampleArticle":
        """The article after a comment was deleted, and with it, as in the engine, all below it."""
        gone = {comment.id for comment in self.branch(self.comment(comment_id))}
        return replace(self, comments=tuple(c for c in self.comments if c.id not in gone))

    def rewritten(self, comment_id: int, *, en: str, ru: str) -> "SampleArticle":
        """The article after a comment got another text."""
        edited = replace(self.comment(comment_id), source=Both(en=en, ru=ru))
        return replace(self, comments=tuple(edited if c.id == comment_id else c for c in self.comments))

    def with_comment(self, comment: SampleComment) -> "SampleArticle":
        """The article with one more comment; its depth is set from its parent."""
        depth = 0 if comment.parent_id is None else self.comment(comment.parent_id).depth + 1
        comments = (*self.comments, replace(comment, depth=depth))
        return replace(self, comments=tuple(sorted(comments, key=lambda c: c.id)))


@cache
def sample_articles() -> tuple[SampleArticle, ...]:
    """All articles of the sample, oldest first."""
    people = tomllib.loads(files(__package__).joinpath("people.toml").read_text("utf-8"))
    members = {name: _person(name, row, member=True) for name, row in people["members"].items()}
    guests = {name: _person(name, row, member=False) for name, row in people["guests"].items()}
    articles = [
        _article(tomllib.loads(file.read_text("utf-8")), members, guests)
        for file in files(__package__).joinpath("articles").iterdir()
        if file.name.endswith(".toml")
    ]
    return tuple(sorted(articles, key=lambda article: article.published_at))


def _person(name: str, row: dict[str, Any], *, member: bool) -> Person:
    return Person(
        nickname=Both(en=row.get("en", name), ru=name),
        profile_name=name if member else None,
        user_id=row.get("user_id"),
        email=row.get("email"),
        signature=Both(**row["signature"]) if "signature" in row else None,
    )


def _article(row: dict[str, Any], members: dict[str, Person], guests: dict[str, Person]) -> SampleArticle:
    comments: dict[int, SampleComment] = {}
    for comment in sorted(row.get("comments", ()), key=lambda comment: int(comment["id"])):
        parent_id = comment.get("answers")
        comments[comment["id"]] = SampleComment(
            id=comment["id"],
            parent_id=parent_id,
            depth=0 if parent_id is None else comments[parent_id].depth + 1,
            author=members[comment["by"]] if "by" in comment else guests[comment["guest"]],
            posted_at=_utc(comment["at"]),
            rating=comment.get("rating"),
            source=Both(en=comment["en"], ru=comment["ru"]),
        )
    return SampleArticle(
        id=row["id"],
        slug=row["slug"],
        section=row["section"],
        published_at=_utc(row["published"]),
        views=row["views"],
        rating=row.get("rating"),
        image=row.get("image"),
        text={"en": _text(row["en"]), "ru": _text(row["ru"])},
        comments=tuple(comments.values()),
    )


def _text(row: dict[str, Any]) -> ArticleText:
    return ArticleText(
        title=row["title"],
        lead=row["lead"],
        paragraphs=tuple(row["body"].strip().split("\n\n")),
        byline=row["byline"],
        tags=tuple(row["tags"]),
        source_credit=row["source_credit"],
        caption=row.get("caption"),
        footnotes=tuple(row.get("footnotes", ())),
    )


def _utc(moment: datetime) -> datetime:
    """The files hold the site's own clock."""
    return moment.replace(tzinfo=ZONE).astimezone(UTC)
