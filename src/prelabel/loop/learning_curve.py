"""Do more labels help? Accuracy by number of labels, on texts that are left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from prelabel.loop.experiment import Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """Accuracy at one budget.

    Attributes
    ----------
    accuracy
        Over the texts that one of the draws left out.
    spread
        Standard deviation over the draws, of what is learned and what is left out; None of a single
        one.
    """

    n_examples: int
    accuracy: float
    spread: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LearningCurve:
    """Accuracy by number of labels.

    Attributes
    ----------
    n_texts
        How many different texts were left out by one of the draws, the same ones for all points.
    points
        From few labels to all.
    margin
        How far chance puts off what the last part of the curve gained: its standard error, text by
        text.
    """

    n_texts: int
    points: tuple[Point, ...]
    margin: float

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> LearningCurve:
        """Put outcomes together by their number of labels, of which there are two at least."""
        by_budget: defaultdict[int, list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            by_budget[outcome.n_examples].append(outcome)
        points, overlaps = [], []
        for n, found in sorted(by_budget.items()):
            accuracies = [outcome.accuracy for outcome in found]
            spread = float(np.std(accuracies, ddof=1)) if len(found) > 1 else None
            overlaps.append({t: x for outcome in found for t, x in outcome.overlaps.items()})
            accuracy = float(np.mean([*overlaps[-1].values()]))
            points.append(Point(n_examples=n, accuracy=accuracy, spread=spread))
        before, last = overlaps[-2:]
        gains = np.array([last[text] - before[text] for text in last])
        # As if one text more had changed: that none did is not certainty.
        margin = sqrt(np.square(gains - gains.mean()).sum() + 1) / len(gains)
        return cls(n_texts=len(gains), points=tuple(points), margin=margin)

    @property
    def advice(self) -> str:
        """What the last part of the curve says about more labels, in one sentence."""
        before, last = self.points[-2:]
        gain = last.accuracy - before.accuracy
        change = _in_points(abs(gain))
        part = (
            f"Going from {before.n_examples} to {last.n_examples} labels "
            f"{'lost' if gain < 0 and float(change) else 'added'} {change} points of accuracy "
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
            f"{part} {margin}: twice as many would add about {_in_points(next_gain)} "
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
        return {"n_texts": self.n_texts, "points": points, "advice": self.advice}


def _in_points(share: float) -> str:
    return f"{100 * share:.1f}"
