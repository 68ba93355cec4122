"""Which controls Label Studio shows, by what others have chosen: see `conditions`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from functools import cache
from itertools import chain
from typing import TypeAlias

from prelabel.label_config.conditions import Condition
from prelabel.label_config.controls import ControlTag
from prelabel.label_config.labels import Label
from prelabel.types import Region

_MOST_PASSES = 20
"""Longer chains of conditions, each about a control that comes later, nobody can follow."""

_Index: TypeAlias = Mapping[str, Set[str]]


def name_labels(controls: Iterable[ControlTag]) -> tuple[ControlTag, ...]:
    """Let conditions name labels by their values, where the config has another name for them."""
    by_name = {control.name: control for control in controls}

    @cache
    def index_of(name: str) -> _Index:
        if name:
            return _index(by_name[name]) if name in by_name else {}
        return _join(_index(control) for control in by_name.values() if control.is_choices)

    return tuple(
        replace(
            control, conditions=tuple(_name(c, index_of(c.control)) for c in control.conditions)
        )
        if control.conditions
        else control
        for control in by_name.values()
    )


def find_shown(
    controls: Sequence[ControlTag], chosen: Mapping[str, Sequence[str]]
) -> frozenset[str]:
    """Return the names of the controls that are shown, of those that have chosen something.

    What a hidden control has chosen counts as not chosen. Of controls that hide each other in a
    circle those are left out that would be shown and hidden in turn.

    Parameters
    ----------
    chosen
        Labels by the names of controls.
    """
    told = {c.name: c.tell(chosen[c.name]) for c in controls if c.name in chosen}
    conditional = [c for c in controls if c.name in told and c.conditions]
    seen, before = dict(told), frozenset(told)
    of_choices = {c.name: told[c.name] for c in controls if c.name in told and c.is_choices}
    for _ in range(_MOST_PASSES if conditional else 0):
        before = frozenset(seen)
        for control in conditional:
            holds = all(c.holds(seen if c.control else of_choices) for c in control.conditions)
            for found in (seen, of_choices) if control.is_choices else (seen,):
                if holds:
                    found[control.name] = told[control.name]
                else:
                    found.pop(control.name, None)
        if before == seen.keys():
            break
    return before.intersection(seen)


def is_shown(
    control: ControlTag, controls: Sequence[ControlTag], regions: Sequence[Region]
) -> bool:
    """Whether an annotation's other regions show a control at which it may have chosen nothing."""
    decisions = {c.name: c.read_decision(regions) for c in controls}
    chosen = {name: decision for name, decision in decisions.items() if decision is not None}
    return control.name in find_shown(controls, {**chosen, control.name: ()})


def _name(condition: Condition, index: _Index) -> Condition:
    if condition.is_literal:
        return condition
    found = frozenset(chain.from_iterable(index.get(name, {name}) for name in condition.labels))
    return replace(condition, labels=found)


def _index(control: ControlTag) -> _Index:
    """Return which labels each name stands for: the first that has it as its alias or value.

    Of a taxonomy the last level alone counts, wherever it stands.
    """
    first: dict[str, Label] = {}
    ends: defaultdict[str, set[str]] = defaultdict(set)
    for label in control.labels:
        if label.path:  # stars have none, and no condition asks for them
            first.setdefault(label.path[-1], label)
            first.setdefault(label.names[0], label)
            ends[label.path[-1]] |= {label.path[-1], label.value}
    if control.is_choices:
        return {name: {label.value} for name, label in first.items()}
    return {name: ends[label.path[-1]] for name, label in first.items()}


def _join(indexes: Iterable[_Index]) -> _Index:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, labels in chain.from_iterable(index.items() for index in indexes):
        found[name] |= labels
    return found
