from __future__ import annotations

import numpy as np
import pytest

from prelabel.loop.experiment import Trial
from prelabel.loop.learning_curve import LearningCurve


def curve(*accuracies: float, n_test: int) -> LearningCurve:
    trials = [Trial(n_examples=100 * 2**n, accuracy=a) for n, a in enumerate(accuracies)]
    return LearningCurve.of(trials, n_test=n_test, n_texts=n_test)


def test_a_point_is_the_mean_and_the_spread_of_its_draws() -> None:
    trials = [Trial(n_examples=20, accuracy=a) for a in (0.5, 0.7)]
    found = LearningCurve.of([Trial(n_examples=40, accuracy=0.8), *trials], n_test=10, n_texts=10)
    (first, last) = found.points
    assert (first.n_examples, first.accuracy) == (20, 0.6)
    assert first.spread == pytest.approx(np.sqrt(0.02))
    assert (last.n_examples, last.spread) == (40, None)
    assert found.to_mapping()["points"][0] == {"examples": 20, "accuracy": 0.6, "spread": 0.1414}


def test_the_advice_says_what_was_measured_and_what_would_follow() -> None:
    # A doubling left 80 % of the errors: the next would take 20 % of the other 16.
    assert curve(0.5, 0.8, 0.84, n_test=1000).advice == (
        "Going from 200 to 400 labels added 4.0 points of accuracy on 1000 texts left out: "
        "twice as many would add about 3.2 if errors go on falling at this rate."
    )


@pytest.mark.parametrize("accuracies", [(0.8, 0.81), (0.8, 0.78), (1.0, 1.0)])
def test_a_gain_that_chance_can_bring_promises_nothing(accuracies: tuple[float, float]) -> None:
    advice = curve(*accuracies, n_test=100).advice
    assert "no more than chance can" in advice
    assert "would add" not in advice


def test_a_loss_that_chance_seldom_brings_is_said() -> None:
    assert curve(0.8, 0.7, n_test=100).advice == (
        "Going from 100 to 200 labels lost 10.0 points of accuracy on 100 texts left out: more "
        "than chance does often (±4.6). Do labels contradict each other?"
    )


def test_chance_moves_the_accuracy_on_equal_texts_as_on_one() -> None:
    trials = [Trial(n_examples=n, accuracy=a) for n, a in ((100, 0.5), (200, 0.6))]
    each, five = (LearningCurve.of(trials, n_test=500, n_texts=n) for n in (500, 5))
    assert "would add" in each.advice
    assert five.advice.endswith("on 5 texts left out: no more than chance can (±22.1).")
