"""The values that prelabel's parts hand to each other: frozen, and most of them keyword-only."""

from prelabel.types.settings import ProjectSettings
from prelabel.types.values import Annotation, Example, Prediction, ProjectKey, Region, Task
from prelabel.types.versions import Head, ModelVersion
from prelabel.types.work import FIRST_TEXTS, OPEN_STATES, Event, EventKind, Job, JobState

__all__ = [
    "FIRST_TEXTS", "OPEN_STATES", "Annotation", "Event", "EventKind", "Example", "Head", "Job",
    "JobState", "ModelVersion", "Prediction", "ProjectKey", "ProjectSettings", "Region", "Task",
]  # fmt: skip
