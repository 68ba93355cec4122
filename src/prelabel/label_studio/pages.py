"""Pages of labeled tasks: what to ask ``/api/tasks/`` for, and how to read the answer.

Paging is by id, not by row number: tasks labeled or deleted meanwhile make it miss no other.
Seen with Label Studio 1.23.2; the filters are those of its ``data_manager/managers.py``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from prelabel.errors import MalformedError
from prelabel.protocol.values import AnnotationBody, TaskBody, to_annotation, to_task
from prelabel.types import Annotation, Task

T = TypeVar("T")
LabeledTask = tuple[Task, tuple[Annotation, ...]]

FIELDS = "id,data,updated_at,annotations,result,was_cancelled,ground_truth,completed_by,created_at"
"""What a task shall have, fields of its annotations included. It saves Label Studio more than half
of the time that all fields take."""

log = logging.getLogger(__name__)


class PageBody(msgspec.Struct):
    """``{"tasks": [{"id": …, "annotations": […], …}], "total": 120, …}``."""

    # The total is of no use: it is counted before the tasks are selected, and cuts the page off at
    # that number. Only a page without tasks is surely the last.
    tasks: list[Any]


class _LabeledTaskBody(TaskBody):
    annotations: Any = None


def write_params(project_id: int, *, after_id: int, page_size: int) -> dict[str, str | int]:
    """Ask for the first labeled tasks of a project whose id is greater than `after_id`.

    Labeled is what has an annotation that is not skipped. ``completed_at`` would not do: it stays
    empty until a task has as many annotations as the project wants of each.
    """
    after = {"filter": "filter:tasks:id", "operator": "greater", "value": after_id}
    return {
        **_write_query(project_id, [after, {**_ANNOTATIONS, "operator": "greater"}], page_size),
        "fields": "all",  # or there are no annotations, whatever `include` says
        "include": FIELDS,
    }


def write_unlabeled_params(project_id: int, *, limit: int) -> dict[str, str | int]:
    """Ask for the first tasks of a project that have no annotation."""
    unlabeled = {**_ANNOTATIONS, "operator": "equal"}
    return {**_write_query(project_id, [unlabeled], limit), "include": "id,data,updated_at"}


_ANNOTATIONS = {"filter": "filter:tasks:total_annotations", "value": 0}


def _write_query(
    project_id: int, filters: list[dict[str, Any]], page_size: int
) -> dict[str, str | int]:
    items = [{**item, "type": "Number"} for item in filters]
    query = {"filters": {"conjunction": "and", "items": items}, "ordering": ["tasks:id"]}
    return {
        "project": project_id,
        "query": json.dumps(query),
        "page": 1,
        "page_size": page_size,
        "resolve_uri": "false",  # data as imported, as webhooks carry it
    }


def read_unlabeled(page: PageBody) -> list[Task]:
    """Return the tasks that can be read."""
    bodies = (_convert(item, TaskBody) for item in page.tasks)
    tasks = (to_task(body) for body in bodies if body)
    return [task for task in tasks if task]


def read_page(page: PageBody, *, after_id: int) -> tuple[list[LabeledTask], int | None]:
    """Return the tasks that can be read, and the id to go on after; None if there is no more.

    Raises
    ------
    MalformedError
        If the ids do not rise from `after_id`: going on could skip tasks, or never end.
    """
    labeled = []
    last_id = after_id
    for item in page.tasks:
        body = _convert(item, _LabeledTaskBody)
        task = to_task(body) if body else None
        if body is None or task is None:
            log.warning("Left out a task without a usable id, after task %d", last_id)
            continue
        if task.id <= last_id:
            raise _out_of_order(f"task {task.id} after task {last_id}")
        last_id = task.id
        if isinstance(body.annotations, list):
            labeled.append((task, tuple(_read_annotations(body.annotations, task.id))))
        else:
            log.warning("Left out task %d: it comes without a list of annotations", task.id)
    if not page.tasks:
        return labeled, None
    if last_id == after_id:
        raise _out_of_order(f"no readable id after task {after_id}")
    return labeled, last_id


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
