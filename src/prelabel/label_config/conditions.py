"""Conditions: what other controls must say for a control to be shown.

They are judged as the editor does (Label Studio 1.23.2: ``libs/editor/src/mixins/Visibility.js``,
``SelectedChoiceMixin.js``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """What another control must say for a control to be shown.

    Attributes
    ----------
    control
        The other control's name; empty for any ``Choices``.
    labels
        It must have chosen one of these; any, if there are none.
    wants_chosen
        False turns it around: it must have chosen none of these.
    is_literal
        Whether the labels are as regions carry them, and no other names of labels.
    """

    control: str
    labels: frozenset[str]
    wants_chosen: bool
    is_literal: bool = False

    def holds(self, chosen: Mapping[str, Collection[str]]) -> bool:
        """Whether it is met by what the controls that are shown, by name, have chosen."""
        ours = chosen.values() if not self.control else [chosen.get(self.control, ())]
        found = any(self.labels.intersection(labels) if self.labels else labels for labels in ours)
        return bool(found) == self.wants_chosen
