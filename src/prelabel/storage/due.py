"""When a project needs a job: what its row says, so that a crash loses nothing."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, exists, false, func, literal, or_

from prelabel.storage.clock import LONGEST_RETRY, has_come, now
from prelabel.storage.fetched import LONGEST_PAUSE
from prelabel.storage.leases import is_free
from prelabel.storage.tables import job_table, project_table
from prelabel.types import OPEN_STATES

SOON = timedelta(minutes=1)
"""After that a sync comes again that was asked for, or brought anything."""

LONGEST_WITHOUT_SYNC = timedelta(days=1)
"""After that a sync is due by itself: what nobody told is found in the end."""

IS_OPEN = job_table.c.state.in_(OPEN_STATES)
"""Of jobs that are not over."""


def sync_is_due(moment: datetime) -> ColumnElement[bool]:
    """Return the condition that a sync is wanted: someone asked, or the last one is a day old."""
    columns = project_table.c
    by_itself = has_come(columns.sync_again_at, moment, longest=LONGEST_WITHOUT_SYNC)
    # Where nobody has asked there is no time that could come.
    return or_(func.coalesce(has_come(columns.sync_due_at, moment), false()), by_itself)


def still_due(asked_for: datetime | None, begun_at: datetime) -> ColumnElement[datetime]:
    """Return when the sync after one that ends is wanted, if somebody asked for one meanwhile.

    Parameters
    ----------
    asked_for
        When the one that ends was asked for.
    begun_at
        When it was begun.
    """
    due_at = project_table.c.sync_due_at
    # What was to come later, and not so far ahead that a clock was set back since.
    is_later = and_(due_at > begun_at, due_at <= now() + LONGEST_RETRY)
    return case((or_(due_at.is_distinct_from(asked_for), is_later), due_at))


def next_sync_at() -> datetime:
    """Return when a project is due that was asked about now: within a day, not all at one time."""
    return now() + LONGEST_WITHOUT_SYNC * random.uniform(0.75, 1)  # noqa: S311 - guards no secret


def is_due(train_every: int, *, by_texts: bool, can_sync: bool) -> ColumnElement[bool]:
    """Return the condition that a project needs a job, and that nobody works on it.

    Parameters
    ----------
    train_every
        Label changes since the last training that make a training due, where the project does not
        say it.
    by_texts
        Whether texts without labels can be learned from, so that enough of them make one due.
    can_sync
        Whether Label Studio's API can be asked, so that a wanted sync makes one due.
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
            and_(literal(can_sync), sync_is_due(moment)),
            has_come(columns.fetch_due_at, moment, longest=LONGEST_PAUSE),
            exists().where(job_table.c.project == columns.project, IS_OPEN),
        ),
    )
