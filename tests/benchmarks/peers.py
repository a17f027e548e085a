"""
The readers that are compared: ours, a plain spider, and three libraries that extract articles.

Each library gets what it can be told (language, address, latest day) and is imported when it is first used:
they live in an environment of their own, see `bench` in pyproject.toml.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from importlib.metadata import version

from crawler.errors import NotUnderstood
from crawler.items import Article, ArticlePage, CommentAnswer, ListingPage, Moment
from crawler.normalise import normal_page
from crawler.normalise.threads import places
from crawler.reading import read
from tests.benchmarks.corpus import Page
from tests.benchmarks.plain_spider import dateparser_date, plain_page
from tests.benchmarks.scores import ARTICLE_COLUMNS, COLUMNS, ZONE, Column, Given, GivenComment


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody who reads pages."""

    name: str
    read: Callable[[Page], Given]
    #: In all other columns it is not judged.
    gives: tuple[Column, ...]


def readers() -> tuple[Reader, ...]:
    """All readers, ours first."""
    return (
        Reader(name="**ours**", read=ours, gives=COLUMNS),
        Reader(name="plain parsel spider, dateparser", read=plain, gives=COLUMNS),
        Reader(
            name=f"trafilatura {version('trafilatura')}", read=trafilatura, gives=(*ARTICLE_COLUMNS, "text")
        ),
        Reader(name=f"newspaper4k {version('newspaper4k')}", read=newspaper, gives=ARTICLE_COLUMNS),
        Reader(name=f"news-please {version('news-please')}", read=news_please, gives=ARTICLE_COLUMNS),
    )


def ours(page: Page) -> Given:
    """
    What this project reads and normalises.

    Raises:
        NotUnderstood: Our reader refuses the page.
    """
    written = understood(page)
    if isinstance(written, CommentAnswer):
        none = Article(id=written.article_id, path="", title="")
        written = ArticlePage(article=none, comments=written.comments, skin=written.skin)
    if not isinstance(written, ArticlePage):
        raise NotUnderstood(f"{page.url} was read as a list of articles")
    normal = normal_page(
        written,
        zone=page.site.time_zone,
        words=page.site.date_words[page.edition.code],
        seen_at=page.fetched_at,
    )
    place = places((comment.written.id, comment.written.parent_id) for comment in normal.comments)
    return Given(
        title=normal.article.title,
        body=normal.article.body,
        published=normal.article.published,
        comments=tuple(
            GivenComment(
                id=comment.written.id,
                author=comment.author.nickname if comment.author else None,
                posted=comment.posted,
                body=comment.body,
                parent_id=comment.written.parent_id,
                depth=place[comment.written.id].depth,
            )
            for comment in normal.comments
        ),
    )


def understood(page: Page) -> ArticlePage | ListingPage | CommentAnswer:
    """
    What this project reads from a page, as written there.

    Raises:
        NotUnderstood: Our reader refuses the page.
    """
    return read(
        page.body,
        url=page.url,
        fetched_at=page.fetched_at,
        edition=page.edition,
        charset=page.site.charset,
        pages=import_module(f"crawler.sites.{page.site.name}.pages").PAGES,
    )


def plain(page: Page) -> Given:
    return plain_page(page.html, dateparser_date(page.edition.language, page.fetched_at))


def trafilatura(page: Page) -> Given:
    """Its comments are one text without names, dates and numbers: each line counts as a comment."""
    latest = (page.fetched_at + timedelta(days=1)).date().isoformat()
    document = import_module("trafilatura").bare_extraction(
        page.html,
        url=page.url,
        include_comments=True,
        with_metadata=True,
        date_extraction_params={
            "original_date": True,
            "extensive_search": True,
            "outputformat": "%Y-%m-%dT%H:%M",
            "max_date": latest,
        },
    )
    if document is None:
        return Given()
    lines = (document.comments or "").splitlines()
    return Given(
        title=document.title,
        body=document.text or "",
        published=_moment(datetime.fromisoformat(document.date)) if document.date else None,
        comments=tuple(GivenComment(id=None, body=line) for line in lines if line.strip()),
    )


def newspaper(page: Page) -> Given:
    article = import_module("newspaper").Article(page.url, language=page.edition.language, fetch_images=False)
    article.download(input_html=page.html)
    article.parse()
    return Given(title=article.title, body=article.text, published=_moment(article.publish_date))


def news_please(page: Page) -> Given:
    article = import_module("newsplease").NewsPlease.from_html(page.html, url=page.url, fetch_images=False)
    return Given(title=article.title, body=article.maintext or "", published=_moment(article.date_publish))


def _moment(at: datetime | None) -> Moment | None:
    """A library's date: without a zone it is what the page says, and that is the site's clock."""
    return None if at is None else Moment(at=at.replace(tzinfo=at.tzinfo or ZONE), precision="minute")
