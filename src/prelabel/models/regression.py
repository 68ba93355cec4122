"""Multinomial logistic regression, fitted by scikit-learn."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from prelabel.models.arrays import Floats, Integers, Matrix
from prelabel.models.ngrams import Counts

_STEPS = 100
_EPOCHS = 10
_EPOCHS_FROM_START = 3
_TOLERANCE, _FROM_START = 1e-4, 2e-4
"""The steepest slope that may be left. From a start, twice as much costs no accuracy: these
steps are a third of a training."""

_NEARLY_ALL = 0.95

_UNEVEN = 30
"""Names count as ten examples, and two of three people's label as .667: fifteen times, at most."""

_ROUNDS = 10
"""Twice or three times as many make no guess better."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Scores are ``rows @ coefficients + intercept``.

    Attributes
    ----------
    coefficients
        Shape (columns, classes), float32, C order.
    intercept
        Shape (classes,), float32; minus infinity for a label that had no example.
    """

    coefficients: Matrix
    intercept: Matrix

    def scores(self, rows: Matrix | Counts) -> Matrix:
        """Scores, shape (rows, classes); ``rows`` may have more columns: they do not count."""
        found: Matrix = rows[:, : len(self.coefficients)] @ self.coefficients + self.intercept
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Solver:
    """Fits rows of examples.

    Attributes
    ----------
    C
        Inverse strength of the L2 penalty.
    seed
        Of the order in which many examples are visited.
    """

    C: float
    seed: int

    def fit(
        self, rows: Matrix | Counts, labels: Integers, weights: Floats, *, n_classes: int,
        start: Linear | None = None,
    ) -> Linear:  # fmt: skip
        """Fit rows that have ``labels`` in [0, n_classes), at least two of them.

        Parameters
        ----------
        weights
            How often each example counts, shape (examples,).
        start
            A fit of some of the rows, or of fewer columns: the first guess is what it found, and
            what the rows that have further columns make of those.
        """
        if not rows.shape[1]:  # nothing is known of any text: the labels' frequencies are all
            return _frequencies(labels, weights, n_classes)
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - only fitting needs it
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

        solver, steps = _choose_solver(rows, weights, has_start=start is not None)
        strength = self.C
        if solver == "sag" and not isinstance(rows, np.ndarray):
            rows = _shorten(rows)
            # Its steps know nothing of weights: of ones above 1 they would be too long.
            strength, weights = strength * weights.mean(), weights / weights.mean()
        regression = LogisticRegression(
            C=strength, solver=solver, max_iter=steps, random_state=self.seed,
            warm_start=start is not None, tol=_FROM_START if start else _TOLERANCE,
        )  # fmt: skip
        if start:
            _begin_with(regression, start, rows, labels, weights)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            # Few examples of many labels are no regression problem.
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            regression.fit(rows, labels, sample_weight=weights)
        found, offsets = regression.coef_.T, regression.intercept_
        if found.shape[1] == 1:
            # Of two classes scikit-learn keeps the difference of their scores.
            found, offsets = found * (-0.5, 0.5), offsets * (-0.5, 0.5)
        return _of_all_classes(found, offsets, regression.classes_, n_classes)


def _choose_solver(rows: Matrix | Counts, weights: Floats, *, has_start: bool) -> tuple[str, int]:
    """Return which of scikit-learn's is the fastest, and how many steps it may take."""
    if isinstance(rows, np.ndarray):
        return "newton-cg", _STEPS  # to the optimum, most often in a few
    if weights.max() > _UNEVEN * np.median(weights[weights > 0]):
        return "lbfgs", _STEPS  # the steps of sag know nothing of weights, and would go astray
    # A few epochs come within 1 % of the optimum, at the same accuracy and better calibrated, in a
    # twentieth of the time lbfgs takes.
    return "sag", _EPOCHS_FROM_START if has_start else _EPOCHS


def _shorten(rows: Counts) -> Counts:
    """Shorten the few rows that are longer than nearly all others.

    The longest one decides how small the steps of ``sag`` are (scikit-learn 1.9.1,
    ``linear_model/_sag.py``, ``get_auto_step_size``). A text of dashes, as there is one among a
    thousand messages, would leave everything far from the optimum.
    """
    squares = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
    longest = np.quantile(squares, _NEARLY_ALL)
    if not longest:
        return rows
    factors = np.sqrt(longest / np.maximum(squares, longest)).astype(np.float32)
    shortened = rows.copy()
    shortened.data *= factors.repeat(np.diff(rows.indptr))
    return shortened


def _begin_with(
    regression: Any, start: Linear, rows: Matrix | Counts, labels: Integers, weights: Floats
) -> None:
    """Set what scikit-learn's ``warm_start`` goes on from."""
    first = guess(start, rows, labels, weights * regression.C)
    found, offsets = first.coefficients, first.intercept
    if len(offsets) == 2:  # see `Solver.fit`
        found, offsets = np.diff(found, axis=1), np.diff(offsets)
    regression.coef_, regression.intercept_ = found.T.copy(), offsets


def guess(start: Linear, rows: Matrix | Counts, labels: Integers, strengths: Floats) -> Linear:
    """Return a first guess at a fit: what ``start`` found, and what further columns add to it.

    Its classes are those of ``labels``, in order. Arguments are those of `Solver.fit`, and what
    each example's log-loss counts beside half the squares of the coefficients.
    """
    classes, columns = np.unique(labels, return_inverse=True)
    n_known = len(start.coefficients)
    found = np.zeros((rows.shape[1], len(classes)), np.float32)
    found[:n_known] = start.coefficients[:, classes]
    offsets = np.where(np.isfinite(start.intercept), start.intercept, 0)[classes]
    if isinstance(rows, np.ndarray):
        new = rows[:, n_known:].any(axis=1)
        # Of two classes scikit-learn's penalty is on the difference: half of that on both.
        strong = strengths[new] / (2 if len(classes) == 2 else 1)
        scores = rows[new] @ found + offsets
        found[n_known:] = answer(rows[new, n_known:], scores, columns[new], strong)
    return Linear(found, offsets)


def answer(rows: Matrix, scores: Matrix, labels: Integers, strengths: Floats) -> Matrix:
    """Return coefficients of columns that no other rows have, near the best while all others stay.

    At the optimum each row pulls to its label by its strength, the more the less likely it is.

    Parameters
    ----------
    rows
        In those columns alone, shape (examples, columns).
    scores
        By all other columns, shape (examples, classes).
    labels
        In [0, classes), shape (examples,).
    strengths
        What each example's log-loss counts beside half the squares of the coefficients.
    """
    from scipy.special import softmax  # noqa: PLC0415 - only fitting needs it

    truths = np.zeros_like(scores)
    truths[np.arange(len(labels)), labels] = 1
    strong = strengths[:, np.newaxis].astype(np.float32)
    products = rows @ rows.T
    # Whole steps would go to and fro: the slope of a softmax is up to 1/2.
    steps = 1 / (1 + strong / 2 * np.abs(products).sum(axis=1, keepdims=True))
    pulls = np.zeros_like(scores)
    for _ in range(_ROUNDS):
        pulls += steps * (strong * (truths - softmax(scores + products @ pulls, axis=1)) - pulls)
    found: Matrix = rows.T @ pulls
    return found


def _of_all_classes(found: Floats, offsets: Floats, classes: Integers, n_classes: int) -> Linear:
    coefficients = np.zeros((found.shape[0], n_classes), np.float32)
    coefficients[:, classes] = found
    intercept = np.full(n_classes, -np.inf, np.float32)
    intercept[classes] = offsets
    return Linear(coefficients, intercept)


def _frequencies(labels: Integers, weights: Floats, n_classes: int) -> Linear:
    with np.errstate(divide="ignore"):
        intercept = np.log(np.bincount(labels, weights, n_classes)).astype(np.float32)
    return Linear(np.empty((0, n_classes), np.float32), intercept)
