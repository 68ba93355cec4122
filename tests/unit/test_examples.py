from __future__ import annotations

import numpy as np
import pytest

from prelabel.errors import NotEnoughLabelsError
from prelabel.models.examples import Examples, write_name

NAMES = {"a": "alpha", "c": "gamma"}


def test_names_come_first_and_count_by_the_examples_of_their_label() -> None:
    examples = Examples.of(["x", "y", "z"], ["b", "a", "b"], [1, 2, 3], NAMES)
    assert examples.classes == ("a", "b", "c")
    assert (examples.names, examples.texts) == (("alpha", "gamma"), ("x", "y", "z"))
    assert examples.labels.tolist() == [0, 2, 1, 0, 1]
    np.testing.assert_allclose(examples.weights, [3 / (1 + 1 / 3), 3, 1, 2, 3])


def test_the_first_examples_keep_names_and_classes() -> None:
    first = Examples.of(["x", "y", "z"], ["b", "a", "d"], [1, 2, 3], NAMES).first(1)
    assert first.classes == ("a", "b", "c", "d")
    assert (first.names, first.texts) == (("alpha", "gamma"), ("x",))
    assert first.labels.tolist() == [0, 2, 1]
    np.testing.assert_allclose(first.weights, [3, 3, 1])
    assert first.positions.tolist() == [0]


def test_what_a_name_speaks_for_shares_its_weight() -> None:
    examples = Examples.of(["x", "y"], ["a", "b"], [1, 2], NAMES)
    spoken = examples.speaking_of([("a", "one"), ("a", "two"), ("c", "three")])
    assert spoken.names == ("alpha", "gamma", "one", "two", "three")
    assert spoken.labels.tolist() == [0, 2, 0, 0, 2, 0, 1]
    shared = 3 / (1 + 1 / 3) / 3
    np.testing.assert_allclose(spoken.weights, [shared, 1.5, shared, shared, 1.5, 1, 2])
    assert spoken.first(1).names == spoken.names
    trusted = examples.speaking_of([("a", "one")], name_weight=10)
    shared = 10 / (1 + 1 / 10) / 2
    np.testing.assert_allclose(trusted.weights, [shared, 10, shared, 1, 2])
    assert trusted.first(1).name_weight == 10


def test_texts_that_weigh_nothing_are_left_out() -> None:
    examples = Examples.of(["x", "y", "z"], ["a", "b", "c"], [1, 0, 2])
    assert examples.classes == ("a", "c")
    assert examples.positions.tolist() == [0, 2]
    assert examples.texts == ("x", "z")


def test_one_label_is_not_enough_whatever_its_name() -> None:
    examples = Examples.of(["x"], ["a"], None, {"a": "alpha"})
    with pytest.raises(NotEnoughLabelsError) as error:
        examples.require_two_labels()
    assert error.value.counts == {"a": 1}
    Examples.of(["x"], ["a"], None, NAMES).require_two_labels()


@pytest.mark.parametrize(
    ("labels", "weights"),
    [(["a"], None), (["a", "b"], [1]), (["a", "b"], [1, -1]), (["a", "b"], [1, np.nan])],
)
def test_labels_and_weights_that_do_not_fit_are_refused(
    labels: list[str], weights: list[float] | None
) -> None:
    with pytest.raises(ValueError, match="expected"):
        Examples.of(["x", "y"], labels, weights)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["accept_reservations"], "accept reservations"),
        (["bookFlight", "Book a flight."], "book Flight Book a flight."),
        (["Sci/Tech"], "Sci/Tech"),
        (["体育", "__"], "体育  "),
        ([], ""),
    ],
)
def test_names_are_split_into_words(names: list[str], text: str) -> None:
    assert write_name(names) == text
