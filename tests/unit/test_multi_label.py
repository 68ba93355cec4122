from __future__ import annotations

import itertools

import numpy as np
import pytest

from prelabel.errors import ArtifactError, NotEnoughLabelsError
from prelabel.models.multi_label import SklearnMultiLabelClassifier, tune_thresholds

TOPICS = {
    "sports": "goal match team coach league striker",
    "cooking": "oven butter soup garlic dough whisk",
    "money": "bank loan interest market shares bond",
}


def make(n: int) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return texts of none, one or two topics, and which."""
    random = np.random.default_rng(1)
    sets = [(), *((t,) for t in TOPICS), *itertools.combinations(TOPICS, 2)]
    chosen = [sets[i % len(sets)] for i in range(n)]
    texts = []
    for labels in chosen:
        words = " ".join(["today", "we", *(TOPICS[label] for label in labels)]).split()
        texts.append(" ".join(random.permutation(words)[: 4 + 3 * len(labels)]))
    return texts, chosen


@pytest.fixture(scope="module")
def model() -> SklearnMultiLabelClassifier:
    return SklearnMultiLabelClassifier().fit(*make(70))


def test_texts_may_have_no_label_one_or_two(model: SklearnMultiLabelClassifier) -> None:
    assert model.classes_ == ("cooking", "money", "sports")
    texts = [
        "we saw the match and the striker",
        "soup with butter while the bank opens",
        "today we",
    ]
    found = model.predict_proba(texts) >= model.thresholds_
    assert found.tolist() == [[False, False, True], [True, True, False], [False, False, False]]


def test_every_example_is_measured_by_a_fit_that_had_not_seen_it(
    model: SklearnMultiLabelClassifier,
) -> None:
    assert model.out_of_fold_ is not None
    assert model.out_of_fold_.shape == (70, 3)
    _, sets = make(70)
    truths = np.array([[label in chosen for label in model.classes_] for chosen in sets])
    assert ((model.out_of_fold_ >= model.thresholds_) == truths).mean() > 0.9


def test_it_comes_back_from_its_arrays(model: SklearnMultiLabelClassifier) -> None:
    again = SklearnMultiLabelClassifier.from_arrays(model.to_arrays(), model.classes_)
    texts = ["the goal", "butter", ""]
    np.testing.assert_array_equal(again.predict_proba(texts), model.predict_proba(texts))
    np.testing.assert_array_equal(again.thresholds_, model.thresholds_)


@pytest.mark.parametrize("name", ["coefficients", "intercept", "thresholds"])
def test_arrays_that_do_not_fit_are_refused(model: SklearnMultiLabelClassifier, name: str) -> None:
    arrays = {key: array for key, array in model.to_arrays().items() if key != name}
    with pytest.raises(ArtifactError, match=name):
        SklearnMultiLabelClassifier.from_arrays(arrays, model.classes_)


def test_the_same_again_gives_the_same_arrays(model: SklearnMultiLabelClassifier) -> None:
    again = SklearnMultiLabelClassifier().fit(*make(70))
    for name, array in again.to_arrays().items():
        np.testing.assert_array_equal(array, model.to_arrays()[name])


def test_a_label_that_all_texts_have_cannot_be_told_from_its_absence() -> None:
    model = SklearnMultiLabelClassifier().fit(["a cat", "a dog"], [("x", "y"), ("x",)])
    assert model.classes_ == ("y",)
    with pytest.raises(NotEnoughLabelsError):
        SklearnMultiLabelClassifier().fit(["a cat", "a dog"], [("x",), ("x",)])
    with pytest.raises(NotEnoughLabelsError):
        SklearnMultiLabelClassifier().fit(["a cat", "a dog"], [(), ()])


def test_a_threshold_is_where_the_f1_on_examples_left_out_is_best() -> None:
    truths = np.array([[True]] * 30 + [[False]] * 30)
    low = np.array([[0.3]] * 30 + [[0.2]] * 30, np.float32)
    (threshold,) = tune_thresholds(low, truths)
    assert 0.2 < threshold <= 0.3
    (high,) = tune_thresholds(low + np.float32(0.5), truths)
    assert 0.7 < high <= 0.8


def test_labels_of_a_few_examples_share_a_threshold_and_none_is_a_half() -> None:
    truths = np.array([[True, False], [False, True], [False, False]])
    found = np.array([[0.9, 0.7], [0.65, 0.9], [0.1, 0.1]], np.float32)
    first, second = tune_thresholds(found, truths)
    assert first == second > 0.7
    assert tune_thresholds(np.full((3, 2), np.nan, np.float32), truths).tolist() == [0.5, 0.5]
