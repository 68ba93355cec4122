"""Probabilities that can be believed: a score is only as good as it is on texts it never saw."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.models.characters import Integers
from prelabel.models.examples import Examples, Floats
from prelabel.models.ngrams import Counts
from prelabel.models.regression import Matrix, Solver

N_FOLDS = 5
"""In so many parts examples are divided; each is left out once."""

_FEWEST_TEXTS = 20  # fewer say nothing certain about probabilities
_TEMPERATURES = np.geomspace(1 / 8, 8, 97)  # steps of 4 %
_PRIOR = 2.0
"""How strongly a temperature is drawn to 1, in examples: a factor of e costs as much log-loss."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """How a solver does on examples that it did not see.

    Attributes
    ----------
    solver
        The solver.
    temperature
        By what to divide its scores.
    log_loss
        Of the scores so divided; NaN if nothing could be measured.
    scores
        Not divided, shape (texts, classes); NaN for the texts that were always seen, minus
        infinity for a label that only the fold left out has.
    """

    solver: Solver
    temperature: float
    log_loss: float
    scores: Matrix


def measure(
    rows: Matrix | Counts, examples: Examples, solver: Solver, *, n_measured: int = N_FOLDS
) -> Calibration:
    """Measure a solver out of fold, on so many of five folds.

    Names of labels are in every fit, as they are in the model. With fewer than 20 different texts
    nothing is measured, and the temperature is 1. So it is, and the log-loss is not known, if all
    texts have one label: whoever always says that one would be sure, and right.
    """
    scores = np.full((len(examples.texts), len(examples.classes)), np.nan, np.float32)
    n_names = len(examples.names)
    labels = examples.labels[n_names:]
    if len(set(examples.texts)) >= _FEWEST_TEXTS:
        folds = assign_folds(examples.texts, labels, N_FOLDS)
        for fold in range(n_measured):
            held = np.flatnonzero(folds == fold)
            scores[held] = _score_held(rows, examples, solver, held + n_names)
    usable = np.isfinite(scores[np.arange(len(labels)), labels])
    if not usable.any() or len(np.unique(labels)) < 2:
        return Calibration(solver=solver, temperature=1.0, log_loss=np.nan, scores=scores)
    measured = scores[usable], labels[usable], examples.text_weights[usable]
    temperature = fit_temperature(*measured)
    loss = log_loss(scores[usable] / np.float32(temperature), *measured[1:])
    return Calibration(solver=solver, temperature=temperature, log_loss=loss, scores=scores)


def _score_held(
    rows: Matrix | Counts, examples: Examples, solver: Solver, held: Integers
) -> Matrix:
    """Scores of some examples by a fit of all others; NaN if these have a single label."""
    others = np.ones(len(examples), bool)
    others[held] = False
    n_classes = len(examples.classes)
    labels = examples.labels[others]
    if len(np.unique(labels)) < 2:
        return np.full((len(held), n_classes), np.nan, np.float32)
    fitted = solver.fit(rows[others], labels, examples.weights[others], n_classes=n_classes)
    return fitted.scores(rows[held])


def assign_folds(groups: Sequence[Hashable], labels: Integers, n_folds: int) -> Integers:
    """Return the number of each example's fold, in [0, n_folds), shape (examples,).

    Examples of one group, such as one text annotated twice, are in one fold. As far as that
    allows, every label is in all folds alike. Equal arguments give equal folds.
    """
    first: dict[Hashable, int] = {}
    members = np.array([first.setdefault(group, i) for i, group in enumerate(groups)], np.int64)
    leaders = np.unique(members)
    order = leaders[np.argsort(labels[leaders], kind="stable")]
    folds = np.empty(len(members), np.int64)
    folds[order] = np.arange(len(order)) % n_folds
    found: Integers = folds[members]
    return found


def log_loss(scores: Floats, labels: Integers, weights: Floats | None = None) -> float:
    """Mean of minus the logarithm of the probability of each example's label.

    Parameters
    ----------
    scores
        Shape (examples, classes); their softmax is the probabilities. Minus infinity is a label
        that is impossible.
    labels
        Column of each example's label, shape (examples,).
    weights
        Of the examples, shape (examples,).
    """
    shifted = scores - scores.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return float(np.average(losses, weights=weights))


def fit_temperature(scores: Floats, labels: Integers, weights: Floats | None = None) -> float:
    """Return the number by which to divide scores so that their log-loss is the least.

    Guo et al., On calibration of modern neural networks, https://arxiv.org/abs/1706.04599. With
    few examples it stays near 1.

    >>> scores = np.array([[9.0, 0.0]] * 4)  # sure, and wrong once in four times
    >>> bool(fit_temperature(scores, np.array([0, 0, 0, 1])) > 4)
    True
    """
    # 32 bits would do for the scores, but not for the sum over many examples.
    scores = scores.astype(np.float64)
    losses = [
        len(labels) * log_loss(scores / temperature, labels, weights)
        + _PRIOR * np.log(temperature) ** 2
        for temperature in _TEMPERATURES
    ]
    return float(_TEMPERATURES[np.argmin(losses)])
