"""Numbers by 64-bit hash: a dictionary that is asked for a whole array of keys at once."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from prelabel.models.arrays import Numbers
from prelabel.models.characters import Hashes

_ROOM = 8
"""So many slots there are for each number, at least: few hashes find theirs taken."""

_FIRST = 128
"""For so many numbers there is room from the start: there may be a table for each project."""


class _Slots(NamedTuple):
    """A number stands at the first bits of its hash, or aside if another one stands there.

    Attributes
    ----------
    hashes, numbers
        Shape (slots,); the number of a free slot is -1.
    shift
        What brings a hash to its slot.
    aside
        Numbers by hash.
    """

    hashes: Hashes
    numbers: Numbers
    shift: np.uint64
    aside: dict[int, int]

    @classmethod
    def for_numbers(cls, n: int) -> Self:
        bits = (_ROOM * n).bit_length()
        numbers = np.full(1 << bits, -1, np.int32)
        return cls(np.zeros(len(numbers), np.uint64), numbers, np.uint64(64 - bits), {})

    def find(self, hashes: Hashes) -> Numbers:
        at = (hashes >> self.shift).view(np.int64)
        found = self.numbers.take(at)
        (others,) = ((self.hashes.take(at) != hashes) & (found >= 0)).nonzero()
        if len(others):
            found[others] = [self.aside.get(key, -1) for key in hashes[others].tolist()]
        return found

    def put(self, hashes: Hashes, numbers: Numbers) -> None:
        at = (hashes >> self.shift).view(np.int64)
        is_free = self.numbers.take(at) < 0
        self.numbers[at[is_free]] = numbers[is_free]
        # Of several that want a slot the last one written has it. Its hash comes after its number,
        # so that who reads meanwhile finds both or nothing.
        has_it = self.numbers.take(at) == numbers
        self.hashes[at[has_it]] = hashes[has_it]
        others = ~has_it
        self.aside.update(zip(hashes[others].tolist(), numbers[others].tolist(), strict=True))


class HashTable:
    """Consecutive numbers by hash, from 0 on. One thread may add while others find."""

    def __init__(self) -> None:
        self._n = 0
        self._slots = _Slots.for_numbers(_FIRST)

    def __len__(self) -> int:
        return self._n

    @property
    def n_bytes(self) -> int:
        """Memory it takes; what stands aside takes some hundred bytes each."""
        slots = self._slots
        return slots.hashes.nbytes + slots.numbers.nbytes + 200 * len(slots.aside)

    def find(self, hashes: Hashes) -> Numbers:
        """Numbers of hashes, shape (len(hashes),); -1 for those that have none."""
        return self._slots.find(hashes)

    def add(self, hashes: Hashes) -> Numbers:
        """Give hashes the next numbers; they are distinct, and none of them has one yet."""
        numbers = np.arange(self._n, self._n + len(hashes), dtype=np.int32)
        self._n += len(hashes)
        if self._n * _ROOM > len(self._slots.numbers):
            self._slots = _enlarged(self._slots, self._n)
        self._slots.put(hashes, numbers)
        return numbers


def _enlarged(slots: _Slots, n: int) -> _Slots:
    larger, taken = _Slots.for_numbers(n), slots.numbers >= 0
    larger.put(slots.hashes[taken], slots.numbers[taken])
    hashes, numbers = list(slots.aside), list(slots.aside.values())
    larger.put(np.array(hashes, np.uint64), np.array(numbers, np.int32))
    return larger
