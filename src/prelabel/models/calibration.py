"""Probabilities that can be believed: a score is only as good as it is on texts it never saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prelabel.models.arrays import Floats, Integers, Mask, Matrix
from prelabel.models.examples import Examples
from prelabel.models.folds import FEWEST_TEXTS, N_FOLDS, assign_folds
from prelabel.models.ngrams import Counts
from prelabel.models.regression import Solver
from prelabel.models.scaling import Scaling, expect_scaling, fit_scaling

_FEW_TO_SCALE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """How a solver does on examples that it did not see.

    Attributes
    ----------
    solver
        The solver.
    scaling
        What to make of its scores.
    log_loss
        Of the scores so scaled; NaN if nothing could be measured.
    losses
        What each text adds to it, shape (texts,); NaN where it was not measured.
    scores
        Not scaled, shape (texts, classes); NaN for the texts that were always seen, minus
        infinity for a label that only the fold left out has.
    """

    solver: Solver
    scaling: Scaling
    log_loss: float
    losses: Floats
    scores: Matrix


def measure(
    rows: Matrix | Counts, examples: Examples, solver: Solver, *, n_measured: int = N_FOLDS
) -> Calibration:
    """Measure a solver out of fold, on so many of five folds.

    Names of labels are in every fit, as they are in the model. With fewer than 20 different texts
    nothing is measured, and the scaling is what is expected. So it is if all texts have one label:
    whoever always says that one would be sure, and right.
    """
    scores = np.full((len(examples.texts), len(examples.classes)), np.nan, np.float32)
    n_names = len(examples.names)
    labels = examples.text_labels
    if len(set(examples.texts)) >= FEWEST_TEXTS and len(np.unique(labels)) > 1:
        folds = assign_folds(examples.texts, labels)
        for fold in range(n_measured):
            held = np.flatnonzero(folds == fold)
            scores[held] = _score_held(rows, examples, solver, held + n_names)
    return _calibrate(solver, scores, examples)


def _calibrate(solver: Solver, scores: Matrix, examples: Examples) -> Calibration:
    labels, weights = examples.text_labels, examples.text_weights
    scaling = expect_scaling(len(examples.classes))
    loss, losses = np.nan, np.full(len(labels), np.nan)
    usable, known = _find_usable(scores, labels)
    if usable.any():
        scaling = fit_scaling(scores[known], labels[known], weights[known], expected=scaling)
        losses[usable] = _losses(scaling.scale(scores[usable]), labels[usable])
        loss = float(np.average(losses[usable], weights=weights[usable]))
    return Calibration(solver=solver, scaling=scaling, log_loss=loss, losses=losses, scores=scores)


def scale_without_each(scores: Matrix, examples: Examples, scaling: Scaling) -> Matrix:
    """Return scores out of fold, scaled by what those of other texts say.

    What is measured looks better than it is where it had a say in the scaling: by two points of
    accuracy at 20 examples, half a point at 1,000 (five sets). So above 500, where it would cost
    the most, ``scaling`` scales all.

    Parameters
    ----------
    scores
        Of the examples' texts, shape (texts, classes).
    """
    labels, weights = examples.text_labels, examples.text_weights
    usable, known = _find_usable(scores, labels)
    if len(labels) > _FEW_TO_SCALE or not usable.any():
        return scaling.scale(scores)
    folds = assign_folds(examples.texts, labels)
    found = np.empty_like(scores)
    for fold in range(N_FOLDS):
        others, held = known & (folds != fold), folds == fold
        told = scores[others], labels[others], weights[others]
        found[held] = fit_scaling(*told, expected=expect_scaling(scores.shape[1])).scale(
            scores[held]
        )
    return found


def _find_usable(scores: Matrix, labels: Integers) -> tuple[Mask, Mask]:
    """Return which texts' label was possible, and which texts were measured at all.

    Of a label that only the fold left out has, nothing can be learned; but that so many texts have
    one says how many new texts will, and so how sure a model may be of any other.
    """
    possible: Mask = np.isfinite(scores[np.arange(len(labels)), labels])
    known: Mask = ~np.any(np.isnan(scores), axis=1)
    return possible, known


def _score_held(
    rows: Matrix | Counts, examples: Examples, solver: Solver, held: Integers
) -> Matrix:
    """Scores of some examples by a fit of all others; if these have one label, that is certain."""
    others = np.ones(len(examples), bool)
    others[held] = False
    n_classes = len(examples.classes)
    labels = examples.labels[others]
    if len(np.unique(labels)) < 2:
        of_one = np.where(np.arange(n_classes) == labels[0], np.float32(0), np.float32(-np.inf))
        return np.tile(of_one, (len(held), 1))
    fitted = solver.fit(rows[others], labels, examples.weights[others], n_classes=n_classes)
    return fitted.scores(rows[held])


def _losses(scores: Floats, labels: Integers) -> Floats:
    """Minus the logarithm of the probability of each example's label, shape (examples,)."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    found: Floats = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return found


def are_clearly_worse(losses: Floats, others: Floats, *, by: float = 1.0) -> bool:
    """Whether losses exceed others of the same texts by more than chance is likely to.

    Texts with NaN do not count.

    Parameters
    ----------
    by
        In standard errors of the mean difference.

    >>> are_clearly_worse(np.array([3.0, 2.0, 2.5]), np.array([1.0, 1.1, 0.9]))
    True
    >>> are_clearly_worse(np.array([3.0, 1.0, 1.0]), np.array([1.0, 1.1, 1.3]))
    False
    """
    differences = losses - others
    differences = differences[~np.isnan(differences)]
    if len(differences) < 2:
        return False
    return bool(differences.mean() > by * differences.std(ddof=1) / np.sqrt(len(differences)))
