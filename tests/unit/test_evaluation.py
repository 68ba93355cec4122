from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
)

from prelabel.loop.evaluation import LEAST_PROBABILITY, Evaluation, evaluate, is_clearly_worse

CLASSES = ("ham", "news", "spam")
Case = tuple[list[str], npt.NDArray[np.float32]]


@st.composite
def measured(draw: st.DrawFn) -> Case:
    labels = draw(st.lists(st.sampled_from(CLASSES), min_size=1, max_size=40))
    generator = np.random.default_rng(draw(st.integers(0, 1000)))
    probabilities = generator.dirichlet(np.ones(3), size=len(labels)).astype(np.float32)
    return labels, np.maximum(probabilities, np.float32(0.001))


def measure(labels: list[str], probabilities: npt.NDArray[Any]) -> Evaluation | None:
    """Evaluate a model that predicts the most probable label."""
    return evaluate(labels, CLASSES, probabilities, probabilities.argmax(axis=1))


def of(labels: list[str], rows: list[list[float]]) -> Evaluation:
    found = measure(labels, np.array(rows, np.float32))
    assert found is not None
    return found


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(measured())
def test_every_figure_is_scikit_learns(case: Case) -> None:
    labels, probabilities = case
    found = measure(labels, probabilities)
    assert found is not None
    predicted = [CLASSES[i] for i in probabilities.argmax(axis=1)]
    names = sorted({*labels, *predicted})
    assert found.n_examples == len(labels)
    assert found.accuracy == pytest.approx(accuracy_score(labels, predicted))
    expected = f1_score(labels, predicted, average="macro", zero_division=0)
    assert found.macro_f1 == pytest.approx(expected)
    each: Any = precision_recall_fscore_support(labels, predicted, labels=names, zero_division=0)
    rows = [(m.precision, m.recall, m.f1, m.support) for m in found.per_label.values()]
    assert list(found.per_label) == names
    np.testing.assert_allclose(np.array(rows).T, np.array(each))
    table = [[found.confusion.get(t, {}).get(p, 0) for p in names] for t in names]
    assert table == confusion_matrix(labels, predicted, labels=names).tolist()


@given(measured())
def test_the_log_loss_is_scikit_learns_where_no_label_is_all_but_impossible(case: Case) -> None:
    labels, given_ = case
    probabilities = given_.astype(np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = measure(labels, probabilities)
    assert found is not None
    expected = log_loss(labels, probabilities, labels=list(CLASSES))
    assert found.log_loss == pytest.approx(expected)


def test_examples_that_were_not_measured_are_left_out() -> None:
    found = of(["ham", "spam"], [[0.9, 0.05, 0.05], [np.nan, np.nan, np.nan]])
    assert (found.n_examples, found.accuracy) == (1, 1.0)
    assert list(found.per_label) == ["ham"]


@pytest.mark.parametrize("labels", [[], ["ham", "spam"]])
def test_there_is_no_evaluation_of_nothing(labels: list[str]) -> None:
    nothing = np.full((len(labels), 3), np.nan, np.float32)
    assert measure(labels, nothing) is None


def test_a_label_that_cannot_be_predicted_is_wrong_and_costs_no_more_than_a_bound() -> None:
    unknown = of(["other"], [[0.9, 0.05, 0.05]])
    impossible = of(["spam"], [[1.0, 0.0, 0.0]])
    for found in (unknown, impossible):
        assert found.accuracy == 0
        assert found.log_loss == pytest.approx(-math.log(LEAST_PROBABILITY))
    assert unknown.per_label["other"].recall == 0


def test_probabilities_that_keep_their_promise_have_no_calibration_error() -> None:
    row = [0.75, 0.125, 0.125]
    assert of(["ham", "ham", "ham", "spam"], [row] * 4).ece == pytest.approx(0)
    assert of(["ham", "ham", "spam", "spam"], [row] * 4).ece == pytest.approx(0.25)


def test_errors_of_different_probabilities_do_not_cancel() -> None:
    rows = [[1.0, 0.0, 0.0], [0.5, 0.25, 0.25]]
    assert of(["spam", "ham"], rows).ece == pytest.approx(0.75)


def test_what_is_measured_is_what_is_chosen_probable_or_not() -> None:
    rows = np.array([[0.4, 0.3, 0.3], [0.1, 0.8, 0.1]], np.float32)
    found = evaluate(["news", "news"], CLASSES, rows, np.array([1, 1]))
    assert found is not None
    assert found.accuracy == 1
    assert found.ece == pytest.approx((0.7 + 0.2) / 2)


def test_one_line_says_the_figures_and_the_label_found_least() -> None:
    found = of(["ham", "spam", "spam"], [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]])
    assert str(found) == (
        "accuracy 0.67, micro-F1 0.67, macro-F1 0.67, log-loss 0.92, ECE 0.13 "
        "on 3 examples left out; weakest: 'spam' (recall 0.50)"
    )


def test_no_label_is_called_weak_where_all_are_found() -> None:
    assert "weakest" not in str(of(["ham"], [[0.8, 0.1, 0.1]]))


def test_the_mapping_is_json_with_short_numbers() -> None:
    mapping = of(["ham", "spam", "spam"], [[0.8, 0.1, 0.1]] * 3).to_mapping()
    assert json.loads(json.dumps(mapping)) == mapping
    assert mapping["accuracy"] == 0.3333
    assert mapping["per_label"]["ham"]["support"] == 1
    assert mapping["confusion"] == {"ham": {"ham": 1}, "spam": {"ham": 2}}


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_exact(lost: int, won: int) -> None:
    n = lost + won
    probability = sum(math.comb(n, k) for k in range(lost, n + 1)) / 2**n
    assert is_clearly_worse(lost, won, threshold=probability * (1 + 1e-9) + 1e-300)
    assert not is_clearly_worse(lost, won, threshold=probability * (1 - 1e-9))


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (100, 0), (1_000_000, 0)])
def test_a_threshold_of_zero_finds_nothing_worse(lost: int, won: int) -> None:
    assert not is_clearly_worse(lost, won, threshold=0)


def test_a_process_that_evaluates_needs_no_scikit_learn_and_no_statistics() -> None:
    code = (
        "import sys, numpy as np; from prelabel.loop.evaluation import evaluate;"
        "evaluate(['a'], ['a'], np.ones((1, 1)), np.zeros(1, int));"
        "print([m for m in ('sklearn', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
