from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import softmax

from prelabel.models.regression import Linear
from prelabel.models.scaling import Scaling, expect_scaling, fit_scaling

TWO = Scaling.without_shifts(1, n_classes=2)
THREE = Scaling.without_shifts(1, n_classes=3)


def draw(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Draw labels from the softmax of scores."""
    random = np.random.default_rng(0)
    found: npt.NDArray[np.int64] = (scores + random.gumbel(size=scores.shape)).argmax(axis=1)
    return found


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_scaling_that_made_the_labels_is_found(temperature: float) -> None:
    scores = np.random.default_rng(1).normal(size=(20_000, 3)) * 3
    shifts = np.array([0.5, 0.0, -0.5])
    found = fit_scaling(scores, draw(scores / temperature + shifts), expected=THREE)
    assert found.temperature == pytest.approx(temperature, rel=0.08)
    np.testing.assert_allclose(found.shifts - found.shifts.mean(), shifts, atol=0.1)


def test_few_examples_move_it_little() -> None:
    sure = np.array([[9.0, 0.0]])
    few = fit_scaling(sure, np.array([1]), expected=TWO)
    many = fit_scaling(np.repeat(sure, 99, axis=0), np.ones(99, np.int64), expected=TWO)
    assert 1 < few.temperature < many.temperature
    larger = Scaling.without_shifts(3, n_classes=2)
    assert fit_scaling(sure, np.array([1]), expected=larger).temperature > 3


def test_what_weighs_twice_is_an_example_twice() -> None:
    random = np.random.default_rng(0)
    scores, labels = random.normal(size=(30, 3)), random.integers(0, 3, 30)
    weighed = fit_scaling(scores, labels, np.where(labels == 1, 2.0, 1.0), expected=THREE)
    more = np.concatenate((np.arange(30), np.flatnonzero(labels == 1)))
    twice = fit_scaling(scores[more], labels[more], expected=THREE)
    assert weighed.temperature == pytest.approx(twice.temperature, rel=1e-3)
    np.testing.assert_allclose(weighed.shifts, twice.shifts, atol=1e-3)


def test_a_label_that_is_impossible_stays_so() -> None:
    scores = np.array([[1.0, -np.inf, 0.0]] * 20)
    found = fit_scaling(scores, np.arange(20) % 4 // 3 * 2, expected=THREE)
    assert np.isfinite(found.shifts).all()
    assert found.scale(scores[:1].astype(np.float32))[0, 1] == -np.inf


def test_examples_whose_label_is_impossible_say_that_nothing_is_sure() -> None:
    scores = np.array([[6.0, 0.0, 0.0, -np.inf]] * 4000)
    four = Scaling.without_shifts(1, n_classes=4)
    right, lost = np.zeros(4000, np.int64), np.tile([0, 3], 2000)
    with_lost = fit_scaling(scores, lost, expected=four)
    alone = fit_scaling(scores[lost == 0], right[lost == 0], expected=four)
    assert with_lost.temperature > 2 * alone.temperature
    scaled = softmax(with_lost.scale(scores[:1].astype(np.float32)), axis=1)[0]
    np.testing.assert_allclose(scaled, [0.66, 0.17, 0.17, 0], atol=0.05)


def test_without_examples_it_is_what_is_expected() -> None:
    found = fit_scaling(np.empty((0, 2)), np.empty(0, np.int64), expected=TWO)
    assert found.temperature == 1
    assert found.shifts.tolist() == [0, 0]


def test_a_linear_model_takes_it_in() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(5, 4)).astype(np.float32)
    linear = Linear(random.normal(size=(4, 3)).astype(np.float32), np.ones(3, np.float32))
    scaling = Scaling(np.float32(2.5), np.array([0.1, 0.2, 0.3], np.float32))
    folded = scaling.fold_into(linear).scores(rows)
    np.testing.assert_allclose(folded, scaling.scale(linear.scores(rows)), rtol=1e-5, atol=1e-6)


def test_of_very_many_scores_evenly_spaced_ones_say_enough() -> None:
    scores = np.random.default_rng(1).normal(size=(1_500_000, 2)) * 3
    found = fit_scaling(scores, draw(scores / 2), expected=TWO)
    assert found.temperature == pytest.approx(2, rel=0.02)


def test_of_more_labels_a_lower_temperature_is_expected_and_no_shift() -> None:
    found = [expect_scaling(n) for n in (1, 2, 20, 150)]
    temperatures = [scaling.temperature for scaling in found]
    assert temperatures[0] == temperatures[1] == 1.5
    assert 1.5 > temperatures[2] > temperatures[3] > 0.3
    assert not any(scaling.shifts.any() for scaling in found)
