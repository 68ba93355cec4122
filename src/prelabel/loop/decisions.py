"""Probabilities → decisions: which labels a control is predicted to have, and how surely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from prelabel.label_config import ControlTag, Kind
from prelabel.models.base import Model, MultiLabelModel

Probabilities: TypeAlias = npt.NDArray[np.floating]
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
    probabilities = model.predict_proba(texts)
    if control.kind is Kind.ONE and control.options_key is None:
        yield from _choose_most_probable(control, model.classes_, probabilities)
        return
    for row, allowed in zip(probabilities, offered, strict=True):
        if isinstance(model, MultiLabelModel):
            yield _choose_several(control, model, row, allowed)
        else:
            yield _choose_one(control, model.classes_, row, allowed)


def _choose_most_probable(
    control: ControlTag, classes: Sequence[str], probabilities: Probabilities
) -> Iterator[Decision | None]:
    # A text of a label that the config has lost belongs to no other: abstain.
    values = control.values
    best, scores = probabilities.argmax(axis=1).tolist(), probabilities.max(axis=1).tolist()
    for column, score in zip(best, scores, strict=True):
        label = classes[column]
        yield ((label,), min(1.0, score)) if label in values else None


def choose_sets(model: MultiLabelModel, probabilities: Probabilities) -> list[tuple[str, ...]]:
    """Return the labels that probabilities, shape (texts, classes), amount to."""
    chosen = probabilities >= model.thresholds_
    return [tuple(model.classes_[i] for i in np.flatnonzero(row)) for row in chosen]


def _choose_one(
    control: ControlTag, classes: Sequence[str], row: Probabilities, allowed: Offered
) -> Decision | None:
    if allowed is not None:  # what the task does not offer is out of the question
        row = np.where([label in allowed for label in classes], row, 0)
        if not row.any():
            return None
        row /= row.sum()
    if control.kind is Kind.RATING and control.values.issuperset(classes):
        best = _median(classes, row)
    else:
        best = int(row.argmax())
    label = classes[best]
    if control.options_key is None and label not in control.values:
        return None
    return (label,), min(1.0, float(row[best]))


def _median(classes: Sequence[str], row: Probabilities) -> int:
    """Return the column of the middle rating: of all, it is off by the fewest stars on average."""
    order = sorted(range(len(classes)), key=lambda column: int(classes[column]))
    reached = np.cumsum(row[order])
    return order[min(int(np.searchsorted(reached, _HALF)), len(order) - 1)]


def _choose_several(
    control: ControlTag, model: MultiLabelModel, row: Probabilities, allowed: Offered
) -> Decision | None:
    known = control.values if allowed is None else allowed
    is_known = np.array([label in known for label in model.classes_])
    if not is_known.any():
        return None
    row = np.where(is_known, row, 0)
    if control.as_paths:
        row = _below_parents(model.classes_, row)
    chosen = row >= model.thresholds_
    if not chosen.any() and not control.may_be_empty:
        chosen = row >= row.max()  # a label is required: the most probable, with what is above it
    surely = float(np.where(chosen, row, 1 - row)[is_known].min())
    labels = tuple(model.classes_[i] for i in np.flatnonzero(chosen & is_known))
    return labels, min(1.0, max(0.0, surely))


def _below_parents(classes: Sequence[str], row: Probabilities) -> Probabilities:
    """Let nothing be more probable than what is above it in the tree."""
    column = {label: i for i, label in enumerate(classes)}
    found = row.copy()
    for i, label in enumerate(classes):
        while (label := label.rpartition(" / ")[0]) in column:
            found[i] = min(found[i], row[column[label]])
    return found
