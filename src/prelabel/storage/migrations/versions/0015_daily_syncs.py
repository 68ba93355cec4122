"""When a sync is due although nobody asks for one."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("projects", sa.Column("sync_again_at", sa.BigInteger(), nullable=True))
