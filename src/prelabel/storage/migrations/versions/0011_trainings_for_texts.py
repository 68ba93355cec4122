"""How many texts a project has, and from how many on it is trained without labels."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    texts = sa.Column("texts", sa.Integer(), nullable=False, server_default="0")
    op.add_column("projects", texts)
    op.add_column("projects", sa.Column("texts_due", sa.Integer(), server_default="1000"))
    # What has a version has learned from labels so far.
    op.execute("UPDATE projects SET texts_due = NULL WHERE active_version IS NOT NULL")
    op.execute(
        "UPDATE projects SET texts = (SELECT count(*) FROM tasks "
        "WHERE tasks.project = projects.project AND tasks.deleted = 0 "
        "AND tasks.level >= projects.pool_level)"
    )
