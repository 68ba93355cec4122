from __future__ import annotations

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
