"""What models that read Label Studio's JSON themselves are told, and what they remember."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "model_events",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("project", sa.Text(), sa.ForeignKey("projects.project"), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
    )
    op.create_index("model_events_by_project", "model_events", ["project", "state"])
    op.create_table(
        "model_state",
        sa.Column("project", sa.Text(), sa.ForeignKey("projects.project"), primary_key=True),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.JSON(), nullable=False),
    )
