"""The gate: a version that is clearly worse than the active one is kept, but not activated.

Two versions are compared example by example, by what each predicted for it when it was left out.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from prelabel.errors import ArtifactError
from prelabel.loop.evaluation import is_clearly_worse, is_measured
from prelabel.models import artifact
from prelabel.models.base import TextModel
from prelabel.types import Example, ModelVersion

log = logging.getLogger(__name__)

LEFT_OUT = "left_out.json"
"""Stands in a version's folder beside its arrays: pairs of a task's id and a label."""


class Gate:
    """Decides whether a stored version may take the active one's place.

    Parameters
    ----------
    threshold
        Withhold what would look so much worse by chance with a smaller probability; 0 withholds
        nothing.
    """

    def __init__(self, *, artifacts: Path, model_class: type[TextModel], threshold: float) -> None:
        self._artifacts = artifacts
        self._model_class = model_class
        self._threshold = threshold

    def judge(
        self,
        new: str,
        active: ModelVersion | None,
        *,
        frame: str,
        examples: Sequence[Example],
    ) -> str | None:
        """Return why a version should not be activated; None if nothing is against it.

        Parameters
        ----------
        new
            Name of its artifact, stored already.
        active
            What it would replace. If that answers another question (its frame differs), cannot be
            served, or has nothing known of what it predicted, then nothing is against the new one.
        frame
            The new version's.
        examples
            What people decided, as of now: both versions are judged by that, whatever the labels
            were when the active one was trained.
        """
        if active is None or active.frame != frame:
            return None
        truths = {example.task_id: example.label for example in examples}
        found, before = self._read(new), self._read(active.artifact)
        both = truths.keys() & found.keys() & before.keys()
        lost = sum(found[task] != truths[task] == before[task] for task in both)
        won = sum(found[task] == truths[task] != before[task] for task in both)
        if not is_clearly_worse(lost, won, threshold=self._threshold):
            return None
        if not self.can_be_served(active):
            return None
        return (
            f"it is clearly worse than {active.name}: of {len(both)} examples that both were "
            f"measured on, it alone is wrong about {lost}, and {active.name} alone about {won}"
        )

    def can_be_served(self, version: ModelVersion) -> bool:
        """Whether a version's artifact is there and whole."""
        try:
            artifact.load(self._artifacts / version.artifact, self._model_class)
        except ArtifactError as error:
            log.warning(
                "Version %s of %s cannot be served: %s", version.name, version.project, error
            )
            return False
        return True

    def _read(self, name: str) -> Mapping[int, str]:
        try:
            return dict(json.loads((self._artifacts / name / LEFT_OUT).read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            log.warning("What %s predicted for examples left out is not known: %s", name, error)
            return {}


def write_left_out(model: TextModel, examples: Sequence[Example]) -> bytes:
    """Return the content of `LEFT_OUT`: labels predicted for the examples that were measured."""
    probabilities = model.out_of_fold_
    if probabilities is None:
        return b"[]"
    measured = np.flatnonzero(is_measured(probabilities))
    best = probabilities[measured].argmax(axis=1)
    pairs = [
        (examples[row].task_id, model.classes_[column])
        for row, column in zip(measured.tolist(), best.tolist(), strict=True)
    ]
    return json.dumps(pairs).encode()
