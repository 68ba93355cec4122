"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "projects",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("label_config", sa.Text(), nullable=True),
        sa.Column("label_config_at", sa.BigInteger(), nullable=True),
        sa.Column("label_changes", sa.Integer(), nullable=False),
        sa.Column("trained_changes", sa.Integer(), nullable=False),
        sa.Column("active_version", sa.Integer(), nullable=True),
        sa.Column("sync_due_at", sa.BigInteger(), nullable=True),
        sa.Column("sync_number", sa.Integer(), nullable=False),
        sa.Column("sync_failures", sa.Integer(), nullable=False),
        sa.Column("synced_at", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("project"),
    )
    op.create_table(
        "annotations",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("annotation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task", sa.BigInteger(), nullable=False),
        sa.Column("regions", sa.JSON(), nullable=False),
        sa.Column("was_cancelled", sa.Boolean(), nullable=False),
        sa.Column("ground_truth", sa.Boolean(), nullable=False),
        sa.Column("completed_by", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("sync_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"],
            ["projects.project"],
        ),
        sa.PrimaryKeyConstraint("project", "annotation"),
    )
    op.create_index("annotations_by_task", "annotations", ["project", "task"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("must_train", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project"],
            ["projects.project"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("jobs_by_project", "jobs", ["project", "state"], unique=False)
    op.create_table(
        "tasks",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("task", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("sync_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"],
            ["projects.project"],
        ),
        sa.PrimaryKeyConstraint("project", "task"),
    )
    op.create_table(
        "versions",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("artifact", sa.Text(), nullable=False),
        sa.Column("examples", sa.Integer(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("frame", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"],
            ["projects.project"],
        ),
        sa.PrimaryKeyConstraint("project", "number"),
    )
