"""Do more labels help? How often they are right by their number, on texts that are left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from prelabel.loop.experiment import Count, Outcome

_RARELY = 2.0
"""Standard errors that chance takes away one time in fifty; more labels hardly ever do harm, and
one of them would accuse one project in six of labels that contradict each other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """What so many labels are worth.

    Attributes
    ----------
    value
        Accuracy, or micro-F1, over the texts that one of the draws left out.
    spread
        Standard deviation over the draws, of what is learned and what is left out; None of a single
        one.
    """

    n_examples: int
    value: float
    spread: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LearningCurve:
    """Accuracy by number of labels; of controls of several labels, micro-F1.

    Attributes
    ----------
    measure
        "accuracy" or "micro-F1".
    n_texts
        How many different texts were left out by one of the draws, the same ones for all points.
    points
        From few labels to all.
    margin
        How far chance puts off what the last part of the curve gained: its standard error, text by
        text.
    """

    measure: str
    n_texts: int
    points: tuple[Point, ...]
    margin: float

    @classmethod
    def of(cls, outcomes: Iterable[Outcome], *, measure: str = "accuracy") -> LearningCurve:
        """Put outcomes together by their number of labels, of which there are two at least."""
        by_budget: defaultdict[int, list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            by_budget[outcome.n_examples].append(outcome)
        points, counts = [], []
        for n, found in sorted(by_budget.items()):
            values = [_divide(outcome.counts) for outcome in found]
            spread = float(np.std(values, ddof=1)) if len(found) > 1 else None
            counts.append({t: c for outcome in found for t, c in outcome.counts.items()})
            points.append(Point(n_examples=n, value=_divide(counts[-1]), spread=spread))
        before, last = (_find_influences(some, order=counts[-1]) for some in counts[-2:])
        # As if one text more had changed: that none did is not certainty.
        margin = sqrt(np.square(last - before).sum() + 1) / len(last)
        return cls(measure=measure, n_texts=len(last), points=tuple(points), margin=margin)

    @property
    def advice(self) -> str:
        """What the last part of the curve says about more labels, in one sentence."""
        before, last = self.points[-2:]
        gain = last.value - before.value
        change = _in_points(abs(gain))
        did = "lost" if gain < 0 and float(change) else "added"
        part = (
            f"Going from {before.n_examples} to {last.n_examples} labels "
            f"{did} {change} points of {self.measure} "
            f"on {self.n_texts} texts left out"
        )
        margin = f"(±{_in_points(self.margin)})"
        if -gain > max(_RARELY * self.margin, before.spread or 0, last.spread or 0):
            return f"{part}: more than chance does often {margin}. Do labels contradict each other?"
        if -gain > self.margin:
            return f"{part}: hardly more than chance can {margin}."
        if gain <= self.margin:
            return f"{part}: no more than chance can {margin}."
        # If each doubling leaves the same share of the errors, the next gain is that much smaller.
        next_gain = gain * (1 - last.value) / (1 - before.value)
        return (
            f"{part} {margin}: twice as many would add about {_in_points(next_gain)} "
            "if errors go on falling at this rate."
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain numbers by name, rounded to four digits, fit for JSON."""
        points = [
            {
                "examples": point.n_examples,
                "value": round(point.value, 4),
                "spread": None if point.spread is None else round(point.spread, 4),
            }
            for point in self.points
        ]
        return {
            "measure": self.measure,
            "n_texts": self.n_texts,
            "points": points,
            "advice": self.advice,
        }


def _divide(counts: Mapping[str, Count]) -> float:
    """Return how many are right of all; 1 where there is nothing to be right about."""
    right, there = np.sum([*counts.values()], axis=0)
    return float(right / there) if there else 1.0


def _find_influences(
    counts: Mapping[str, Count], *, order: Iterable[str]
) -> npt.NDArray[np.float64]:
    """Return how much each text moves the value, times their number, shape (texts,).

    The standard error of a ratio of sums, linearised: the mean of these, if they were drawn anew.
    """
    right, there = np.array([counts[text] for text in order]).T
    found: npt.NDArray[np.float64] = (right - _divide(counts) * there) / (there.mean() or 1)
    return found


def _in_points(share: float) -> str:
    return f"{100 * share:.1f}"
