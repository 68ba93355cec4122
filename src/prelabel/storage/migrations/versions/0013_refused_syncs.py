"""How often in a row Label Studio has refused a sync."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    refusals = sa.Column("sync_refusals", sa.Integer(), nullable=False, server_default="0")
    op.add_column("projects", refusals)
