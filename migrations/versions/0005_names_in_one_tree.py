"""
Names of authors are kept in the order of their keys, on SQLite: one tree in place of two.

There a table is a tree by row number, and a key of several columns another one beside it. For rows that are little more
than their key the second is all that is needed; Postgres has nothing of the kind.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_anew(with_rowid=False)


def downgrade() -> None:
    _make_anew(with_rowid=True)


def _make_anew(*, with_rowid: bool) -> None:
    if op.get_bind().dialect.name == "sqlite":
        options = {"sqlite_with_rowid": with_rowid}
        with op.batch_alter_table("author_names", recreate="always", table_kwargs=options):
            pass
