"""What people decided, by project. When news changes a row is told in `rows`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, exists, func, select

from prelabel.storage.clock import has_come, now
from prelabel.storage.database import Database
from prelabel.storage.fetched import LONGEST_PAUSE
from prelabel.storage.pool import (
    POOL_TEXTS,
    choose,
    find_least_level,
    fit_level,
    has_room,
    is_alive,
)
from prelabel.storage.projects import Seen, see
from prelabel.storage.rows import (
    annotate,
    batches,
    delete_annotations,
    delete_tasks,
    to_annotation,
    to_task,
    write_tasks,
)
from prelabel.storage.tables import (
    annotation_table,
    fetched_text_table,
    is_project,
    project_table,
    task_table,
    update_project,
)
from prelabel.types import Annotation, Event, EventKind, ProjectKey, ProjectSettings, Task

DELETIONS_AT_ONCE = 2000
"""Deleted in one transaction; other webhooks wait for tens of milliseconds, not for all of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What an event did.

    Attributes
    ----------
    label_changes
        How many it made.
    seen
        What was known of the project before.
    gone
        The data of tasks that it deleted, where texts were fetched for any.
    """

    label_changes: int
    seen: Seen
    gone: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """All that one training needs to know, as it was at one moment.

    Attributes
    ----------
    label_changes, trained_changes
        The project's count of label changes at that moment, and how many of them a training saw.
    n_texts, texts_due
        How many tasks its pool had when it last changed, and from how many on a training is due
        that has too few labels; None if texts make none due.
    fetch_due_at
        When texts that could not be fetched are tried again; None while nothing waits for any.
    annotated
        Every annotation that exists, with its task, ordered by id.
    data
        The data of the tasks that words are learned from, labeled or not, ordered by id.
    """

    label_config: str | None
    label_changes: int
    trained_changes: int
    n_texts: int
    texts_due: int | None
    fetch_due_at: datetime | None
    annotated: tuple[tuple[Task, Annotation], ...]
    data: tuple[Mapping[str, object], ...]
    settings: ProjectSettings

    @property
    def untrained_changes(self) -> int:
        """Label changes that no training has seen yet."""
        return self.label_changes - self.trained_changes

    @property
    def texts_are_due(self) -> bool:
        """Whether there are as many texts as make a training due."""
        return self.texts_due is not None and self.n_texts >= self.texts_due

    @property
    def fetch_is_due(self) -> bool:
        """Whether it is time to try again what could not be fetched."""
        at = self.fetch_due_at
        return at is not None and has_come(at, now(), longest=LONGEST_PAUSE)


class LabelStore:
    """Remembers annotations and their tasks. What a method wrote is durable when it returns.

    Parameters
    ----------
    pool_texts
        How many tasks without annotations are kept of a project, and how many tasks' texts a
        training gets; of more, a sample (`pool`).
    """

    def __init__(self, database: Database, *, pool_texts: int = POOL_TEXTS) -> None:
        self._database = database
        self.pool_texts = pool_texts

    def apply(self, event: Event) -> Applied:
        """Apply an event; applying it again, or after newer ones, changes nothing."""
        project, gone = event.project, list[Mapping[str, object]]()
        with self._database.write() as connection:
            seen = see(connection, project, event.label_config, event.project_updated_at)
            number = sync_number(connection, project)
            changes = annotate(connection, project, event.annotated, number, is_sync=False)
            count_changes(connection, project, changes)
        self.add_texts(project, event.created)
        if event.kind in {EventKind.ANNOTATIONS_DELETED, EventKind.TASKS_DELETED}:
            for ids in batches(event.deleted_ids, DELETIONS_AT_ONCE):
                gone += self._find_going(event, ids)
                changes += self._delete(event, ids)
        if event.kind is EventKind.TASKS_DELETED:
            with self._database.write() as connection:
                fit_level(connection, project, self.pool_texts)
        return Applied(label_changes=changes, seen=seen, gone=tuple(gone))

    def _find_going(self, event: Event, ids: Sequence[int]) -> Sequence[Mapping[str, object]]:
        if event.kind is not EventKind.TASKS_DELETED:
            return []
        fetched = exists().where(fetched_text_table.c.project == str(event.project))
        going = and_(is_alive(event.project), task_table.c.task.in_(ids), fetched)
        with self._database.read() as connection:
            return connection.scalars(select(task_table.c.data).where(going)).all()

    def _delete(self, event: Event, ids: Sequence[int]) -> int:
        delete = delete_tasks if event.kind is EventKind.TASKS_DELETED else delete_annotations
        with self._database.write() as connection:
            number = sync_number(connection, event.project)
            changes = delete(connection, event.project, ids, number)
            count_changes(connection, event.project, changes)
        return changes

    def add_texts(self, project: ProjectKey, tasks: Sequence[Task]) -> None:
        """Keep tasks without annotations, a sample of very many: models learn from them, too."""
        for batch in batches(tasks):
            with self._database.write() as connection:
                number = sync_number(connection, project)
                chosen = choose(connection, project, batch)
                write_tasks(connection, project, chosen, number, is_sync=False)
        if tasks:
            with self._database.write() as connection:
                fit_level(connection, project, self.pool_texts)

    def fit_pools(self) -> None:
        """Let projects take in more texts than they do, where a limit that was raised has room."""
        query = select(project_table.c.project).where(has_room(self.pool_texts))
        with self._database.read() as connection:
            found = [ProjectKey.parse(text) for text in connection.scalars(query)]
        for project in found:
            with self._database.write() as connection:
                fit_level(connection, project, self.pool_texts)

    def find_new(self, project: ProjectKey, tasks: Sequence[Task]) -> list[Task]:
        """Return those tasks of a known project that `add_texts` would keep: nothing is locked."""
        new = list[Task]()
        for batch in batches(tasks):
            with self._database.read() as connection:
                chosen = {task.id: task for task in choose(connection, project, batch)}
                on_them = and_(task_table.c.project == str(project), task_table.c.task.in_(chosen))
                for id_ in connection.scalars(select(task_table.c.task).where(on_them)):
                    del chosen[id_]
            new += chosen.values()
        return new

    def count_texts(self, project: ProjectKey) -> int:
        """Return how many tasks of a project are kept, labeled or not."""
        query = select(func.count()).select_from(task_table).where(is_alive(project))
        with self._database.read() as connection:
            return int(connection.scalar(query) or 0)

    def snapshot(self, project: ProjectKey) -> Snapshot:
        """Return everything known of a project's labels, as of one moment."""
        with self._database.read() as connection:
            state = connection.execute(select(project_table).where(is_project(project))).one()
            query = (
                select(annotation_table, task_table.c.data)
                .join(task_table, _same_task())
                .where(
                    annotation_table.c.project == str(project),
                    annotation_table.c.deleted.is_(False),
                    task_table.c.deleted.is_(False),
                )
                .order_by(annotation_table.c.annotation)
            )
            rows = connection.execute(query).mappings().all()
            least = find_least_level(connection, project, self.pool_texts)
            sample = and_(is_alive(project), task_table.c.level >= least)
            texts = select(task_table.c.data).where(sample).order_by(task_table.c.task)
            data = connection.scalars(texts).all()
        return Snapshot(
            label_config=state.label_config,
            label_changes=state.label_changes,
            trained_changes=state.trained_changes,
            n_texts=state.texts,
            texts_due=state.texts_due,
            fetch_due_at=state.fetch_due_at,
            annotated=tuple((to_task(row), to_annotation(row)) for row in rows),
            data=tuple(data),
            settings=ProjectSettings.from_mapping(state.settings),
        )


def count_changes(connection: Connection, project: ProjectKey, changes: int) -> None:
    """Add to a project's label changes."""
    if changes:
        total = project_table.c.label_changes + changes
        connection.execute(update_project(project).values(label_changes=total))


def sync_number(connection: Connection, project: ProjectKey) -> int:
    """Return the number of the newest sync of a project, under way or ended."""
    query = select(project_table.c.sync_number).where(is_project(project))
    return int(connection.execute(query).scalar_one())


def _same_task() -> Any:
    return and_(
        task_table.c.project == annotation_table.c.project,
        task_table.c.task == annotation_table.c.task,
    )
