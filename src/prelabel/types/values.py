"""What is labeled and what is decided about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from prelabel.errors import MalformedError, shorten

_PROJECT_KEY = re.compile(r"(\d{1,18})\.(\d{1,18})", re.ASCII)


class ProjectKey(NamedTuple):
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


_OF_PART = frozenset(("start", "startOffset", "x", "item_index"))


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

    @property
    def is_of_part(self) -> bool:
        """Whether it is about some words, an area or one item of several, not all of the task.

        So are regions of ``Labels``, and of other controls with ``perRegion``, ``perItem`` or
        ``labeling``.
        """
        return not _OF_PART.isdisjoint(self.value)


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
    """A task's text and the labels people gave it; its weight is the share of them who did.

    There is one label where one is to be chosen, and any number where several may be.

    Attributes
    ----------
    offered
        The labels that its task may have; None where all tasks may have the same.
    """

    task_id: int
    text: str
    labels: tuple[str, ...]
    weight: float = 1.0
    offered: frozenset[str] | None = None

    @property
    def label(self) -> str:
        """What was decided, as one word for people: of several labels, all of them."""
        return ", ".join(self.labels)


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
