"""
Writing what a page says: its article, the authors, the comments with their places in the thread.

One indexed look at what is stored, then only what is new or different is written. A state that is superseded moves
to its history first. Storing a page again changes nothing; an older page never overwrites a newer one.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from crawler.items import Fetch, NormalPage
from crawler.normalise.numbers import require_possible
from crawler.site import Edition
from crawler.storage.articles import save_article
from crawler.storage.comments import save_comments


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What storing a page changed."""

    articles_new: int = 0
    comments_new: int = 0
    comments_changed: int = 0


def save_page(connection: Connection, edition: Edition, page: NormalPage, fetch: Fetch) -> Saved:
    """
    Store a page: all that it says about its article and about the comments on it.

    A page older than what is stored of its article adds what was never seen, and changes nothing else.

    The caller owns the transaction and stores the fetch itself in the same one.

    Raises:
        NotUnderstood: The page holds a number that no article, comment, counter or rating can have. Nothing of this
            transaction may be kept.
    """
    require_possible(page.written)
    standing = save_article(connection, edition, page.article, fetch)
    new, changed = save_comments(connection, edition, page, fetch, older=standing == "older")
    return Saved(articles_new=int(standing == "new"), comments_new=new, comments_changed=changed)
