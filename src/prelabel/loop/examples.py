"""What people decided → what a model learns from: one example a task, for each control."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prelabel.label_config import ControlTag, Kind, is_shown
from prelabel.types import Annotation, Example, Task

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Decision:
    """An annotation that says something, and the labels it chose."""

    annotation: Annotation
    labels: tuple[str, ...]

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
    control: ControlTag,
    annotated: Sequence[tuple[Task, Annotation]],
    controls: Sequence[ControlTag] = (),
) -> list[Example]:
    """Return what the annotations teach: one example for each task that has a text and a decision.

    Who skipped decided nothing, nor did who chose nothing at a control that was hidden by what else
    was chosen. The label is the one that most annotators chose; of several, the one decided last.
    Where several labels may be chosen, each is decided by itself, by more than half, or as most do
    where more than half chose something. The weight is the share of annotators who chose as the
    most did, each counting once, with what they decided last. Where a task has ground truth, the
    last one, nothing else counts. Labels that the config no longer has are voted for, too: a task
    that has such a one is no example. Examples are in the order of the first decision about each
    task: labels that are added add examples at the end.

    Parameters
    ----------
    controls
        All of the config, of which some may hide this one.
    """
    earlier = _find_earlier(control, annotated) if control.may_be_empty else frozenset()
    tasks: dict[int, Task] = {}
    decisions: defaultdict[int, list[_Decision]] = defaultdict(list)
    for task, annotation in sorted(annotated, key=lambda pair: pair[1].id):
        labels = _read_choice(control, annotation, controls)
        if labels is not None and annotation.id not in earlier:
            decisions[task.id].append(_Decision(annotation, labels))
            if not labels or control.keep_known(labels):
                tasks[task.id] = task
    examples = []
    agree = _agree_on_each if control.kind is Kind.SEVERAL else _agree
    for number, task in tasks.items():
        text = control.read_text(task.data)
        of_task = decisions[number]
        if len(of_task) == 1:  # as nearly always
            chosen, weight = of_task[0].labels, 1.0
        else:
            chosen, weight = agree(_counting(of_task))
        known = control.keep_known(chosen)
        if text is not None and (known or not chosen):
            examples.append(
                Example(
                    task_id=number, text=text, labels=known, weight=weight,
                    offered=control.read_offered(task.data),
                )
            )  # fmt: skip
    return examples


def _read_choice(
    control: ControlTag, annotation: Annotation, controls: Sequence[ControlTag]
) -> tuple[str, ...] | None:
    """Return the labels that an annotation chose, known or not; None if it decided nothing."""
    if annotation.was_cancelled:
        return None
    chosen = control.read_choice(annotation.regions)
    is_silent = chosen == () and control.conditions
    return chosen if not is_silent or is_shown(control, controls, annotation.regions) else None


def count_without_text(control: ControlTag, annotated: Sequence[tuple[Task, Annotation]]) -> int:
    """Return of how many tasks something was decided although they have no text."""
    tasks = {
        task.id: task
        for task, annotation in annotated
        if not annotation.was_cancelled and control.read_decision(annotation.regions) is not None
    }
    return sum(control.read_text(task.data) is None for task in tasks.values())


def _find_earlier(
    control: ControlTag, annotated: Sequence[tuple[Task, Annotation]]
) -> frozenset[int]:
    """Return the ids of annotations that say something, and may be older than a control.

    They are older than any that chooses something at it, by id and by time: to have chosen nothing
    is no answer then. Those that are edited have another time, and imported ones another id.
    """
    choosing = [
        annotation
        for _, annotation in annotated
        if any(region.from_name == control.name for region in annotation.regions)
    ]
    first_id = min((one.id for one in choosing), default=math.inf)
    began_at = min((one.updated_at for one in choosing), default=_NEVER)
    return frozenset(
        one.id
        for _, one in annotated
        if one.regions and one.id < first_id and one.updated_at < began_at
    )


def _counting(decisions: Sequence[_Decision]) -> list[_Decision]:
    """Return the last decision of each annotator that counts.

    Label Studio has one ground truth a task, and does not tell that another one is none any more.
    """
    ordered = sorted(decisions, key=lambda decision: decision.decided_at)
    truth = [decision for decision in ordered if decision.annotation.ground_truth]
    return truth[-1:] or list({decision.annotator: decision for decision in ordered}.values())


def _agree(decisions: Sequence[_Decision]) -> tuple[tuple[str, ...], float]:
    """Return the label that decisions amount to, and the share of annotators behind it."""
    votes = Counter(decision.labels for decision in decisions)
    most = max(votes.values())
    chosen = [decision for decision in decisions if votes[decision.labels] == most]
    last = max(chosen, key=lambda decision: decision.decided_at)
    return last.labels, most / len(decisions)


def _agree_on_each(decisions: Sequence[_Decision]) -> tuple[tuple[str, ...], float]:
    """Return the labels that more than half chose, and how far they agree on each, on average.

    That none applies is not agreed upon where more than half chose something: of the labels that
    the most chose, those decided last are taken then.
    """
    votes = Counter(label for decision in decisions for label in decision.labels)
    n = len(decisions)
    chosen = {label for label, count in votes.items() if 2 * count > n}
    if not chosen and 2 * sum(bool(decision.labels) for decision in decisions) > n:
        top = {label for label, count in votes.items() if count == max(votes.values())}
        behind = [decision for decision in decisions if top.intersection(decision.labels)]
        chosen = top.intersection(max(behind, key=lambda decision: decision.decided_at).labels)
    shares = [max(count, n - count) / n for count in votes.values()]
    return tuple(sorted(chosen)), sum(shares) / len(shares) if shares else 1.0
