"""Threads made up to be stored by the thousand: words of the sample site, a few who write much, many who do not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from crawler.items import Article, ArticlePage, Comment, CommentPage, Link, NormalPage, Quote
from crawler.normalise import normal_page
from crawler.sample import sample_articles
from crawler.sites.military_review import SITE

ENGLISH = SITE.edition("en")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)

#: How many people comment.
PEOPLE = 3_000
#: How many of a page's comments answer none; the others answer one of the twenty before them.
ROOTS = 8


class Threads:
    """
    Article pages, each of another article, with numbers that grow as the site's do.

    Args:
        first: The number of the first article, and of the first comment.
    """

    def __init__(self, first: int = 1) -> None:
        self.random = Random(first)  # noqa: S311 - no secret, and the same each time
        self._article = first
        self._comment = first

    def page(self, comments: int) -> NormalPage:
        """A page that was never seen before, with so many comments."""
        number = self._article
        self._article += 1
        article = Article(
            id=number,
            path=f"/{number}-the-ferry.html",
            title=f"The ferry, part {number}",
            lead=self._words(2),
            body="\n\n".join(self._words(8) for _ in range(6)),
            section="news",
            byline="Kira Lunova",
            tags=("ferry", "north"),
            published_raw="30 October 2026 09: 00",
            views=self.random.randrange(50_000),
            comments_stated=comments,
        )
        shown = CommentPage(number=1, comments=tuple(self._comments(comments)), stated=comments, pages=1)
        written = ArticlePage(article=article, comments=shown, skin="2021")
        return normal_page(written, zone=SITE.time_zone, words=SITE.date_words["en"], seen_at=NOW)

    def _comments(self, count: int) -> Iterator[Comment]:
        ids = range(self._comment, self._comment + count)
        self._comment += count
        # People talk to each other: half as many as there are comments, at most.
        crowd = self.random.choices(_people(), _busyness(), k=count // 2)
        people = self.random.choices(crowd, k=count)
        for place, (id_, name) in enumerate(zip(ids, people, strict=True)):
            parent = ids[self.random.randrange(max(0, place - 20), place)] if place >= ROOTS else None
            posted = NOW - timedelta(minutes=3 * (count - place))
            quotes = (Quote(text=self._words(1), author=self.random.choice(_people())),)
            yield Comment(
                id=id_,
                parent_id=parent,
                parent_source="root" if parent is None else "tree",
                nickname_raw=name,
                author_kind="member",
                profile_name=name,
                posted_raw=f"{posted.day} {posted:%B} {posted.year} {posted:%H}: {posted:%M}",
                body=self._words(self.random.randrange(1, 7)),
                quotes=quotes if self.random.random() < 0.2 else (),
                links=(Link(text="here", url="https://example.org/ferry"),)
                if self.random.random() < 0.1
                else (),
                rating=self.random.randrange(-5, 25),
                source_hash=f"{self.random.getrandbits(256):064x}",
            )

    def _words(self, sentences: int) -> str:
        return " ".join(self.random.choices(_texts(), k=sentences))


@cache
def _texts() -> list[str]:
    return [
        comment.body(edition)
        for article in sample_articles()
        for comment in article.comments
        for edition in ("en", "ru")
    ]


@cache
def _people() -> list[str]:
    return [f"Reader {number}" for number in range(PEOPLE)]


@cache
def _busyness() -> list[float]:
    return [1 / (rank + 10) for rank in range(PEOPLE)]
