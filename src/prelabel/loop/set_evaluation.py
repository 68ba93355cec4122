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
    calibration_error,
    measure_labels,
)
from prelabel.models.arrays import Floats
from prelabel.models.side_by_side import mark


def evaluate_sets(
    labels: Sequence[Collection[str]],
    classes: Sequence[str],
    probabilities: Floats,
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


def find_overlap(truth: Collection[str], chosen: Collection[str]) -> float:
    """Return how many labels are right, of all given or chosen; of one each, 1 or 0.

    Jaccard's index: exactly the right labels are rare where there are many.

    >>> find_overlap(("late", "cold"), ("late",)), find_overlap((), ())
    (0.5, 1.0)
    """
    either = {*truth, *chosen}
    return len({*truth} & {*chosen}) / len(either) if either else 1.0


def are_sets_clearly_worse(gains: Sequence[float], *, threshold: float) -> bool:
    """Whether one of two classifiers is worse on the same texts, and hardly by chance.

    Were they equally good, each text would be as likely to gain as to lose as much: this is
    Wilcoxon's one-sided signed-rank test, in which a small difference counts less than a large one.
    https://doi.org/10.2307/3001968

    >>> are_sets_clearly_worse([-0.5] * 7 + [0.0] * 9, threshold=0.01)
    True
    >>> are_sets_clearly_worse([-0.5] * 7 + [1.0] * 3, threshold=0.01)
    False

    Parameters
    ----------
    gains
        By how much more of each text's labels this one is right than the other, `find_overlap`.
    threshold
        Worse is what would come by chance with a smaller probability; 0 is never.
    """
    from scipy.stats import wilcoxon  # noqa: PLC0415 - a process that serves does without

    differences = [gain for gain in gains if gain]
    if not differences:
        return False
    return bool(wilcoxon(differences, alternative="less").pvalue < threshold)


def _count(sets: Iterable[frozenset[str]]) -> Counter[str]:
    return Counter(chain.from_iterable(sets))


def _micro_f1(truths: Sequence[frozenset[str]], guesses: Sequence[frozenset[str]]) -> float:
    right = sum(len(truth & guess) for truth, guess in zip(truths, guesses, strict=True))
    there = sum(map(len, truths)) + sum(map(len, guesses))
    return 2 * right / there if there else 1.0


def _log_loss(known: Floats, has_it: npt.NDArray[np.bool_]) -> float:
    of_the_truth = np.where(has_it, known, 1 - known)
    return float(-np.log(np.maximum(of_the_truth, LEAST_PROBABILITY)).mean())
