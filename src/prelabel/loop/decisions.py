"""Probabilities → decisions: which labels a control is predicted to have, and how surely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from prelabel.label_config import ControlTag, Kind
from prelabel.models.base import Classes, Model, MultiLabelModel, labels_of

Probabilities: TypeAlias = npt.NDArray[np.floating]
Columns: TypeAlias = npt.NDArray[np.integer]
Offered: TypeAlias = frozenset[str] | None

Decision: TypeAlias = tuple[tuple[str, ...], float]
"""Labels, and the probability of the least certain of them."""

_HALF = 0.5


def decide(
    control: ControlTag, model: Model, texts: Sequence[str], offered: Sequence[Offered]
) -> Iterator[Decision | None]:
    """Yield the decision about each text, in order; None abstains.

    Parameters
    ----------
    offered
        The labels that each text's own task may have; None if that says nothing of them.
    """
    probabilities, classes = model.predict_proba(texts), labels_of(model)
    if isinstance(model, MultiLabelModel):
        for row, allowed in zip(probabilities, offered, strict=True):
            yield _choose_several(control, model, classes, row, allowed)
    elif control.options_key is None:
        yield from _choose_one_each(control, classes, probabilities)
    else:
        yield from _choose_offered(control, classes, restrict(probabilities, classes, offered))


def restrict(
    probabilities: Probabilities, classes: Sequence[str], offered: Sequence[Offered]
) -> Probabilities:
    """Return probabilities where what a task does not offer is out of the question.

    Its label, of several in ``classes``, is one of those that it offers: they sum to 1 again. A row
    is 0 throughout if none of them is known.
    """
    found = np.where(mark_offered(classes, offered), probabilities, 0)
    sums = found.sum(axis=1, keepdims=True)
    restricted: Probabilities = np.divide(found, sums, out=found, where=sums != 0)
    return restricted


def mark_offered(classes: Sequence[str], offered: Sequence[Offered]) -> npt.NDArray[np.bool_]:
    """Return which labels each task offers, shape (texts, classes)."""
    rows = [[allowed is None or label in allowed for label in classes] for allowed in offered]
    return np.array(rows, np.bool_).reshape(len(offered), len(classes))


def choose_columns(control: ControlTag, classes: Classes, probabilities: Probabilities) -> Columns:
    """Return the column of the label that is chosen of each row, shape (texts,).

    It is the most probable one; of ratings it is the middle one, which is off by the fewest stars
    on average.
    """
    if control.kind is not Kind.RATING or not control.values.issuperset(classes):
        best: Columns = probabilities.argmax(axis=1)
        return best
    order = np.argsort([int(label) for label in classes])
    reached = probabilities[:, order].cumsum(axis=1)
    middle = (reached < _HALF).sum(axis=1)
    found: Columns = order[np.minimum(middle, len(order) - 1)]
    return found


def choose_left_out(
    control: ControlTag, model: MultiLabelModel, probabilities: Probabilities
) -> npt.NDArray[np.bool_]:
    """Return which labels are chosen of the texts that a model left out, shape (texts, classes).

    A task may have all of them. What is not known, NaN, is not chosen.
    """
    rows, tuned = np.nan_to_num(probabilities), model.thresholds_out_of_fold_
    thresholds = model.thresholds_ if tuned is None else tuned
    return _choose_sets(control, thresholds, _put_below(control, model, rows))


def _choose_one_each(
    control: ControlTag, classes: Sequence[str], probabilities: Probabilities
) -> Iterator[Decision | None]:
    # A text of a label that the config has lost belongs to no other: abstain.
    values = control.values
    columns = choose_columns(control, classes, probabilities)
    scores = probabilities[np.arange(len(columns)), columns]
    for column, score in zip(columns.tolist(), scores.tolist(), strict=True):
        label = classes[column]
        yield ((label,), min(1.0, score)) if label in values else None


def _choose_offered(
    control: ControlTag, classes: Sequence[str], restricted: Probabilities
) -> Iterator[Decision | None]:
    columns = choose_columns(control, classes, restricted)
    scores = restricted[np.arange(len(columns)), columns]
    for column, score in zip(columns.tolist(), scores.tolist(), strict=True):
        yield ((classes[column],), min(1.0, score)) if score else None


def _choose_several(
    control: ControlTag,
    model: MultiLabelModel,
    classes: Sequence[str],
    row: Probabilities,
    allowed: Offered,
) -> Decision | None:
    if allowed is None and control.options_key is None:
        allowed = control.values
    is_known = np.array([allowed is None or label in allowed for label in classes])
    if not is_known.any():
        return None
    rows = _put_below(control, model, np.where(is_known, row, 0)[np.newaxis])
    (row,), (chosen,) = rows, _choose_sets(control, model.thresholds_, rows)
    surely = float(np.where(chosen, row, 1 - row)[is_known].min())
    labels = tuple(classes[i] for i in np.flatnonzero(chosen & is_known).tolist())
    return labels, min(1.0, max(0.0, surely))


def _choose_sets(
    control: ControlTag, thresholds: Probabilities, rows: Probabilities
) -> npt.NDArray[np.bool_]:
    chosen = rows >= thresholds
    if not control.may_be_empty:  # the most probable label, then, with what is above it
        is_empty = ~chosen.any(axis=1)
        chosen[is_empty] = rows[is_empty] >= rows[is_empty].max(axis=1, keepdims=True)
    return chosen


def _put_below(control: ControlTag, model: MultiLabelModel, rows: Probabilities) -> Probabilities:
    """Let nothing of a tree be more probable than what is above it."""
    if not control.as_paths:
        return rows
    column = {label: i for i, label in enumerate(model.classes_)}
    found = rows.copy()
    for i, label in enumerate(model.classes_):
        while (label := label.rpartition(" / ")[0]) in column:
            found[:, i] = np.minimum(found[:, i], rows[:, column[label]])
    return found
