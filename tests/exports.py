"""Exports to read: the shapes Label Studio 1.23.2 writes, of texts made up here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.acceptance.topics import make_texts

Row = dict[str, Any]


def write(path: Path, rows: object) -> Path:
    path.write_text(json.dumps(rows))
    return path


def write_lines(path: Path, rows: Sequence[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def annotation(label: str | None, *, by: object = 1, name: str = "topic", **rest: object) -> Row:
    value = {"choices": [label]}
    region = {"value": value, "id": "a1", "from_name": name, "to_name": "text", "type": "choices"}
    return {
        "id": 1,
        "completed_by": by,
        "result": [region] if label else [],
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-11-23T15:26:58.686505Z",
        "updated_at": "2026-11-23T15:26:58.686537Z",
        "lead_time": 1.0,
        **rest,
    }


def task(text: str, *annotations: Row, **data: object) -> Row:
    return {"id": 7, "annotations": list(annotations), "data": {"text": text, **data}, "meta": {}}


def min_row(text: str, label: str | Row | None, number: int, **rest: object) -> Row:
    """Return a row of JSON-MIN, its keys in the order that Label Studio writes them."""
    chosen = {} if label is None else {"topic": label}
    named = {"annotator": 1, "annotation_id": number, "created_at": "2026-11-23T15:26:58.686505Z"}
    return {"text": text, "id": number, **chosen, **named, "updated_at": None, **rest}


def labeled_tasks(count: int, *, labeled: int | None = None) -> list[Row]:
    """Return tasks as a JSON export has them; the first ones are labeled, or all."""
    texts = make_texts(count)
    n_labeled = count if labeled is None else labeled
    return [
        task(item.text, *([annotation(item.label, id=n + 1)] if n < n_labeled else []))
        for n, item in enumerate(texts)
    ]
