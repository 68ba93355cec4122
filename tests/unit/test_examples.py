from __future__ import annotations

import numpy as np
import pytest

from prelabel.errors import NotEnoughLabelsError
from prelabel.models.examples import Examples, Floats, write_name
from prelabel.models.ngrams import Integers


def ones(counts: Integers) -> Floats:
    return np.ones(len(counts))


NAMES = {"a": "alpha", "b": "beta", "c": "gamma"}


def test_names_follow_the_texts_and_count_by_the_examples_of_their_label() -> None:
    real = Examples.of(["x", "y", "z"], ["b", "a", "b"], [1, 2, 3])
    both = real.with_names(NAMES, weight=lambda counts: 1 / (1 + counts), unseen=False)
    assert both.classes == ("a", "b")
    assert both.texts == ["x", "y", "z", "alpha", "beta"]
    assert both.labels.tolist() == [1, 0, 1, 0, 1]
    np.testing.assert_allclose(both.weights, [1, 2, 3, 1 / 2, 1 / 3])
    assert both.n_real == 3


def test_a_label_known_by_name_only_is_learned_if_asked_for_or_if_there_is_nothing_else() -> None:
    real = Examples.of(["x", "y"], ["b", "a"], None)
    assert real.with_names(NAMES, weight=ones, unseen=True).classes == ("a", "b", "c")
    none = Examples.of([], [], None).with_names(NAMES, weight=ones, unseen=False)
    assert none.classes == ("a", "b", "c")
    none.require_two_labels()


def test_texts_that_weigh_nothing_are_left_out() -> None:
    examples = Examples.of(["x", "y", "z"], ["a", "b", "c"], [1, 0, 2])
    assert examples.classes == ("a", "c")
    assert examples.positions.tolist() == [0, 2]
    assert examples.texts == ["x", "z"]


def test_names_are_not_counted_where_there_are_too_few_labels() -> None:
    examples = Examples.of(["x"], ["a"], None).with_names(NAMES, weight=ones, unseen=False)
    with pytest.raises(NotEnoughLabelsError) as error:
        examples.require_two_labels()
    assert error.value.counts == {"a": 1}


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
