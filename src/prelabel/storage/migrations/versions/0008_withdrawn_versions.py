"""Versions that were rolled back."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("versions", sa.Column("withdrawn_at", sa.BigInteger(), nullable=True))
