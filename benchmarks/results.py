"""What a benchmark has measured: kept as JSON lines, shown as Markdown tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import prelabel.models

Results = Mapping["Run", Sequence[float]]
"""Metrics of each run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What was measured.

    Attributes
    ----------
    code
        Says which code gave the result: another code's results do not count.
    pool
        How many texts without labels the learner could have seen.
    """

    learner: str
    code: str
    data_set: str
    pool: int
    budget: int
    seed: int


def digest_models() -> str:
    """Return what changes with the code that learns: another code's results do not count.

    What it knows beforehand, the lexicons, is part of it.
    """
    code, folder = hashlib.sha256(), Path(prelabel.models.__path__[0])
    for path in sorted([*folder.glob("*.py"), *folder.glob("lexicons/*.json")]):
        code.update(path.read_bytes())
    return code.hexdigest()[:16]


class Cache:
    """Metrics of runs, kept in a folder if one is given; each as soon as it is known."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / "quality.jsonl" if folder else None
        self._known: dict[Run, list[float]] = {}
        if self._path and self._path.exists():
            for row in map(json.loads, self._path.read_text().splitlines()):
                self._known[Run(**row["run"])] = row["metrics"]

    def get(self, run: Run) -> list[float] | None:
        """Return what is known of a run."""
        return self._known.get(run)

    def put(self, run: Run, metrics: list[float]) -> None:
        """Keep what was measured."""
        self._known[run] = metrics
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(json.dumps({"run": asdict(run), "metrics": metrics}) + "\n")


def write_table(
    results: Results, rows: Mapping[str, tuple[str, str | None]], metric: tuple[int, str]
) -> str:
    """Write a Markdown table of means over sets and seeds, ± the spread over seeds.

    Parameters
    ----------
    rows
        Learner and set of each row, by its heading; None is the mean of all sets.
    metric
        Its position in the metrics of a run, and its name.
    """
    position, title = metric
    budgets = sorted({run.budget for run in results})
    lines = [
        f"| {title} | " + " | ".join(f"{budget} labels" for budget in budgets) + " |",
        "|---" * (1 + len(budgets)) + "|",
    ]
    for heading, (learner, data_set) in rows.items():
        cells = [_cell(results, learner, data_set, budget, position) for budget in budgets]
        lines.append(f"| {heading} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(results: Results, learner: str, data_set: str | None, budget: int, position: int) -> str:
    by_seed: dict[int, list[float]] = {}
    for run, metrics in results.items():
        if (run.learner, run.budget) == (learner, budget) and data_set in {None, run.data_set}:
            by_seed.setdefault(run.seed, []).append(metrics[position])
    means = [float(np.mean(values)) for values in by_seed.values()]
    return f"{np.mean(means):.3f} ± {np.std(means):.3f}"
