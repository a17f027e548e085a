"""
Which version of the reader read an article's page: a better reading of the same words is no change of theirs.

Of those that are stored it is not known (NULL), so they are compared with care once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("articles") as batch:
        batch.add_column(sa.Column("reader_version", sa.Integer()))


def downgrade() -> None:
    with op.batch_alter_table("articles") as batch:
        batch.drop_column("reader_version")
