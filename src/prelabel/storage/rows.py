"""Rows of tasks and annotations, and when news changes them.

Label Studio may send the same news twice, late, or in the wrong order. Each annotation therefore
has one row, and only newer news changes it:

- an annotation's `updated_at` orders its states; equal or older ones change nothing;
- a deletion carries no time, so it is dated to the end of time: nothing that arrives late is newer;
- an annotation that goes with its task keeps its time: Label Studio moves annotations of duplicated
  tasks to another one and tells only that theirs are deleted, so a newer state of it is news again;
- a sync is Label Studio's own account of what exists. What it does not show is gone, and what it
  shows although it was deleted *before* that sync began is back. What it shows otherwise with the
  time that is known counts, too: labels are renamed, and annotations moved, without another time.
  An older time never does: Label Studio tells of changes before its own database shows them. Syncs
  are numbered, and each row keeps the number at its last change, which tells "before" from
  "meanwhile" without a clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, and_, select, update

from prelabel.storage.pool import find_level
from prelabel.storage.tables import EPOCH, annotation_table, task_table, upsert
from prelabel.types import Annotation, ProjectKey, Region, Task

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
BATCH_SIZE = 200  # rows written in one statement; well below SQLite's limit of 32,766 parameters

Pairs = Sequence[tuple[Task, Annotation]]


def annotate(
    connection: Connection, project: ProjectKey, annotated: Pairs, number: int, *, is_sync: bool
) -> int:
    """Write the annotations, and their tasks, that are news; return the number of label changes.

    ``number`` is that of the sync this is part of, or of the newest one.
    """
    changes = 0
    for batch in batches(annotated):
        tasks = [task for task, _ in batch]
        alive = write_tasks(connection, project, tasks, number, is_sync=is_sync)
        known = _known(connection, annotation_table, project, [item.id for _, item in batch])
        rows = {}
        # The newest last: of two states of one annotation, that one is left.
        newest = {pair[1].id: pair for pair in sorted(batch, key=lambda pair: pair[1].updated_at)}
        for task, annotation in newest.values():
            old = known.get(annotation.id)
            is_news = _is_news(old, annotation.updated_at, number, is_sync=is_sync) or (
                is_sync and _is_other(old, annotation, number)
            )
            if task.id in alive and is_news:
                rows[annotation.id] = _annotation_row(project, annotation, number)
                changes += _changes_labels(old, rows[annotation.id])
            elif is_sync and old is not None and not old["deleted"]:
                rows[annotation.id] = {**old, "sync_number": max(old["sync_number"], number)}
        upsert(connection, annotation_table, *rows.values())
    return changes


def write_tasks(
    connection: Connection, project: ProjectKey, batch: Sequence[Task], number: int, *,
    is_sync: bool,
) -> set[int]:  # fmt: skip
    """Write the tasks that are news; return the ids of those that exist."""
    tasks = sorted(batch, key=lambda task: task.updated_at or EPOCH)
    latest = {task.id: task for task in tasks}
    known = _known(connection, task_table, project, list(latest))
    rows, alive = [], set()
    for task in latest.values():
        old = known.get(task.id)
        updated_at = task.updated_at or EPOCH
        if _is_news(old, updated_at, number, is_sync=is_sync):
            rows.append(_task_row(project, task.id, number, data=task.data, updated_at=updated_at))
            alive.add(task.id)
        elif old is not None and not old["deleted"]:
            alive.add(task.id)
    upsert(connection, task_table, *rows)
    return alive


def _is_news(old: RowMapping | None, updated_at: datetime, number: int, *, is_sync: bool) -> bool:
    """Whether a state should replace the known one; see the top of the module."""
    if old is None:
        return True
    if is_sync and old["deleted"]:
        return bool(old["sync_number"] < number)
    return bool(updated_at > old["updated_at"])


def _is_other(old: RowMapping | None, shown: Annotation, number: int) -> bool:
    """Whether a sync shows otherwise what has not changed here since it began, nor by its time."""
    if old is None or old["deleted"] or old["sync_number"] >= number:
        return False
    return old["updated_at"] == shown.updated_at and to_annotation(old) != shown


def delete_annotations(
    connection: Connection, project: ProjectKey, ids: Sequence[int], number: int
) -> int:
    """Mark annotations as deleted, known or not; return the number of label changes."""
    changes = 0
    for batch in batches(ids):
        known = _known(connection, annotation_table, project, batch)
        changes += sum(is_decision(row) for row in known.values())
        unknown = Annotation(id=0, task_id=0, regions=(), updated_at=END_OF_TIME)
        blank = _annotation_row(project, unknown, number)
        rows = [
            {**known.get(id_, blank), "annotation": id_}
            | {"deleted": True, "updated_at": END_OF_TIME, "sync_number": number}
            for id_ in dict.fromkeys(batch)
        ]
        upsert(connection, annotation_table, *rows)
    return changes


def delete_tasks(
    connection: Connection, project: ProjectKey, ids: Sequence[int], number: int
) -> int:
    """Mark tasks and their annotations as deleted; return the number of label changes."""
    changes = 0
    for batch in batches(ids):
        rows = [_task_row(project, id_, number, deleted=True) for id_ in dict.fromkeys(batch)]
        upsert(connection, task_table, *rows)
        on_them = and_(
            annotation_table.c.project == str(project),
            annotation_table.c.task.in_(batch),
            annotation_table.c.deleted.is_(False),
        )
        found = connection.execute(select(annotation_table).where(on_them)).mappings().all()
        changes += sum(is_decision(row) for row in found)
        gone = update(annotation_table).where(on_them).values(deleted=True, sync_number=number)
        connection.execute(gone)
    return changes


def _known(
    connection: Connection, table: Table, project: ProjectKey, ids: Sequence[int]
) -> Mapping[int, RowMapping]:
    identity = table.primary_key.columns.values()[1]
    query = select(table).where(table.c.project == str(project), identity.in_(ids))
    return {row[identity]: row for row in connection.execute(query).mappings()}


def _changes_labels(old: RowMapping | None, new: Mapping[str, Any]) -> bool:
    """Whether an example appears, disappears or changes."""
    if old is None or not is_decision(old):
        return is_decision(new)
    is_same = all(old[key] == new[key] for key in ("regions", "ground_truth", "completed_by"))
    return not (is_same and is_decision(new))


def is_decision(row: RowMapping | Mapping[str, Any]) -> bool:
    """Whether somebody decided; that nothing applies is a decision, too."""
    return not row["was_cancelled"] and not row["deleted"]


def _task_row(
    project: ProjectKey,
    id_: int,
    number: int,
    *,
    data: Mapping[str, object] | None = None,
    updated_at: datetime = END_OF_TIME,
    deleted: bool = False,
) -> dict[str, Any]:
    return {
        "project": str(project),
        "task": id_,
        "data": dict(data or {}),
        "updated_at": updated_at,
        "deleted": deleted,
        "sync_number": number,
        "level": find_level(data or {}),
    }


def _annotation_row(project: ProjectKey, annotation: Annotation, number: int) -> dict[str, Any]:
    return {
        "project": str(project),
        "annotation": annotation.id,
        "task": annotation.task_id,
        "regions": [asdict(region) for region in annotation.regions],
        "was_cancelled": annotation.was_cancelled,
        "ground_truth": annotation.ground_truth,
        "completed_by": annotation.completed_by,
        "updated_at": annotation.updated_at,
        "deleted": False,
        "sync_number": number,
    }


def to_task(row: RowMapping) -> Task:
    return Task(id=row["task"], data=row["data"])


def to_annotation(row: RowMapping) -> Annotation:
    return Annotation(
        id=row["annotation"],
        task_id=row["task"],
        regions=tuple(Region(**region) for region in row["regions"]),
        was_cancelled=row["was_cancelled"],
        ground_truth=row["ground_truth"],
        completed_by=row["completed_by"],
        updated_at=row["updated_at"],
    )


def batches(items: Sequence[Any], size: int = BATCH_SIZE) -> Iterator[Sequence[Any]]:
    """Yield the items in order, at most `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
