"""What a raw model returned → predictions that Label Studio takes, or a clear error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

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
    if isinstance(plain, Mapping) and "predictions" in plain:
        version = plain.get("model_version") or version
        plain = plain["predictions"]
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
    if type(value) is dict:
        return value
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
    regions = given.get("result") if _is_mapping(given) else None
    if not isinstance(regions, (list, tuple)):
        raise _malformed(number, f"is {shorten(given)}", '{"result": [regions], "score": 0.9}')
    prediction = dict(given)
    prediction["result"] = plain = [_to_plain(region) for region in regions]
    for region in plain:
        if not _is_mapping(region):
            raise _malformed(number, f"has the region {shorten(region)}", "regions as objects")
    if prediction.get("score") is not None:
        prediction["score"] = _read_score(prediction["score"], number)
    named = prediction.get("model_version") or version
    prediction["model_version"] = None if named is None else str(named)
    return prediction


def _is_mapping(value: Any) -> bool:
    return type(value) is dict or isinstance(value, Mapping)


def _read_score(score: Any, number: int) -> float:
    """Read a score; Label Studio refuses a whole batch for one outside of [0, 1]."""
    is_plain = type(score) is float or not hasattr(score, "tolist")
    plain = score if is_plain else score.tolist()  # NumPy has floats of its own
    if isinstance(plain, bool) or not isinstance(plain, int | float) or not math.isfinite(plain):
        raise _malformed(number, f"has the score {shorten(score)}", "a number in [0, 1]")
    return min(1.0, max(0.0, float(plain)))


def encode(value: Any) -> bytes:
    """Return a value as JSON: NumPy's scalars and arrays become numbers and lists.

    Bytes become the text that they are, and half a surrogate pair ``?``.
    """
    return msgspec.json.encode(_write_texts(value), enc_hook=_replace)


def _write_texts(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "replace")
    if type(value) is dict:
        return {_write_texts(key): _write_texts(one) for key, one in value.items()}
    if type(value) in {list, tuple}:
        return [*map(_write_texts, value)]
    is_array_of_bytes = getattr(getattr(value, "dtype", None), "kind", "") == "S"
    return _write_texts(value.tolist()) if is_array_of_bytes else value


def _replace(value: Any) -> Any:
    """Return what stands for a value that JSON does not know, nor msgspec."""
    for convert in ("tolist", "model_dump"):
        method = getattr(value, convert, None)
        if callable(method):
            return method()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, float | int):
        return float(value) if isinstance(value, float) else int(value)
    return str(value)


def _malformed(number: int, found: str, expected: str) -> ModelError:
    return ModelError(
        f"The model's prediction for task {number} of the request {found}",
        expected=expected,
        fix=_FIX,
    )
