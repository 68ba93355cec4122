from __future__ import annotations

import numpy as np

from prelabel.cli.report import describe_curve, describe_evaluation, join, most_confused
from prelabel.loop.evaluation import Evaluation, evaluate
from prelabel.loop.learning_curve import LearningCurve
from prelabel.loop.set_evaluation import evaluate_sets
from tests.unit.test_learning_curve import outcome


def measured(truths: str, predicted: str) -> Evaluation:
    classes = sorted({*truths, *predicted})
    rows = np.array([[float(name == label) for name in classes] for label in predicted])
    evaluation = evaluate(list(truths), classes, rows, rows.argmax(axis=1))
    assert evaluation
    return evaluation


def test_the_measures_stand_above_a_line_for_each_label() -> None:
    lines = list(describe_evaluation(measured("aabb", "abbb")))
    assert lines[0].startswith("On 4 examples")
    assert "  accuracy  0.750" in lines
    assert "  a          1.000   0.500  0.667        2" in lines
    assert lines[-1] == "      1  a → b"


def test_the_most_frequent_confusions_come_first() -> None:
    assert most_confused(measured("aaaabc", "abbccc")) == [
        ("a", "b", 2), ("a", "c", 1), ("b", "c", 1)
    ]  # fmt: skip


def test_where_nothing_is_confused_nothing_is_said_of_it() -> None:
    assert not any("confused" in line for line in describe_evaluation(measured("ab", "ab")))


def test_where_nothing_has_a_label_there_is_no_line_of_one() -> None:
    none = np.zeros((2, 1))
    evaluation = evaluate_sets([(), ()], ("a",), none, none > 0.5)
    assert evaluation
    assert list(describe_evaluation(evaluation))[-1].split() == [
        "label", "precision", "recall", "F1", "support"
    ]  # fmt: skip


def test_odd_labels_keep_the_table_straight() -> None:
    classes = ["体育", "a\nb", "x" * 99]
    evaluation = evaluate(classes, classes, np.eye(3), np.arange(3))
    assert evaluation
    lines = list(describe_evaluation(evaluation))
    table = [line for line in lines if line.endswith("      1")]
    assert [line.index("1.000") for line in table] == [48, 48, 46]  # Chinese signs are two wide
    assert "…" in table[1]
    assert table[0].startswith("  a b ")


def test_a_curve_has_a_bar_for_each_budget_and_ends_in_advice() -> None:
    outcomes = [
        outcome(20, 0.4, texts=10), outcome(20, 0.6, texts=10, first=10),
        outcome(40, 0.75, texts=20),
    ]  # fmt: skip
    lines = list(describe_curve(LearningCurve.of(outcomes)))
    assert lines[0] == "Learning curve, on 20 texts, each left out of the fits that judge it:"
    assert f"      20  0.500 ± 0.141  {'█' * 20}" in lines
    assert f"      40  0.750          {'█' * 30}" in lines
    assert lines[-1].startswith("Going from 20 to 40 labels")


def test_parts_are_parted_by_an_empty_line() -> None:
    assert join([["a  ", "b"], ["c"]]) == "a\nb\n\nc"
