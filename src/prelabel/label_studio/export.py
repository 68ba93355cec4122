"""A file of tasks and labels → tasks and annotations.

It may be Label Studio's JSON export, its JSON-MIN export, or objects like
``{"text": "see you at six", "label": "ham"}``; each as a JSON list or one object a line. Seen with
Label Studio 1.23.2.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from prelabel.label_config import ControlTag, Label, LabelSchema, ObjectTag
from prelabel.label_studio.columns import (
    META_KEYS,
    Columns,
    find_columns,
    is_flat,
    name_columns,
    read_choice,
)
from prelabel.label_studio.rows import Row, read_list, read_rows
from prelabel.protocol.values import AnnotationBody, is_id, to_annotation
from prelabel.types import Annotation, Task

_NO_ID = 2**62
"""From here on annotations are numbered that have no id; no real one is as large."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """What a file holds.

    Attributes
    ----------
    schema
        What the labeling config means; made up of what was found where none was given.
    tasks
        All tasks, labeled or not, in the order of the file; their ids count from 1.
    annotated
        Every annotation with its task.
    """

    schema: LabelSchema
    tasks: tuple[Task, ...]
    annotated: tuple[tuple[Task, Annotation], ...]

    @property
    def other_labels(self) -> list[str]:
        """Labels that were chosen although the labeling config does not have them."""
        return sorted(
            _chosen(self.schema.control.name, self.annotated) - self.schema.control.values
        )


def read_export(path: Path, schema: LabelSchema | None = None) -> Export:
    """Read a file of tasks and labels.

    Parameters
    ----------
    schema
        The labeling config's; None finds control, labels and texts in the file.

    Raises
    ------
    ConfigError
        If the file cannot be read, or leaves open which control or text is meant.
    """
    rows = read_rows(path)
    columns = name_columns(schema, rows) if schema else find_columns(path, rows)
    tasks: dict[object, Task] = {}
    annotated: list[tuple[Task, Annotation]] = []
    for position, row in enumerate(rows):
        whole = _unflatten(row, columns) if is_flat(row) else row
        # A flat row is one annotation: rows of one id are about one task.
        key = ("id", row["id"]) if is_flat(row) and is_id(row.get("id")) else position
        if key not in tasks:
            tasks[key] = Task(id=len(tasks) + 1, data=whole["data"])
        task = tasks[key]
        bodies = _read_annotations(whole, spare_id=_NO_ID + len(annotated))
        annotated += [(task, item) for body in bodies if (item := to_annotation(body, task.id))]
    return Export(
        schema=schema or _make_schema(columns, annotated),
        tasks=tuple(tasks.values()),
        annotated=tuple(annotated),
    )


def _unflatten(row: Row, columns: Columns) -> Row:
    """Return a JSON-MIN row, or a plain one, as the JSON export has it."""
    data = {k: v for k, v in row.items() if k not in META_KEYS and k != columns.label_key}
    label = row.get(columns.label_key)
    if isinstance(label, bool) or not isinstance(label, str | int) or label == "":
        return {"data": data}
    region = {
        "from_name": columns.control,
        "to_name": columns.shown,
        "type": "choices",
        "value": {"choices": [str(label)]},
    }
    named = {"id": row.get("annotation_id"), "completed_by": row.get("annotator")}
    return {"data": data, "annotations": [{**row, **named, "result": [region]}]}


def _read_annotations(row: Row, *, spare_id: int) -> Iterator[AnnotationBody]:
    """Yield a task's annotations, each with an id: from ``spare_id`` on where it has none."""
    for number, item in enumerate(read_list(row.get("annotations")), spare_id):
        if isinstance(item, dict):
            body = msgspec.convert(item, AnnotationBody)
            body.id = body.id if is_id(body.id) else number
            body.completed_by = _to_person(body.completed_by)
            yield body


def _to_person(value: object) -> object:
    """Return a number for who annotated, whom exports name by id, by e-mail, or as an object."""
    if isinstance(value, dict):
        value = value.get("id")
    return zlib.crc32(value.encode()) if isinstance(value, str) and value else value


def _make_schema(columns: Columns, annotated: Iterable[tuple[Task, Annotation]]) -> LabelSchema:
    """Return a schema of all labels that were chosen."""
    labels = sorted(_chosen(columns.control, annotated))
    return LabelSchema(
        control=ControlTag(
            name=columns.control,
            type="choices",
            object_tag=ObjectTag(name=columns.shown, data_key=columns.data_key),
            labels=tuple(Label(value=label, names=(label,)) for label in labels),
        )
    )


def _chosen(control: str, annotated: Iterable[tuple[Task, Annotation]]) -> set[str]:
    return {
        label
        for _, annotation in annotated
        if not annotation.was_cancelled
        for region in annotation.regions
        if region.from_name == control and (label := read_choice(region)) is not None
    }
