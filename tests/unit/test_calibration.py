from __future__ import annotations

import numpy as np
import pytest

from prelabel.models.calibration import assign_folds, fit_temperature, log_loss, measure
from prelabel.models.examples import Examples
from prelabel.models.regression import Matrix, Solver


def test_equal_texts_are_in_one_fold_and_labels_in_all() -> None:
    groups = [f"text {i // 2}" for i in range(40)]
    labels = np.repeat([0, 1], 20)
    folds = assign_folds(groups, labels, 5)
    assert (folds[::2] == folds[1::2]).all()
    for label in (0, 1):
        np.testing.assert_array_equal(np.bincount(folds[labels == label]), [4] * 5)


def test_no_examples_have_no_folds() -> None:
    assert assign_folds([], np.array([], np.int64), 5).shape == (0,)


def test_the_log_loss_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import log_loss as reference

    random = np.random.default_rng(0)
    scores, labels, weights = random.normal(size=(9, 3)), np.arange(9) % 3, random.random(9)
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    expected = reference(labels, probabilities, sample_weight=weights)
    assert log_loss(scores, labels, weights) == pytest.approx(expected)
    assert log_loss(np.array([[1.0, -np.inf]]), np.array([0])) == 0


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(true: float) -> None:
    random = np.random.default_rng(0)
    scores = random.normal(size=(20_000, 3)) * 3
    noisy = scores / true + random.gumbel(size=scores.shape)  # draws from the softmax
    assert fit_temperature(scores, noisy.argmax(axis=1)) == pytest.approx(true, rel=0.08)


def test_few_examples_move_it_little() -> None:
    sure = np.array([[9.0, 0.0]])
    few = fit_temperature(sure, np.array([1]))
    many = fit_temperature(np.repeat(sure, 99, axis=0), np.ones(99, np.int64))
    assert 1 < few < many


def noise(n: int) -> tuple[Examples, Matrix]:
    """Labels that texts say nothing about: a model that believes what it fits is overconfident."""
    random = np.random.default_rng(0)
    texts = [f"text {i}" for i in range(n)]
    examples = Examples.of(texts, ["ab"[i] for i in random.integers(0, 2, n)], None)
    return examples, random.normal(size=(n, 200)).astype(np.float32)


def test_calibration_improves_the_log_loss_out_of_fold() -> None:
    examples, rows = noise(100)
    measured = measure(rows, examples, Solver(C=100, seed=0))
    before = log_loss(measured.scores, examples.labels)
    assert measured.temperature > 3
    assert measured.log_loss < before / 2
    assert measured.log_loss == pytest.approx(np.log(2), abs=0.1)


def test_one_fold_can_be_enough() -> None:
    examples, rows = noise(100)
    measured = measure(rows, examples, Solver(C=1, seed=0), n_measured=1)
    assert np.isfinite(measured.scores).all(axis=1).sum() == 20


def test_names_are_in_every_fit_and_in_no_measurement() -> None:
    texts = [f"text {i}" for i in range(30)]
    examples = Examples.of(texts, ["a"] * 30, None, {"a": "alpha", "b": "beta"})
    rows = np.zeros((32, 2), np.float32)
    rows[1, 1] = 1
    scores = measure(rows, examples, Solver(C=1, seed=0)).scores
    assert scores.shape == (30, 2)
    assert np.isfinite(scores).all()


def test_too_few_different_texts_say_nothing() -> None:
    examples, rows = noise(19)
    measured = measure(rows, examples, Solver(C=1, seed=0))
    assert measured.temperature == 1
    assert np.isnan(measured.scores).all()


def test_texts_of_one_label_say_nothing_of_the_others() -> None:
    texts = [f"text {i}" for i in range(40)]
    names = {"a": "one", "b": "other"}
    examples = Examples.of(texts, ["a"] * 40, None, names)
    rows = np.random.default_rng(0).normal(size=(42, 3)).astype(np.float32)
    found = measure(rows, examples, Solver(C=10, seed=0))
    assert found.temperature == 1
    assert np.isnan(found.log_loss)


def test_a_label_that_stands_alone_is_not_measured() -> None:
    examples, rows = noise(30)
    alone = Examples.of(examples.texts, ["a"] * 29 + ["b"], None)
    scores = measure(rows, alone, Solver(C=1, seed=0)).scores
    assert np.isnan(scores[29]).all()
