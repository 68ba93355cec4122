from __future__ import annotations

import numpy as np

from prelabel.models.thresholds import tune_thresholds, tune_without_each


def test_a_threshold_is_where_the_f1_on_examples_left_out_is_best() -> None:
    truths = np.array([[True]] * 30 + [[False]] * 30)
    low = np.array([[0.3]] * 30 + [[0.2]] * 30, np.float32)
    (threshold,) = tune_thresholds(low, truths)
    assert 0.2 < threshold <= 0.3
    (high,) = tune_thresholds(low + np.float32(0.5), truths)
    assert 0.7 < high <= 0.8


def test_a_label_is_chosen_from_the_threshold_on() -> None:
    truths = np.array([[True]] * 30 + [[False]] * 30)
    just = np.array([[0.5]] * 30 + [[0.49]] * 30, np.float32)
    assert tune_thresholds(just, truths).tolist() == [0.5]


def test_a_frequent_label_has_a_threshold_of_its_own_and_a_rare_one_that_of_all() -> None:
    truths = np.zeros((400, 3), bool)
    truths[:100, 0] = truths[100:200, 1] = truths[200, 2] = True
    found = np.full(truths.shape, 0.1, np.float32)
    found[:, 0] = np.where(truths[:, 0], 0.4, 0.3)
    found[:, 1] = np.where(truths[:, 1], 0.8, 0.7)
    found[200, 2] = 0.9
    first, second, rare = tune_thresholds(found, truths)
    assert 0.3 < first <= 0.4
    assert 0.7 < second <= 0.8
    of_all = tune_thresholds(found.reshape(-1, 1), truths.reshape(-1, 1))
    assert rare == of_all


def test_where_nothing_was_measured_it_is_a_half() -> None:
    truths = np.array([[True, False], [False, True], [False, False]])
    assert tune_thresholds(np.full((3, 2), np.nan, np.float32), truths).tolist() == [0.5, 0.5]
    none = tune_thresholds(np.full((3, 2), 0.9, np.float32), np.zeros((3, 2), bool))
    assert none.tolist() == [0.5, 0.5]


def test_no_example_has_a_say_in_its_own_thresholds_nor_has_an_equal_text() -> None:
    random = np.random.default_rng(0)
    truths = random.random((60, 2)) < 0.3
    found = random.random((60, 2), np.float32)
    texts = [f"text {i % 50}" for i in range(60)]  # the last ten are the first again
    thresholds = tune_without_each(found, truths, texts)
    assert thresholds.shape == (60, 2)
    np.testing.assert_array_equal(thresholds[:10], thresholds[50:])
    for i in range(60):
        changed = truths.copy()
        changed[[j for j in range(60) if texts[j] == texts[i]]] ^= True
        np.testing.assert_array_equal(tune_without_each(found, changed, texts)[i], thresholds[i])


def test_thresholds_tuned_without_an_example_are_those_of_the_others() -> None:
    truths = np.arange(20)[:, np.newaxis] % 2 == 0
    found = np.where(truths, 0.7, 0.2).astype(np.float32)
    thresholds = tune_without_each(found, truths, [str(i) for i in range(20)])
    parts = np.arange(20) % 10
    for part in range(10):
        others = tune_thresholds(found[parts != part], truths[parts != part])
        np.testing.assert_allclose(thresholds[parts == part], np.tile(others, (2, 1)))
