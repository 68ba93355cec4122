"""Do more labels help? Accuracy by number of labels, on texts that are left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from prelabel.loop.experiment import Trial


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """Accuracy at one budget.

    Attributes
    ----------
    accuracy
        Mean over the draws.
    spread
        Standard deviation over the draws; None of a single one.
    """

    n_examples: int
    accuracy: float
    spread: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LearningCurve:
    """Accuracy by number of labels.

    Attributes
    ----------
    n_test
        How many examples were left out, the same ones for all points.
    n_texts
        How many different texts they have: equal ones are predicted alike, and chance moves the
        accuracy as on so many.
    points
        From few labels to all.
    """

    n_test: int
    n_texts: int
    points: tuple[Point, ...]

    @classmethod
    def of(cls, trials: Iterable[Trial], *, n_test: int, n_texts: int) -> LearningCurve:
        """Put trials together by their number of labels."""
        accuracies: defaultdict[int, list[float]] = defaultdict(list)
        for trial in trials:
            accuracies[trial.n_examples].append(trial.accuracy)
        points = [
            Point(
                n_examples=n,
                accuracy=float(np.mean(found)),
                spread=float(np.std(found, ddof=1)) if len(found) > 1 else None,
            )
            for n, found in sorted(accuracies.items())
        ]
        return cls(n_test=n_test, n_texts=n_texts, points=tuple(points))

    @property
    def margin(self) -> float:
        """How far chance puts the last accuracy off: its standard error on so many texts."""
        # One hit and one miss more than there were: all right on a few texts is not certainty.
        accuracy = (self.points[-1].accuracy * self.n_texts + 1) / (self.n_texts + 2)
        return sqrt(accuracy * (1 - accuracy) / self.n_texts)

    @property
    def advice(self) -> str:
        """What the last part of the curve says about more labels, in one sentence."""
        before, last = self.points[-2:]
        gain = last.accuracy - before.accuracy
        part = (
            f"Going from {before.n_examples} to {last.n_examples} labels "
            f"{'lost' if gain < 0 else 'added'} {_in_points(abs(gain))} points of accuracy "
            f"on {self.n_texts} texts left out"
        )
        margin = f"(±{_in_points(self.margin)})"
        if gain < -self.margin:
            return f"{part}: more than chance does often {margin}. Do labels contradict each other?"
        if gain <= self.margin:
            return f"{part}: no more than chance can {margin}."
        # If each doubling leaves the same share of the errors, the next gain is that much smaller.
        next_gain = gain * (1 - last.accuracy) / (1 - before.accuracy)
        return (
            f"{part}: twice as many would add about {_in_points(next_gain)} "
            "if errors go on falling at this rate."
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain numbers by name, rounded to four digits, fit for JSON."""
        points = [
            {
                "examples": point.n_examples,
                "accuracy": round(point.accuracy, 4),
                "spread": None if point.spread is None else round(point.spread, 4),
            }
            for point in self.points
        ]
        return {
            "n_test": self.n_test,
            "n_texts": self.n_texts,
            "points": points,
            "advice": self.advice,
        }


def _in_points(share: float) -> str:
    return f"{100 * share:.1f}"
