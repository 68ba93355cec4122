from __future__ import annotations

import numpy as np
import pytest

from prelabel.loop.set_evaluation import evaluate_sets

NAN = np.nan


def test_the_measures_are_what_is_counted_by_hand() -> None:
    truths = [("a",), ("a", "b"), (), ("c",)]
    found = np.array([[0.9, 0.2], [0.8, 0.4], [0.6, 0.1], [0.1, 0.1]], np.float32)
    measured = evaluate_sets(truths, ("a", "b"), found, found >= 0.5)
    assert measured
    assert (measured.n_examples, measured.accuracy) == (4, 0.25)
    assert measured.micro_f1 == pytest.approx(2 * 2 / (4 + 3))
    a, b, c = (measured.per_label[name] for name in "abc")
    assert a.precision == pytest.approx(2 / 3)
    assert (a.recall, a.support) == (1.0, 2)
    assert (b.precision, b.recall, b.f1, b.support) == (0.0, 0.0, 0.0, 1)
    assert (c.recall, c.support) == (0.0, 1)
    assert measured.macro_f1 == pytest.approx(0.8 / 3)
    probabilities = [0.9, 0.8, 0.8, 0.4, 0.4, 0.9, 0.9, 0.9]
    assert measured.log_loss == pytest.approx(-np.log(probabilities).mean(), abs=1e-6)
    assert measured.confusion == {}


def test_what_was_not_measured_does_not_count() -> None:
    found = np.array([[0.9, NAN], [NAN, NAN]], np.float32)
    measured = evaluate_sets([("a",), ("b",)], ("a", "b"), found, found >= 0.5)
    assert measured
    assert (measured.n_examples, measured.accuracy, measured.micro_f1) == (1, 1.0, 1.0)
    assert evaluate_sets([("b",)], ("a", "b"), found[1:], found[1:] >= 0.5) is None


def test_all_empty_and_none_chosen_is_all_right() -> None:
    found = np.array([[0.1], [0.2]], np.float32)
    measured = evaluate_sets([(), ()], ("a",), found, found >= 0.5)
    assert measured
    assert (measured.accuracy, measured.micro_f1, measured.macro_f1) == (1.0, 1.0, 1.0)
    assert "accuracy 1.00" in str(measured)


def test_a_label_that_none_has_and_none_was_predicted_to_have_is_not_measured() -> None:
    found = np.array([[0.9, 0.1], [0.2, 0.1]], np.float32)
    measured = evaluate_sets([("a",), ()], ("a", "b"), found, found >= 0.5)
    assert measured
    assert measured.macro_f1 == 1.0
    assert list(measured.per_label) == ["a"]
