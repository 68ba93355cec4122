"""Which examples are learned and which left out, to see what more labels bring."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

import numpy as np

from prelabel.label_config import ControlTag
from prelabel.loop.lesson import Lesson
from prelabel.loop.suggestions import decide_in_batches
from prelabel.models.base import Model
from prelabel.types import Example

LEAST_EXAMPLES = 50
"""With fewer there is too little to leave out."""

DRAWS = 3
"""How often examples are drawn anew for each budget but the last, which takes them all."""

_STEPS = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
_TEST_SHARE = 5  # one text in so many is left out


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """What is left out, and which examples are learned in turn.

    Attributes
    ----------
    test
        Examples that are never learned. No other example has a text of theirs.
    trials
        Examples to learn, one sequence a fit, from few to all.
    """

    test: tuple[Example, ...]
    trials: tuple[tuple[Example, ...], ...]

    @property
    def hidden(self) -> frozenset[str]:
        """The texts that are left out."""
        return frozenset(example.text for example in self.test)

    def run(self, lesson: Lesson) -> Iterator[Trial]:
        """Fit and measure one trial after the other.

        Parameters
        ----------
        lesson
            Of which the examples are. Texts that are left out are not shown to the model.
        """
        hidden = self.hidden
        pool = [text for text in lesson.pool if text not in hidden]
        for examples in self.trials:
            model = lesson.of(examples, pool).fit()
            yield Trial(n_examples=len(examples), accuracy=self._measure(lesson.control, model))

    def _measure(self, control: ControlTag, model: Model) -> float:
        texts = [example.text for example in self.test]
        offered = [example.offered for example in self.test]
        found = decide_in_batches(model, control, texts, offered)
        chosen = [set() if decision is None else set(decision[0]) for decision in found]
        pairs = zip(self.test, chosen, strict=True)
        return float(np.mean([_overlap({*example.labels}, labels) for example, labels in pairs]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """Accuracy of one fit on the texts left out, the mean of `_overlap`."""

    n_examples: int
    accuracy: float


def plan_experiment(examples: Sequence[Example]) -> Experiment | None:
    """Leave out one text in five, evenly of all labels, and draw from the others.

    None if there are too few examples, too few different texts, or only one label to learn.
    """
    if len(examples) < LEAST_EXAMPLES:
        return None
    random = np.random.default_rng(0)
    train, test = _split(examples, random)
    if not test or len(train) < _STEPS[0] or len({example.labels for example in train}) < 2:
        return None
    trials = [
        tuple(_draw(train, budget, random))
        for budget in _plan_budgets(len(train))
        for _ in range(DRAWS if budget < len(train) else 1)
    ]
    return Experiment(test=tuple(test), trials=tuple(trials))


def _split(
    examples: Sequence[Example], random: np.random.Generator
) -> tuple[list[Example], list[Example]]:
    """Return what is learned and what is left out; equal texts stay together."""
    groups: defaultdict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[example.text].append(example)
    shuffled = [list(groups.values())[i] for i in random.permutation(len(groups))]
    by_label = sorted(shuffled, key=lambda group: group[0].labels)
    train, test = list[Example](), list[Example]()
    for position, group in enumerate(by_label):
        is_left_out = position % _TEST_SHARE == _TEST_SHARE // 2
        (test if is_left_out else train).extend(group)
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


def _overlap(truth: Set[str], chosen: Set[str]) -> float:
    """Return the labels that are right of all given or chosen: of one label, all or nothing.

    That all of several are right is rare, and says little of whether more is learned. Godbole and
    Sarawagi, https://doi.org/10.1007/978-3-540-24775-3_5.
    """
    return len(truth & chosen) / len(truth | chosen) if truth or chosen else 1.0
