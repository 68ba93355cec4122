"""Probabilities → decisions: which labels a control is predicted to have, and how surely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from prelabel.label_config import ControlTag, Kind
from prelabel.loop.trees import choose_paths, put_below
from prelabel.models.arrays import Floats
from prelabel.models.base import Classes, Model, MultiLabelModel, labels_of

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
        yield from _choose_several(control, model, probabilities, offered)
    else:
        if control.options_key is not None:
            probabilities = restrict(probabilities, classes, offered)
        yield from _choose_one_each(control, classes, probabilities)


def restrict(probabilities: Floats, classes: Sequence[str], offered: Sequence[Offered]) -> Floats:
    """Return probabilities where what a task does not offer is out of the question.

    Its label, of several in ``classes``, is one of those that it offers: they sum to 1 again. A row
    is 0 throughout if none of them is known.
    """
    found = np.where(mark_offered(classes, offered), probabilities, 0)
    sums = found.sum(axis=1, keepdims=True)
    restricted: Floats = np.divide(found, sums, out=found, where=sums != 0)
    return restricted


def mark_offered(classes: Sequence[str], offered: Sequence[Offered]) -> npt.NDArray[np.bool_]:
    """Return which labels each task offers, shape (texts, classes)."""
    rows = {  # most tasks offer the same
        allowed: [allowed is None or label in allowed for label in classes]
        for allowed in dict.fromkeys(offered)
    }
    marks = np.array([rows[allowed] for allowed in offered], np.bool_)
    return marks.reshape(len(offered), len(classes))


def choose_columns(control: ControlTag, classes: Classes, probabilities: Floats) -> Columns:
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
    control: ControlTag,
    model: MultiLabelModel,
    probabilities: Floats,
    offered: Sequence[Offered],
) -> npt.NDArray[np.bool_]:
    """Return which labels are chosen of the texts that a model left out, shape (texts, classes).

    What is not known, NaN, is not chosen.

    Parameters
    ----------
    offered
        As for `decide`.
    """
    tuned = model.thresholds_out_of_fold_
    thresholds = model.thresholds_ if tuned is None else tuned
    return _choose_sets(control, labels_of(model), thresholds, probabilities, offered)[1]


def _choose_one_each(
    control: ControlTag, classes: Sequence[str], probabilities: Floats
) -> Iterator[Decision | None]:
    # A text of a label that the config has lost belongs to no other: abstain. What a task does not
    # offer has no probability.
    ends = control.ends if control.options_key is None else frozenset(classes)
    columns = choose_columns(control, classes, probabilities)
    scores = probabilities[np.arange(len(columns)), columns]
    for column, score in zip(columns.tolist(), scores.tolist(), strict=True):
        label = classes[column]
        yield ((label,), min(1.0, score)) if score and label in ends else None


def _choose_several(
    control: ControlTag,
    model: MultiLabelModel,
    probabilities: Floats,
    offered: Sequence[Offered],
) -> Iterator[Decision | None]:
    classes = labels_of(model)
    everywhere = control.values if control.options_key is None else None
    is_known = mark_offered(classes, [everywhere if x is None else x for x in offered])
    known = np.where(is_known, probabilities, np.nan)
    rows, chosen = _choose_sets(control, classes, model.thresholds_, known, offered)
    surely = np.where(chosen, rows, 1 - rows).min(axis=1, where=is_known, initial=1).tolist()
    for row, score, is_any_known in zip(chosen, surely, np.any(is_known, axis=1), strict=True):
        labels = tuple(classes[i] for i in np.flatnonzero(row).tolist())
        is_answer = is_any_known and (labels or control.may_be_empty)
        yield (labels, max(0.0, score)) if is_answer else None


def _choose_sets(
    control: ControlTag,
    classes: Sequence[str],
    thresholds: Floats,
    probabilities: Floats,
    offered: Sequence[Offered],
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the probabilities that count, and which labels are chosen: none that is NaN."""
    is_known, rows = ~np.isnan(probabilities), np.nan_to_num(probabilities)
    rows = put_below(classes, rows) if control.as_paths else rows
    chosen = (rows >= thresholds) & is_known
    if not control.may_be_empty:  # the most probable label, then, with what is above it
        is_empty = ~chosen.any(axis=1)
        best = rows[is_empty] >= rows[is_empty].max(axis=1, keepdims=True)
        chosen[is_empty] = best & is_known[is_empty]
    if not control.as_paths:
        return rows, chosen
    ends = {allowed: control.find_ends(allowed) for allowed in dict.fromkeys(offered)}
    may_end = mark_offered(classes, [ends[allowed] for allowed in offered]) & is_known
    return rows, choose_paths(control, classes, rows, chosen, may_end)
