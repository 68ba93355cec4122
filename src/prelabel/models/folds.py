"""Examples divided into folds, each of which is left out once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from prelabel.models.arrays import Integers

N_FOLDS = 5

FEWEST_TEXTS = 20
"""Fewer different ones say nothing certain about what a model is worth."""


def assign_folds(groups: Sequence[Hashable], labels: Integers, n_folds: int = N_FOLDS) -> Integers:
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
