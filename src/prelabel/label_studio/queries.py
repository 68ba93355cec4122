"""What ``/api/tasks/`` is asked for: labeled tasks, changed ones, counts.

Paging is by id, not by row number: tasks labeled or deleted meanwhile make it miss no other.
Seen with Label Studio 1.23.2; the filters are those of its ``data_manager/managers.py``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

Filter = dict[str, str | int]
Params = dict[str, str | int]

FIELDS = "id,data,updated_at,annotations,result,was_cancelled,ground_truth,completed_by,created_at"
"""What a task shall have, fields of its annotations included. It saves Label Studio more than half
of the time that all fields take."""

_ANNOTATIONS: Filter = {"filter": "filter:tasks:total_annotations", "type": "Number", "value": 0}
_LABELED = {**_ANNOTATIONS, "operator": "greater"}
_UNLABELED = {**_ANNOTATIONS, "operator": "equal"}

# Without `fields` there are no annotations, whatever `include` says.
_WITH_ANNOTATIONS = {"fields": "all", "include": FIELDS}


def write_params(
    project_id: int, *, after_id: int, page_size: int, since: datetime | None = None
) -> Params:
    """Ask for the first labeled tasks of a project whose id is greater than `after_id`.

    Labeled is what has an annotation that is not skipped. ``completed_at`` would not do: it stays
    empty until a task has as many annotations as the project wants of each.
    """
    filters = [_after(after_id), _LABELED, *_changed(since)]
    return _write_query(project_id, filters, page_size) | _WITH_ANNOTATIONS


def write_params_of(project_id: int, ids: Sequence[int]) -> Params:
    """Ask for the labeled tasks among those with these ids."""
    return _write_query(project_id, [_LABELED], len(ids), ids=ids) | _WITH_ANNOTATIONS


def write_last_params(project_id: int) -> Params:
    """Ask for the labeled task whose id is the greatest."""
    last_first = _write_query(project_id, [_LABELED], 1, ordering="-tasks:id")
    return {**last_first, "include": "id"}


def write_count_params(project_id: int, *, after_id: int, page_size: int) -> Params:
    """Ask how many annotations the first labeled tasks after an id have."""
    wanted = _write_query(project_id, [_after(after_id), _LABELED], page_size)
    return {**wanted, "include": "id,total_annotations"}


def write_summary_params(project_id: int) -> Params:
    """Ask for the labeled task that changed last; the page's totals are those of all labeled."""
    newest_first = _write_query(project_id, [_LABELED], 1, ordering="-tasks:updated_at")
    return {**newest_first, "include": "id,updated_at"}


def write_unlabeled_params(
    project_id: int, *, after_id: int, page_size: int, since: datetime | None = None
) -> Params:
    """Ask for the first tasks of a project that have no annotation, and a greater id."""
    filters = [_after(after_id), _UNLABELED, *_changed(since)]
    wanted = _write_query(project_id, filters, page_size)
    return {**wanted, "include": "id,data,updated_at"}


def _after(id_: int) -> Filter:
    return {"filter": "filter:tasks:id", "type": "Number", "operator": "greater", "value": id_}


def _changed(since: datetime | None) -> list[Filter]:
    if since is None:
        return []
    wanted = {"filter": "filter:tasks:updated_at", "type": "Datetime", "operator": "greater"}
    return [{**wanted, "value": since.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}]


def _write_query(
    project_id: int,
    filters: Sequence[Filter],
    page_size: int,
    *,
    ordering: str = "tasks:id",
    ids: Sequence[int] | None = None,
) -> Params:
    query: dict[str, Any] = {"filters": {"conjunction": "and", "items": filters}}
    query["ordering"] = [ordering]
    if ids is not None:
        query["selectedItems"] = {"all": False, "included": list(ids)}
    return {
        "project": project_id,
        "query": json.dumps(query),
        "page": 1,
        "page_size": page_size,
        "resolve_uri": "false",  # data as imported, as webhooks carry it
    }
