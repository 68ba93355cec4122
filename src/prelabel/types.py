"""The values that prelabel's parts hand to each other: frozen, and most of them keyword-only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from prelabel.errors import MalformedError, shorten

_PROJECT_KEY = re.compile(r"(\d{1,18})\.(\d{1,18})", re.ASCII)


@dataclass(frozen=True, order=True, slots=True)
class ProjectKey:
    """Which project of which Label Studio: its id and its creation time in whole unix seconds.

    Label Studio sends ``"<id>.<seconds>"`` to ``/setup`` and ``/predict``, and every webhook
    carries both halves (Label Studio 1.23.2, ``ml/api_connector.py``, ``_create_project_uid``).
    The second half tells apart equal ids of two Label Studios.

    >>> ProjectKey.parse("12.1795447612").id
    12
    """

    id: int
    created: int

    @classmethod
    def parse(cls, text: object) -> ProjectKey:
        """Read ``"12.1795447612"``; raise `MalformedError` for anything else."""
        found = _PROJECT_KEY.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise MalformedError(
                f"Received {shorten(text)} as the project",
                expected='"<project id>.<created_at in unix seconds>", as in "12.1795447612"',
                fix="Label Studio sends this value itself; send it as it comes.",
            )
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.id}.{self.created}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """One decision inside an annotation or a prediction.

    Attributes
    ----------
    from_name, to_name
        Names of the control tag and of the object tag it labels.
    type
        Kind of the control in lower case, as Label Studio spells it: ``"choices"``.
    value
        What was decided, as in ``{"choices": ["sports"]}``.
    """

    from_name: str
    to_name: str
    type: str
    value: Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One item to annotate.

    Attributes
    ----------
    data
        What was imported, by data key; values are whatever people import.
    updated_at
        When Label Studio last changed it; None where the source does not say.
    """

    id: int
    data: Mapping[str, object]
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotation:
    """What a person decided about a task.

    Attributes
    ----------
    was_cancelled
        Whether the person skipped the task; such an annotation is not an example.
    updated_at
        Orders the states of one annotation: the latest is the truth.
    """

    id: int
    task_id: int
    regions: tuple[Region, ...]
    was_cancelled: bool = False
    ground_truth: bool = False
    completed_by: int | None = None
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A task's text and the label people gave it; its weight is the share of them who chose it."""

    task_id: int
    text: str
    label: str
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What a model version suggests for a task.

    Attributes
    ----------
    score
        Probability of the chosen label, in [0, 1].
    model_version
        The string `/setup` reports at the same moment; Label Studio's only cache key.
    """

    regions: tuple[Region, ...]
    score: float
    model_version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelVersion:
    """One trained, immutable result.

    Attributes
    ----------
    number, examples
        Counts a project's versions from 1; how many examples this one was fitted on.
    artifact
        Name under which its bytes are stored.
    labels
        Labels it can predict, in the order of its ``classes_``.
    frame
        What the predicted regions name besides the label, see `LabelSchema.frame`.
    fingerprint
        Digest of all it was made from: equal fingerprints, equal predictions.
    metrics, withheld
        What it measured on examples left out, if anything; why it was not activated, if so.
    """

    project: ProjectKey
    number: int
    artifact: str
    examples: int
    labels: tuple[str, ...]
    frame: str
    fingerprint: str
    created_at: datetime
    metrics: Mapping[str, Any] | None = None
    withheld: str | None = None

    @property
    def name(self) -> str:
        """What people and Label Studio see, as in ``v7-120labels``."""
        return f"v{self.number}-{self.examples}labels"


class EventKind(StrEnum):
    """What can happen in a project that matters to its labels."""

    ANNOTATED = "annotated"
    ANNOTATIONS_DELETED = "annotations deleted"
    TASKS_CREATED = "tasks created"
    TASKS_DELETED = "tasks deleted"
    PROJECT_UPDATED = "project updated"
    PROJECT_DELETED = "project deleted"
    TRAINING_REQUESTED = "training requested"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened in a project, as Label Studio told it.

    Attributes
    ----------
    label_config
        The labeling config at that time, with `project_updated_at` to order such news.
    annotated
        Annotations as they are now, each with its task.
    created
        Tasks that have come, still without annotations.
    deleted_ids
        Ids of the annotations or tasks that were deleted, as `kind` says.
    """

    kind: EventKind
    project: ProjectKey
    label_config: str | None = None
    project_updated_at: datetime | None = None
    annotated: tuple[tuple[Task, Annotation], ...] = ()
    created: tuple[Task, ...] = ()
    deleted_ids: tuple[int, ...] = ()


class JobState(StrEnum):
    """Where a job stands. `NOT_YET` is an outcome: too few labels to learn from."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    NOT_YET = "not_yet"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Background work for one project: pull its labels, train it, or both.

    Attributes
    ----------
    reason, message
        Why it exists (``"Start Training"``) and what came of it, empty before that; for people.
    must_train
        Whether someone asked for a training, however few labels have changed.
    model_version
        Name of the version it made, active or not, or found up to date; None if there is none.
    owner
        Who holds the project's lease for it; empty unless this is what `claim` returned.
    """

    id: int
    project: ProjectKey
    reason: str
    must_train: bool
    state: JobState
    message: str = ""
    model_version: str | None = None
    owner: str = ""
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
