"""What a model must show before it becomes a version: answers, and that it can be stored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Set

import numpy as np

from prelabel.errors import ModelError, shorten
from prelabel.loop.guard import ask, check_probabilities
from prelabel.models.arrays import Matrix
from prelabel.models.base import Model, MultiLabelModel, TextModel, labels_of
from prelabel.models.failures import call_model
from prelabel.models.loader import is_built_in
from prelabel.models.tensors import store_and_load

_TRIED = 5  # texts that a new model is asked about
_ROUNDING = 0.01  # of sums of numbers with few digits
_STORED_APART = 0.05  # numbers that are stored shorter move probabilities by less


def learn(fit: Callable[[], object], labels: Collection[str]) -> Model:
    """Return the model that ``fit`` makes; raise `ModelError` if it fails, or makes none.

    Parameters
    ----------
    labels
        All of the project; a model whose `classes_` has none of them would never be of use.
    """
    return _require_model(call_model("fit", fit), "fit", labels)


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
    if isinstance(model, TextModel):
        _require_shares(found)
    if model.out_of_fold_ is not None:
        shape = (len(texts), len(model.classes_))
        check_probabilities(
            np.nan_to_num(np.asarray(model.out_of_fold_)), shape, where="out_of_fold_"
        )
    if not is_built_in(type(model)):
        again = ask(_store_and_load(model), tried)
        if not np.allclose(found, again, rtol=0, atol=_STORED_APART):
            raise ModelError(
                "The model predicts otherwise once it is stored and loaded",
                expected="the same probabilities after from_arrays as before to_arrays",
                fix="Give all that predict_proba needs in to_arrays, and set it in from_arrays.",
            )


def _require_shares(probabilities: Matrix) -> None:
    sums = probabilities.sum(axis=1)
    if (abs(sums - 1) > _ROUNDING).any():
        raise ModelError(
            f"The model's predict_proba gave probabilities that sum to {sums.round(3).tolist()}",
            expected="1 for each text",
            fix="Divide each row of predict_proba by its sum.",
        )


def _store_and_load(model: Model) -> Model:
    arrays, labels = call_model("to_arrays", model.to_arrays), labels_of(model)
    if not isinstance(arrays, Mapping):
        raise ModelError(
            f"The model's to_arrays gave {type(arrays).__name__}",
            expected="arrays by name",
            fix="Return a dictionary from to_arrays.",
        )
    stored = store_and_load(arrays)
    found = call_model("from_arrays", lambda: type(model).from_arrays(stored, labels))
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
    if isinstance(found.classes_, Set) or len(set(classes)) < len(classes):
        raise ModelError(
            f"After {call} the model's classes_ are {shorten(found.classes_)}",
            expected="each label once, in the order of the columns of predict_proba",
            fix=f"Set classes_ in {call} to a list or an array of different labels.",
        )
    shape = np.shape(getattr(found, "thresholds_", ()))
    if isinstance(found, MultiLabelModel) and shape != (len(classes),):
        raise ModelError(
            f"After {call} the model's thresholds_ have the shape {shape}",
            expected=f"shape {(len(classes),)}: from which probability on each label is chosen",
            fix=f"Set thresholds_ in {call}.",
        )
    return found
