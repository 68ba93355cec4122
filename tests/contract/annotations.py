"""Annotations as a store has them."""

from __future__ import annotations

from prelabel.storage.labels import LabelStore
from prelabel.types import Annotation, Event, ProjectKey
from tests.builders import PROJECT


def apply_all(labels: LabelStore, *events: Event) -> list[int]:
    """Apply events, one after the other; return how much each changed."""
    return [labels.apply(event).label_changes for event in events]


def known(labels: LabelStore, project: ProjectKey = PROJECT) -> dict[int, str | None]:
    """Return the label of every annotation that exists, by its id."""
    found = labels.snapshot(project).annotated
    return {annotation.id: label_of(annotation) for _, annotation in found}


def label_of(annotation: Annotation) -> str | None:
    """Return the one label of an annotation; None if it has none."""
    for region in annotation.regions:
        choices = region.value["choices"]
        assert isinstance(choices, list)
        return str(choices[0])
    return None
