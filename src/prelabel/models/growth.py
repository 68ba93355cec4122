"""Learning that keeps up with its examples: most of it at milestones, the rest at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

import numpy as np

from prelabel.models.arrays import Floats, Matrix
from prelabel.models.calibration import Calibration, measure
from prelabel.models.design import Design, lay_out
from prelabel.models.examples import Examples
from prelabel.models.folds import N_FOLDS
from prelabel.models.milestones import Beginning, Key, remembered, update
from prelabel.models.ngrams import Counts
from prelabel.models.regression import Linear, Solver
from prelabel.models.representation import Representation
from prelabel.models.scaling import Scaling

Penalty: TypeAlias = float | Literal["auto"]

PENALTIES = (10.0, 1.0, 3.0, 30.0, 100.0)
"""What ``C="auto"`` chooses from; the first where nothing can be measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """A linear model over TF-IDF vectors.

    Attributes
    ----------
    linear
        Coefficients of the features, with directions folded in.
    C
        The one used.
    scaling
        What to make of scores, so that their softmax is the probabilities.
    losses
        Log-loss, so scaled, of each text up to the last milestone by a fit that did not
        see it; NaN where it was not measured.
    scores
        Of each text by a fit that did not see it or an equal one, shape (texts, classes): NaN
        where there is none, minus infinity for a label that fit had no example of.
    """

    linear: Linear
    C: float
    scaling: Scaling
    losses: Floats
    scores: Matrix


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Names and texts as a solver sees them, whatever their labels.

    Attributes
    ----------
    weight
        How much longer the semantic coordinates are than the vectors of words.
    """

    weight: np.float32
    design: Design

    @property
    def n_bytes(self) -> int:
        """Memory it takes."""
        return self.design.n_bytes


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Names and texts as a solver sees them: one for all that is learned of the same texts.

    Attributes
    ----------
    first
        The texts up to the last milestone.
    """

    representation: Representation
    first: Beginning
    rows: _Rows

    @classmethod
    def of(
        cls,
        names: tuple[str, ...],
        texts: Sequence[str],
        representation: Representation,
        *,
        is_whole: bool = False,
    ) -> Self:
        """Lay the first texts out, or take what is remembered of that, and add those since.

        Parameters
        ----------
        is_whole
            Whether all are the first, though no milestone is reached.
        """
        first = Beginning.of(texts, role="labeled", is_whole=is_whole)
        rows, since = _lay_out(names, first, representation), texts[len(first.texts) :]
        if since:
            vectors = representation.features.transform(since)
            coordinates = rows.weight * representation.locate(vectors)
            rows = _Rows(rows.weight, rows.design.extend(vectors, coordinates))
        return cls(representation, first, rows)


@dataclass(frozen=True, slots=True, eq=False)
class _Milestone:
    """All that was learned of the first examples.

    Attributes
    ----------
    linear
        None if they have a single label: it tells nothing apart.
    """

    measured: Calibration
    linear: Linear | None

    @property
    def n_bytes(self) -> int:
        """Memory it takes."""
        of_texts = self.measured.scores.nbytes + self.measured.losses.nbytes
        if self.linear is None:
            return of_texts
        return of_texts + self.linear.coefficients.nbytes + self.linear.intercept.nbytes


def learn(examples: Examples, layout: Layout, *, C: Penalty, seed: int) -> Learned:  # noqa: N803 - as in scikit-learn
    """Learn from examples; quickly, if a milestone of them is remembered.

    Parameters
    ----------
    layout
        Of the examples' names and texts.
    C
        Inverse strength of the penalty; ``"auto"`` chooses it by log-loss on examples left out.
    """
    n_first, design = len(layout.first.texts), layout.rows.design
    decided = _Decided(examples.first(n_first))
    reached = _reach(decided, layout.first, layout.representation, C, seed)
    linear, scores = reached.linear, reached.measured.scores
    if linear is None or n_first < len(examples.texts):
        # As in `measure`, of texts that all had one label nothing is to be said.
        tells = linear if decided.examples.n_decided > 1 else None
        scores = np.concatenate((scores, _score_new(examples, n_first, design, tells)))
        linear = reached.measured.solver.fit(
            design.rows, examples.labels, examples.weights,
            n_classes=len(examples.classes), start=linear,
        )  # fmt: skip
    return _fold(reached, layout, linear, scores)


def _score_new(examples: Examples, n_first: int, design: Design, linear: Linear | None) -> Matrix:
    """Scores of the texts after a milestone, by its fit; NaN for those it has seen the like of."""
    if linear is None:
        shape = (len(examples.texts) - n_first, len(examples.classes))
        return np.full(shape, np.nan, np.float32)
    scores = linear.scores(design.rows[len(examples.names) + n_first :])
    seen = {*examples.names, *examples.texts[:n_first]}
    scores[[text in seen for text in examples.texts[n_first:]]] = np.nan
    return scores


def _fold(reached: _Milestone, layout: Layout, linear: Linear, scores: Matrix) -> Learned:
    of_vectors, of_coordinates = layout.rows.design.restore(linear.coefficients)
    folded = of_vectors + layout.representation.fold(layout.rows.weight * of_coordinates)
    return Learned(
        linear=Linear(folded, linear.intercept),
        C=reached.measured.solver.C,
        scaling=reached.measured.scaling,
        losses=reached.measured.losses,
        scores=scores,
    )


class _Decided:
    """Examples up to a milestone, known by all of them but their texts."""

    def __init__(self, examples: Examples) -> None:
        self.examples = examples

    @property
    def key(self) -> Key:
        digest = hashlib.blake2b(self.examples.labels.tobytes(), digest_size=16)
        digest.update(self.examples.text_weights.tobytes())
        update(digest, self.examples.names)
        return self.examples.classes, self.examples.name_weight, digest.digest()


@remembered
def _reach(
    decided: _Decided, first: Beginning, representation: Representation,
    C: Penalty, seed: int,  # noqa: N803
) -> _Milestone:  # fmt: skip
    examples = decided.examples
    rows = _lay_out(examples.names, first, representation).design.rows
    measured = _tune(rows, examples, PENALTIES if C == "auto" else (C,), seed)
    if len(np.unique(examples.labels)) < 2:
        return _Milestone(measured, None)
    linear = measured.solver.fit(
        rows, examples.labels, examples.weights, n_classes=len(examples.classes)
    )
    return _Milestone(measured, linear)


@remembered
def _lay_out(names: tuple[str, ...], first: Beginning, representation: Representation) -> _Rows:
    vectors = representation.features.transform([*names, *first.texts])
    weight = _semantic_weight(len(first.texts))
    return _Rows(weight, lay_out(vectors, weight * representation.locate(vectors)))


def _tune(
    rows: Matrix | Counts, examples: Examples, penalties: tuple[float, ...], seed: int
) -> Calibration:
    """Choose the penalty on all folds where that is cheap, else on one of them."""
    is_cheap = isinstance(rows, np.ndarray) or len(penalties) == 1
    tried = [
        measure(rows, examples, Solver(C=C, seed=seed), n_measured=N_FOLDS if is_cheap else 1)
        for C in penalties
    ]
    best = min(tried, key=lambda measured: measured.log_loss)  # the first if nothing is known
    return best if is_cheap else measure(rows, examples, best.solver)


def _semantic_weight(n_texts: int) -> np.float32:
    return np.float32(2 * min(1.0, np.sqrt(200 / max(1, n_texts))))
