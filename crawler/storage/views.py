"""
The views for people, in one file: every migration drops them first and creates them last.

SQLite cannot alter a table that a view reads, so they may not stand while tables change. The SQL is the common part
of both dialects. README.md documents them column by column.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, Table, TableClause, column, table, text

from crawler.fold.content import ARTICLE_CONTENT, COMMENT_CONTENT
from crawler.storage.schema import article_states, comment_states, rating_states
from crawler.storage.types import BigNumber, UtcTime

#: What is told of a change as it was before and after, beside the state.
COMMENT_DIFFERS: Final = tuple(name for name in COMMENT_CONTENT if name != "source_hash")
ARTICLE_DIFFERS: Final = ARTICLE_CONTENT


def _changes(present: str, states: str, key: str, content: Sequence[str]) -> str:
    """
    A row a change: each ended a state, and the next one began with it.

    The next state is looked up by its key: a join with the whole history would make SQLite read all of it.
    """

    def after(name: str) -> str:
        return f"CASE WHEN n.{key} IS NULL THEN p.{name} ELSE n.{name} END AS {name}"

    told = [f"{after(name)}, b.{name} AS {name}_before" for name in ("state", *content)]
    return f"""
        SELECT b.{key}, b.edition_id, b.until AS seen_at, b.seen_at AS seen_at_before, {after("change")},
               {after("fetch_id")}, b.fetch_id AS fetch_id_before,
               {", ".join(told)}
        FROM {states} b
        JOIN {present} p ON p.id = b.{key} AND p.edition_id = b.edition_id
        LEFT JOIN {states} n ON n.{key} = b.{key} AND n.edition_id = b.edition_id AND n.fetch_id = (
            SELECT min(m.fetch_id) FROM {states} m
            WHERE m.{key} = b.{key} AND m.edition_id = b.edition_id AND m.fetch_id > b.fetch_id
        )
    """  # noqa: S608 - names of our own tables and columns


#: Name → SELECT, in the order of creation: a view may read those above it.
VIEWS: dict[str, str] = {
    "comment_history": """
        SELECT comment_id, edition_id, seen_at, until, article_id, parent_id, parent_source, author_key, nickname_raw,
               posted_at, posted_raw, posted_precision, body, quotes, links, images, source_hash, state, change,
               fetch_id
        FROM comment_states
        UNION ALL
        SELECT c.id, c.edition_id,
               c.seen_at,
               NULL, c.article_id, c.parent_id, c.parent_source, c.author_key, c.nickname_raw,
               c.posted_at, c.posted_raw, c.posted_precision, c.body, c.quotes, c.links, c.images, c.source_hash,
               c.state, c.change, c.fetch_id
        FROM comments c
    """,
    "rating_history": """
        SELECT comment_id, edition_id, seen_at, until, rating, fetch_id
        FROM rating_states
        UNION ALL
        SELECT c.id, c.edition_id,
               c.rated_at,
               NULL, c.rating, c.rating_fetch_id
        FROM comments c
    """,
    "article_history": """
        SELECT article_id, edition_id, seen_at, until, url, title, lead, body, footnotes, section, byline,
               source_credit, tags, images, published_at, published_raw, published_precision, state, change, fetch_id
        FROM article_states
        UNION ALL
        SELECT a.id, a.edition_id,
               a.seen_at,
               NULL, a.url, a.title, a.lead, a.body, a.footnotes, a.section, a.byline,
               a.source_credit, a.tags, a.images, a.published_at, a.published_raw, a.published_precision, a.state,
               a.change, a.fetch_id
        FROM articles a
    """,
    "comment_changes": _changes("comments", "comment_states", "comment_id", COMMENT_DIFFERS),
    "article_changes": _changes("articles", "article_states", "article_id", ARTICLE_DIFFERS),
    "thread_view": """
        SELECT c.edition_id, c.article_id, a.title AS article_title, c.id AS comment_id, c.parent_id, c.root_id,
               c.depth, c.path, c.author_key, coalesce(n.nickname, c.nickname_raw) AS nickname, c.posted_at,
               c.posted_precision, c.body, c.quotes, c.rating, c.state
        FROM comments c
        JOIN articles a ON a.id = c.article_id AND a.edition_id = c.edition_id
        LEFT JOIN authors n ON n.key = c.author_key AND n.edition_id = c.edition_id
        ORDER BY c.edition_id, c.article_id, c.path
    """,
    "reply_view": """
        SELECT c.edition_id, c.article_id, c.id AS comment_id, c.author_key,
               coalesce(n.nickname, c.nickname_raw) AS nickname, c.posted_at,
               c.parent_id, c.parent_source, p.author_key AS parent_author_key,
               coalesce(m.nickname, p.nickname_raw) AS parent_nickname, p.posted_at AS parent_posted_at
        FROM comments c
        LEFT JOIN comments p ON p.id = c.parent_id AND p.edition_id = c.edition_id
        LEFT JOIN authors n ON n.key = c.author_key AND n.edition_id = c.edition_id
        LEFT JOIN authors m ON m.key = p.author_key AND m.edition_id = p.edition_id
        WHERE c.parent_id IS NOT NULL
    """,
    "author_view": """
        SELECT n.edition_id, n.key AS author_key, n.nickname, n.kind, n.profile_name, n.full_name, n.skeleton,
               n.renamed_to, n.first_seen_at, count(c.id) AS comments, count(DISTINCT c.article_id) AS articles,
               min(c.posted_at) AS first_comment_at, max(c.posted_at) AS last_comment_at
        FROM authors n
        LEFT JOIN comments c ON c.author_key = n.key AND c.edition_id = n.edition_id AND c.state = 'live'
        GROUP BY n.edition_id, n.key, n.nickname, n.kind, n.profile_name, n.full_name, n.skeleton, n.renamed_to,
                 n.first_seen_at
    """,
    "completeness_view": """
        SELECT f.edition_id, f.article_id, f.url, a.title, a.published_at, a.comments_stated, a.comments_stored,
               (SELECT count(*) FROM comments c
                WHERE c.article_id = f.article_id AND c.edition_id = f.edition_id AND c.parent_id IS NOT NULL
                  AND NOT EXISTS (SELECT 1 FROM comments p
                                  WHERE p.id = c.parent_id AND p.edition_id = c.edition_id)) AS orphans,
               (SELECT count(*) FROM comments c
                WHERE c.article_id = f.article_id AND c.edition_id = f.edition_id
                  AND c.posted_at IS NULL) AS undated,
               f.last_visit_at, f.last_sweep_at, f.outcome AS last_outcome,
               coalesce(f.outcome = 'swept' AND a.comments_stated = a.comments_stored, false) AS complete
        FROM frontier f
        LEFT JOIN articles a ON a.id = f.article_id AND a.edition_id = f.edition_id
    """,
}


def _history(name: str, states: Table) -> TableClause:
    return table(name, *(column(its.name, its.type) for its in states.columns))


def _change(name: str, states: Table, content: Sequence[str]) -> TableClause:
    both = [
        column(name + when, states.c[name].type) for name in ("state", *content) for when in ("", "_before")
    ]
    keys = [column(its.name, its.type) for its in states.primary_key if its.name != "fetch_id"]
    times = [column("seen_at", UtcTime), column("seen_at_before", UtcTime)]
    fetch_ids = [column("fetch_id", BigNumber), column("fetch_id_before", BigNumber)]
    return table(name, *keys, *times, column("change", states.c.change.type), *fetch_ids, *both)


# The views as SQLAlchemy asks them.
comment_history = _history("comment_history", comment_states)
rating_history = _history("rating_history", rating_states)
article_history = _history("article_history", article_states)
comment_changes = _change("comment_changes", comment_states, COMMENT_DIFFERS)
article_changes = _change("article_changes", article_states, ARTICLE_DIFFERS)


def drop_views(connection: Connection) -> None:
    """Drop every view that stands; those that read others first."""
    for name in reversed(VIEWS):
        connection.execute(text(f"DROP VIEW IF EXISTS {name}"))


def create_views(connection: Connection) -> None:
    """Create every view anew over the tables of today's schema."""
    for name, select in VIEWS.items():
        connection.execute(text(f"CREATE VIEW {name} AS {select}"))  # names and SQL are constants above
