"""What a model of anybody's predicts for examples that it did not see, fit by fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prelabel.loop.guard import ask
from prelabel.models.arrays import Integers
from prelabel.models.base import Model, MultiLabelModel
from prelabel.models.folds import FEWEST_TEXTS, N_FOLDS, assign_folds
from prelabel.types import Example

MOST_EXAMPLES = 1_200
"""With more, one fold of five is measured: that is enough to tell, and costs one fit, not five."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What fits say of examples that they did not see.

    Attributes
    ----------
    probabilities
        Shape (examples, classes); rows of NaN where there are none.
    thresholds
        From which probability on the fit would choose a label, of the same shape; a half where one
        label is chosen anyway.
    """

    probabilities: npt.NDArray[np.float32]
    thresholds: npt.NDArray[np.float32]


def predict_left_out(
    examples: Sequence[Example], classes: Sequence[str], fit: Callable[[Sequence[Example]], Model]
) -> LeftOut | None:
    """Return what fits say that saw neither the example nor an equal text.

    None if there are fewer than 20 different texts.

    Parameters
    ----------
    fit
        Returns a fresh model that has learned these examples.
    """
    folds = _assign(examples)
    if folds is None:
        return None
    shape = (len(examples), len(classes))
    found = LeftOut(np.full(shape, np.nan, np.float32), np.full(shape, 0.5, np.float32))
    for fold in range(N_FOLDS if len(examples) <= MOST_EXAMPLES else 1):
        held = np.flatnonzero(folds == fold).tolist()
        learned = [examples[i] for i in np.flatnonzero(folds != fold).tolist()]
        found.probabilities[held] = 0  # a label that the fit has not seen has no chance
        decided = {example.labels for example in learned}
        if len(decided) < 2:
            (only,) = decided  # whoever knows no other decision takes this one
            found.probabilities[held] = [label in only for label in classes]
            continue
        _predict(fit(learned), examples, held, classes, found)
    return found


def _predict(
    model: Model, examples: Sequence[Example], held: list[int], classes: Sequence[str],
    found: LeftOut,
) -> None:  # fmt: skip
    columns = {label: column for column, label in enumerate(classes)}
    probabilities = ask(model, [examples[i].text for i in held])
    for i, label in enumerate(model.classes_):
        if label in columns:
            found.probabilities[held, columns[label]] = probabilities[:, i]
            if isinstance(model, MultiLabelModel):
                found.thresholds[held, columns[label]] = model.thresholds_[i]


def _assign(examples: Sequence[Example]) -> Integers | None:
    """Return each example's fold; None if there are too few texts."""
    texts = [example.text for example in examples]
    if len(set(texts)) < FEWEST_TEXTS:
        return None
    decisions = [example.labels for example in examples]
    numbers = {decision: number for number, decision in enumerate(sorted(set(decisions)))}
    return assign_folds(texts, np.array([numbers[decision] for decision in decisions]))
