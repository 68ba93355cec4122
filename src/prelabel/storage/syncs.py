"""Syncs: Label Studio's own account of a project's labels, taken down so that it survives a kill.

A sync shows everything, or what has changed since the one before. Where it stands is in the
project's row: what a killed process leaves, the next one goes on with. All times that decide what
is shown are Label Studio's, taken from its data; no clock here is compared with one there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, update

from prelabel.errors import LeaseLostError
from prelabel.storage.clock import now
from prelabel.storage.database import Database
from prelabel.storage.due import SOON, next_sync_at, still_due
from prelabel.storage.labels import count_changes, sync_number
from prelabel.storage.projects import see
from prelabel.storage.rows import annotate, batches, is_decision
from prelabel.storage.tables import annotation_table, is_project, project_table, update_project
from prelabel.types import Annotation, ProjectKey, Task

OVERLAP = timedelta(seconds=10)
"""So much of what the last sync showed is shown again: a change is dated before it can be seen, by
the length of its transaction, and Label Studio's own servers may not agree on the time. What comes
later still is found by its count, if it is new or gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sync:
    """A sync under way.

    Attributes
    ----------
    number
        1 for the first of the project; each row keeps the number of the sync that changed it last.
    since
        It shows what changed after this time of Label Studio's; everything if None.
    after_id
        Labeled tasks up to this id are stored already.
    is_resumed
        Whether a process that is gone began it: what changed meanwhile takes another sync.
    begun_at
        When it was begun, or gone on with, by our clock.
    difference
        How counts here and there differed after they were compared last; they may do so for good.
    due_at
        When it was asked for; None if nobody did.
    """

    project: ProjectKey
    number: int
    since: datetime | None
    after_id: int
    is_resumed: bool
    begun_at: datetime
    difference: str | None
    due_at: datetime | None

    @classmethod
    def read(cls, project: ProjectKey, row: Row[Any], *, is_resumed: bool) -> Self:
        return cls(
            project=project, number=row.sync_number, since=row.sync_since,
            after_id=row.sync_after_id, is_resumed=is_resumed, begun_at=now(),
            difference=row.sync_difference, due_at=row.sync_due_at,
        )  # fmt: skip


class SyncStore:
    """Takes down what Label Studio shows. What a method wrote is durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self, project: ProjectKey, label_config: str, *, newest: datetime | None,
        everything: bool = False,
    ) -> Sync:  # fmt: skip
        """Begin a sync, or go on with the one that a killed process left.

        Raise `LeaseLostError` if the project was forgotten meanwhile.

        Parameters
        ----------
        newest
            When the labeled task that changed last did so, by Label Studio; None if there is none.
            The sync after this one shows what changed since then.
        everything
            Show everything, not only what changed.
        """
        with self._database.write() as connection:
            _see(connection, project, label_config)
            row = _read(connection, project)
            goes_on = row.sync_after_id is not None and not (everything and row.sync_since)
            if not goes_on:
                connection.execute(
                    update_project(project).values(
                        sync_number=row.sync_number + 1,
                        sync_since=None if everything else _since(row.synced_until, newest),
                        sync_until=newest,
                        sync_after_id=0,
                    )
                )
            return Sync.read(project, _read(connection, project), is_resumed=goes_on)

    def apply(self, sync: Sync, shown: Sequence[tuple[Task, Sequence[Annotation]]]) -> int:
        """Take down tasks with all annotations they have; return the number of label changes."""
        changes = 0
        for batch in batches(shown):
            pairs = [(task, annotation) for task, many in batch for annotation in many]
            on_them = annotation_table.c.task.in_([task.id for task, _ in batch])
            # One transaction a batch: webhooks wait for milliseconds, not for the whole page.
            with self._database.write() as connection:
                _check_newest(connection, sync)
                count = annotate(connection, sync.project, pairs, sync.number, is_sync=True)
                count += _take_away_unseen(connection, sync, on_them)
                count_changes(connection, sync.project, count)
            changes += count
        return changes

    def advance(self, sync: Sync, after_id: int) -> None:
        """Note that labeled tasks up to an id are stored: a sync that breaks off goes on here."""
        with self._database.write() as connection:
            _check_newest(connection, sync)
            connection.execute(update_project(sync.project).values(sync_after_id=after_id))

    def compare(self, sync: Sync, shown: Mapping[int, int]) -> list[int]:
        """Take down how many annotations tasks have, by id; return the tasks that differ here.

        Skipped annotations are not among those counted. What does not differ counts as shown.
        """
        ours = annotation_table.c
        differing = []
        for ids in batches(list(shown)):
            on_them = and_(ours.project == str(sync.project), ours.task.in_(ids))
            counts = (
                select(ours.task, func.count().label("count"))
                .where(on_them, _counts())
                .group_by(ours.task)
            )
            with self._database.write() as connection:
                _check_newest(connection, sync)
                known = {row[0]: row[1] for row in connection.execute(counts)}
                equal = [id_ for id_ in ids if known.get(id_) == shown[id_]]
                seen = and_(on_them, ours.task.in_(equal), ours.deleted.is_(False))
                connection.execute(
                    update(annotation_table).where(seen).values(sync_number=sync.number)
                )
            differing += [id_ for id_ in ids if known.get(id_) != shown[id_]]
        return differing

    def see_label_config(self, project: ProjectKey, label_config: str) -> None:
        """Take down the labeling config that Label Studio has now."""
        with self._database.write() as connection:
            _see(connection, project, label_config)

    def end(self, sync: Sync, *, showed_all: bool, is_quiet: bool = True) -> int:
        """End a sync; return the number of label changes.

        Another is due by itself in a day; in a minute, if this one was asked for or brought
        anything: Label Studio 1.23 tells of many annotations before it counts them, and shows them
        only then (``predictions_to_annotations``, ``delete_tasks_annotations``).

        Parameters
        ----------
        showed_all
            Whether every labeled task was shown or compared: what was not is gone then.
        is_quiet
            Whether it brought no label change so far.
        """
        with self._database.write() as connection:
            _check_newest(connection, sync)
            changes = _take_away_unseen(connection, sync) if showed_all else 0
            count_changes(connection, sync.project, changes)
            due_at = project_table.c.sync_due_at  # a resumed one's job begins another
            is_last = is_quiet and not changes and sync.due_at is None and not sync.is_resumed
            ended = {
                "synced_at": now(),
                "synced_until": project_table.c.sync_until,
                "sync_after_id": None,
                "sync_due_at": due_at if sync.is_resumed else still_due(sync.due_at, sync.begun_at),
                "sync_again_at": next_sync_at() if is_last else now() + SOON,
                "sync_failures": 0,
                "sync_refusals": 0,
            }
            connection.execute(update_project(sync.project).values(ended))
        return changes

    def note_difference(self, project: ProjectKey, difference: str | None) -> None:
        """Take note of how counts here and there differ, although they have been compared."""
        with self._database.write() as connection:
            connection.execute(update_project(project).values(sync_difference=difference))

    def count(self, project: ProjectKey) -> tuple[int, int]:
        """Return how many tasks of a project are labeled, and by how many annotations."""
        ours = annotation_table.c
        query = select(func.count(ours.task.distinct()), func.count())
        with self._database.read() as connection:
            row = connection.execute(query.where(ours.project == str(project), _counts())).one()
        return row[0], row[1]


def _see(connection: Connection, project: ProjectKey, label_config: str) -> None:
    """Take down a labeling config, but not of a project that was forgotten: `see` revives it."""
    forgotten_at = select(project_table.c.deleted_at).where(is_project(project))
    if connection.scalar(forgotten_at) is not None:
        raise LeaseLostError(project)
    see(connection, project, label_config, None)


def _since(until: datetime | None, newest: datetime | None) -> datetime | None:
    """Return since when a sync shows what changed; None if the last one was no beginning."""
    if until is None or newest is None:
        return None
    # Where nothing is new nothing is shown again: a whole import may lie within the overlap.
    return newest if newest == until else min(newest, until) - OVERLAP


def _take_away_unseen(connection: Connection, sync: Sync, *which: ColumnElement[bool]) -> int:
    """Delete the annotations that the sync did not show; return the number of label changes."""
    unseen = and_(
        annotation_table.c.project == str(sync.project),
        annotation_table.c.sync_number < sync.number,
        annotation_table.c.deleted.is_(False),
        *which,
    )
    rows = connection.execute(select(annotation_table).where(unseen)).mappings().all()
    if rows:
        connection.execute(update(annotation_table).where(unseen).values(deleted=True))
    return sum(is_decision(row) for row in rows)


def _counts() -> ColumnElement[bool]:
    """Return the condition that an annotation is one that Label Studio counts."""
    return and_(annotation_table.c.deleted.is_(False), annotation_table.c.was_cancelled.is_(False))


def _check_newest(connection: Connection, sync: Sync) -> None:
    """Raise `LeaseLostError` if another sync has begun since: two would undo each other."""
    if sync_number(connection, sync.project) != sync.number:
        raise LeaseLostError(sync.project)


def _read(connection: Connection, project: ProjectKey) -> Row[Any]:
    return connection.execute(select(project_table).where(is_project(project))).one()
