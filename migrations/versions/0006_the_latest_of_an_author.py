"""
The latest state of an author's comments is found by one look into an index, however many comments are theirs.

Who is told of late, or read again, asks for it at every article.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _index_anew(["author_key", "edition_id"], ["author_key", "edition_id", "fetch_id"])


def downgrade() -> None:
    _index_anew(["author_key", "edition_id", "fetch_id"], ["author_key", "edition_id"])


def _index_anew(old: list[str], new: list[str]) -> None:
    for table in ("comments", "comment_states"):
        op.create_index(op.f(f"ix_{table}_{'_'.join(new)}"), table, new)
        op.drop_index(op.f(f"ix_{table}_{'_'.join(old)}"), table)
