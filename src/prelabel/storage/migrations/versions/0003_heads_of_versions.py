"""Versions decide about several controls: labels, frame and metrics are known by control."""

from ast import literal_eval

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_versions = sa.table(
    "versions",
    sa.column("project", sa.Text),
    sa.column("number", sa.Integer),
    sa.column("labels", sa.JSON),
    sa.column("frame", sa.Text),
    sa.column("heads", sa.JSON),
    sa.column("metrics", sa.JSON(none_as_null=True)),
)


def upgrade() -> None:
    with op.batch_alter_table("versions") as batch:
        batch.add_column(sa.Column("heads", sa.JSON(), nullable=False, server_default="[]"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(_versions)).all():
        control = literal_eval(row.frame)[0]  # what `repr` wrote of a tuple of strings
        heads = [{"control": control, "frame": row.frame, "labels": row.labels}]
        metrics = None if row.metrics is None else {control: row.metrics}
        is_it = (_versions.c.project == row.project) & (_versions.c.number == row.number)
        changed = sa.update(_versions).where(is_it).values(heads=heads, metrics=metrics)
        connection.execute(changed)
    with op.batch_alter_table("versions") as batch:
        batch.alter_column("heads", server_default=None)
        batch.drop_column("labels")
        batch.drop_column("frame")
