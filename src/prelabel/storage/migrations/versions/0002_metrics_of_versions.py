"""What versions measure, and why some are not activated."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("versions", sa.Column("metrics", sa.JSON(), nullable=True))
    op.add_column("versions", sa.Column("withheld", sa.Text(), nullable=True))
