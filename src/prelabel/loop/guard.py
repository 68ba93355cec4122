"""A model of one's own, asked so that it harms no other project: in turn, and checked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from prelabel.errors import ModelError
from prelabel.models import artifact
from prelabel.models.arrays import Matrix
from prelabel.models.base import Model, TextModel
from prelabel.models.failures import busy_for, call_model
from prelabel.models.manifest import Manifest

Predict = Callable[[Sequence[str]], Matrix]

_ROUNDING = 1e-3


def guard(models: Iterable[Model], seconds: float) -> None:
    """Guard `predict_proba` of a project's models, which may not be safe for threads.

    From then on it is called by one thread at a time, for all of them together, and raises
    `ModelError` where it fails, or gives no answer that can be used.

    Parameters
    ----------
    seconds
        How long a call waits for the one before it, which may hang.
    """
    turn = threading.Lock()
    for model in models:
        # An attribute of the instance, so that it stays an instance of its own class.
        object.__setattr__(model, "predict_proba", _guarded(model, turn, seconds))


def ask(model: Model, texts: Sequence[str]) -> Matrix:
    """Return a model's probabilities; raise `ModelError` if it fails, or they cannot be used."""
    found = call_model("predict_proba", lambda: np.asarray(model.predict_proba(texts)))
    return check_probabilities(found, (len(texts), len(model.classes_)))


def load(folder: Path, model_class: type[TextModel]) -> tuple[dict[str, Model], Manifest]:
    """Load a version as `artifact.load` does; raise `ModelError` if the model's code fails."""
    return call_model("from_arrays", lambda: artifact.load(folder, model_class))


def check_probabilities(
    probabilities: Matrix, shape: tuple[int, int], where: str = "predict_proba"
) -> Matrix:
    """Return what a model gave; raise `ModelError` unless it is probabilities in this shape.

    Parameters
    ----------
    where
        What gave them, as it is told to whoever wrote it.
    """
    if probabilities.shape != shape:
        raise ModelError(
            f"The model's {where} gave an array of shape {probabilities.shape}",
            expected=f"shape {shape}: a row for each text, a column for each label",
            fix=f"Mend the model's {where}.",
        )
    is_number = np.issubdtype(probabilities.dtype, np.number)
    # Written so that it is false for what is no number, too.
    if not (is_number and ((probabilities >= 0) & (probabilities <= 1 + _ROUNDING)).all()):
        raise ModelError(
            f"The model's {where} gave what are no probabilities",
            expected="finite numbers in [0, 1]",
            fix=f"Mend the model's {where}.",
        )
    return probabilities


def _guarded(model: Model, turn: threading.Lock, seconds: float) -> Predict:
    predict = model.predict_proba

    def predict_proba(texts: Sequence[str]) -> Matrix:
        found = _call_in_turn(lambda: np.asarray(predict(texts)), turn, seconds)
        return check_probabilities(found, (len(texts), len(model.classes_)))

    return predict_proba


def _call_in_turn(predict: Callable[[], Matrix], turn: threading.Lock, seconds: float) -> Matrix:
    if not turn.acquire(timeout=seconds):
        raise busy_for(seconds)
    try:
        return call_model("predict_proba", predict)
    finally:
        turn.release()
