"""From which probability on a label is best chosen, where several may be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Counted = npt.NDArray[np.float64]

_CANDIDATES = np.linspace(0.1, 0.9, 33)
_OF_ALL = 20
"""What all labels together say counts as so many examples of each label."""

_EXPECTED = 50
"""What is expected of all labels together, by their probabilities, counts as so many examples."""

_EMPTY_SAYS_NOTHING = 0.5
_NEARLY_NONE = 1e-9


def tune_thresholds(probabilities: Matrix, truths: npt.NDArray[np.bool_]) -> Matrix:
    """Return from which probability on each label is best chosen, shape (classes,).

    The best is what gives the highest F1 on examples left out: the label's own, and those of all
    labels, which count as much as 20 of its own. So a rare label has nearly the threshold that is
    best for all, and a frequent one its own. As few examples say little, what is best for all is
    what would be if probabilities were right, too, as if 50 more examples had said so. 0.5 where
    nothing was measured.

    Parameters
    ----------
    probabilities
        Of examples left out, shape (examples, classes); NaN where there is none.
    truths
        Whether the example has the label, of the same shape.
    """
    known = np.nan_to_num(probabilities.astype(np.float64))  # nothing is chosen of a 0
    truths = truths & ~np.isnan(probabilities)
    if not truths.any():
        return np.full(truths.shape[1], _EMPTY_SAYS_NOTHING, np.float32)
    counts = np.array([_count(known, truths, t) for t in _CANDIDATES])
    expected = np.array([_count(known, known, t) for t in _CANDIDATES]).sum(axis=2)
    of_all = counts.sum(axis=2) + _EXPECTED / max(known.sum(), _NEARLY_NONE) * expected
    counts += (_OF_ALL / (truths.sum() + _EXPECTED) * of_all)[:, :, np.newaxis]
    return np.array([_best(counts[:, :, column]) for column in range(truths.shape[1])], np.float32)


def _count(known: Counted, truths: Counted | npt.NDArray[np.bool_], threshold: float) -> Counted:
    """Right ones, chosen ones and those that there are, of each label, shape (3, classes)."""
    chosen = known >= threshold
    return np.stack([(chosen * truths).sum(0), chosen.sum(0), truths.sum(0)]).astype(np.float64)


def _best(counts: Counted) -> float:
    right, chosen, there = counts.T
    f1 = 2 * right / (chosen + there)
    # Of equally good ones, the middle: examples left out are few.
    return float(np.median(_CANDIDATES[f1 >= f1.max() - 1e-9]))
