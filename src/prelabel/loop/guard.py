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

_TRIED = 5  # texts that a new model is asked about before it may become a version
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


def ask(model: Model, texts: Sequence[str]) -> Probabilities:
    """Return a model's probabilities; raise `ModelError` if it fails, or they cannot be used."""
    found = _call(lambda: np.asarray(model.predict_proba(texts)))
    return _check(found, (len(texts), len(model.classes_)))


def require_answers(model: Model, texts: Sequence[str]) -> None:
    """Raise `ModelError` unless a model can be asked, and what it left out can be measured.

    What could not be served must not become a version.

    Parameters
    ----------
    texts
        Those it was fitted on.
    """
    ask(model, texts[:_TRIED])
    if model.out_of_fold_ is not None:
        shape = (len(texts), len(model.classes_))
        _check(np.nan_to_num(np.asarray(model.out_of_fold_)), shape, where="out_of_fold_")


def _guarded(model: Model, turn: threading.Lock, seconds: float) -> Predict:
    predict = model.predict_proba

    def predict_proba(texts: Sequence[str]) -> Probabilities:
        found = _call_in_turn(lambda: np.asarray(predict(texts)), turn, seconds)
        return _check(found, (len(texts), len(model.classes_)))

    return predict_proba


def _call_in_turn(
    predict: Callable[[], Probabilities], turn: threading.Lock, seconds: float
) -> Probabilities:
    if not turn.acquire(timeout=seconds):
        raise ModelError(
            f"The model was busy with another request of this project for {seconds:g} s",
            expected="an answer in time",
            fix="Ask again later, or make the model faster.",
        )
    try:
        return _call(predict)
    finally:
        turn.release()


def _call(predict: Callable[[], Probabilities]) -> Probabilities:
    try:
        return predict()
    except KeyboardInterrupt:  # of who types a command
        raise
    except BaseException as error:  # the model's code; even sys.exit is no answer
        log.exception("The model failed in predict_proba")
        raise ModelError(
            f"The model failed in predict_proba ({type(error).__name__}{_place(error)})",
            expected="probabilities",
            fix="Look for the request id in the server's log: the whole error stands there.",
        ) from error


def _check(
    probabilities: Probabilities, shape: tuple[int, int], where: str = "predict_proba"
) -> Probabilities:
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


def _place(error: BaseException) -> str:
    """Name the line of the model's code; neither folders nor the message, which may quote texts."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return f" at {Path(step.tb_frame.f_code.co_filename).name}:{step.tb_lineno}" if step else ""
