"""Tasks, annotations, regions and times: what bodies of both directions are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from prelabel.errors import MalformedError, shorten
from prelabel.types import Annotation, ProjectKey, Region, Task

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a time the sender left out: anything with a time is newer."""

BEFORE_ALL = datetime(1900, 1, 1, tzinfo=UTC)
"""Older than that, too."""


MAX_DEPTH = 100
"""Levels of lists and objects kept inside a value. What is nested almost as deeply as Python can
read at all could be stored, and then not be read where more of its stack is used."""


class TaskBody(msgspec.Struct):
    """A task, as ``/predict``, webhooks and the API carry it."""

    id: Any = None
    data: Any = None
    updated_at: Any = None

    @property
    def usable_data(self) -> Mapping[str, object]:
        """What was imported; data that is no object counts as empty."""
        return self.data if isinstance(self.data, dict) else {}


class AnnotationBody(msgspec.Struct):
    """An annotation, as webhooks and the API carry it."""

    id: Any = None
    result: Any = None
    was_cancelled: Any = False
    ground_truth: Any = False
    completed_by: Any = None
    created_at: Any = None
    updated_at: Any = None


class ProjectBody(msgspec.Struct):
    """A project, as webhooks and the API carry it."""

    id: int
    created_at: str | None = None
    label_config: str | None = None
    updated_at: Any = None

    @property
    def key(self) -> ProjectKey:
        """The project's key; raise `MalformedError` if its id or `created_at` cannot be one."""
        created = to_datetime(self.created_at)
        if created is None:
            raise MalformedError(
                f"Received {shorten(self.created_at)} as the project's created_at",
                expected='an ISO 8601 time, as in "2026-11-23T15:26:52.405302Z"',
                fix="Send the project as Label Studio does.",
            )
        # Parsed, because what is stored must be readable: a negative id would be neither.
        return ProjectKey.parse(f"{self.id}.{int(created.timestamp())}")


def to_task(body: TaskBody) -> Task | None:
    """Return the task, or None if it has no usable id."""
    if not is_id(body.id):
        return None
    data = body.usable_data if _is_shallow(body.usable_data) else {}
    return Task(id=body.id, data=data, updated_at=to_datetime(body.updated_at))


def to_annotation(body: AnnotationBody, task_id: int) -> Annotation | None:
    """Return the annotation, or None if its id is unusable. Unreadable regions are left out."""
    if not is_id(body.id):
        return None
    return Annotation(
        id=body.id,
        task_id=task_id,
        regions=tuple(to_regions(body.result)),
        was_cancelled=body.was_cancelled is True,
        ground_truth=body.ground_truth is True,
        completed_by=body.completed_by if is_id(body.completed_by) else None,
        updated_at=to_datetime(body.updated_at) or to_datetime(body.created_at) or LONG_AGO,
    )


def to_regions(result: object) -> Iterator[Region]:
    """Read an annotation's ``result``: a list of regions, of which anything may be odd.

    Which item of several a region is about, if it is about one, stands with its value.
    """
    for item in result if isinstance(result, list) else []:
        match item:
            case {"from_name": str(name), "value": dict(value), **rest} if _is_shallow(value):
                kind, target = str(rest.get("type", "")), str(rest.get("to_name") or "")
                if isinstance(index := rest.get("item_index"), int):
                    value = {**value, "item_index": index}
                yield Region(from_name=name, to_name=target, type=kind, value=value)


def write_regions(regions: Iterable[Region]) -> list[dict[str, object]]:
    """Return regions as Label Studio writes them."""
    return [
        {"from_name": r.from_name, "to_name": r.to_name, "type": r.type, "value": dict(r.value)}
        for r in regions
    ]


def _is_shallow(value: object, levels: int = MAX_DEPTH) -> bool:
    if not isinstance(value, dict | list):
        return True
    items = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(item, levels - 1) for item in items)


def is_id(value: object) -> bool:
    """Whether it is an id as Label Studio gives and databases hold: a positive 64-bit integer."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def to_datetime(value: object) -> datetime | None:
    """Read an ISO 8601 time; None if it is none. A time without a zone is taken as UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
