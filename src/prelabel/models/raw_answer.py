"""What a lower-level model returned → predictions that Label Studio takes, or a clear error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from prelabel.errors import ModelError, shorten

_FIX = "Mend the model's predict."


def to_predictions(answer: Any, n_tasks: int, version: str | None) -> list[Any]:
    """Return one JSON value for each task: a prediction, a list of them, or ``[]`` for none.

    Parameters
    ----------
    answer
        A list, a mapping with ``predictions``, or an object whose ``model_dump`` gives either.
        None and an empty list stand for no prediction at all.
    version
        What predictions carry that name no version of their own.

    Raises
    ------
    ModelError
        If there are not as many predictions as tasks, or one is malformed.
    """
    plain = _to_plain(answer)
    if isinstance(plain, Mapping):
        version = plain.get("model_version") or version
        plain = plain.get("predictions")
    if plain is None:
        plain = []
    if not isinstance(plain, list | tuple):
        raise ModelError(
            f"The model's predict returned {shorten(answer)}",
            expected="a list with one prediction for each task",
            fix=_FIX,
        )
    if not plain:
        return [[] for _ in range(n_tasks)]
    if len(plain) != n_tasks:
        raise ModelError(
            f"The model returned {len(plain)} predictions for {n_tasks} tasks",
            expected="one prediction for each task, in order; [] where there is none",
            fix=_FIX,
        )
    return [_read_entry(entry, number, version) for number, entry in enumerate(plain, 1)]


def _to_plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return dump() if callable(dump) else value


def _read_entry(entry: Any, number: int, version: str | None) -> Any:
    plain = _to_plain(entry)
    if plain is None or plain == []:
        return []
    if isinstance(plain, list | tuple):
        return [_read_one(_to_plain(one), number, version) for one in plain]
    return _read_one(plain, number, version)


def _read_one(given: Any, number: int, version: str | None) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not isinstance(given.get("result"), list | tuple):
        raise _malformed(number, f"is {shorten(given)}", '{"result": [regions], "score": 0.9}')
    prediction = {str(key): to_json(value) for key, value in given.items()}
    regions = prediction["result"]
    for region in regions:
        if not isinstance(region, Mapping):
            raise _malformed(number, f"has the region {shorten(region)}", "regions as objects")
    if prediction.get("score") is not None:
        prediction["score"] = _read_score(prediction["score"], number)
    named = prediction.get("model_version") or version
    prediction["model_version"] = None if named is None else str(named)
    return prediction


def _read_score(score: Any, number: int) -> float:
    """Read a score; Label Studio refuses a whole batch for one outside of [0, 1]."""
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        raise _malformed(number, f"has the score {shorten(score)}", "a number in [0, 1]")
    return min(1.0, max(0.0, float(score)))


def to_json(value: Any) -> Any:
    """Return a value made of JSON's own types: NumPy's scalars and arrays become numbers, lists."""
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return float(value)
    for convert in ("tolist", "model_dump"):
        method = getattr(value, convert, None)
        if callable(method):
            return to_json(method())
    return str(value)


def _malformed(number: int, found: str, expected: str) -> ModelError:
    return ModelError(
        f"The model's prediction for task {number} of the request {found}",
        expected=expected,
        fix=_FIX,
    )
