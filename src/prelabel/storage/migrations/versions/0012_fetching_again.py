"""When a project's texts that could not be fetched are tried again."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("projects", sa.Column("fetch_due_at", sa.BigInteger()))
    # Which of them something waits for, a job finds out.
    op.execute(
        "UPDATE projects SET fetch_due_at = 0 WHERE EXISTS (SELECT 1 FROM fetched_texts "
        "WHERE fetched_texts.project = projects.project AND fetched_texts.text IS NULL)"
    )
