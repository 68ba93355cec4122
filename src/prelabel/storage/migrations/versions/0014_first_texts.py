"""From how many texts on names of labels are learned: 100 instead of 1,000."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    # Those whose names said nothing waited for more: they are looked at again, too.
    op.execute(
        "UPDATE projects SET texts_due = 100 WHERE texts_due IS NOT NULL AND active_version IS NULL"
    )
