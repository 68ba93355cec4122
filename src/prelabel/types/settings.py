"""What a project sets for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectSettings:
    """What a project sets for itself; None leaves it to the server.

    Attributes
    ----------
    C
        Inverse strength of regularization, from 1e-8 to 1e9, or ``"auto"``.
    train_every
        Label changes since the last training that start the next, 1 or more.
    min_score
        Decisions of a lower probability, in [0, 1], are not suggested.
    """

    C: float | Literal["auto"] | None = None
    train_every: int | None = None
    min_score: float | None = None

    def to_mapping(self) -> dict[str, Any] | None:
        """Return what is set, fit for JSON; None if nothing is."""
        return {name: value for name, value in asdict(self).items() if value is not None} or None

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any] | None) -> Self:
        """Read what `to_mapping` gave."""
        return cls(**(mapping or {}))
