"""How good a version is where several labels may be chosen: each label is a decision by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from prelabel.loop.evaluation import (
    LEAST_PROBABILITY,
    Evaluation,
    Probabilities,
    calibration_error,
    measure_labels,
)
from prelabel.models.side_by_side import mark


def evaluate_sets(
    labels: Sequence[Collection[str]],
    classes: Sequence[str],
    probabilities: Probabilities,
    chosen: npt.NDArray[np.bool_],
) -> Evaluation | None:
    """Compare probabilities and choices with the labels people gave; None if none was measured.

    Parameters
    ----------
    labels
        The right labels of each example. Those not among ``classes`` are missed, whatever is
        chosen.
    classes
        Names of the columns.
    probabilities, chosen
        Shape (len(labels), len(classes)), by a model that did not see the example. NaN where a
        label was not measured for an example; an example without any number is left out.
    """
    measured = np.flatnonzero(np.any(~np.isnan(probabilities), axis=1))
    if not measured.size:
        return None
    truths = [frozenset(labels[i]) for i in measured.tolist()]
    guesses = [
        frozenset(classes[i] for i in np.flatnonzero(row).tolist()) for row in chosen[measured]
    ]
    per_label = measure_labels(
        _count(truths),
        _count(guesses),
        _count(truth & guess for truth, guess in zip(truths, guesses, strict=True)),
    )
    has_it = mark(truths, classes)
    known = probabilities[measured].astype(np.float64)
    is_known = ~np.isnan(known)
    return Evaluation(
        n_examples=len(truths),
        accuracy=float(np.mean([t == g for t, g in zip(truths, guesses, strict=True)])),
        micro_f1=_micro_f1(truths, guesses),
        macro_f1=float(np.mean([label.f1 for label in per_label.values()])) if per_label else 1.0,
        log_loss=_log_loss(known[is_known], has_it[is_known]),
        ece=calibration_error(known[is_known], has_it[is_known]),
        per_label=per_label,
        confusion={},
    )


def _count(sets: Iterable[frozenset[str]]) -> Counter[str]:
    return Counter(chain.from_iterable(sets))


def _micro_f1(truths: Sequence[frozenset[str]], guesses: Sequence[frozenset[str]]) -> float:
    right = sum(len(truth & guess) for truth, guess in zip(truths, guesses, strict=True))
    there = sum(map(len, truths)) + sum(map(len, guesses))
    return 2 * right / there if there else 1.0


def _log_loss(known: Probabilities, has_it: npt.NDArray[np.bool_]) -> float:
    of_the_truth = np.where(has_it, known, 1 - known)
    return float(-np.log(np.maximum(of_the_truth, LEAST_PROBABILITY)).mean())
