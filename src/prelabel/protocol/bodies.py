"""Requests of Label Studio's ML client, and our answers to them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

import msgspec

from prelabel.errors import MalformedError, TooLargeError
from prelabel.protocol.values import BEFORE_ALL, TaskBody, to_task, write_regions
from prelabel.types import ModelVersion, Prediction, Task

T = TypeVar("T")

MAX_PARTS = 2_000_000
"""Lists and objects in a body. Each takes some 80 bytes of memory, but only two of the body."""


class SetupBody(msgspec.Struct):
    """``/setup``: ``{"project": "<id>.<created>", "schema": "<View>…</View>", …}``."""

    # hostname and access_token are left unread: our key goes to the configured host only, and
    # the token of a stranger is none of our business.
    project: str
    schema: str
    extra_params: Any = None


AskedTask: TypeAlias = TaskBody | list[Any] | str | float | int | bool | None
"""A task that a prediction is asked for, and whatever else stands in its place."""


class PredictBody(msgspec.Struct):
    """``/predict``: ``{"tasks": […], "label_config": "<View>…", "project": "<id>.<created>"}``."""

    tasks: Sequence[AskedTask]
    label_config: str
    project: str

    @property
    def usable_data(self) -> list[Mapping[str, object]]:
        """What each task has; what is no task at all has nothing, and costs no other its answer."""
        return [task.usable_data if isinstance(task, TaskBody) else {} for task in self.tasks]


class ProjectOnlyBody(msgspec.Struct):
    """``/train`` or ``/delete``: ``{"project": "<id>.<created>", …}``."""

    project: str


class JobStatusBody(msgspec.Struct):
    """``/job_status``: ``{"job": "<what the training call answered>"}``."""

    job: Any


class DuplicateBody(msgspec.Struct):
    """``/duplicate_model``: ``{"project_src": "<id>.<created>", "project_dst": …}``."""

    project_src: str
    project_dst: str


class ValidateBody(msgspec.Struct):
    """``/validate``: ``{"config": "<View>…</View>"}``."""

    config: str


def read_tasks(asked: Sequence[AskedTask]) -> list[Task]:
    """Return the tasks that can be kept: of so long ago that whatever an event tells is newer.

    Their data may have been prepared for a reader, with other addresses than was imported.
    """
    tasks = (to_task(body) for body in asked if isinstance(body, TaskBody))
    return [replace(task, updated_at=BEFORE_ALL) for task in tasks if task]


def decode(body: bytes, body_type: type[T]) -> T:
    """Decode a JSON body.

    Raises
    ------
    MalformedError
        If it is not JSON, or not of that type; the message names the place.
    TooLargeError
        If it has more parts than are accepted.
    """
    if len(body) > MAX_PARTS and body.count(b"{") + body.count(b"[") > MAX_PARTS:
        raise TooLargeError(
            f"Received a body of more than {MAX_PARTS} lists and objects",
            expected="a few hundred thousand tasks at most",
            fix="Send fewer tasks at once.",
        )
    return decode_of_any_size(body, body_type)


def decode_of_any_size(body: bytes, body_type: type[T]) -> T:
    """Decode as `decode` does, what its own user gives: no stranger can fill the memory with it."""
    try:
        return msgspec.json.decode(body, type=body_type)
    except msgspec.ValidationError as error:
        if "out of range" in str(error):
            return _decode_leniently(body, body_type)
        raise _malformed(f"Received a body that does not fit ({error})", body_type) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_leniently(body, body_type)


def _decode_leniently(body: bytes, body_type: type[T]) -> T:
    """Decode what Python writes although JSON forbids it.

    Half a surrogate pair becomes ``?``; NaN, infinities and numbers too long to be any become null.
    """
    try:
        value = json.loads(
            body, parse_constant=lambda _: None, parse_int=_to_int, parse_float=_to_float
        )
        cleaned = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        return msgspec.json.decode(cleaned, type=body_type)
    except msgspec.ValidationError as error:
        raise _malformed(f"Received a body that does not fit ({error})", body_type) from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise _malformed(f"Received a body that is not JSON ({reason})", body_type) from error


def _to_int(digits: str) -> int | None:
    return int(digits) if len(digits) < 20 else None


def _to_float(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _malformed(received: str, body_type: type[object]) -> MalformedError:
    return MalformedError(
        received,
        expected=(body_type.__doc__ or "").replace("`", "").rstrip("."),
        fix="Send the JSON object that Label Studio sends.",
    )


def write_versions(versions: Sequence[ModelVersion], active: ModelVersion | None) -> list[object]:
    """Return what is known of a project's versions, in their order."""
    return [
        {
            "name": version.name,
            "project": str(version.project),
            "active": active is not None and version.number == active.number,
            "withheld": version.withheld,
            "withdrawn_at": version.withdrawn_at,
            "created_at": version.created_at,
            "examples": version.examples,
            "labels": {head.control: head.labels for head in version.heads},
            "name_texts": {head.control: head.name_texts for head in version.heads},
            "metrics": version.metrics,
        }
        for version in versions
    ]


def write_results(predictions: Sequence[Prediction | None]) -> bytes:
    """Encode the answer to ``/predict``: one entry a task, in order, ``[]`` for an abstention."""
    shared = {id(p.regions): p.regions for p in predictions if p}  # most have those of another
    written = {key: write_regions(regions) for key, regions in shared.items()}
    results: list[object] = [
        []
        if prediction is None
        else {
            "result": written[id(prediction.regions)],
            "score": prediction.score,
            "model_version": prediction.model_version,
        }
        for prediction in predictions
    ]
    return msgspec.json.encode({"results": results})
