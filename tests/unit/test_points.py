from __future__ import annotations

import numpy as np
from scipy import sparse

from prelabel.models.points import Points
from prelabel.models.representation import Representation

SUBJECTS = (("goal", "team", "match"), ("oven", "soup", "butter"))
TEXTS = [" ".join([*SUBJECTS[i % 2], f"today {i}"]) for i in range(40)]


def test_groups_are_of_one_size_and_around_their_points() -> None:
    representation = Representation.learn([], TEXTS, n_components=4, seed=0)
    view = Points.of(representation.features.transform(TEXTS), representation)
    names = view.look_at(representation.features.transform(["goal", "oven"]))
    groups = view.divide(names, 10)
    assert groups.shape == (2, 10)
    assert (groups % 2).tolist() == [[0] * 10, [1] * 10]
    again = view.divide(view.middles(groups), 20)
    assert (again % 2).tolist() == [[0] * 20, [1] * 20]


def test_a_word_that_all_texts_have_draws_none_of_them() -> None:
    random = np.random.default_rng(0)
    words = random.random((30, 4), np.float32)
    words[:, 0] = 1
    nothing = np.zeros((30, 1), np.float32)
    view = Points(sparse.csr_matrix(words), nothing, words.mean(axis=0), nothing)
    points = np.hstack((np.eye(4, dtype=np.float32)[1:], np.zeros((3, 1), np.float32)))
    common = points.copy()
    common[0, 0] = 2
    np.testing.assert_array_equal(view.divide(common, 10), view.divide(points, 10))
