from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from prelabel.models.arrays import Matrix
from prelabel.models.calibration import (
    are_clearly_worse,
    measure,
    scale_without_each,
)
from prelabel.models.examples import Examples
from prelabel.models.folds import assign_folds
from prelabel.models.regression import Solver
from prelabel.models.scaling import expect_scaling


def noise(n: int) -> tuple[Examples, Matrix]:
    """Labels that texts say nothing about: a model that believes what it fits is overconfident."""
    random = np.random.default_rng(0)
    texts = [f"text {i}" for i in range(n)]
    examples = Examples.of(texts, ["ab"[i] for i in random.integers(0, 2, n)], None)
    return examples, random.normal(size=(n, 200)).astype(np.float32)


def test_calibration_improves_the_log_loss_out_of_fold() -> None:
    from sklearn.metrics import log_loss

    examples, rows = noise(100)
    measured = measure(rows, examples, Solver(C=100, seed=0))
    before = log_loss(examples.labels, softmax(measured.scores, axis=1))
    assert measured.scaling.temperature > 3
    assert measured.log_loss < before / 2
    assert measured.log_loss == pytest.approx(np.log(2), abs=0.1)
    scaled = softmax(measured.scaling.scale(measured.scores), axis=1)
    assert measured.log_loss == pytest.approx(log_loss(examples.labels, scaled), rel=1e-4)
    assert measured.losses.mean() == pytest.approx(measured.log_loss)


def test_losses_are_clearly_worse_if_chance_alone_would_hardly_make_them_so() -> None:
    random = np.random.default_rng(0)
    losses = random.random(50)
    worse = losses + 0.3 + random.normal(size=50)
    assert are_clearly_worse(worse, losses)
    assert not are_clearly_worse(losses, worse)
    assert not are_clearly_worse(worse[:3] - 0.3, losses[:3])
    unknown = np.full(50, np.nan)
    assert not are_clearly_worse(unknown, losses)


def test_one_fold_can_be_enough() -> None:
    examples, rows = noise(100)
    measured = measure(rows, examples, Solver(C=1, seed=0), n_measured=1)
    assert np.isfinite(measured.scores).all(axis=1).sum() == 20


def test_names_are_in_every_fit_and_in_no_measurement() -> None:
    texts = [f"text {i}" for i in range(30)]
    examples = Examples.of(texts, ["a", "b"] * 15, None, {"a": "alpha", "b": "beta"})
    rows = np.zeros((32, 2), np.float32)
    rows[1, 1] = 1
    scores = measure(rows, examples, Solver(C=1, seed=0)).scores
    assert scores.shape == (30, 2)
    assert np.isfinite(scores).all()


def test_too_few_different_texts_say_nothing() -> None:
    examples, rows = noise(19)
    measured = measure(rows, examples, Solver(C=1, seed=0))
    assert measured.scaling.temperature == 3 / 2
    assert np.isnan(measured.scores).all()


def test_what_is_left_out_beside_all_of_a_label_is_measured_as_the_other() -> None:
    examples, rows = noise(30)
    alone = Examples.of(examples.texts, ["a"] * 29 + ["b"], None)
    measured = measure(rows, alone, Solver(C=1, seed=0))
    assert measured.scores[29].tolist() == [0, -np.inf]
    assert not np.isnan(measured.scores).any()
    assert np.isfinite(measured.scaling.shifts).all()


def test_where_all_texts_have_one_label_nothing_is_measured() -> None:
    texts = [f"text {i}" for i in range(30)]
    examples = Examples.of(texts, ["a"] * 30, None, {"a": "alpha", "b": "beta"})
    measured = measure(np.eye(32, dtype=np.float32), examples, Solver(C=1, seed=0))
    assert np.isnan(measured.scores).all()
    assert np.isnan(measured.losses).all()


def sure_scores(n: int) -> tuple[Examples, Matrix]:
    """Return examples and scores that are right three times in four."""
    labels = ["a", "b"] * (n // 2)
    scores = np.array([[4, 0] if label == "a" else [0, 4] for label in labels], np.float32)
    scores[::4] = scores[::4, ::-1]
    return Examples.of([f"text {i}" for i in range(n)], labels, None), scores


def test_no_score_has_a_say_in_how_it_is_scaled() -> None:
    examples, scores = sure_scores(60)
    scaling = expect_scaling(2)
    found = scale_without_each(scores, examples, scaling)
    folds = assign_folds(examples.texts, examples.labels)
    for i in range(60):
        changed = scores.copy()
        changed[i] *= -9
        again = scale_without_each(changed, examples, scaling)
        beside = (folds == folds[i]) & (np.arange(60) != i)
        np.testing.assert_array_equal(again[beside], found[beside])
        assert (again[folds != folds[i]] != found[folds != folds[i]]).all()


def test_many_scores_are_scaled_alike() -> None:
    examples, scores = sure_scores(600)
    scaling = expect_scaling(2)
    np.testing.assert_array_equal(
        scale_without_each(scores, examples, scaling), scaling.scale(scores)
    )


def test_where_nothing_was_measured_nothing_is_scaled_by_it() -> None:
    examples, scores = sure_scores(10)
    assert np.isnan(scale_without_each(scores * np.nan, examples, expect_scaling(2))).all()
