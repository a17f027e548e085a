"""
What a row of `erasures` is the hash of: an author, another spelling of a name, or nobody, to know a key by.

Nobody could be forgotten before, so there are no rows; should there be any, they are those of members.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("erasures") as batch:
        batch.add_column(sa.Column("kind", sa.Text()))
    op.execute("UPDATE erasures SET kind = 'member'")
    with op.batch_alter_table("erasures") as batch:
        batch.alter_column("kind", existing_type=sa.Text(), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("erasures") as batch:
        batch.drop_column("kind")
