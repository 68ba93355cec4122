"""One linear model a label, side by side: calibrated together, compared with others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prelabel.models.arrays import Floats, Matrix
from prelabel.models.regression import Linear
from prelabel.models.representation import Representation
from prelabel.models.scaling import MOST_SCORES, Scaling, fit_scaling


def mark(sets: Sequence[Collection[str]], classes: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which of the classes each set has, shape (sets, classes); other labels do not count.

    >>> mark([("cold", "late"), (), ("odd",)], ("cold", "late")).tolist()
    [[True, True], [False, False], [False, False]]
    """
    column = {label: i for i, label in enumerate(classes)}
    found = np.zeros((len(sets), len(classes)), np.bool_)
    for row, labels in zip(found, sets, strict=True):
        row[[column[label] for label in labels if label in column]] = True
    return found


def find_spoken_for(label_names: Mapping[str, Sequence[str]]) -> dict[str, Collection[str]]:
    """Return by label those its names speak for: itself, and whatever is called all that it is.

    So what stands above others in a tree is, and what speaks for one of those speaks for it.

    >>> found = find_spoken_for({"News": ["News", "Sports"], "News / Sports": ["Sports"]})
    >>> sorted(found["News / Sports"]), sorted(found["News"])
    (['News', 'News / Sports'], ['News'])
    """
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for label, names in label_names.items():
        for name in names:
            owners[name].add(label)
    return {
        label: set.intersection(*(owners[name] for name in names)) if names else {label}
        for label, names in label_names.items()
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class LabeledSets:
    """What is to be learned.

    Attributes
    ----------
    truths
        Which of the classes each text has, shape (texts, classes).
    weights
        How often each text counts, shape (texts,).
    spoken_for
        By label, see `find_spoken_for`.
    named
        The classes that can be learned from their names, too.
    """

    texts: Sequence[str]
    truths: npt.NDArray[np.bool_]
    weights: Floats
    classes: tuple[str, ...]
    representation: Representation
    spoken_for: Mapping[str, Collection[str]]
    named: Collection[str]

    @property
    def certain(self) -> npt.NDArray[np.int8]:
        """Which of the classes nothing tells from their absence, shape (classes,).

        1 is a class that all texts have that weigh anything, -1 one that none has, nor a name.
        """
        truths = self.truths[self.weights > 0]
        is_named = np.array([label in self.named for label in self.classes])
        never = ~(np.logical_or.reduce(truths) | is_named)
        found: npt.NDArray[np.int8] = np.logical_and.reduce(truths).astype(np.int8) - never
        return found


@dataclass(frozen=True, slots=True)
class SideBySide:
    """A linear model of each label.

    Attributes
    ----------
    scores
        Of the texts by fits that did not see them, shape (texts, classes); NaN where there is none,
        infinite where all texts that a fit saw had the label, or none had it.
    """

    linear: Linear
    scores: Matrix

    def calibrate(self, sets: LabeledSets) -> SideBySide:
        """Return the same with scores whose logistic is the probability.

        One scaling for all labels: of most of them there are too few examples. The shift makes up
        for names, which say that each label is as frequent as any other.
        """
        step = 1 + 2 * self.scores.size // MOST_SCORES
        rows, columns = np.nonzero(np.isfinite(self.scores[::step]))
        rows *= step
        known = self.scores[rows, columns]
        scaling = fit_scaling(
            np.stack((np.zeros(len(known)), known), axis=1),
            sets.truths[rows, columns].astype(np.int64),
            sets.weights[rows],
            expected=Scaling.without_shifts(1, n_classes=2),
        )
        slope, shift = 1 / scaling.temperature, scaling.shifts[1] - scaling.shifts[0]
        coefficients, intercept = self.linear.coefficients, self.linear.intercept
        linear = Linear(coefficients * slope, intercept * slope + shift)
        return SideBySide(linear, self.scores * slope + shift)

    def add_certainties(self, sets: LabeledSets) -> SideBySide:
        """Return the same with the odds that Laplace's rule gives a label that all have, or none.

        All have what stands above all others in a tree, or what nobody has left out so far; none
        has an empty column of a table.
        """
        # n + 1 to 1, after n texts
        odds = sets.certain * np.log1p(sets.weights.sum(), dtype=np.float32)
        is_measured = ~np.isnan(self.scores).all(axis=1, keepdims=True)
        return SideBySide(
            Linear(self.linear.coefficients, np.where(odds, odds, self.linear.intercept)),
            np.where((odds != 0) & is_measured, odds, self.scores),
        )

    def losses(self, sets: LabeledSets) -> Floats:
        """Log-loss of each text, shape (texts,), without labels of which a fit was certain.

        NaN where there is nothing else.
        """
        is_known = np.isfinite(self.scores)
        scores = np.where(is_known, self.scores, 0).astype(np.float64)
        margins = np.where(sets.truths, scores, -scores)
        found: Floats = (np.logaddexp(0, -margins) * is_known).sum(axis=1)
        found[~is_known.any(axis=1)] = np.nan
        return found
