"""The gate: a version that is clearly worse than the active one is kept, but not activated.

Two versions are compared example by example, by what each predicted for it when it was left out.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from prelabel.errors import ArtifactError, ModelError
from prelabel.label_config import Kind
from prelabel.loop.decisions import choose_columns, choose_left_out
from prelabel.loop.evaluation import is_clearly_worse, is_measured
from prelabel.loop.guard import load
from prelabel.loop.lesson import Lesson
from prelabel.loop.set_evaluation import are_sets_clearly_worse, find_overlap
from prelabel.models.artifact import read_beside
from prelabel.models.base import Model, MultiLabelModel, TextModel, labels_of
from prelabel.types import Head, ModelVersion

log = logging.getLogger(__name__)

LEFT_OUT = "left_out.json"
"""Stands in a version's folder beside its arrays: by control, pairs of a task's id and its labels.

Versions of a single control had, up to 0.1, pairs of a task's id and a label, and no more.
"""

Suggested: TypeAlias = Mapping[int, tuple[str, ...]]
"""What a version would have suggested for tasks that it did not learn from, by their ids."""


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
        lessons: Sequence[Lesson],
    ) -> str | None:
        """Return why a version should not be activated; None if nothing is against it.

        Parameters
        ----------
        new
            Name of its artifact, stored already.
        active
            What it would replace. If that answers other questions (its frames or manners differ),
            cannot be served, or has nothing known of what it predicted, then nothing is against
            the new one.
        lessons
            What people decided, as of now: both versions are judged by that, whatever the labels
            were when the active one was trained. Each control is judged by itself.
        """
        heads = {head.control: head for head in active.heads} if active else {}
        same = [lesson for lesson in lessons if _is_of(heads.get(lesson.name), lesson)]
        if active is None or not same:
            return None
        found, before = self._read(new, ()), self._read(active.artifact, active.heads)
        for lesson in same:
            name = lesson.name
            gains = _find_gains(found.get(name, {}), before.get(name, {}), lesson)
            objection = _object(gains, lesson, active.name, threshold=self._threshold / len(same))
            if objection and self.can_be_served(active):
                return objection if len(lessons) == 1 else f'about "{name}" {objection}'
        return None

    def can_be_served(self, version: ModelVersion) -> bool:
        """Whether a version's artifact is there and whole."""
        try:
            load(self._artifacts / version.artifact, self._model_class)
        except (ArtifactError, ModelError) as error:
            log.warning(
                "Version %s of %s cannot be served: %s", version.name, version.project, error
            )
            return False
        return True

    def _read(self, name: str, heads: Sequence[Head]) -> Mapping[str, Suggested]:
        try:
            content = read_beside(self._artifacts / name, LEFT_OUT)
            if isinstance(content, list):
                content = {
                    head.control: [[task, [label]] for task, label in content] for head in heads
                }
            return {
                control: {task: tuple(labels) for task, labels in pairs}
                for control, pairs in content.items()
            }
        except (ArtifactError, ValueError, TypeError, AttributeError) as error:
            log.warning("What %s predicted for examples left out is not known: %s", name, error)
            return {}


def describe_left_out(lesson: Lesson, model: Model) -> list[tuple[int, tuple[str, ...]]]:
    """Return a control's pairs of `LEFT_OUT`: what is decided about each example measured."""
    probabilities = lesson.read_left_out(model)
    if probabilities is None:
        return []
    if isinstance(model, MultiLabelModel):
        is_known = np.any(~np.isnan(probabilities), axis=1)
        chosen = choose_left_out(lesson.control, model, probabilities, lesson.offered)
        sets = [np.flatnonzero(row).tolist() for row in chosen]
    else:
        is_known = is_measured(probabilities)
        columns = choose_columns(lesson.control, model.classes_, probabilities)
        sets = [[column] for column in columns.tolist()]
    labels = labels_of(model)
    return [
        (lesson.examples[row].task_id, tuple(labels[column] for column in sets[row]))
        for row in np.flatnonzero(is_known).tolist()
    ]


def _is_of(head: Head | None, lesson: Lesson) -> bool:
    """Whether a head answers the question that a lesson is about."""
    if head is None or head.frame != lesson.control.frame:
        return False
    return head.manner in (None, lesson.control.manner)


def _find_gains(found: Suggested, before: Suggested, lesson: Lesson) -> list[float]:
    """Return how much more of each text's labels a version is right about than the one before.

    Of texts that both were measured on. The one before counts as wrong about a text of labels that
    it was measured on no text of: a label that comes back, or is renamed, would be kept out for
    good by a version that had one less to choose from.
    """
    of_before = (x.labels for x in lesson.examples if x.task_id in before)
    known = {label for labels in of_before for label in labels}
    of_texts: defaultdict[str, list[float]] = defaultdict(list)
    for x in (x for x in lesson.examples if x.task_id in found):
        now = find_overlap(x.labels, found[x.task_id])
        if x.labels and known.isdisjoint(x.labels):
            of_texts[x.text].append(now)
        elif x.task_id in before:
            of_texts[x.text].append(now - find_overlap(x.labels, before[x.task_id]))
    # Equal texts are predicted alike: a coin that is tossed once, however often they stand.
    return [round(float(np.mean(some)), 9) for some in of_texts.values()]


def _object(gains: Sequence[float], lesson: Lesson, active: str, *, threshold: float) -> str | None:
    lost, won = sum(gain < 0 for gain in gains), sum(gain > 0 for gain in gains)
    part = f"it is clearly worse than {active}: of {len(gains)} texts that both can be judged by, "
    if lesson.control.kind is Kind.SEVERAL:
        if are_sets_clearly_worse(gains, threshold=threshold):
            return f"{part}it is less right about {lost}, and {active} about {won}"
    elif is_clearly_worse(lost, won, threshold=threshold):
        return f"{part}it alone is wrong about {lost}, and {active} alone about {won}"
    return None
