"""When a project needs a job: what its row says, so that a crash loses nothing."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_

from prelabel.storage.clock import has_come, now
from prelabel.storage.fetched import LONGEST_PAUSE
from prelabel.storage.leases import is_free
from prelabel.storage.tables import job_table, project_table
from prelabel.types import OPEN_STATES

IS_OPEN = job_table.c.state.in_(OPEN_STATES)
"""Of jobs that are not over."""


def is_due(train_every: int, *, by_texts: bool) -> ColumnElement[bool]:
    """Return the condition that a project needs a job, and that nobody works on it.

    Parameters
    ----------
    train_every
        Label changes since the last training that make a training due, where the project does not
        say it.
    by_texts
        Whether texts without labels can be learned from, so that enough of them make one due.
    """
    columns, moment = project_table.c, now()
    changes = columns.label_changes - columns.trained_changes
    own = columns.settings["train_every"].as_integer()
    return and_(
        columns.deleted_at.is_(None),
        is_free(moment),
        or_(columns.retry_at.is_(None), has_come(columns.retry_at, moment)),
        or_(
            changes >= func.coalesce(own, train_every),
            and_(literal(by_texts), columns.texts >= columns.texts_due),
            has_come(columns.sync_due_at, moment),
            has_come(columns.fetch_due_at, moment, longest=LONGEST_PAUSE),
            exists().where(job_table.c.project == columns.project, IS_OPEN),
        ),
    )
