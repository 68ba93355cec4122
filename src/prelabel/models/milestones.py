"""When to learn anew: at milestones, each a tenth beyond the one before.

A project grows label by label, but what is costly to learn (a vocabulary, semantic directions,
folds to measure with) hardly changes with a single one. So it is learned of the first examples
only, as many as the last milestone passed, and whatever came since is added to that. The result
depends on the examples and their order, not on the trainings there have been: it is the same, bit
for bit, in a process that remembers the milestone and in one that has to make it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import chain
from threading import RLock
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

from cachetools import LRUCache, cached

from prelabel.models.heap import give_back

_FIRST = 100
_GROWTH = 1.1
_REMEMBERED_BYTES = 150_000_000
_LARGE_BYTES = 1_000_000

Key = tuple[Hashable, ...]


class _Sized(Protocol):
    @property
    def n_bytes(self) -> int: ...


@runtime_checkable
class _Keyed(Protocol):
    @property
    def key(self) -> Key: ...


Made = TypeVar("Made", bound=_Sized)

_memories: list[LRUCache[Key, Any]] = []
_using = RLock()


def last_milestone(n: int) -> int:
    """Return the last milestone that ``n`` examples have reached; each of the first 100 is one.

    >>> [last_milestone(n) for n in (7, 100, 109, 110, 1000)]
    [7, 100, 100, 110, 958]
    """
    return max(_milestones(n), default=0)


def _milestones(n: int) -> Iterator[int]:
    """Yield the milestones up to ``n``, ascending."""
    yield from range(1, min(n + 1, _FIRST))
    reached = _FIRST
    while reached <= n:
        yield reached
        reached = int(reached * _GROWTH)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Beginning:
    """Texts up to their last milestone, and what they are known by where they are not kept.

    Attributes
    ----------
    digest
        Of the texts, in their order.
    earlier
        The digests of these texts up to each milestone before.
    """

    texts: tuple[str, ...]
    digest: bytes
    earlier: frozenset[bytes]

    @classmethod
    def of(cls, texts: Sequence[str], *, role: str, is_whole: bool = False) -> Self:
        """Cut texts at their last milestone, or at their end where that is to be one itself.

        Equal texts in another role have other digests.
        """
        digest, reached = hashlib.blake2b(role.encode(), digest_size=16), 0
        digests = [digest.digest()]
        ends = [len(texts)] if is_whole else []
        for milestone in dict.fromkeys([*_milestones(len(texts)), *ends]):
            update(digest, texts[reached:milestone])
            digests.append(digest.digest())
            reached = milestone
        # Nothing ends with no texts: all projects begin so.
        return cls(
            texts=tuple(texts[:reached]), digest=digests[-1], earlier=frozenset(digests[1:-1])
        )

    @property
    def key(self) -> Key:
        """What stands for it in a memory."""
        return (self.digest,)


def update(digest: hashlib.blake2b, texts: Iterable[str]) -> None:
    """Add texts to a digest: other texts, or another division of them, give another one."""
    whole = list(texts)
    digest.update(repr([len(text) for text in whole]).encode())
    digest.update("".join(whole).encode(errors="surrogatepass"))


def remembered(make: Callable[..., Made]) -> Callable[..., Made]:
    """Let a function remember what it made of which arguments: 150 MB of it, or the last alone.

    The arguments must be hashable or have a ``key`` to be known by, and what is made must say its
    size as ``n_bytes``. Once it is made of a `Beginning`, whatever any such function made of an
    earlier milestone of that is forgotten: of a project, that is not asked for again.
    """
    memory: LRUCache[Key, Made] = LRUCache(
        _REMEMBERED_BYTES, getsizeof=lambda it: min(it.n_bytes, _REMEMBERED_BYTES)
    )
    _memories.append(memory)

    @cached(memory, key=_name, lock=_using)
    @wraps(make)
    def make_anew(*arguments: Hashable | _Keyed) -> Made:
        made = make(*arguments)
        for argument in arguments:
            if isinstance(argument, Beginning):
                _forget(argument.earlier)
        if made.n_bytes > _LARGE_BYTES:
            give_back()  # it took several times as much to make, and will not for a while
        return made

    return make_anew


def _name(*arguments: Hashable | _Keyed) -> Key:
    return tuple(chain.from_iterable(a.key if isinstance(a, _Keyed) else (a,) for a in arguments))


def _forget(digests: frozenset[bytes]) -> None:
    with _using:
        for memory in _memories:
            for key in [key for key in memory if not digests.isdisjoint(key)]:
                del memory[key]
