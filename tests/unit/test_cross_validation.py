from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pytest

from prelabel.loop.cross_validation import MOST_EXAMPLES, predict_left_out
from prelabel.models.base import Arrays, MultiLabelModel
from prelabel.models.folds import N_FOLDS
from prelabel.types import Example
from tests.letters import Letters, make_examples


class Watched:
    """Fits `Letters`, and remembers on what."""

    def __init__(self) -> None:
        self.seen: list[set[str]] = []

    def __call__(self, examples: Sequence[Example]) -> Letters:
        self.seen.append({example.text for example in examples})
        texts, labels = zip(*((e.text, e.labels[0]) for e in examples), strict=True)
        return Letters().fit(texts, labels)


def test_every_example_is_predicted_once_by_a_fit_that_had_not_seen_its_text() -> None:
    examples, fit = make_examples("ab" * 20, texts=30), Watched()
    found = predict_left_out(examples, ("a", "b"), fit)
    assert found is not None
    assert len(fit.seen) == N_FOLDS
    assert sum(example.text not in fit.seen[0] for example in examples) > 0
    for example in examples:
        assert sum(example.text not in seen for seen in fit.seen) == 1
    assert found.probabilities.argmax(axis=1).tolist() == [0, 1] * 20


def test_of_many_examples_one_fold_is_measured() -> None:
    examples, fit = make_examples("ab" * MOST_EXAMPLES), Watched()
    found = predict_left_out(examples, ("a", "b"), fit)
    assert found is not None
    assert len(fit.seen) == 1
    assert np.isnan(found.probabilities).all(axis=1).mean() == pytest.approx(0.8)


def test_a_label_that_only_the_example_has_got_no_chance() -> None:
    found = predict_left_out(make_examples("ab" * 12 + "c"), ("a", "b", "c"), Watched())
    assert found is not None
    assert found.probabilities[-1, 2] == 0


@pytest.mark.parametrize("examples", [make_examples("ab" * 9), make_examples("ab" * 30, texts=4)])
def test_too_few_texts_measure_nothing(examples: list[Example]) -> None:
    assert predict_left_out(examples, ("a", "b"), Watched()) is None


def test_a_fold_that_leaves_one_label_is_decided_so() -> None:
    found = predict_left_out(make_examples("a" * 24 + "b"), ("a", "b"), Watched())
    assert found is not None
    assert not np.isnan(found.probabilities).any()
    assert found.probabilities[-1].tolist() == [1, 0]


class SeveralLetters(MultiLabelModel):
    """Chooses from a threshold on that tells how many texts it has learned from."""

    def fit(self, texts: Sequence[str], labels: Sequence[Collection[str]], **extras: Any) -> Self:
        self.classes_ = tuple(sorted({label for chosen in labels for label in chosen}))
        self.thresholds_ = np.full(len(self.classes_), len(texts) / 100, np.float32)
        return self

    def predict_proba(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.full((len(texts), len(self.classes_)), 0.5, np.float32)

    def to_arrays(self) -> Arrays:
        return {}

    @classmethod
    def from_arrays(cls, arrays: Arrays, classes: Sequence[str]) -> Self:
        raise NotImplementedError


def test_thresholds_are_those_of_the_fit_that_had_not_seen_the_example() -> None:
    examples = make_examples("ab" * 25)
    found = predict_left_out(
        examples,
        ("a", "b"),
        lambda some: SeveralLetters().fit([e.text for e in some], [e.labels for e in some]),
    )
    assert found is not None
    np.testing.assert_allclose(found.thresholds, 0.4)  # of forty texts, not of fifty
