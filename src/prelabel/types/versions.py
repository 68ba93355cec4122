"""What was learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prelabel.types.values import ProjectKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What a version can decide about one control.

    Attributes
    ----------
    control
        The control tag's name.
    frame
        What the predicted regions name besides the labels, see `ControlTag.frame`.
    labels
        Labels it can predict, in the order of its ``classes_``.
    name_texts
        How many texts it was learned from with the names of the labels, as there were too few
        labels to learn from; 0 if it was learned from labels.
    manner
        How labels were chosen when it was trained, see `ControlTag.manner`; None if not known.
    """

    control: str
    frame: str
    labels: tuple[str, ...]
    name_texts: int = 0
    manner: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelVersion:
    """One trained, immutable result.

    Attributes
    ----------
    number, examples
        Counts a project's versions from 1; how many tasks this one learned from.
    artifact
        Name under which its bytes are stored.
    heads
        What it can decide, one a control.
    fingerprint
        Digest of all it was made from: equal fingerprints, equal predictions.
    metrics, withheld
        What it measured on examples left out, by control, if anything; why it was not activated,
        if so.
    withdrawn_at
        When someone rolled it back; None if nobody did. It is never activated by a training.
    """

    project: ProjectKey
    number: int
    artifact: str
    examples: int
    heads: tuple[Head, ...]
    fingerprint: str
    created_at: datetime
    metrics: Mapping[str, Any] | None = None
    withheld: str | None = None
    withdrawn_at: datetime | None = None

    @property
    def name(self) -> str:
        """What people and Label Studio see: ``v7-120labels``, or ``v1-names`` of no label."""
        return f"v{self.number}-{self.examples}labels" if self.examples else f"v{self.number}-names"
