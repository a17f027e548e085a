"""
Writing what a page says: its article, the authors, the comments with their places in the thread.

Storing a page again changes nothing. A page that is older than what is stored of its article is late: see `refold`.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from crawler.fold import articles as article_steps
from crawler.fold.content import article_content
from crawler.fold.look import Row, look
from crawler.items import Fetch, NormalPage, VisitOutcome
from crawler.normalise.numbers import require_possible
from crawler.site import Edition
from crawler.storage.articles import save_article, stored_article
from crawler.storage.comments import Stored, save_comments, stored_comments
from crawler.storage.schema import articles, fetches


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What storing an exchange changed."""

    articles_new: int = 0
    comments_new: int = 0
    comments_changed: int = 0
    comments_missing: int = 0
    comments_gone: int = 0
    #: What came of the visit in the end, where the exchange ended it.
    outcome: VisitOutcome | None = None


class Late(Exception):
    """A fetch is older than what is stored of these articles, which share its comments: they must be folded anew."""

    def __init__(self, article_ids: set[int]) -> None:
        super().__init__(f"older than what is stored of {sorted(article_ids)}")
        self.article_ids = article_ids


def save_page(
    connection: Connection,
    edition: Edition,
    page: NormalPage,
    fetch: Fetch,
    *,
    reader_version: int | None = None,
) -> Saved:
    """
    Store a page: all that it says about its article and about the comments on it.

    The caller owns the transaction and stores the fetch itself in the same one.

    Raises:
        NotUnderstood: The page holds a number that no article, comment, counter or rating can have. Nothing of this
            transaction may be kept.
        Late: The page is older than another one that is stored; nothing was written.
    """
    require_possible(page.written)
    now = look(edition, fetch, reader_version, flat=page.written.comments.flat)
    written = page.article.written
    old = stored_article(connection, edition, written.id)
    stored = stored_comments(connection, edition, page)
    _refuse_late(connection, edition, written.id, old, stored, fetch)
    said = article_content(page.article, edition) | {"id": written.id, "edition_id": edition.id}
    save_article(connection, old, article_steps.seen(old, said, written, now))
    done = save_comments(connection, edition, page, now, stored)
    return Saved(articles_new=int(old is None), comments_new=done.new, comments_changed=done.changed)


def _refuse_late(
    connection: Connection, edition: Edition, article_id: int, old: Row | None, stored: Stored, fetch: Fetch
) -> None:
    """Raise Late where a later fetch has shown the article, or another article from which a comment would move."""
    # Who asked later for an article that was never seen may have been told that it is gone.
    newest = _newest_fetch(connection, edition, article_id) if old is None else old["last_fetch_id"]
    late = {article_id} if newest > fetch.id else set()
    others = sorted({row.article_id for row in stored.values()} - {article_id})
    if others:
        query = select(articles.c.id).where(
            articles.c.id.in_(others),
            articles.c.edition_id == edition.id,
            articles.c.last_fetch_id > fetch.id,
        )
        late.update(connection.scalars(query))
    if late:
        raise Late({article_id, *late})


def _newest_fetch(connection: Connection, edition: Edition, article_id: int) -> int:
    """The number of the newest recorded fetch that asked for an article, 0 where there is none."""
    query = select(func.max(fetches.c.id)).where(
        fetches.c.article_id == article_id, fetches.c.edition_id == edition.id
    )
    return connection.scalar(query) or 0
