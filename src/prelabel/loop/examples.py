"""What people decided → what a model learns from: one example a task."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from prelabel.label_config import LabelSchema
from prelabel.types import Annotation, Example, Task


@dataclass(frozen=True, slots=True)
class _Decision:
    """An annotation that says something, and the label it chose."""

    annotation: Annotation
    label: str

    @property
    def annotator(self) -> tuple[int | None, int]:
        """Who decided; of unknown people, each annotation is somebody's."""
        person = self.annotation.completed_by
        return person, self.annotation.id if person is None else 0

    @property
    def decided_at(self) -> tuple[datetime, int]:
        """Orders decisions by when they were made."""
        return self.annotation.updated_at, self.annotation.id


def read_examples(
    schema: LabelSchema, annotated: Sequence[tuple[Task, Annotation]]
) -> list[Example]:
    """Return what the annotations teach: one example for each task that has a text and a decision.

    The label is the one that most annotators chose; of several, the one decided last. Its weight is
    the share of annotators who chose it, each counting once, with what they decided last. Where a
    task has ground truth, nothing else counts. Examples are in the order of the first decision
    about each task: labels that are added add examples at the end.
    """
    tasks: dict[int, Task] = {}
    decisions: defaultdict[int, list[_Decision]] = defaultdict(list)
    for task, annotation in sorted(annotated, key=lambda pair: pair[1].id):
        label = schema.read_label(annotation)
        if label is not None:
            tasks[task.id] = task
            decisions[task.id].append(_Decision(annotation, label))
    examples = []
    for number, task in tasks.items():
        text = schema.read_text(task.data)
        if text is not None:
            label, weight = _agree(decisions[number])
            examples.append(Example(task_id=number, text=text, label=label, weight=weight))
    return examples


def _agree(decisions: Sequence[_Decision]) -> tuple[str, float]:
    """Return the label that a task's decisions amount to, and the share of annotators behind it."""
    truth = [decision for decision in decisions if decision.annotation.ground_truth]
    counting = sorted(truth or decisions, key=lambda decision: decision.decided_at)
    latest = {decision.annotator: decision for decision in counting}
    votes = Counter(decision.label for decision in latest.values())
    most = max(votes.values())
    chosen = [decision for decision in latest.values() if votes[decision.label] == most]
    return max(chosen, key=lambda decision: decision.decided_at).label, most / len(latest)
