from __future__ import annotations

import numpy as np
import pytest

from prelabel.loop.experiment import Count, Outcome
from prelabel.loop.learning_curve import LearningCurve


def outcome(n_examples: int, accuracy: float, *, texts: int = 100, first: int = 0) -> Outcome:
    """Return one of so many texts, the first of which were right."""
    right = round(accuracy * texts)
    counts = {f"text {first + n}": (float(n < right), 1.0) for n in range(texts)}
    return Outcome(n_examples=n_examples, counts=counts)


def curve(*accuracies: float, texts: int = 100) -> LearningCurve:
    return LearningCurve.of(
        outcome(100 * 2**n, accuracy, texts=texts) for n, accuracy in enumerate(accuracies)
    )


def test_a_point_is_the_mean_and_the_spread_of_its_draws() -> None:
    few = [outcome(20, 0.5, texts=10), outcome(20, 0.7, texts=10, first=10)]
    found = LearningCurve.of([outcome(40, 0.8, texts=20), *few])
    (first, last) = found.points
    assert found.n_texts == 20
    assert (first.n_examples, first.value) == (20, 0.6)
    assert first.spread == pytest.approx(np.sqrt(0.02))
    assert (last.n_examples, last.spread) == (40, None)
    assert found.to_mapping()["points"][0] == {"examples": 20, "value": 0.6, "spread": 0.1414}


def test_the_margin_is_the_standard_error_of_the_gain_text_by_text() -> None:
    found = curve(0.5, 0.8, 0.84, texts=1000)
    gains = np.repeat([1.0, 0.0], [40, 960])
    assert found.margin == pytest.approx(gains.std() / np.sqrt(1000), rel=0.02)


def test_the_advice_says_what_was_measured_and_what_would_follow() -> None:
    # A doubling left 80 % of the errors: the next would take 20 % of the other 16.
    assert curve(0.5, 0.8, 0.84, texts=1000).advice == (
        "Going from 200 to 400 labels added 4.0 points of accuracy on 1000 texts left out (±0.6): "
        "twice as many would add about 3.2 if errors go on falling at this rate."
    )


@pytest.mark.parametrize("accuracies", [(0.8, 0.81), (0.8, 0.79), (1.0, 1.0)])
def test_a_gain_that_chance_can_bring_promises_nothing(accuracies: tuple[float, float]) -> None:
    advice = curve(*accuracies).advice
    assert "no more than chance can" in advice
    assert "would add" not in advice


def test_nothing_is_not_called_a_loss() -> None:
    before = Outcome(n_examples=1, counts={"a": (0.5, 1), "b": (0.5001, 1)})
    after = Outcome(n_examples=2, counts={"a": (0.5, 1), "b": (0.5, 1)})
    assert "added 0.0 points" in LearningCurve.of([before, after]).advice


def test_a_loss_that_chance_seldom_brings_is_said() -> None:
    assert curve(0.8, 0.7).advice == (
        "Going from 100 to 200 labels lost 10.0 points of accuracy on 100 texts left out: more "
        "than chance does often (±3.2). Do labels contradict each other?"
    )


def test_a_loss_of_one_to_two_standard_errors_is_hardly_more_than_chance() -> None:
    assert curve(0.8, 0.77).advice == (
        "Going from 100 to 200 labels lost 3.0 points of accuracy on 100 texts left out: hardly "
        "more than chance can (±2.0)."
    )


def test_a_loss_that_draws_differ_by_accuses_no_labels() -> None:
    draws = [outcome(200, value, texts=50, first=50 * n) for n, value in enumerate((0.5, 0.9))]
    found = LearningCurve.of([outcome(100, 0.8, texts=100), *draws])
    assert found.points[-1].spread == pytest.approx(0.283, abs=0.001)
    assert "contradict" not in found.advice


def draw_sets(n: int, seed: int) -> tuple[dict[str, Count], dict[str, Count]]:
    """Return, of two classifiers, how many labels of each text are right, and of how many."""
    random = np.random.default_rng(seed)
    sizes, luck = random.integers(0, 4, n), random.random((2, n))
    right = (luck * (sizes + 1)).astype(int)
    there = np.maximum(right, sizes + random.integers(0, 2, (2, n)) / 2)
    first, second = (
        {str(i): (float(r), float(t)) for i, (r, t) in enumerate(zip(*some, strict=True))}
        for some in zip(right, there, strict=True)
    )
    return first, second


def test_of_several_labels_it_is_the_micro_f1_and_chance_moves_that_so_far() -> None:
    curves = [
        LearningCurve.of(
            [
                Outcome(n_examples=n, counts=counts)
                for n, counts in enumerate(draw_sets(150, seed), 1)
            ],
            measure="micro-F1",
        )
        for seed in range(400)
    ]
    first, _ = draw_sets(150, 0)
    right, there = np.array([*first.values()]).T
    assert curves[0].points[0].value == pytest.approx(right.sum() / there.sum())
    gains = [curve.points[1].value - curve.points[0].value for curve in curves]
    assert np.std(gains) == pytest.approx(np.mean([curve.margin for curve in curves]), rel=0.1)
    assert "points of micro-F1" in curves[0].advice


def test_where_no_text_has_a_label_and_none_is_chosen_all_is_right() -> None:
    nothing = {"a": (0.0, 0.0), "b": (0.0, 0.0)}
    found = LearningCurve.of(Outcome(n_examples=n, counts=nothing) for n in (1, 2))
    assert [point.value for point in found.points] == [1, 1]
