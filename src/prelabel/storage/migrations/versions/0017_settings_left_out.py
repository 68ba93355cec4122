"""Whether settings were left out by the last setup: the next one without them removes them."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column(
        "projects", sa.Column("settings_left_out", sa.Boolean(), nullable=False, server_default="0")
    )
