"""
Every question that people ask of the archive. Those who ask by SQL have the views; see README.md.

    present  things as they stand
    past     threads as they stood, the history of a comment, what changed in a period
"""

from crawler.storage.queries.past import (
    CHANGES,
    ChangeSeen,
    CommentHistory,
    ThreadThen,
    changes_between,
    comment_history,
    thread_as_of,
)
from crawler.storage.queries.present import (
    article,
    edition_id,
    editions_with,
    editions_with_comment,
    newest_articles,
    newest_crawls,
    newest_moment,
    stored_editions,
    thread,
    totals,
)

__all__ = [
    "CHANGES",
    "ChangeSeen",
    "CommentHistory",
    "ThreadThen",
    "article",
    "changes_between",
    "comment_history",
    "edition_id",
    "editions_with",
    "editions_with_comment",
    "newest_articles",
    "newest_crawls",
    "newest_moment",
    "stored_editions",
    "thread",
    "thread_as_of",
    "totals",
]
