"""What happens in a project, and the work that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from prelabel.types.values import Annotation, ProjectKey, Task

FIRST_TEXTS = 100
"""From so many texts of a project on, names of labels speak through them: of fewer, the words of
the names say as much (`docs/explanation/model.md`, *Before the first label*)."""


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
        return self not in OPEN_STATES


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)
"""Of jobs that are not over."""


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
