"""When texts were fetched, so that those no task has can go."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("fetched_texts", sa.Column("tried_at", sa.BigInteger(), nullable=True))
