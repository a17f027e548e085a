"""The life of three articles of the sample site over two weeks: what is edited, removed, hidden, and comes back."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from crawler.sample import Answer, Both, SampleArticle, SampleComment, SampleSite, sample_articles

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

#: Three pages of comments, one page, and one that will be gone.
LONG, SHORT, LOST = (
    max(sample_articles(), key=lambda article: len(article.comments)),
    next(article for article in sample_articles() if len(article.comments) == 9),
    next(article for article in sample_articles() if len(article.comments) == 4),
)
ASKED = ",".join(str(article.id) for article in (LONG, SHORT, LOST))

Event = Callable[[SampleSite], object]


def changed(article_id: int, comment_id: int, **fields: Any) -> Event:
    """A comment says something else."""

    def happens(site: SampleSite) -> None:
        article = site.article(article_id)
        comments = tuple(
            replace(comment, **fields) if comment.id == comment_id else comment
            for comment in article.comments
        )
        site.put(replace(article, comments=comments))

    return happens


def removed(article_id: int, *comment_ids: int) -> Event:
    """Comments are removed, each with its answers."""

    def happens(site: SampleSite) -> None:
        for comment_id in comment_ids:
            if any(comment.id == comment_id for comment in site.article(article_id).comments):
                site.put(site.article(article_id).without(comment_id))

    return happens


def restored(article: SampleArticle) -> Event:
    return lambda site: site.put(article)


def answered(path: str, answer: Answer | None) -> Event:
    """The site answers a path otherwise from now on, or as before."""

    def happens(site: SampleSite) -> None:
        if answer is None:
            del site.answers[path]
        else:
            site.answers[path] = answer

    return happens


def renamed(article_id: int, old: str, new: str) -> Event:
    """An account takes another name, and all its comments with it."""

    def happens(site: SampleSite) -> None:
        article = site.article(article_id)
        comments = tuple(
            replace(
                comment,
                author=replace(comment.author, nickname=Both(en=new, ru=new), profile_name=new),
            )
            if comment.author.profile_name == old
            else comment
            for comment in article.comments
        )
        site.put(replace(article, comments=comments))

    return happens


def _first(article: SampleArticle, *, root: bool) -> SampleComment:
    return next(comment for comment in article.comments if (comment.parent_id is None) == root)


def life() -> Iterator[tuple[timedelta, list[Event]]]:
    """What happens, and how much later than now a crawl comes to see it."""
    leaf, root = LONG.comments[-1], _first(SHORT, root=True)
    answer = _first(SHORT, root=False)
    other = next(c for c in SHORT.comments if c.parent_id is None and c.id != root.id)
    members = [comment.author.profile_name for comment in LONG.comments if comment.author.profile_name]
    busiest = max(set(members), key=members.count)
    yield 0 * HOUR, []
    yield 1 * HOUR, [changed(LONG.id, LONG.comments[3].id, source=Both(en="I was wrong.", ru="Был неправ."))]
    yield 2 * HOUR, [removed(LONG.id, leaf.id), changed(SHORT.id, root.id, rating=77)]
    yield 4 * HOUR, [answered(LOST.path, Answer(status=404, body="<html>no</html>"))]
    yield 5 * HOUR, [restored(LONG), changed(SHORT.id, answer.id, parent_id=other.id, depth=1)]
    yield (
        6 * HOUR,
        [
            changed(
                SHORT.id,
                other.id,
                source=Both(en=f"{other.source['en']}\n\nAnd more.", ru=f"{other.source['ru']}\n\nИ ещё."),
                posted_at=other.posted_at + 20 * timedelta(minutes=1),
            )
        ],
    )
    yield 2 * DAY, [renamed(LONG.id, busiest, "NewName77")]
    yield 3 * DAY, [removed(SHORT.id, *(comment.id for comment in SHORT.comments[3:]))]
    yield 3 * DAY + 2 * HOUR, []
    yield 3 * DAY + 4 * HOUR, [answered(SHORT.path, Answer(body="<html><body>Be back soon</body></html>"))]
    yield (
        8 * DAY,
        [
            answered(SHORT.path, None),
            answered(LONG.path, Answer(headers={"Content-Length": "90000"}, body="<html><body>cut")),
        ],
    )
    yield (
        12 * DAY,
        [
            answered(LONG.path, None),
            answered(LOST.path, None),
            lambda site: site.put(
                replace(
                    LOST,
                    text={code: replace(text, title=f"{text.title} (2)") for code, text in LOST.text.items()},
                )
            ),
        ],
    )
