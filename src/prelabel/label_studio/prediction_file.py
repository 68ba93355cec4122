"""Predictions → a file that Label Studio imports."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import msgspec

from prelabel.protocol.values import write_regions
from prelabel.types import Prediction, Task


class PredictionFile:
    """A JSON list under way: ``[{"data": {…}, "predictions": [{…}]}, …]``."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._separator = b"[\n"

    def write(self, tasks: Iterable[Task], predictions: Iterable[Prediction | None]) -> None:
        """Add tasks, each with its prediction; None leaves its list empty."""
        for task, prediction in zip(tasks, predictions, strict=True):
            body = {"data": task.data, "predictions": _write(prediction) if prediction else []}
            self._file.write(self._separator + msgspec.json.encode(body))
            self._separator = b",\n"

    def end(self) -> None:
        """Close the list."""
        self._file.write((b"[" if self._separator == b"[\n" else b"") + b"\n]\n")


@contextmanager
def open_prediction_file(path: Path) -> Iterator[PredictionFile]:
    """Write a file that appears under its name when it is complete, replacing an older one.

    What is no file, as a pipe is none, is written into as it goes.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file, _ended(file) as predictions:
            yield predictions
        return
    place = path.resolve()  # a link goes on leading there
    temporary = place.with_name(f".{place.name}.{uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            with _ended(file) as predictions:
                yield predictions
            os.fsync(file.fileno())
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _ended(file: BinaryIO) -> Iterator[PredictionFile]:
    predictions = PredictionFile(file)
    yield predictions
    predictions.end()


def _write(prediction: Prediction) -> list[dict[str, object]]:
    return [
        {
            "model_version": prediction.model_version,
            "score": prediction.score,
            "result": write_regions(prediction.regions),
        }
    ]
