"""How good a version is, by the examples that its model was measured on without having seen them.

NumPy only: a process that serves may import it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prelabel.errors import shorten
from prelabel.models.arrays import Floats

LEAST_PROBABILITY = 1e-4
"""What the log-loss takes a label's probability to be at least: one example costs 9.2 at most."""

_BINS = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelMetrics:
    """How well one label is told from the others; 0 where nothing was predicted or nothing is so.

    Attributes
    ----------
    precision
        Share of the examples predicted to have the label that have it.
    recall
        Share of the examples that have the label that were predicted to have it.
    f1
        Harmonic mean of the two.
    support
        How many of the measured examples have the label.
    """

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """What a model is worth on texts that it did not learn from.

    Attributes
    ----------
    n_examples
        Examples measured.
    accuracy
        Share of them about which the model is right; where several labels may be chosen, about all
        of them.
    micro_f1
        F1 of all decisions about single labels together; where one is chosen, the accuracy.
    macro_f1
        Mean of the labels' F1, over all labels that one of them has or was predicted to have.
    log_loss
        Mean of minus the natural logarithm of the probability of what is right, which counts as
        `LEAST_PROBABILITY` where it is smaller; where several labels may be chosen, of each
        label's being chosen or not.
    ece
        Expected calibration error: by how much the probability of the predicted label is off from
        how often it is right, in 15 equal bins of that probability; where several labels may be
        chosen, of every label.
    per_label
        By label, in the order of their names.
    confusion
        How many examples of a label (first key) were predicted to have which (second key); pairs
        that did not occur are left out. Empty where several labels may be chosen.
    """

    n_examples: int
    accuracy: float
    micro_f1: float
    macro_f1: float
    log_loss: float
    ece: float
    per_label: Mapping[str, LabelMetrics]
    confusion: Mapping[str, Mapping[str, int]]

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain numbers by name, rounded to four digits, fit for JSON."""
        return {name: _round(value) for name, value in asdict(self).items()}

    def __str__(self) -> str:
        """Return one line for people."""
        line = (
            f"accuracy {self.accuracy:.2f}, micro-F1 {self.micro_f1:.2f}, "
            f"macro-F1 {self.macro_f1:.2f}, log-loss {self.log_loss:.2f}, ECE {self.ece:.2f} "
            f"on {self.n_examples} examples left out"
        )
        found = {name: label.recall for name, label in self.per_label.items() if label.support}
        weakest = min(found, key=lambda name: found[name], default=None)
        if weakest is None or found[weakest] == 1:
            return line
        return f"{line}; weakest: {shorten(weakest)} (recall {found[weakest]:.2f})"


def evaluate(
    labels: Sequence[str],
    classes: Sequence[str],
    probabilities: Floats,
    chosen: npt.NDArray[np.integer],
) -> Evaluation | None:
    """Compare probabilities and choices with the labels people gave; None if nothing was measured.

    Parameters
    ----------
    labels
        The right label of each example. One that is not among ``classes`` is wrong whatever is
        predicted.
    classes
        Names of the columns.
    probabilities
        Shape (len(labels), len(classes)), by a model that did not see the example. Rows with NaN
        were not measured and are left out.
    chosen
        Column of the label that is predicted for each example, shape (len(labels),).
    """
    measured = np.flatnonzero(is_measured(probabilities))
    if not measured.size:
        return None
    truths = [labels[i] for i in measured.tolist()]
    known = probabilities[measured].astype(np.float64)
    columns = chosen[measured]
    predicted = [classes[i] for i in columns.tolist()]
    right = np.array([truth == guess for truth, guess in zip(truths, predicted, strict=True)])
    confusion = Counter(zip(truths, predicted, strict=True))
    per_label = measure_labels(
        Counter(truths),
        Counter(predicted),
        Counter(truth for truth, guess in zip(truths, predicted, strict=True) if truth == guess),
    )
    return Evaluation(
        n_examples=len(truths),
        accuracy=float(right.mean()),
        micro_f1=float(right.mean()),
        macro_f1=float(np.mean([label.f1 for label in per_label.values()])),
        log_loss=_log_loss(truths, classes, known),
        ece=calibration_error(known[np.arange(len(columns)), columns], right),
        per_label=per_label,
        confusion=_nest(confusion),
    )


def is_measured(probabilities: Floats) -> npt.NDArray[np.bool_]:
    """Return which examples have probabilities, shape (examples,)."""
    found: npt.NDArray[np.bool_] = ~np.any(np.isnan(probabilities), axis=1)
    return found


def is_clearly_worse(lost: int, won: int, *, threshold: float) -> bool:
    """Whether one of two classifiers is worse on the same examples, and hardly by chance.

    Only examples that one of them got right and the other wrong tell the two apart. Were they
    equally good, each such example would be lost or won like the toss of a coin: this is the exact
    one-sided sign test, McNemar's. https://doi.org/10.1007/BF02295996

    >>> is_clearly_worse(8, 1, threshold=0.01), is_clearly_worse(12, 1, threshold=0.01)
    (False, True)

    Parameters
    ----------
    lost, won
        How many examples only the other, and how many only this one got right.
    threshold
        Worse is what would come by chance with a smaller probability; 0 is never.
    """
    from scipy.special import bdtrc  # noqa: PLC0415 - a process that serves does without

    probability = bdtrc(lost - 1, lost + won, 0.5)  # of so many lost, or more
    return bool(probability < threshold)


def measure_labels(
    supports: Counter[str], predicted: Counter[str], right: Counter[str]
) -> dict[str, LabelMetrics]:
    """Return what each label measures, by its name, in the order of names.

    Parameters
    ----------
    supports, predicted, right
        How many examples have a label, are predicted to have it, and both.
    """
    return {
        label: LabelMetrics(
            precision=right[label] / predicted[label] if predicted[label] else 0.0,
            recall=right[label] / supports[label] if supports[label] else 0.0,
            f1=2 * right[label] / (supports[label] + predicted[label]),
            support=supports[label],
        )
        for label in sorted({*supports, *predicted})
    }


def _log_loss(truths: Sequence[str], classes: Sequence[str], known: Floats) -> float:
    column = {label: i for i, label in enumerate(classes)}
    given = [known[row, column[t]] if t in column else 0.0 for row, t in enumerate(truths)]
    return float(-np.log(np.maximum(given, LEAST_PROBABILITY)).mean())


def calibration_error(sure: Floats, right: npt.NDArray[np.bool_]) -> float:
    """Return by how much probabilities are off from how often what they are of is so."""
    bins = np.minimum((sure * _BINS).astype(np.int64), _BINS - 1)
    surplus = np.bincount(bins, weights=sure - right)  # of each bin, times its examples
    return float(np.abs(surplus).sum() / len(sure))


def _nest(confusion: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    nested: dict[str, dict[str, int]] = {}
    for (truth, guess), count in sorted(confusion.items()):
        nested.setdefault(truth, {})[guess] = count
    return nested


def _round(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _round(inner) for name, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else value
