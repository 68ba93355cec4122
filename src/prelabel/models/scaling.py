"""Scores → probabilities that can be believed: one temperature, and a shift for each label.

Alexandari, Kundaje and Shrikumar, Maximum likelihood with bias-corrected calibration is hard to
beat at label shift adaptation, https://arxiv.org/abs/1901.06852.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from prelabel.models.characters import Integers
from prelabel.models.regression import Linear, Matrix

Floats = npt.NDArray[np.floating]

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
        Of examples left out, shape (examples, classes). Minus infinity is a label that is
        impossible.
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
    labels, counts = labels[::step], counts[::step]
    # 32 bits would do for the scores, but not for the sum over many examples.
    scores = scores[::step].astype(np.float64)
    rows = np.arange(len(labels))
    finite = np.where(np.isfinite(scores), scores, 0)

    def loss(line: Floats) -> tuple[float, Floats]:
        scaled = np.exp(line[0]) * scores + line[1:]
        scaled -= scaled.max(axis=1, keepdims=True)
        of_labels = scaled[rows, labels]
        errors = np.exp(scaled, out=scaled)
        totals = errors.sum(axis=1)
        errors /= totals[:, np.newaxis]
        errors[rows, labels] -= 1
        errors *= counts[:, np.newaxis]
        away = line - beginning
        total = (counts * (np.log(totals) - of_labels)).sum() + _PRIOR * np.square(away).sum()
        slopes = np.concatenate([[(errors * finite).sum() * np.exp(line[0])], errors.sum(axis=0)])
        return float(total), slopes + 2 * _PRIOR * away

    beginning = np.concatenate(([-np.log(expected.temperature)], expected.shifts), dtype=np.float64)
    found = minimize(loss, beginning, jac=True, method="L-BFGS-B").x
    return Scaling(np.float32(np.exp(-found[0])), found[1:].astype(np.float32))
