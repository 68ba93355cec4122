from __future__ import annotations

import numpy as np

from prelabel.models.folds import assign_folds


def test_equal_texts_are_in_one_fold_and_labels_in_all() -> None:
    groups = [f"text {i // 2}" for i in range(40)]
    labels = np.repeat([0, 1], 20)
    folds = assign_folds(groups, labels)
    assert (folds[::2] == folds[1::2]).all()
    for label in (0, 1):
        np.testing.assert_array_equal(np.bincount(folds[labels == label]), [4] * 5)


def test_no_examples_have_no_folds() -> None:
    assert assign_folds([], np.array([], np.int64)).shape == (0,)
