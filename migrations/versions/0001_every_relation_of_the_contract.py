"""
Every relation of the contract: the first schema. There are no rows before it.
"""

import sqlalchemy as sa
from alembic import op

from crawler.storage.types import BigNumber, ByteOrdered, Json, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "editions",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("translation_of", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_editions")),
    )
    op.create_table(
        "hosts",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("robots_state", sa.Text(), nullable=False),
        sa.Column("robots_text", sa.Text(), nullable=True),
        sa.Column("robots_fetched_at", UtcTime(), nullable=True),
        sa.Column("crawl_delay", sa.Float(), nullable=True),
        sa.Column("last_request_at", UtcTime(), nullable=True),
        sa.Column("paused_until", UtcTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_hosts")),
    )
    op.create_table(
        "articles",
        sa.Column("id", BigNumber, nullable=False),
        sa.Column("edition_id", sa.SmallInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("footnotes", Json, nullable=False),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("byline", sa.Text(), nullable=True),
        sa.Column("source_credit", sa.Text(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("images", Json, nullable=False),
        sa.Column("published_at", UtcTime(), nullable=True),
        sa.Column("published_raw", sa.Text(), nullable=True),
        sa.Column("published_precision", sa.Text(), nullable=True),
        sa.Column("views", BigNumber, nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("comments_stated", sa.Integer(), nullable=True),
        sa.Column("comments_stored", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_seen_at", UtcTime(), nullable=False),
        sa.Column("last_seen_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=True),
        sa.Column("gone_at", UtcTime(), nullable=True),
        sa.Column("fetch_id", BigNumber, nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_articles_edition_id_editions")
        ),
        sa.PrimaryKeyConstraint("id", "edition_id", name=op.f("pk_articles")),
    )
    with op.batch_alter_table("articles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_articles_published_at"), ["published_at"], unique=False)

    op.create_table(
        "authors",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("edition_id", sa.SmallInteger(), nullable=False),
        sa.Column("nickname", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("profile_name", sa.Text(), nullable=True),
        sa.Column("full_name", sa.Text(), nullable=True),
        sa.Column("skeleton", sa.Text(), nullable=False),
        sa.Column("site_user_id", BigNumber, nullable=True),
        sa.Column("renamed_to", sa.Text(), nullable=True),
        sa.Column("first_seen_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_authors_edition_id_editions")),
        sa.PrimaryKeyConstraint("key", "edition_id", name=op.f("pk_authors")),
    )
    with op.batch_alter_table("authors", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_authors_skeleton"), ["skeleton"], unique=False)

    op.create_table(
        "crawls",
        sa.Column("id", BigNumber, nullable=False),
        sa.Column("edition_id", sa.SmallInteger(), nullable=False),
        sa.Column("spider", sa.Text(), nullable=False),
        sa.Column("arguments", Json, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("finished_at", UtcTime(), nullable=True),
        sa.Column("heartbeat_at", UtcTime(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("articles", sa.Integer(), nullable=False),
        sa.Column("comments_new", sa.Integer(), nullable=False),
        sa.Column("comments_changed", sa.Integer(), nullable=False),
        sa.Column("comments_gone", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("finish_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_crawls_edition_id_editions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crawls")),
    )
    op.create_table(
        "erasures",
        sa.Column("author_hash", sa.Text(), nullable=False),
        sa.Column("edition_id", sa.SmallInteger(), nullable=False),
        sa.Column("erased_at", UtcTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_erasures_edition_id_editions")
        ),
        sa.PrimaryKeyConstraint("author_hash", "edition_id", name=op.f("pk_erasures")),
    )
    op.create_table(
        "frontier",
        sa.Column("article_id", BigNumber, nullable=False),
        sa.Column("edition_id", sa.SmallInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("discovered_at", UtcTime(), nullable=False),
        sa.Column("discovered_via", sa.Text(), nullable=False),
        sa.Column("next_visit_at", UtcTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("last_visit_at", UtcTime(), nullable=True),
        sa.Column("last_sweep_at", UtcTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_frontier_edition_id_editions")
        ),
        sa.PrimaryKeyConstraint("article_id", "edition_id", name=op.f("pk_frontier")),
    )
    with op.batch_alter_table("frontier", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_frontier_next_visit_at_edition_id"), ["next_visit_at", "edition_id"], unique=False
        )

    op.create_table(
        "article_states",
        sa.Column("article_id", BigNumber, nullable=False),
        sa.Column("edition_id", sa.SmallInteger(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("until", UtcTime(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("footnotes", Json, nullable=False),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("byline", sa.Text(), nullable=True),
        sa.Column("source_credit", sa.Text(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("images", Json, nullable=False),
        sa.Column("published_at", UtcTime(), nullable=True),
        sa.Column("published_raw", sa.Text(), nullable=True),
        sa.Column("published_precision", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fetch_id", BigNumber, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id", "edition_id"],
            ["articles.id", "articles.edition_id"],
            name=op.f("fk_article_states_article_id_edition_id_articles"),
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_article_states_edition_id_editions")
        ),
        sa.PrimaryKeyConstraint("article_id", "edition_id", "fetch_id", name=op.f("pk_article_states")),
    )
    op.create_table(
        "author_names",
        sa.Column("author_key", sa.Text(), nullable=False),
        sa.Column("edition_id", sa.SmallInteger(), nullable=False),
        sa.Column("nickname_raw", sa.Text(), nullable=False),
        sa.Column("first_seen_at", UtcTime(), nullable=False),
        sa.Column("fetch_id", BigNumber, nullable=False),
        sa.ForeignKeyConstraint(
            ["author_key", "edition_id"],
            ["authors.key", "authors.edition_id"],
            name=op.f("fk_author_names_author_key_edition_id_authors"),
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_author_names_edition_id_editions")
        ),
        sa.PrimaryKeyConstraint("author_key", "edition_id", "nickname_raw", name=op.f("pk_author_names")),
    )
    op.create_table(
        "comments",
        sa.Column("id", BigNumber, nullable=False),
        sa.Column("edition_id", sa.SmallInteger(), nullable=False),
        sa.Column("article_id", BigNumber, nullable=False),
        sa.Column("parent_id", BigNumber, nullable=True),
        sa.Column("parent_source", sa.Text(), nullable=False),
        sa.Column("author_key", sa.Text(), nullable=True),
        sa.Column("nickname_raw", sa.Text(), nullable=False),
        sa.Column("posted_at", UtcTime(), nullable=True),
        sa.Column("posted_raw", sa.Text(), nullable=True),
        sa.Column("posted_precision", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("quotes", Json, nullable=False),
        sa.Column("links", Json, nullable=False),
        sa.Column("images", Json, nullable=False),
        sa.Column("source_hash", sa.Text(), nullable=False),
        sa.Column("root_id", BigNumber, nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("path", ByteOrdered, nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_seen_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=True),
        sa.Column("state_since", UtcTime(), nullable=False),
        sa.Column("gone_at", UtcTime(), nullable=True),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("fetch_id", BigNumber, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id", "edition_id"],
            ["articles.id", "articles.edition_id"],
            name=op.f("fk_comments_article_id_edition_id_articles"),
        ),
        sa.ForeignKeyConstraint(
            ["author_key", "edition_id"],
            ["authors.key", "authors.edition_id"],
            name=op.f("fk_comments_author_key_edition_id_authors"),
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_comments_edition_id_editions")
        ),
        sa.PrimaryKeyConstraint("id", "edition_id", name=op.f("pk_comments")),
    )
    with op.batch_alter_table("comments", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_comments_article_id_edition_id"), ["article_id", "edition_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_comments_author_key_edition_id"), ["author_key", "edition_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_comments_parent_id_edition_id"), ["parent_id", "edition_id"], unique=False
        )

    op.create_table(
        "visits",
        sa.Column("id", BigNumber, nullable=False),
        sa.Column("crawl_id", BigNumber, nullable=True),
        sa.Column("edition_id", sa.SmallInteger(), nullable=False),
        sa.Column("article_id", BigNumber, nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("finished_at", UtcTime(), nullable=True),
        sa.Column("sweep", sa.Boolean(), nullable=False),
        sa.Column("pages_expected", sa.Integer(), nullable=True),
        sa.Column("pages_read", sa.Integer(), nullable=False),
        sa.Column("comments_stated", sa.Integer(), nullable=True),
        sa.Column("comments_seen", sa.Integer(), nullable=False),
        sa.Column("comments_new", sa.Integer(), nullable=False),
        sa.Column("comments_changed", sa.Integer(), nullable=False),
        sa.Column("comments_missing", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["crawl_id"], ["crawls.id"], name=op.f("fk_visits_crawl_id_crawls")),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_visits_edition_id_editions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
    )
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_visits_article_id_edition_id"), ["article_id", "edition_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_visits_crawl_id"), ["crawl_id"], unique=False)

    op.create_table(
        "comment_states",
        sa.Column("comment_id", BigNumber, nullable=False),
        sa.Column("edition_id", sa.SmallInteger(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("until", UtcTime(), nullable=False),
        sa.Column("article_id", BigNumber, nullable=False),
        sa.Column("parent_id", BigNumber, nullable=True),
        sa.Column("parent_source", sa.Text(), nullable=False),
        sa.Column("author_key", sa.Text(), nullable=True),
        sa.Column("nickname_raw", sa.Text(), nullable=False),
        sa.Column("posted_at", UtcTime(), nullable=True),
        sa.Column("posted_raw", sa.Text(), nullable=True),
        sa.Column("posted_precision", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("quotes", Json, nullable=False),
        sa.Column("links", Json, nullable=False),
        sa.Column("images", Json, nullable=False),
        sa.Column("source_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fetch_id", BigNumber, nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id", "edition_id"],
            ["comments.id", "comments.edition_id"],
            name=op.f("fk_comment_states_comment_id_edition_id_comments"),
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_comment_states_edition_id_editions")
        ),
        sa.PrimaryKeyConstraint("comment_id", "edition_id", "fetch_id", name=op.f("pk_comment_states")),
    )
    op.create_table(
        "fetches",
        sa.Column("id", BigNumber, autoincrement=False, nullable=False),
        sa.Column("crawl_id", BigNumber, nullable=True),
        sa.Column("visit_id", BigNumber, nullable=True),
        sa.Column("edition_id", sa.SmallInteger(), nullable=False),
        sa.Column("article_id", BigNumber, nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("fetched_at", UtcTime(), nullable=False),
        sa.Column("bytes", BigNumber, nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("warc_file", sa.Text(), nullable=True),
        sa.Column("warc_offset", BigNumber, nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reader_version", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["crawl_id"], ["crawls.id"], name=op.f("fk_fetches_crawl_id_crawls")),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_fetches_edition_id_editions")),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.id"], name=op.f("fk_fetches_visit_id_visits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fetches")),
    )
    with op.batch_alter_table("fetches", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_fetches_article_id_edition_id"), ["article_id", "edition_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_fetches_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "rating_states",
        sa.Column("comment_id", BigNumber, nullable=False),
        sa.Column("edition_id", sa.SmallInteger(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("until", UtcTime(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("fetch_id", BigNumber, nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id", "edition_id"],
            ["comments.id", "comments.edition_id"],
            name=op.f("fk_rating_states_comment_id_edition_id_comments"),
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_rating_states_edition_id_editions")
        ),
        sa.PrimaryKeyConstraint("comment_id", "edition_id", "fetch_id", name=op.f("pk_rating_states")),
    )


def downgrade() -> None:
    op.drop_table("rating_states")
    with op.batch_alter_table("fetches", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fetches_visit_id"))
        batch_op.drop_index(batch_op.f("ix_fetches_article_id_edition_id"))

    op.drop_table("fetches")
    op.drop_table("comment_states")
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visits_crawl_id"))
        batch_op.drop_index(batch_op.f("ix_visits_article_id_edition_id"))

    op.drop_table("visits")
    with op.batch_alter_table("comments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_comments_parent_id_edition_id"))
        batch_op.drop_index(batch_op.f("ix_comments_author_key_edition_id"))
        batch_op.drop_index(batch_op.f("ix_comments_article_id_edition_id"))

    op.drop_table("comments")
    op.drop_table("author_names")
    op.drop_table("article_states")
    with op.batch_alter_table("frontier", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_frontier_next_visit_at_edition_id"))

    op.drop_table("frontier")
    op.drop_table("erasures")
    op.drop_table("crawls")
    with op.batch_alter_table("authors", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_authors_skeleton"))

    op.drop_table("authors")
    with op.batch_alter_table("articles", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_articles_published_at"))

    op.drop_table("articles")
    op.drop_table("hosts")
    op.drop_table("editions")
