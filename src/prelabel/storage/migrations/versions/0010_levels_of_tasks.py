"""Which tasks are in the sample that a project's words are learned from."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    for table, column in (("tasks", "level"), ("projects", "pool_level")):
        op.add_column(table, sa.Column(column, sa.Integer(), nullable=False, server_default="0"))
