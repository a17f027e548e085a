"""
The tables. README.md holds the data dictionary; this file holds the reasons.

Keys are the site's own numbers with the edition second: storing needs no look-ups, two editions join on the number.
`id` leads because a key that leads with the few editions makes an unanalysed Postgres scan a whole edition a page.

Rows that are little more than their key stand on SQLite in the order of it (`sqlite_with_rowid`): elsewhere a key of
several columns is a second tree beside the rows. The columns of the key must come first, in its order: SQLite 3.40
would find NULLs in the others that are not there, whenever it checks the file.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from crawler.storage.types import BigNumber, ByteOrdered, Json, UtcTime

# Without names of our own, a constraint could not be altered on SQLite nor found again on Postgres.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _edition() -> Column[int]:
    return Column("edition_id", SmallInteger, ForeignKey("editions.id"), nullable=False)


def _article_content() -> list[Column[object]]:
    """What an article says: the columns that articles and their superseded states share."""
    return [
        Column("url", Text, nullable=False),
        Column("title", Text, nullable=False),
        Column("lead", Text),
        Column("body", Text, nullable=False),
        Column("footnotes", Json, nullable=False),
        Column("section", Text),
        Column("byline", Text),
        Column("source_credit", Text),
        Column("tags", Json, nullable=False),
        Column("images", Json, nullable=False),
        Column("published_at", UtcTime),
        Column("published_raw", Text),
        Column("published_precision", Text),
    ]


def _comment_content() -> list[Column[object]]:
    """What a comment says and where it stands: shared by comments and their superseded states."""
    return [
        Column("article_id", BigNumber, nullable=False),
        # No foreign key: a comment whose parent was never seen keeps its parent's number.
        Column("parent_id", BigNumber),
        Column("parent_source", Text, nullable=False),
        Column("author_key", Text),
        Column("nickname_raw", Text, nullable=False),
        Column("posted_at", UtcTime),
        Column("posted_raw", Text),
        Column("posted_precision", Text),
        Column("body", Text, nullable=False),
        Column("quotes", Json, nullable=False),
        Column("links", Json, nullable=False),
        Column("images", Json, nullable=False),
        Column("source_hash", Text, nullable=False),
    ]


editions = Table(
    "editions",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("site", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("translation_of", SmallInteger),
)

articles = Table(
    "articles",
    metadata,
    Column("id", BigNumber, nullable=False),
    _edition(),
    *_article_content(),
    # What moves by itself is no content: it has no history and does not touch changed_at.
    Column("views", BigNumber),
    Column("rating", Integer),
    Column("comments_stated", Integer),
    Column("comments_stored", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("not_found_times", Integer, nullable=False),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime),
    Column("gone_at", UtcTime),
    Column("fetch_id", BigNumber, nullable=False),
    # What came before it is late: then the article is folded anew.
    Column("last_fetch_id", BigNumber, nullable=False),
    # Where another version says something else, both must read the same pages before it is called a change.
    Column("reader_version", Integer),
    PrimaryKeyConstraint("id", "edition_id"),
    Index(None, "published_at"),
)

article_states = Table(
    "article_states",
    metadata,
    Column("article_id", BigNumber, nullable=False),
    _edition(),
    Column("seen_at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    *_article_content(),
    Column("state", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("fetch_id", BigNumber, nullable=False),
    PrimaryKeyConstraint("article_id", "edition_id", "fetch_id"),
    ForeignKeyConstraint(["article_id", "edition_id"], ["articles.id", "articles.edition_id"]),
    Index(None, "until"),
)

authors = Table(
    "authors",
    metadata,
    Column("key", Text, nullable=False),
    _edition(),
    Column("nickname", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("profile_name", Text),
    Column("full_name", Text),
    Column("skeleton", Text, nullable=False),
    Column("site_user_id", BigNumber),
    Column("renamed_to", Text),
    Column("renamed_fetch_id", BigNumber),
    Column("first_seen_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("key", "edition_id"),
    Index(None, "skeleton"),
)

author_names = Table(
    "author_names",
    metadata,
    Column("author_key", Text, nullable=False),
    _edition(),
    Column("nickname_raw", Text, nullable=False),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("fetch_id", BigNumber, nullable=False),
    PrimaryKeyConstraint("author_key", "edition_id", "nickname_raw"),
    ForeignKeyConstraint(["author_key", "edition_id"], ["authors.key", "authors.edition_id"]),
    sqlite_with_rowid=False,
)

comments = Table(
    "comments",
    metadata,
    Column("id", BigNumber, nullable=False),
    _edition(),
    *_comment_content(),
    # Derived from the parents, kept so that a thread reads by one ORDER BY.
    Column("root_id", BigNumber, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("path", ByteOrdered, nullable=False),
    Column("rating", Integer),
    Column("rated_at", UtcTime, nullable=False),
    Column("rating_fetch_id", BigNumber, nullable=False),
    Column("state", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime),
    Column("state_since", UtcTime, nullable=False),
    Column("gone_at", UtcTime),
    # Hash of the words that we understood: whether they changed shows without reading them.
    Column("content_hash", Text, nullable=False),
    # The same markup read by another version is a better reading, no change.
    Column("reader_version", Integer),
    Column("fetch_id", BigNumber, nullable=False),
    PrimaryKeyConstraint("id", "edition_id"),
    ForeignKeyConstraint(["article_id", "edition_id"], ["articles.id", "articles.edition_id"]),
    ForeignKeyConstraint(["author_key", "edition_id"], ["authors.key", "authors.edition_id"]),
    Index(None, "article_id", "edition_id"),
    Index(None, "parent_id", "edition_id"),
    Index(None, "author_key", "edition_id", "fetch_id"),
    # A sweep asks for what was missing before: hardly ever anything.
    Index(
        "ix_comments_not_live",
        "article_id",
        "edition_id",
        postgresql_where=text("state <> 'live'"),
        sqlite_where=text("state <> 'live'"),
    ),
)

comment_states = Table(
    "comment_states",
    metadata,
    Column("comment_id", BigNumber, nullable=False),
    _edition(),
    Column("seen_at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    *_comment_content(),
    Column("state", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("fetch_id", BigNumber, nullable=False),
    PrimaryKeyConstraint("comment_id", "edition_id", "fetch_id"),
    ForeignKeyConstraint(["comment_id", "edition_id"], ["comments.id", "comments.edition_id"]),
    Index(None, "article_id", "edition_id"),
    Index(None, "author_key", "edition_id", "fetch_id"),
    # What changed in a period: each change has ended a state.
    Index(None, "until"),
)

rating_states = Table(
    "rating_states",
    metadata,
    Column("comment_id", BigNumber, nullable=False),
    _edition(),
    Column("seen_at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("rating", Integer),
    Column("fetch_id", BigNumber, nullable=False),
    PrimaryKeyConstraint("comment_id", "edition_id", "fetch_id"),
    ForeignKeyConstraint(["comment_id", "edition_id"], ["comments.id", "comments.edition_id"]),
)

crawls = Table(
    "crawls",
    metadata,
    Column("id", BigNumber, primary_key=True),
    _edition(),
    Column("spider", Text, nullable=False),
    Column("arguments", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("heartbeat_at", UtcTime, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("articles", Integer, nullable=False),
    Column("comments_new", Integer, nullable=False),
    Column("comments_changed", Integer, nullable=False),
    Column("comments_gone", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("finish_reason", Text),
)

visits = Table(
    "visits",
    metadata,
    Column("id", BigNumber, primary_key=True, autoincrement=False),
    Column("crawl_id", BigNumber, ForeignKey("crawls.id")),
    _edition(),
    Column("article_id", BigNumber, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    # When its last exchange was, also while it goes on.
    Column("finished_at", UtcTime, nullable=False),
    Column("sweep", Boolean, nullable=False),
    Column("pages_expected", Integer),
    Column("pages_read", Integer, nullable=False),
    Column("comments_stated", Integer),
    Column("comments_seen", Integer, nullable=False),
    Column("comments_new", Integer, nullable=False),
    Column("comments_changed", Integer, nullable=False),
    Column("comments_missing", Integer, nullable=False),
    # Of a suspect visit, the comments that it did not see: another one must confirm it.
    Column("unseen", Json),
    # NULL while the visit goes on.
    Column("outcome", Text),
    # As of articles; an answer without a page is late for its visit alone.
    Column("last_fetch_id", BigNumber, nullable=False),
    Index(None, "article_id", "edition_id"),
    Index(None, "crawl_id"),
)

fetches = Table(
    "fetches",
    metadata,
    Column("id", BigNumber, primary_key=True, autoincrement=False),
    Column("crawl_id", BigNumber, ForeignKey("crawls.id")),
    # Whether a fetch is new decides what is written of its visit, so it is written first.
    Column("visit_id", BigNumber, ForeignKey("visits.id", deferrable=True, initially="DEFERRED")),
    _edition(),
    Column("article_id", BigNumber),
    Column("page", Integer),
    Column("url", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Integer),
    Column("fetched_at", UtcTime, nullable=False),
    Column("bytes", BigNumber, nullable=False),
    Column("digest", Text),
    Column("warc_file", Text),
    Column("warc_offset", BigNumber),
    Column("source", Text, nullable=False),
    Column("reader_version", Integer),
    Column("outcome", Text, nullable=False),
    Column("detail", Text),
    Index(None, "article_id", "edition_id"),
    Index(None, "visit_id"),
)

frontier = Table(
    "frontier",
    metadata,
    Column("article_id", BigNumber, nullable=False),
    _edition(),
    Column("url", Text, nullable=False),
    Column("discovered_at", UtcTime, nullable=False),
    Column("discovered_via", Text, nullable=False),
    # NULL: never again by itself (gone for good, or moved away).
    Column("next_visit_at", UtcTime),
    Column("reason", Text),
    Column("last_visit_at", UtcTime),
    Column("last_sweep_at", UtcTime),
    # Failures in a row.
    Column("attempts", Integer, nullable=False),
    Column("outcome", Text),
    PrimaryKeyConstraint("article_id", "edition_id"),
    Index(None, "next_visit_at", "edition_id"),
)

hosts = Table(
    "hosts",
    metadata,
    Column("host", Text, primary_key=True),
    Column("robots_state", Text, nullable=False),
    Column("robots_text", Text),
    Column("robots_fetched_at", UtcTime),
    Column("crawl_delay", Float),
    Column("last_request_at", UtcTime),
    Column("paused_until", UtcTime),
    Column("failures", Integer, nullable=False),
)

erasures = Table(
    "erasures",
    metadata,
    # A keyed hash: who was forgotten must not be readable here.
    Column("author_hash", Text, nullable=False),
    _edition(),
    # See `crawler.normalise.erasure.ErasureKind`.
    Column("kind", Text, nullable=False),
    Column("erased_at", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("author_hash", "edition_id"),
)
