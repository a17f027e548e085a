"""
Writing what a page says: its article, the authors, the comments with their places in the thread.

Storing a page again changes nothing. A page that is older than what is stored of its article is late: see `refold`.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from crawler.fold import articles as article_steps
from crawler.fold.content import article_content
from crawler.fold.look import look
from crawler.items import Fetch, NormalPage, VisitOutcome
from crawler.site import Edition
from crawler.storage.articles import save_article
from crawler.storage.bulk import Writes
from crawler.storage.comments import add_to_stored, more_live, save_comments
from crawler.storage.schema import articles
from crawler.storage.standing import Standing, Stored


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


class ReadOtherwise(Late):
    """
    An article, or a comment of it, says something else than what another version of the reader has read: whether the
    site has changed it shows when its pages are read again by one and the same.
    """


def save_page(
    writes: Writes,
    edition: Edition,
    page: NormalPage,
    fetch: Fetch,
    known: Standing,
    *,
    reader_version: int | None = None,
    as_read: bool = False,
) -> Saved:
    """
    Store a page: all that it says about its article and about the comments on it.

    The caller owns the transaction and stores the fetch itself in the same one.

    Args:
        known: How things stand for its article and its comments.

        as_read: Whether what the page says is compared with what another version of the reader has read.

    Raises:
        Late: The page is older than another one that is stored; nothing was written.
        ReadOtherwise: Unless `as_read`; nothing was written.
    """
    connection = writes.connection
    now = look(edition, fetch, reader_version, flat=page.written.comments.flat)
    written = page.article.written
    old = known.article
    stored = known.comments
    _refuse_late(connection, edition, known, fetch)
    said = article_content(page.article, edition) | {"id": written.id, "edition_id": edition.id}
    step = article_steps.seen(old, said, written, now)
    other_reader = step.state is not None and old is not None and old["reader_version"] != reader_version
    if not as_read and (other_reader or _has_other_markup(page, stored, reader_version)):
        raise ReadOtherwise({written.id})
    more = more_live(page, stored)
    step.row["comments_stored"] += more.pop(written.id)
    save_article(writes, old, step)
    known.article = step.row
    add_to_stored(connection, edition, more)
    done = save_comments(writes, edition, page, now, stored, first=old is None)
    return Saved(articles_new=int(old is None), comments_new=done.new, comments_changed=done.changed)


def _has_other_markup(page: NormalPage, stored: Stored, reader_version: int | None) -> bool:
    """Whether a comment that another version of the reader has read has other markup now, or a hash made otherwise."""
    return any(
        (old := stored.get(comment.written.id)) is not None
        and old.source_hash != comment.written.source_hash
        and old.reader_version != reader_version
        for comment in page.comments
    )


def _refuse_late(connection: Connection, edition: Edition, known: Standing, fetch: Fetch) -> None:
    """Raise Late where a later fetch has shown the article, or another article from which a comment would move."""
    article_id = known.article_id
    assert article_id is not None
    # Who asked later for an article that was never seen may have been told that it is gone.
    newest = known.newest_fetch if known.article is None else known.article["last_fetch_id"]
    late = {article_id} if newest is not None and newest > fetch.id else set()
    others = sorted({row.article_id for row in known.comments.values()} - {article_id})
    if others:
        query = select(articles.c.id).where(
            articles.c.id.in_(others),
            articles.c.edition_id == edition.id,
            articles.c.last_fetch_id > fetch.id,
        )
        late.update(connection.scalars(query))
    if late:
        raise Late({article_id, *late})
