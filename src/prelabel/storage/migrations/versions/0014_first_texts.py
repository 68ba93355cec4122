"""From how many texts on names of labels are learned: 100 instead of 1,000."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute(
        "UPDATE projects SET texts_due = 100 WHERE texts_due = 1000 AND active_version IS NULL"
    )
