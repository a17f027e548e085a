"""
How each state came about, since when it holds, and by which reader it was read; visits with numbers of their own.

Rows that are there already get what follows from them: a state holds since the one before it ended; how one came about
was not written down, so the first is called "new" and every later one "edit". The hash of a comment's words no longer
covers its place, so it is computed anew.
"""

from hashlib import blake2b

import sqlalchemy as sa
from alembic import op

from crawler.storage.types import BigNumber, Json, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: Rows that are read and written at a time.
AT_ONCE = 1000


def upgrade() -> None:
    with op.batch_alter_table("articles") as batch:
        batch.add_column(sa.Column("change", sa.Text()))
        batch.add_column(sa.Column("not_found_times", sa.Integer()))
        batch.add_column(sa.Column("seen_at", UtcTime()))
        batch.add_column(sa.Column("last_fetch_id", BigNumber))
    with op.batch_alter_table("article_states") as batch:
        batch.add_column(sa.Column("change", sa.Text()))
    with op.batch_alter_table("authors") as batch:
        batch.add_column(sa.Column("renamed_fetch_id", BigNumber))
    with op.batch_alter_table("comments") as batch:
        batch.add_column(sa.Column("rated_at", UtcTime()))
        batch.add_column(sa.Column("rating_fetch_id", BigNumber))
        batch.add_column(sa.Column("change", sa.Text()))
        batch.add_column(sa.Column("seen_at", UtcTime()))
        batch.add_column(sa.Column("reader_version", sa.Integer()))
    with op.batch_alter_table("comment_states") as batch:
        batch.add_column(sa.Column("change", sa.Text()))
    with op.batch_alter_table("visits") as batch:
        batch.add_column(sa.Column("last_fetch_id", BigNumber))
    _fill()
    with op.batch_alter_table("articles") as batch:
        for name, kind in (("change", sa.Text()), ("not_found_times", sa.Integer())):
            batch.alter_column(name, existing_type=kind, nullable=False)
        batch.alter_column("seen_at", existing_type=UtcTime(), nullable=False)
        batch.alter_column("last_fetch_id", existing_type=BigNumber, nullable=False)
    with op.batch_alter_table("article_states") as batch:
        batch.alter_column("change", existing_type=sa.Text(), nullable=False)
        batch.create_index(batch.f("ix_article_states_until"), ["until"])
    with op.batch_alter_table("comments") as batch:
        batch.alter_column("rated_at", existing_type=UtcTime(), nullable=False)
        batch.alter_column("rating_fetch_id", existing_type=BigNumber, nullable=False)
        batch.alter_column("change", existing_type=sa.Text(), nullable=False)
        batch.alter_column("seen_at", existing_type=UtcTime(), nullable=False)
        batch.create_index(
            "ix_comments_not_live",
            ["article_id", "edition_id"],
            postgresql_where=sa.text("state <> 'live'"),
            sqlite_where=sa.text("state <> 'live'"),
        )
    with op.batch_alter_table("comment_states") as batch:
        batch.alter_column("change", existing_type=sa.Text(), nullable=False)
        batch.create_index(batch.f("ix_comment_states_article_id_edition_id"), ["article_id", "edition_id"])
        batch.create_index(batch.f("ix_comment_states_author_key_edition_id"), ["author_key", "edition_id"])
        batch.create_index(batch.f("ix_comment_states_until"), ["until"])
    with op.batch_alter_table("visits") as batch:
        batch.add_column(sa.Column("unseen", Json))
        batch.alter_column("last_fetch_id", existing_type=BigNumber, nullable=False)
        batch.alter_column("finished_at", existing_type=UtcTime(), nullable=False)
    with op.batch_alter_table("fetches") as batch:
        batch.drop_constraint(batch.f("fk_fetches_visit_id_visits"), type_="foreignkey")
        batch.create_foreign_key(
            batch.f("fk_fetches_visit_id_visits"),
            "visits",
            ["visit_id"],
            ["id"],
            deferrable=True,
            initially="DEFERRED",
        )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE visits ALTER COLUMN id DROP DEFAULT")
        op.execute("DROP SEQUENCE visits_id_seq")


def _fill() -> None:
    op.execute(
        """
        UPDATE articles SET
            not_found_times = 0,
            last_fetch_id = fetch_id,
            seen_at = coalesce((SELECT max(s.until) FROM article_states s WHERE s.article_id = articles.id
                                AND s.edition_id = articles.edition_id), first_seen_at),
            change = CASE WHEN EXISTS (SELECT 1 FROM article_states s WHERE s.article_id = articles.id
                                       AND s.edition_id = articles.edition_id) THEN 'edit' ELSE 'new' END
        """
    )
    op.execute(
        """
        UPDATE article_states SET change = CASE WHEN EXISTS (
            SELECT 1 FROM article_states s WHERE s.article_id = article_states.article_id
            AND s.edition_id = article_states.edition_id AND s.fetch_id < article_states.fetch_id
        ) THEN 'edit' ELSE 'new' END
        """
    )
    op.execute(
        """
        UPDATE comments SET
            reader_version = 1,
            rating_fetch_id = fetch_id,
            rated_at = coalesce((SELECT max(s.until) FROM rating_states s WHERE s.comment_id = comments.id
                                 AND s.edition_id = comments.edition_id), first_seen_at),
            seen_at = coalesce((SELECT max(s.until) FROM comment_states s WHERE s.comment_id = comments.id
                                AND s.edition_id = comments.edition_id), first_seen_at),
            change = CASE WHEN EXISTS (SELECT 1 FROM comment_states s WHERE s.comment_id = comments.id
                                       AND s.edition_id = comments.edition_id) THEN 'edit' ELSE 'new' END
        """
    )
    op.execute(
        """
        UPDATE comment_states SET change = CASE WHEN EXISTS (
            SELECT 1 FROM comment_states s WHERE s.comment_id = comment_states.comment_id
            AND s.edition_id = comment_states.edition_id AND s.fetch_id < comment_states.fetch_id
        ) THEN 'edit' ELSE 'new' END
        """
    )
    op.execute("UPDATE visits SET finished_at = started_at WHERE finished_at IS NULL")
    op.execute(
        "UPDATE visits SET last_fetch_id = "
        "coalesce((SELECT max(f.id) FROM fetches f WHERE f.visit_id = visits.id), 0)"
    )
    _hash_anew()


def _hash_anew() -> None:
    connection = op.get_bind()
    words = ("author_key", "nickname_raw", "body", "quotes", "links", "images")
    json_columns = dict.fromkeys(("quotes", "links", "images"), Json)
    page = sa.text(
        f"SELECT id, edition_id, {', '.join(words)} FROM comments "  # noqa: S608 - names of columns
        "WHERE id > :last OR (id = :last AND edition_id > :edition) ORDER BY id, edition_id LIMIT :many"
    ).columns(**json_columns)
    last, edition = -1, 0
    while True:
        rows = connection.execute(page, {"last": last, "edition": edition, "many": AT_ONCE}).mappings().all()
        if not rows:
            return
        connection.execute(
            sa.text("UPDATE comments SET content_hash = :hash WHERE id = :id AND edition_id = :edition"),
            [{"id": row["id"], "edition": row["edition_id"], "hash": _hash(row)} for row in rows],
        )
        last, edition = rows[-1]["id"], rows[-1]["edition_id"]


def _hash(row: sa.RowMapping) -> str:
    # As the program computed it at that time.
    words = f"{row['author_key'] or ''}\0{row['nickname_raw']}\0{row['body']}"
    for name in ("quotes", "links", "images"):
        for one in row[name]:
            words += f"\0{name}\0" + "\0".join([str(one[key]) for key in sorted(one)])
    return blake2b(words.encode(), digest_size=16).hexdigest()


def downgrade() -> None:
    with op.batch_alter_table("fetches") as batch:
        batch.drop_constraint(batch.f("fk_fetches_visit_id_visits"), type_="foreignkey")
        batch.create_foreign_key(batch.f("fk_fetches_visit_id_visits"), "visits", ["visit_id"], ["id"])
    with op.batch_alter_table("visits") as batch:
        batch.drop_column("unseen")
        batch.drop_column("last_fetch_id")
        batch.alter_column("finished_at", existing_type=UtcTime(), nullable=True)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE visits_id_seq OWNED BY visits.id")
        op.execute("SELECT setval('visits_id_seq', coalesce((SELECT max(id) FROM visits), 0) + 1, false)")
        op.execute("ALTER TABLE visits ALTER COLUMN id SET DEFAULT nextval('visits_id_seq')")
    with op.batch_alter_table("comment_states") as batch:
        batch.drop_index(batch.f("ix_comment_states_until"))
        batch.drop_index(batch.f("ix_comment_states_author_key_edition_id"))
        batch.drop_index(batch.f("ix_comment_states_article_id_edition_id"))
        batch.drop_column("change")
    with op.batch_alter_table("comments") as batch:
        batch.drop_index("ix_comments_not_live")
        for name in ("reader_version", "seen_at", "change", "rating_fetch_id", "rated_at"):
            batch.drop_column(name)
    with op.batch_alter_table("authors") as batch:
        batch.drop_column("renamed_fetch_id")
    with op.batch_alter_table("article_states") as batch:
        batch.drop_index(batch.f("ix_article_states_until"))
        batch.drop_column("change")
    with op.batch_alter_table("articles") as batch:
        for name in ("last_fetch_id", "seen_at", "not_found_times", "change"):
            batch.drop_column(name)
