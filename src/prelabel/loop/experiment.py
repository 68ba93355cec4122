"""Fits with few labels and with more, each measured on texts that it has not seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import numpy as np

from prelabel.label_config import ControlTag, Kind
from prelabel.loop.lesson import Lesson
from prelabel.loop.suggestions import decide_in_batches
from prelabel.models.base import Model
from prelabel.types import Example

Count: TypeAlias = tuple[float, float]
"""How many are right, and of how many."""

LEAST_TEXTS = 50
"""Of fewer different ones there is too little to leave out."""

DRAWS = 3
"""How often a fifth of the texts is left out, another one each time, and others are drawn anew for
each budget."""

_STEPS = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
_PARTS = 5  # of the texts, one of which is left out


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One fit to make and to measure.

    Attributes
    ----------
    examples
        What is learned.
    test
        What is left out: no example that is learned has a text of theirs.
    """

    examples: tuple[Example, ...]
    test: tuple[Example, ...]

    def run(self, lesson: Lesson) -> Outcome:
        """Fit and measure.

        Parameters
        ----------
        lesson
            Of which the examples are. Texts that are left out are not shown to the model.
        """
        hidden = {example.text for example in self.test}
        pool = [text for text in lesson.pool if text not in hidden]
        model = lesson.of(self.examples, pool).fit()
        counts = self._measure(lesson.control, model)
        return Outcome(n_examples=len(self.examples), counts=counts)

    def _measure(self, control: ControlTag, model: Model) -> dict[str, Count]:
        texts = [example.text for example in self.test]
        offered = [example.offered for example in self.test]
        found = decide_in_batches(model, control, texts, offered)
        is_of_sets = control.kind is Kind.SEVERAL
        of_texts: defaultdict[str, list[Count]] = defaultdict(list)
        for example, decision in zip(self.test, found, strict=True):
            truth, chosen = {*example.labels}, set(decision[0] if decision else ())
            there = (len(truth) + len(chosen)) / 2 if is_of_sets else 1.0
            of_texts[example.text].append((float(len(truth & chosen)), there))
        means = {text: np.mean(counts, axis=0) for text, counts in of_texts.items()}
        return {text: (float(right), float(there)) for text, (right, there) in means.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a trial measured.

    Attributes
    ----------
    counts
        Of each text left out, how many labels are right, and of how many: of one label, 1 or 0, and
        1. Of several, it is the mean of how many it has and how many are chosen: the right ones of
        all texts, of all of these, are the micro-F1. Of equal texts, the mean: they are predicted
        alike, and count once.
    """

    n_examples: int
    counts: Mapping[str, Count]


def plan_experiment(examples: Sequence[Example]) -> list[Trial]:
    """Leave out one text in five, evenly of all labels, and draw from the others; three times.

    There are no trials if there are too few different texts, or only one label to learn.
    """
    random = np.random.default_rng(0)
    parts = _part(examples, random)
    if sum(map(len, parts)) < LEAST_TEXTS:
        return []
    splits = [_split(parts, 2 * draw) for draw in range(DRAWS)]
    # A draw that leaves out the only example of the second label has nothing to tell apart.
    usable = [split for split in splits if len({example.labels for example in split[0]}) > 1]
    budgets = _plan_budgets(min(len(train) for train, _ in usable)) if usable else ()
    return [
        Trial(examples=tuple(_draw(train, budget, random)), test=tuple(test))
        for budget in budgets
        for train, test in usable
    ]


def _part(examples: Sequence[Example], random: np.random.Generator) -> list[list[list[Example]]]:
    """Return five parts, evenly of all labels; the examples of one text stay together."""
    groups: defaultdict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[example.text].append(example)
    shuffled = [list(groups.values())[i] for i in random.permutation(len(groups))]
    by_label = sorted(shuffled, key=lambda group: group[0].labels)
    return [by_label[part::_PARTS] for part in range(_PARTS)]


def _split(parts: list[list[list[Example]]], left_out: int) -> tuple[list[Example], list[Example]]:
    """Return what is learned and what is left out."""
    train, test = list[Example](), list[Example]()
    for number, part in enumerate(parts):
        (test if number == left_out else train).extend(chain.from_iterable(part))
    return train, test


def _plan_budgets(n_train: int) -> list[int]:
    """Return round numbers, then the half and all: what the last doubling added is measured."""
    half = n_train // 2
    return [step for step in _STEPS if step * 1.5 <= half] + [half, n_train]


def _draw(train: Sequence[Example], budget: int, random: np.random.Generator) -> list[Example]:
    """Return so many different examples, of at least two labels."""
    order = [train[i] for i in random.permutation(len(train))]
    other = next(i for i, example in enumerate(order) if example.labels != order[0].labels)
    order[1], order[other] = order[other], order[1]
    return order[:budget]
