"""``POST /webhook``: what Label Studio tells about a project → `Event`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from prelabel.protocol.values import (
    AnnotationBody,
    ProjectBody,
    TaskBody,
    is_id,
    to_annotation,
    to_datetime,
    to_task,
)
from prelabel.types import Annotation, Event, EventKind, Task

T = TypeVar("T")

KINDS = {
    "ANNOTATION_CREATED": EventKind.ANNOTATED,
    "ANNOTATIONS_CREATED": EventKind.ANNOTATED,
    "ANNOTATION_UPDATED": EventKind.ANNOTATED,
    "ANNOTATIONS_UPDATED": EventKind.ANNOTATED,
    "ANNOTATION_DELETED": EventKind.ANNOTATIONS_DELETED,  # the reference's spelling
    "ANNOTATIONS_DELETED": EventKind.ANNOTATIONS_DELETED,
    "TASKS_CREATED": EventKind.TASKS_CREATED,
    "TASKS_DELETED": EventKind.TASKS_DELETED,
    "PROJECT_UPDATED": EventKind.PROJECT_UPDATED,
    "PROJECT_DELETED": EventKind.PROJECT_DELETED,
    "START_TRAINING": EventKind.TRAINING_REQUESTED,
}
"""What each action means here. Actions of Label Studio that are not listed (``PROJECT_CREATED``,
``LABEL_LINK_…``) change no label and bring no text: acknowledged like unknown ones."""


class EventBody(msgspec.Struct):
    """The body of a webhook: ``{"action": …, "project": {"id": …, "created_at": …}, …}``."""

    action: str
    project: ProjectBody | None = None
    annotation: AnnotationBody | list[AnnotationBody] | None = None
    annotations: list[Any] | None = None
    task: TaskBody | list[TaskBody] | None = None
    tasks: list[Any] | None = None


def find_deleted(body: EventBody) -> int | None:
    """Return the id of a deleted project of which no more is told; None if it is anything else.

    So Label Studio tells it, to webhooks of a whole organization (1.23.2, ``webhooks/models.py``).
    """
    is_deleted = KINDS.get(body.action) is EventKind.PROJECT_DELETED
    if body.project is None or body.project.created_at is not None or not is_deleted:
        return None
    return body.project.id


def to_event(body: EventBody) -> Event | None:
    """Return what happened, or None if it concerns no labels, or no project that can be told."""
    kind = KINDS.get(body.action)
    if kind is None or body.project is None or find_deleted(body) is not None:
        return None
    return Event(
        kind=kind,
        project=body.project.key,
        label_config=body.project.label_config,
        project_updated_at=to_datetime(body.project.updated_at),
        annotated=tuple(_annotated(body)) if kind is EventKind.ANNOTATED else (),
        created=tuple(_created(body)) if kind is EventKind.TASKS_CREATED else (),
        deleted_ids=tuple(number for number in _deleted(body, kind) if is_id(number)),
    )


def _annotated(body: EventBody) -> Iterator[tuple[Task, Annotation]]:
    for annotation_body, task_body in zip(
        _as_list(body.annotation), _as_list(body.task), strict=False
    ):
        task = to_task(task_body)
        annotation = to_annotation(annotation_body, task.id) if task else None
        if task and annotation:
            yield task, annotation


def _created(body: EventBody) -> Iterator[Task]:
    for item in body.tasks or []:
        if isinstance(item, dict):
            body_of_task = TaskBody(item.get("id"), item.get("data"), item.get("updated_at"))
            if task := to_task(body_of_task):
                yield task


def _deleted(body: EventBody, kind: EventKind) -> list[Any]:
    if kind is EventKind.TASKS_DELETED:
        return [_id_of(task) for task in body.tasks or []]
    if kind is EventKind.ANNOTATIONS_DELETED:
        many = [_id_of(annotation) for annotation in body.annotations or []]
        return many + [annotation.id for annotation in _as_list(body.annotation)]
    return []


def _id_of(item: object) -> object:
    return item.get("id") if isinstance(item, dict) else None


def _as_list(value: T | list[T] | None) -> list[T]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
