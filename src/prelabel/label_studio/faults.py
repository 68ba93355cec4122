"""What can be wrong between Label Studio, a project and its backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Something that keeps labels from being learned or suggestions from being seen.

    Attributes
    ----------
    name
        One of a fixed list, for programs.
    found
        What is so, and what comes of it.
    fix
        What a person can do.
    repair
        Does it; None where no program can.
    is_harmless
        Whether all may work in spite of it.
    """

    name: str
    found: str
    fix: str
    repair: Callable[[], None] | None = None
    is_harmless: bool = False
