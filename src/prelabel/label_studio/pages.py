"""Pages of tasks: what ``/api/tasks/`` answers, read into values. Seen with Label Studio 1.23.2."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from prelabel.errors import MalformedError
from prelabel.protocol.values import AnnotationBody, TaskBody, is_id, to_annotation, to_task
from prelabel.types import Annotation, Task

T = TypeVar("T")
LabeledTask = tuple[Task, tuple[Annotation, ...]]

log = logging.getLogger(__name__)


class PageBody(msgspec.Struct):
    """``{"tasks": [{"id": …, "annotations": […], …}], "total": 120, …}``.

    The totals are those of all tasks asked for, not of the page. They are counted before the tasks
    are selected, and cut the page off at that number: only a page without tasks is surely the last.
    """

    tasks: list[Any]
    total: int = 0
    total_annotations: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some labeled tasks, each with its annotations.

    Attributes
    ----------
    remaining
        How many tasks there were to ask for when this page was, those of the page included.
    """

    tasks: list[LabeledTask]
    remaining: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """How many labeled tasks there are, with how many annotations that are not skipped.

    Attributes
    ----------
    newest
        When the task that changed last did so, by Label Studio; None if there is none.
    """

    tasks: int
    annotations: int
    newest: datetime | None


class _LabeledTaskBody(TaskBody):
    annotations: Any = None


class _CountBody(msgspec.Struct):
    id: Any = None
    total_annotations: Any = None


def read_summary(page: PageBody) -> Summary:
    """Return what the answer to `write_summary_params` says."""
    bodies = (_convert(item, TaskBody) for item in page.tasks)
    tasks = [task for task in (to_task(body) for body in bodies if body) if task]
    return Summary(
        tasks=page.total,
        annotations=page.total_annotations,
        newest=tasks[0].updated_at if tasks else None,
    )


def read_last(page: PageBody) -> int:
    """Return the id that the answer to `write_last_params` shows; 0 if it shows no task.

    Raises
    ------
    MalformedError
        If the task has no usable id.
    """
    if not page.tasks:
        return 0
    body = _convert(page.tasks[0], _CountBody)
    if body is None or not is_id(body.id):
        raise _out_of_order("a task without a usable id")
    return int(body.id)


def read_counts(page: PageBody, *, after_id: int) -> dict[int, int]:
    """Return how many annotations each task of the page has, by id; in rising order.

    Raises
    ------
    MalformedError
        If the ids do not rise from `after_id`.
    """
    counts = {}
    last_id = after_id
    for body in (_convert(item, _CountBody) for item in page.tasks):
        if body is None or not is_id(body.id) or not isinstance(body.total_annotations, int):
            raise _out_of_order(f"a task without a usable id or count, after task {last_id}")
        if body.id <= last_id:
            raise _out_of_order(f"task {body.id} after task {last_id}")
        last_id = body.id
        counts[last_id] = body.total_annotations
    return counts


def read_unlabeled(page: PageBody, *, after_id: int) -> tuple[list[Task], int | None]:
    """Return the tasks that can be read, and the id to go on after, as `read_page` does."""
    bodies = (_convert(item, TaskBody) for item in page.tasks)
    tasks = [task for task in (to_task(body) for body in bodies if body) if task]
    return tasks, _find_last(page, [task.id for task in tasks], after_id)


def read_page(page: PageBody, *, after_id: int) -> tuple[list[LabeledTask], int | None]:
    """Return the tasks that can be read, and the id to go on after; None if there is no more.

    Raises
    ------
    MalformedError
        If the ids do not rise from `after_id`: going on could skip tasks, or never end.
    """
    labeled, ids = [], [after_id]
    for item in page.tasks:
        body = _convert(item, _LabeledTaskBody)
        task = to_task(body) if body else None
        if body is None or task is None:
            log.warning("Left out a task without a usable id, after task %d", ids[-1])
            continue
        ids.append(task.id)
        if isinstance(body.annotations, list):
            labeled.append((task, tuple(_read_annotations(body.annotations, task.id))))
        else:
            log.warning("Left out task %d: it comes without a list of annotations", task.id)
    return labeled, _find_last(page, ids[1:], after_id)


def _find_last(page: PageBody, ids: Sequence[int], after_id: int) -> int | None:
    """Return the last id, None of an empty page; raise `MalformedError` if they do not rise."""
    for before, id_ in pairwise((after_id, *ids)):
        if id_ <= before:
            raise _out_of_order(f"task {id_} after task {before}")
    if page.tasks and not ids:
        raise _out_of_order(f"no readable id after task {after_id}")
    return ids[-1] if ids else None


def _read_annotations(items: list[Any], task_id: int) -> Iterator[Annotation]:
    for item in items:
        body = _convert(item, AnnotationBody)
        annotation = to_annotation(body, task_id) if body else None
        if annotation:
            yield annotation
        else:
            log.warning("Left out an annotation without a usable id, of task %d", task_id)


def _convert(item: object, body_type: type[T]) -> T | None:
    try:
        return msgspec.convert(item, body_type)
    except msgspec.ValidationError:
        return None


def _out_of_order(what: str) -> MalformedError:
    return MalformedError(
        f"Received {what}",
        expected="tasks in rising order of their ids",
        fix="Is this Label Studio much older or newer than 1.23?",
    )
