"""Where the sync under way stands, and up to when the last one showed changes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for name in ("sync_after_id", "sync_since", "sync_until", "synced_until"):
        op.add_column("projects", sa.Column(name, sa.BigInteger(), nullable=True))
