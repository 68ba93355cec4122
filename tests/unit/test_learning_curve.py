from __future__ import annotations

import numpy as np
import pytest

from prelabel.loop.experiment import Outcome
from prelabel.loop.learning_curve import LearningCurve


def outcome(n_examples: int, accuracy: float, *, texts: int = 100, first: int = 0) -> Outcome:
    """Return one of so many texts, the first of which were right."""
    right = round(accuracy * texts)
    overlaps = {f"text {first + n}": float(n < right) for n in range(texts)}
    return Outcome(n_examples=n_examples, overlaps=overlaps)


def curve(*accuracies: float, texts: int = 100) -> LearningCurve:
    return LearningCurve.of(
        outcome(100 * 2**n, accuracy, texts=texts) for n, accuracy in enumerate(accuracies)
    )


def test_a_point_is_the_mean_and_the_spread_of_its_draws() -> None:
    few = [outcome(20, 0.5, texts=10), outcome(20, 0.7, texts=10, first=10)]
    found = LearningCurve.of([outcome(40, 0.8, texts=20), *few])
    (first, last) = found.points
    assert found.n_texts == 20
    assert (first.n_examples, first.accuracy) == (20, 0.6)
    assert first.spread == pytest.approx(np.sqrt(0.02))
    assert (last.n_examples, last.spread) == (40, None)
    assert found.to_mapping()["points"][0] == {"examples": 20, "accuracy": 0.6, "spread": 0.1414}


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
    before = Outcome(n_examples=1, overlaps={"a": 0.5, "b": 0.5001})
    after = Outcome(n_examples=2, overlaps={"a": 0.5, "b": 0.5})
    assert "added 0.0 points" in LearningCurve.of([before, after]).advice


def test_a_loss_that_chance_seldom_brings_is_said() -> None:
    assert curve(0.8, 0.7).advice == (
        "Going from 100 to 200 labels lost 10.0 points of accuracy on 100 texts left out: more "
        "than chance does often (±3.2). Do labels contradict each other?"
    )
