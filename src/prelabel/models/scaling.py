"""Scores → probabilities that can be believed: one temperature, and a shift for each label.

Alexandari, Kundaje and Shrikumar, Maximum likelihood with bias-corrected calibration is hard to
beat at label shift adaptation, https://arxiv.org/abs/1901.06852.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from prelabel.models.arrays import Floats, Integers, Matrix
from prelabel.models.regression import Linear

_PRIOR = 5.0
"""How strongly a scaling is drawn to what is expected: a factor of e, or a shift by 1, costs as
much log-loss."""

_OF_TWO, _FALL = 3 / 2, 0.3  # chosen on sixteen sets of 2 to 150 labels, at 20 to 100 examples

MOST_SCORES = 2_000_000
"""More tell no more of a few numbers, and would cost memory: of examples, evenly spaced ones."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """The softmax of ``scores / temperature + shifts`` is the probabilities.

    Attributes
    ----------
    shifts
        One for each label, shape (classes,), float32.
    """

    temperature: np.float32
    shifts: Matrix

    @classmethod
    def without_shifts(cls, temperature: float, n_classes: int) -> Self:
        """Return one that divides only."""
        return cls(np.float32(temperature), np.zeros(n_classes, np.float32))

    def scale(self, scores: Matrix) -> Matrix:
        """Return scores, shape (texts, classes), whose softmax is the probabilities."""
        scaled: Matrix = scores / self.temperature + self.shifts
        return scaled

    def fold_into(self, linear: Linear) -> Linear:
        """Return the linear model with such scores."""
        coefficients = np.ascontiguousarray(linear.coefficients / self.temperature)
        return Linear(coefficients, linear.intercept / self.temperature + self.shifts)


def expect_scaling(n_classes: int) -> Scaling:
    """Return what to expect where nothing was measured, or little: no label is shifted.

    Of two labels, a few examples make scores too large; of many, each has a small share, and
    scores are too small. The temperature is 3/2 for two, and less by a fifth for twice as many.
    """
    temperature = _OF_TWO * (max(n_classes, 2) / 2) ** -_FALL
    return Scaling.without_shifts(temperature, n_classes)


def fit_scaling(
    scores: Floats, labels: Integers, weights: Floats | None = None, *, expected: Scaling
) -> Scaling:
    """Return the scaling of least log-loss; with few examples it stays near the expected one.

    >>> scores = np.array([[9.0, 0.0]] * 40)  # sure, and wrong once in four times
    >>> expected = Scaling.without_shifts(1, n_classes=2)
    >>> bool(fit_scaling(scores, np.array([0, 0, 0, 1] * 10), expected=expected).temperature > 2)
    True

    Parameters
    ----------
    scores
        Of examples left out, shape (examples, classes), without NaN. Minus infinity is a label
        that is impossible; if it is the right one, nothing should be said surely of the example.
    labels
        Column of each example's label, shape (examples,).
    weights
        Of the examples, shape (examples,).
    expected
        Where to begin.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - a process that serves does without

    counts = np.ones(len(labels)) if weights is None else weights
    step = 1 + scores.size // MOST_SCORES
    labels, counts = labels[::step], counts[::step, np.newaxis]
    # 32 bits would do for the scores, but not for the sum over many examples.
    scores = scores[::step].astype(np.float64)
    finite = np.where(np.isfinite(scores), scores, 0)
    wanted = counts * _wish(scores, labels)
    of_scores, of_shifts = (wanted * finite).sum(), wanted.sum(axis=0)

    def loss(line: Floats) -> tuple[float, Floats]:
        slope, shifts, away = np.exp(line[0]), line[1:], line - beginning
        scaled = slope * scores + shifts
        highest = scaled.max(axis=1, keepdims=True)
        found = np.exp(scaled - highest, out=scaled)
        sums = found.sum(axis=1, keepdims=True)
        found *= counts / sums
        surplus = (counts * (np.log(sums) + highest)).sum() - slope * of_scores - shifts @ of_shifts
        slopes = np.append(
            slope * ((found * finite).sum() - of_scores), found.sum(axis=0) - of_shifts
        )
        return float(surplus + _PRIOR * np.square(away).sum()), slopes + 2 * _PRIOR * away

    beginning = np.concatenate(([-np.log(expected.temperature)], expected.shifts), dtype=np.float64)
    found = minimize(loss, beginning, jac=True, method="L-BFGS-B").x
    return Scaling(np.float32(np.exp(-found[0])), found[1:].astype(np.float32))


def _wish(scores: Floats, labels: Integers) -> Floats:
    """Return what probabilities should be, shape (examples, classes): 1 for the label.

    Where that is impossible, any other is as wrong: each possible one should have as much.
    """
    rows = np.arange(len(labels))
    found = np.zeros_like(scores)
    found[rows, labels] = 1
    lost = np.isneginf(scores[rows, labels])
    possible = np.isfinite(scores[lost])
    found[lost] = possible / possible.sum(axis=1, keepdims=True)
    return found
