"""Texts of which tasks have only the address."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "fetched_texts",
        sa.Column("project", sa.Text(), sa.ForeignKey("projects.project"), primary_key=True),
        sa.Column("url_sha256", sa.Text(), primary_key=True),
        sa.Column("text", sa.Text()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.BigInteger()),
    )
