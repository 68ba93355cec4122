"""What a task's data, the labeling config and models amount to: one prediction a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from prelabel.label_config import ControlTag, LabelSchema
from prelabel.loop.decisions import Decision, Offered, decide
from prelabel.models.base import Model
from prelabel.types import Prediction, Region

TEXTS_AT_ONCE = 128
"""Bounds the memory of a batch, and how long it keeps other threads from running. More is slower:
larger arrays go back to the system after each use, and their pages must be got again."""

Data: TypeAlias = Sequence[Mapping[str, object]]
Decide: TypeAlias = Callable[
    [ControlTag, Sequence[str], Sequence[Offered]], Sequence[Decision | None]
]
"""Decides about texts, each with the labels its task offers."""


def decide_in_batches(
    model: Model, control: ControlTag, texts: Sequence[str], offered: Sequence[Offered]
) -> list[Decision | None]:
    """Return a model's decision about each text, in order; None abstains."""
    return [
        decision
        for start in range(0, len(texts), TEXTS_AT_ONCE)
        for decision in decide(
            control, model,
            texts[start : start + TEXTS_AT_ONCE], offered[start : start + TEXTS_AT_ONCE],
        )
    ]  # fmt: skip


def suggest(
    schema: LabelSchema, data: Data, decide_one: Decide, *, model_version: str
) -> list[Prediction | None]:
    """Return what is suggested for each task's data, in order; None abstains.

    A prediction has a region for each control that is shown and about which there is a decision.
    """
    found: list[dict[str, Decision]] = [{} for _ in data]
    for control in schema.controls:
        texts = {i: text for i, item in enumerate(data) if (text := control.read_text(item))}
        offered = [control.read_offered(data[i]) for i in texts]
        decisions = decide_one(control, list(texts.values()), offered) if texts else []
        for i, decision in zip(texts, decisions, strict=True):
            if decision is not None:
                found[i][control.name] = decision
    written: dict[tuple[str, tuple[str, ...]], Region | None] = {}  # most regions are equal
    return [_write(schema, decisions, written, model_version) for decisions in found]


def _write(
    schema: LabelSchema,
    decisions: Mapping[str, Decision],
    written: dict[tuple[str, tuple[str, ...]], Region | None],
    model_version: str,
) -> Prediction | None:
    shown = _shown(schema, decisions)
    if not shown:
        return None
    regions: list[Region] = []
    for control in schema.controls:
        if control.name in shown:
            key = control.name, shown[control.name][0]
            if key not in written:
                written[key] = control.write_decision(key[1])
            regions += filter(None, [written[key]])
    score = min(probability for _, probability in shown.values())
    return Prediction(regions=tuple(regions), score=score, model_version=model_version)


def _shown(schema: LabelSchema, decisions: Mapping[str, Decision]) -> dict[str, Decision]:
    """Leave out what Label Studio would hide, and what only that would show."""
    shown = dict(decisions)
    conditional = [control for control in schema.controls if control.conditions]
    while conditional:
        chosen = {name: labels for name, (labels, _) in shown.items()}
        hidden = [
            control.name
            for control in conditional
            if control.name in shown and not all(c.holds(chosen) for c in control.conditions)
        ]
        if not hidden:
            return shown
        for name in hidden:
            del shown[name]
    return shown
