"""The sample site lives for a day: comments are edited, deleted and come back while it is crawled again and again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from crawler.sample import Answer, Both, Person, SampleArticle, SampleSite, sample_articles
from tests.crawling import crawl

#: The longest thread, over three pages, and shorter ones.
BIG, LONG, SMALL, OTHER = sorted(
    (article for article in sample_articles() if article.comments), key=lambda article: -len(article.comments)
)[:4]

#: Comments of the longest thread without answers: the first is edited twice, the second deleted for good, the third
#: deleted for a while.
EDITED, DELETED, RESTORED = [
    comment.id for comment in BIG.comments if not BIG.answers(comment.id) and comment.author.profile_name
][:3]


def begun() -> SampleSite:
    """The site as it is in the beginning."""
    return SampleSite(edition="en", articles=(BIG, LONG, SMALL, OTHER))


def _edited(site: SampleSite) -> None:
    site.put(BIG.rewritten(EDITED, en="Other words.", ru="Другие слова."))
    site.put(_joined(_renamed(_rated(SMALL))))


def _deleted(site: SampleSite) -> None:
    site.put(site.article(BIG.id).without(DELETED).without(RESTORED))
    site.put(replace(LONG, comments=LONG.comments[:1]))  # over a fifth of the thread
    site.answers[OTHER.path] = Answer(status=404, body="Not found")


def _still_deleted(site: SampleSite) -> None:
    site.put(site.article(BIG.id).rewritten(EDITED, en="Still other words.", ru="Ещё другие слова."))


def _restored(site: SampleSite) -> None:
    comments = (*site.article(BIG.id).comments, BIG.comment(RESTORED))
    site.put(replace(site.article(BIG.id), comments=tuple(sorted(comments, key=lambda comment: comment.id))))
    site.put(replace(site.article(SMALL.id), section="armament"))


#: What happens before each crawl but the first, and how much later that is.
DAYS: tuple[tuple[timedelta, Callable[[SampleSite], None]], ...] = (
    (timedelta(hours=2), _edited),
    (timedelta(hours=4), _deleted),
    (timedelta(hours=6), _still_deleted),
    (timedelta(hours=8), _restored),
)


def lived(url: str, folder: Path) -> None:
    """Crawl the site through its whole life into this database, and into an archive in this folder."""
    with begun() as site:
        for later, happens in ((timedelta(), None), *DAYS):
            if happens is not None:
                happens(site)
            ended = crawl(url, site.url, "visit=all", "depth=0", later=later, WARC_DIR=str(folder))
            assert ended.code == 0, ended.err


def _rated(article: SampleArticle) -> SampleArticle:
    """The article with every rating one higher."""
    comments = (replace(comment, rating=(comment.rating or 0) + 1) for comment in article.comments)
    return replace(article, comments=tuple(comments))


def _renamed(article: SampleArticle) -> SampleArticle:
    """The article after the member who wrote most of it has taken another name."""
    members = [comment.author for comment in article.comments if comment.author.profile_name]
    old = max(members, key=members.count)
    new = replace(old, profile_name=f"{old.profile_name} II", nickname=_longer(old, " II"))
    comments = (
        replace(comment, author=new if comment.author == old else comment.author)
        for comment in article.comments
    )
    return replace(article, comments=tuple(comments))


def _joined(article: SampleArticle) -> SampleArticle:
    """The article after its first member has written again, spelled otherwise."""
    first = next(comment for comment in article.comments if comment.author.profile_name)
    again = replace(
        first,
        id=max(comment.id for comment in article.comments) + 1,
        parent_id=first.id,
        author=replace(first.author, nickname=_longer(first.author, "!")),
        source=Both(en="One more word.", ru="Ещё слово."),
    )
    return article.with_comment(again)


def _longer(person: Person, end: str) -> Both:
    return Both(en=person.nickname.en + end, ru=person.nickname.ru + end)
