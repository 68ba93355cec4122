"""Figures of two contenders over rounds, as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One thing measured in each round.

    Attributes
    ----------
    what
        With its unit.
    ours, reference
        A value a round; no values of the reference if it was not measured.
    more_is_better
        Whether the ratio is ours to the reference's, or the reference's to ours.
    target
        What it should reach, for people.
    """

    what: str
    ours: Sequence[float]
    reference: Sequence[float] = field(default=())
    more_is_better: bool = False
    target: str = ""

    @property
    def ratios(self) -> list[float]:
        """How many times better ours is, round by round."""
        pairs = zip(self.ours, self.reference, strict=False)
        return [a / b if self.more_is_better else b / a for a, b in pairs]


def write_figures(figures: Sequence[Figure]) -> str:
    """Write a table of means, ± the standard deviation over the rounds."""
    lines = ["| | prelabel | reference | ratio | target |", "|---|---|---|---|---|"]
    for figure in figures:
        cells = [_cell(values) for values in (figure.ours, figure.reference, figure.ratios)]
        lines.append(f"| {figure.what} | {' | '.join(cells)} | {figure.target} |")
    return "\n".join(lines) + "\n"


def _cell(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{_round(float(np.mean(values)))} ± {_round(float(np.std(values)))}"


def _round(value: float) -> str:
    """Three digits, and no more than three decimals."""
    decimals = max(0, min(3, 2 - int(np.floor(np.log10(value))))) if value else 0
    return f"{value:,.{decimals}f}"
