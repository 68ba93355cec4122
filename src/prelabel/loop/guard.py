"""A model of one's own, asked so that it harms no other project: in turn, and checked."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from prelabel.errors import ModelError, PrelabelError, shorten
from prelabel.models import artifact
from prelabel.models.base import Model, MultiLabelModel, TextModel, labels_of
from prelabel.models.failures import busy_for, failed_in
from prelabel.models.loader import is_built_in
from prelabel.models.manifest import Manifest

log = logging.getLogger(__name__)

T = TypeVar("T")
Probabilities = npt.NDArray[np.float32]
Predict = Callable[[Sequence[str]], Probabilities]

_TRIED = 5  # texts that a new model is asked about before it may become a version
_ROUNDING = 1e-3
_STORED_APART = 0.05  # numbers that are stored shorter move probabilities by less


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


def learn(fit: Callable[[], object], labels: Collection[str]) -> Model:
    """Return the model that ``fit`` makes; raise `ModelError` if it fails, or makes none.

    Parameters
    ----------
    labels
        All of the project; a model whose `classes_` has none of them would never be of use.
    """
    return _require_model(_call("fit", fit), "fit", labels)


def ask(model: Model, texts: Sequence[str]) -> Probabilities:
    """Return a model's probabilities; raise `ModelError` if it fails, or they cannot be used."""
    found = _call("predict_proba", lambda: np.asarray(model.predict_proba(texts)))
    return _check(found, (len(texts), len(model.classes_)))


def require_answers(model: Model, texts: Sequence[str]) -> None:
    """Raise `ModelError` unless a model can be asked and stored, and what it left out measured.

    What could not be served must not become a version.

    Parameters
    ----------
    texts
        Those it was fitted on.
    """
    tried = texts[:_TRIED]
    found = ask(model, tried)
    if model.out_of_fold_ is not None:
        shape = (len(texts), len(model.classes_))
        _check(np.nan_to_num(np.asarray(model.out_of_fold_)), shape, where="out_of_fold_")
    if not is_built_in(type(model)):
        again = ask(_store_and_load(model), tried)
        if not np.allclose(found, again, rtol=0, atol=_STORED_APART):
            raise ModelError(
                "The model predicts otherwise once it is stored and loaded",
                expected="the same probabilities after from_arrays as before to_arrays",
                fix="Give all that predict_proba needs in to_arrays, and set it in from_arrays.",
            )


def _store_and_load(model: Model) -> Model:
    arrays, labels = _call("to_arrays", model.to_arrays), labels_of(model)
    if not isinstance(arrays, Mapping):
        raise ModelError(
            f"The model's to_arrays gave {type(arrays).__name__}",
            expected="arrays by name",
            fix="Return a dictionary from to_arrays.",
        )
    stored = artifact.store_and_load(arrays)
    found = _call("from_arrays", lambda: type(model).from_arrays(stored, labels))
    loaded = _require_model(found, "from_arrays", labels)
    if labels_of(loaded) != labels:
        raise ModelError(
            f"After from_arrays the model's classes_ are {shorten(labels_of(loaded))}",
            expected=f"those that it was given, {shorten(labels)}",
            fix="Set classes_ in from_arrays.",
        )
    return loaded


def _require_model(found: object, call: str, labels: Collection[str]) -> Model:
    if not isinstance(found, Model):
        raise ModelError(
            f"The model's {call} gave {type(found).__name__}",
            expected="the model",
            fix=f"Return it from {call}.",
        )
    try:
        classes = labels_of(found)
    except (AttributeError, TypeError):
        classes = ()
    if not set(classes) & set(labels):
        raise ModelError(
            f"After {call} the model's classes_ are {shorten(classes)}",
            expected="labels as they were given, in the order of the columns of predict_proba",
            fix=f"Set classes_ in {call}.",
        )
    shape = np.shape(getattr(found, "thresholds_", ()))
    if isinstance(found, MultiLabelModel) and shape != (len(classes),):
        raise ModelError(
            f"After {call} the model's thresholds_ have the shape {shape}",
            expected=f"shape {(len(classes),)}: from which probability on each label is chosen",
            fix=f"Set thresholds_ in {call}.",
        )
    return found


def load(folder: Path, model_class: type[TextModel]) -> tuple[dict[str, Model], Manifest]:
    """Load a version as `artifact.load` does; raise `ModelError` if the model's code fails."""
    return _call("from_arrays", lambda: artifact.load(folder, model_class))


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
        raise busy_for(seconds)
    try:
        return _call("predict_proba", predict)
    finally:
        turn.release()


def _call(name: str, work: Callable[[], T]) -> T:
    try:
        return work()
    except (PrelabelError, KeyboardInterrupt):  # said already; of who types a command
        raise
    except BaseException as error:  # the model's code; even sys.exit is no answer
        log.exception("The model failed in %s", name)
        raise failed_in(name, error) from error


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
