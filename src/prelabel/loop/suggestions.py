"""What a task's data, the labeling config and models amount to: one prediction a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from prelabel.label_config import ControlTag, LabelSchema, find_shown
from prelabel.loop.decisions import Decision, Offered, decide
from prelabel.models.base import Model
from prelabel.types import Prediction, Region

TEXTS_AT_ONCE = 512
"""Bounds the memory of a batch, and how long it keeps other threads from running. More is slower:
larger arrays go back to the system after each use, and their pages must be got again."""

REMEMBERED = 1_000
"""Combinations of labels of which it is remembered what they amount to."""

Data: TypeAlias = Sequence[Mapping[str, object]]
Decide: TypeAlias = Callable[[Sequence[str], Sequence[Offered]], Sequence[Decision | None]]
"""Decides about a control's texts, each with the labels its task offers."""

Labels: TypeAlias = tuple[tuple[str, ...] | None, ...]
"""What was decided about a task, control by control; None where nothing was."""


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


class Suggester:
    """Suggests labels for tasks, and remembers what labels amount to: most come again.

    Threads may share it.

    Parameters
    ----------
    decide
        By control.
    model_version
        What all predictions carry.
    """

    def __init__(
        self, schema: LabelSchema, decide: Mapping[str, Decide], *, model_version: str
    ) -> None:
        self._controls = schema.controls
        self._decide = decide
        self._shown: dict[Labels, _Shown] = {}
        self.model_version = model_version

    def suggest(self, data: Data) -> list[Prediction | None]:
        """Return what is suggested for each task's data, in order; None abstains.

        A prediction has a region for each control that is shown and about which there is a
        decision.
        """
        columns = [self._decide_each(control, data) for control in self._controls]
        predictions: list[Prediction | None] = []
        for decisions in zip(*columns, strict=True):
            labels = tuple([decision and decision[0] for decision in decisions])
            shown = self._shown.get(labels) or self._show(labels)
            scores = [found[1] for place in shown.places if (found := decisions[place])]
            predictions.append(
                Prediction(
                    regions=shown.regions, score=min(scores), model_version=self.model_version
                )
                if scores
                else None
            )
        return predictions

    def _decide_each(self, control: ControlTag, data: Data) -> Sequence[Decision | None]:
        """Return the decision about each task, in order; None where there is none or no text."""
        texts = [control.read_text(item) for item in data]
        given = [text for text in texts if text]
        if not given:
            return [None] * len(data)
        pairs = zip(texts, data, strict=True)
        offered = [control.read_offered(item) for text, item in pairs if text]
        decisions = self._decide[control.name](given, offered)
        if len(given) == len(texts):
            return decisions
        found = iter(decisions)
        return [next(found) if text else None for text in texts]

    def _show(self, labels: Labels) -> _Shown:
        if len(self._shown) >= REMEMBERED:
            self._shown.clear()
        shown = self._shown[labels] = _show(self._controls, labels)
        return shown


class _Shown(NamedTuple):
    """What of the labels that were decided on is shown: regions, and the places of controls."""

    regions: tuple[Region, ...]
    places: tuple[int, ...]


def _show(controls: Sequence[ControlTag], labels: Labels) -> _Shown:
    """Leave out what Label Studio would hide."""
    chosen = {
        control.name: given
        for control, given in zip(controls, labels, strict=True)
        if given is not None
    }
    shown = find_shown(controls, chosen)
    places = [place for place, control in enumerate(controls) if control.name in shown]
    written = [controls[place].write_decision(labels[place] or ()) for place in places]
    return _Shown(
        regions=tuple(region for region in written if region),
        places=tuple(places),
    )
