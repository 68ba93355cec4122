"""A file of tasks and labels → tasks and annotations.

It may be Label Studio's JSON export, its JSON-MIN export, or objects like
``{"text": "see you at six", "label": "ham"}``; each as a JSON list or one object a line. Seen with
Label Studio 1.23.2.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TypeAlias

import msgspec

from prelabel.label_config import LabelSchema
from prelabel.label_studio.columns import (
    META_KEYS,
    Columns,
    find_schema,
    is_flat,
    is_json_min,
    name_columns,
)
from prelabel.label_studio.rows import Row, read_list, read_rows
from prelabel.protocol.values import AnnotationBody, is_id, to_annotation, write_regions
from prelabel.types import Annotation, Task

Annotated: TypeAlias = tuple[Task, Annotation]

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
    annotated: tuple[Annotated, ...]

    @property
    def other_labels(self) -> list[str]:
        """Labels that were chosen although the labeling config does not have them."""
        found = set[str]()
        for control in self.schema.controls:
            for _, annotation in self.annotated:
                if not annotation.was_cancelled:
                    found |= control.find_unknown(annotation.regions)
        return sorted(found)


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
    schema = schema or find_schema(path, rows)
    columns = name_columns(schema, rows)
    tasks: dict[object, Task] = {}
    annotated: list[Annotated] = []
    for position, row in enumerate(rows):
        whole = _unflatten(row, columns) if is_flat(row) else row
        key = _name_task(row, whole["data"], schema) or position
        if key not in tasks:
            tasks[key] = Task(id=len(tasks) + 1, data=whole["data"])
        task = tasks[key]
        bodies = _read_annotations(whole, spare_id=_NO_ID + len(annotated))
        annotated += [(task, item) for body in bodies if (item := to_annotation(body, task.id))]
    return Export(schema=schema, tasks=tuple(tasks.values()), annotated=tuple(_order(annotated)))


def _order(annotated: Iterable[Annotated]) -> Iterator[Annotated]:
    """Give annotations that have none an id by what they say, not by where they stand.

    Label Studio and people sort the same labels differently, and files have one label after the
    other: what is learned of the first ones would be of one label.
    """
    spare = count(_NO_ID)
    for task, annotation in sorted(annotated, key=_describe):
        has_id = annotation.id < _NO_ID
        yield task, annotation if has_id else replace(annotation, id=next(spare))


def _describe(pair: Annotated) -> bytes:
    task, annotation = pair
    return digest([task.data, write_regions(annotation.regions), annotation.completed_by])


def digest(value: object) -> bytes:
    """Return what stands for any value that is fit for JSON: it orders such at random, for good."""
    written = msgspec.json.encode(value, order="deterministic")
    return hashlib.blake2b(written, digest_size=16).digest()


def _name_task(row: Row, data: Mapping[str, object], schema: LabelSchema) -> object:
    """Return what the task of a flat row is known by, None if by its place in the file.

    Such a row is one annotation: those of one id are about one task, if their texts are equal.
    Others' files have numbers of their own, and two projects have the same.
    """
    if not (is_flat(row) and is_id(row.get("id"))):
        return None
    return row["id"], *[control.read_text(data) for control in schema.controls]


def _unflatten(row: Row, columns: Sequence[Columns]) -> Row:
    """Return a JSON-MIN row, or a plain one, as the JSON export has it."""
    meta = META_KEYS if is_json_min(row) else ()
    decided = {*meta, *(column.label_key for column in columns)}
    data = {key: value for key, value in row.items() if key not in decided}
    regions = [region for column in columns if (region := column.read_region(row))]
    says_none = any(row.get(column.label_key) == [] for column in columns)
    # Label Studio leaves out what was skipped: who annotated and chose nothing meant that.
    is_annotated = is_json_min(row) and is_id(row.get("annotation_id"))
    if not (regions or says_none or is_annotated):
        return {"data": data}
    named = {"id": row.get("annotation_id"), "completed_by": row.get("annotator")}
    return {"data": data, "annotations": [{**row, **named, "result": write_regions(regions)}]}


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
