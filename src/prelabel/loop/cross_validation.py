"""What a model of anybody's predicts for examples that it did not see, fit by fit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from prelabel.loop.guard import ask
from prelabel.models.base import Model
from prelabel.types import Example

N_FOLDS = 5
FEWEST_TEXTS = 20
MOST_EXAMPLES = 1_200
"""With more, one fold of five is measured: that is enough to tell, and costs one fit, not five."""


def predict_left_out(
    examples: Sequence[Example], classes: Sequence[str], fit: Callable[[Sequence[Example]], Model]
) -> npt.NDArray[np.float32] | None:
    """Return probabilities by fits that saw neither the example nor an equal text.

    Shape (len(examples), len(classes)); rows of NaN where there are none. None if there are fewer
    than 20 different texts.

    Parameters
    ----------
    fit
        Returns a fresh model that has learned these examples.
    """
    folds = _assign(examples)
    if folds is None:
        return None
    columns = {label: column for column, label in enumerate(classes)}
    found = np.full((len(examples), len(classes)), np.nan, np.float32)
    for fold in range(N_FOLDS if len(examples) <= MOST_EXAMPLES else 1):
        left_out = np.flatnonzero(folds == fold).tolist()
        learned = [examples[i] for i in np.flatnonzero(folds != fold).tolist()]
        found[left_out] = 0  # a label that the fit has not seen has no chance
        decided = {example.labels for example in learned}
        if len(decided) < 2:
            (only,) = decided  # whoever knows no other decision takes this one
            found[left_out] = [label in only for label in classes]
            continue
        model = fit(learned)
        known = [(columns[label], i) for i, label in enumerate(model.classes_) if label in columns]
        probabilities = ask(model, [examples[i].text for i in left_out])
        for column, i in known:
            found[left_out, column] = probabilities[:, i]
    return found


def _assign(examples: Sequence[Example]) -> npt.NDArray[np.int64] | None:
    """Return each example's fold: labels evenly, equal texts together."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for i, example in enumerate(examples):
        groups[example.text].append(i)
    if len(groups) < FEWEST_TEXTS:
        return None
    by_label = sorted(groups.values(), key=lambda group: examples[group[0]].labels)
    folds = np.zeros(len(examples), np.int64)
    for position, group in enumerate(by_label):
        folds[group] = position % N_FOLDS
    return folds
