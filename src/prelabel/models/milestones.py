"""When to learn anew: at milestones, each a tenth beyond the one before.

A project grows label by label, but what is costly to learn (a vocabulary, semantic directions,
folds to measure with) hardly changes with a single one. So it is learned of the first examples
only, as many as the last milestone passed, and whatever came since is added to that. The result
depends on the examples and their order, not on the trainings there have been: it is the same, bit
for bit, in a process that remembers the milestone and in one that has to make it again.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Protocol, TypeVar

from cachetools import LRUCache, cached

_FIRST = 100
_GROWTH = 1.1
_REMEMBERED_BYTES = 150_000_000


class _Sized(Protocol):
    @property
    def n_bytes(self) -> int: ...


Made = TypeVar("Made", bound=_Sized)


def last_milestone(n: int) -> int:
    """Return the last milestone that ``n`` examples have reached; each of the first 100 is one.

    >>> [last_milestone(n) for n in (7, 100, 109, 110, 1000)]
    [7, 100, 100, 110, 942]
    """
    reached = n
    if n > _FIRST:
        reached = _FIRST
        while (following := int(reached * _GROWTH)) <= n:
            reached = following
    return reached


def remembered(make: Callable[..., Made]) -> Callable[..., Made]:
    """Let a function remember what it made of which arguments: 150 MB of it, or the last alone.

    The arguments must be hashable, and what is made must say its size as ``n_bytes``. Of a project
    only the last milestone is asked for again, so that little is gained by keeping more.
    """
    memory: LRUCache[object, Made] = LRUCache(
        _REMEMBERED_BYTES, getsizeof=lambda it: min(it.n_bytes, _REMEMBERED_BYTES)
    )
    return cached(memory, lock=RLock())(make)
