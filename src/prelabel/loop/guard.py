"""A model of one's own, asked so that it harms no other project: in turn, and checked."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prelabel.errors import ModelError
from prelabel.models.base import Model

log = logging.getLogger(__name__)

Probabilities = npt.NDArray[np.float32]
Predict = Callable[[Sequence[str]], Probabilities]

_FIX = "Mend the model's predict_proba."
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


def _guarded(model: Model, turn: threading.Lock, seconds: float) -> Predict:
    predict = model.predict_proba

    def predict_proba(texts: Sequence[str]) -> Probabilities:
        found = _call(lambda: np.asarray(predict(texts)), turn, seconds)
        return _check(found, (len(texts), len(model.classes_)))

    return predict_proba


def _call(
    predict: Callable[[], Probabilities], turn: threading.Lock, seconds: float
) -> Probabilities:
    if not turn.acquire(timeout=seconds):
        raise ModelError(
            f"The model was busy with another request of this project for {seconds:g} s",
            expected="an answer in time",
            fix="Ask again later, or make the model faster.",
        )
    try:
        return predict()
    except BaseException as error:  # the model's code; even sys.exit is no answer
        log.exception("The model failed in predict_proba")
        raise ModelError(
            f"The model failed in predict_proba ({type(error).__name__}{_place(error)})",
            expected="probabilities",
            fix="Look for the request id in the server's log: the whole error stands there.",
        ) from error
    finally:
        turn.release()


def _check(probabilities: Probabilities, shape: tuple[int, int]) -> Probabilities:
    if probabilities.shape != shape:
        raise ModelError(
            f"The model's predict_proba returned an array of shape {probabilities.shape}",
            expected=f"shape {shape}: a row for each text, a column for each label",
            fix=_FIX,
        )
    is_number = np.issubdtype(probabilities.dtype, np.number)
    # Written so that it is false for what is no number, too.
    if not (is_number and ((probabilities >= 0) & (probabilities <= 1 + _ROUNDING)).all()):
        raise ModelError(
            "The model's predict_proba returned what are no probabilities",
            expected="finite numbers in [0, 1]",
            fix=_FIX,
        )
    return probabilities


def _place(error: BaseException) -> str:
    """Name the line of the model's code; neither folders nor the message, which may quote texts."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return f" at {Path(step.tb_frame.f_code.co_filename).name}:{step.tb_lineno}" if step else ""
