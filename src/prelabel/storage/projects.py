"""Which projects there are, what their labeling config is, and whether a sync is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, case, insert, literal, or_, select, update

from prelabel.label_config import read_label_config
from prelabel.storage.clock import LONGEST_RETRY, now, pause_after
from prelabel.storage.database import Database
from prelabel.storage.due import next_sync_at, sync_is_due
from prelabel.storage.jobs import ask
from prelabel.storage.leases import is_free
from prelabel.storage.remembered import Remembered
from prelabel.storage.tables import UtcTime, is_project, project_table, update_project
from prelabel.types import ProjectKey

MOST_REFUSALS = 10
"""Refusals, one after the other, until a sync is given up: after half an hour or more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What was known of a project before it was seen just now.

    Attributes
    ----------
    is_new
        Whether it was unknown, or forgotten.
    previous_label_config
        The labeling config before; None if there was none.
    label_config
        The labeling config that counts now.
    """

    is_new: bool
    previous_label_config: str | None
    label_config: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectState:
    """Where the work for a project stands.

    Attributes
    ----------
    leased_until
        Until when someone has the right to work on it, without renewal; None if nobody has.
    sync_due_at, synced_at
        From when on a sync is wanted, and when the last one was finished; None if none.
    untrained_changes
        Label changes that no training has seen yet.
    """

    project: ProjectKey
    leased_until: datetime | None
    sync_due_at: datetime | None
    synced_at: datetime | None
    sync_failures: int
    untrained_changes: int


class ProjectStore:
    """Remembers projects; of one that is known nothing is queried while nothing has changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = Remembered[Row[Any] | None](database)

    def see(self, project: ProjectKey, label_config: str | None = None) -> Seen:
        """Remember that a project exists with this labeling config; writes only if that is news.

        Without a labeling config the known one stays.
        """
        row = self._find(project)
        if row and row.deleted_at is None and label_config in (None, row.label_config):
            known = row.label_config
            return Seen(is_new=False, previous_label_config=known, label_config=known)
        with self._database.write() as connection:
            return see(connection, project, label_config, None)

    def _find(self, project: ProjectKey) -> Row[Any] | None:
        def read() -> Row[Any] | None:
            query = select(project_table).where(is_project(project))
            with self._database.read() as connection:
                return connection.execute(query).one_or_none()

        return self._rows.get(project, read)

    def is_known(self, project: ProjectKey) -> bool:
        """Whether a project has been seen, and not forgotten since."""
        row = self._find(project)
        return row is not None and row.deleted_at is None

    def states(self) -> list[ProjectState]:
        """Return where the work for each project stands, but for forgotten ones, by project."""
        columns = project_table.c
        query = select(
            columns.project,
            columns.lease_until.label("leased_until"),
            columns.sync_due_at,
            columns.synced_at,
            columns.sync_failures,
            (columns.label_changes - columns.trained_changes).label("untrained_changes"),
        ).where(columns.deleted_at.is_(None))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(columns.project)).mappings().all()
        return [
            ProjectState(**{**row, "project": ProjectKey.parse(row["project"])}) for row in rows
        ]

    def forget(self, project: ProjectKey) -> None:
        """Stop working for a project until it is seen again; its labels are kept."""
        forgotten = {"deleted_at": now(), "sync_due_at": None, "sync_again_at": None}
        with self._database.write() as connection:
            connection.execute(update_project(project).values(forgotten))

    def request_sync(
        self, project: ProjectKey | None = None, *, after: timedelta = timedelta()
    ) -> None:
        """Ask for a sync of a project, or of all projects, after a time or earlier.

        One that a job is at work on may not see what it is asked for: it is wanted again, and not
        before that time either, so that news without end make no syncs without a pause.
        """
        which = project_table.c.deleted_at.is_(None) if project is None else is_project(project)
        due_at, moment = project_table.c.sync_due_at, now()
        is_under_way = and_(project_table.c.sync_after_id.is_not(None), ~is_free(moment))
        # What is due may be under way elsewhere: it counts as asked for after that has begun.
        earlier = case(
            (and_(is_under_way, due_at <= moment), literal(moment + after, UtcTime)),
            (due_at <= moment, literal(moment, UtcTime)),
            (due_at < moment + after, due_at),
            else_=literal(moment + after, UtcTime),
        )
        with self._database.write() as connection:
            connection.execute(update(project_table).where(which).values(sync_due_at=earlier))

    def will_sync(self, project: ProjectKey, *, within: timedelta) -> bool:
        """Whether a sync that is asked for is still to begin, in so long or earlier.

        It will see all that there is now.
        """
        columns, moment = project_table.c, now()
        is_to_begin = or_(columns.sync_due_at > moment, columns.sync_after_id.is_(None))
        is_to_begin = and_(columns.sync_due_at <= moment + within, is_to_begin)
        with self._database.read() as connection:
            return bool(connection.scalar(select(is_to_begin).where(is_project(project))))

    def sync_is_due(self, project: ProjectKey) -> bool:
        """Whether a sync is wanted by now."""
        is_due = sync_is_due(now())
        with self._database.read() as connection:
            return bool(connection.scalar(select(is_due).where(is_project(project))))

    def sync_failed(
        self, project: ProjectKey, *, is_away: bool, after: timedelta = timedelta()
    ) -> None:
        """Put the sync off, each time twice as long.

        It is tried again after the time asked for, if that is longer, in ten minutes at the latest.

        Parameters
        ----------
        is_away
            Whether Label Studio is: then the other projects' syncs would only wait for it, too, and
            those due are put off to the same time. If not, it refuses this project's sync. What
            stands before it may do so in its place while it starts; at the tenth refusal in a row
            the sync is dropped until someone asks, or a day has gone by.
        """
        columns = project_table.c
        counts = select(columns.sync_failures, columns.sync_refusals).where(is_project(project))
        with self._database.write() as connection:
            failures, refusals = connection.execute(counts).one_or_none() or (0, 0)
            refusals = 0 if is_away else (refusals + 1) % MOST_REFUSALS
            wait = max(pause_after(failures), min(after, LONGEST_RETRY))
            retry_at = now() + wait if refusals or is_away else None
            due = {"sync_due_at": retry_at, "sync_again_at": next_sync_at()}
            counted = {"sync_failures": failures + 1, "sync_refusals": refusals}
            connection.execute(update_project(project).values(**counted, **due))
            if is_away:
                connection.execute(update(project_table).where(sync_is_due(now())).values(due))


def see(
    connection: Connection,
    project: ProjectKey,
    label_config: str | None,
    label_config_at: datetime | None,
) -> Seen:
    """Remember a project inside a transaction; a labeling config older than the known is no news.

    One that means something else than the known asks for a training: whoever is told of it later,
    or is killed before, finds no news.

    ``/setup`` gives no time (None): it tells what is so now.
    """
    row = connection.execute(select(project_table).where(is_project(project))).one_or_none()
    if row is None:
        connection.execute(
            insert(project_table).values(
                project=str(project), label_config=label_config, label_config_at=label_config_at
            )
        )
        return Seen(is_new=True, previous_label_config=None, label_config=label_config)
    known = row.label_config
    changes: dict[str, Any] = {} if row.deleted_at is None else {"deleted_at": None}
    is_late = label_config_at and row.label_config_at and label_config_at <= row.label_config_at
    if label_config is not None and not is_late:
        changes |= {"label_config": label_config}
        changes |= {"label_config_at": label_config_at} if label_config_at else {}
    if changes:
        connection.execute(update_project(project).values(**changes))
    new = changes.get("label_config", known)
    if known not in (None, new) and read_label_config(known) != read_label_config(new):
        ask(connection, project, "labeling config edited")
    return Seen(is_new=row.deleted_at is not None, previous_label_config=known, label_config=new)
