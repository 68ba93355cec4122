"""By how much counts of labels differ from Label Studio's although they were compared."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("projects", sa.Column("sync_difference", sa.Text(), nullable=True))
