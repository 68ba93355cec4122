"""Numbers by 64-bit hash: a dictionary that is asked for a whole array of keys at once."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from prelabel.models.characters import Hashes, Integers

_ROOM = 8
"""So many slots there are for each number, at least: few of them have to be looked for twice."""


class _Slots(NamedTuple):
    """A number stands at the first bits of its hash, or in the next slot that was free.

    Attributes
    ----------
    hashes, numbers
        Shape (slots,); the number of a free slot is -1.
    shift
        What brings a hash to its slot.
    """

    hashes: Hashes
    numbers: Integers
    shift: np.uint64

    @classmethod
    def for_numbers(cls, n: int) -> Self:
        bits = (_ROOM * n).bit_length()
        numbers = np.full(1 << bits, -1, np.int64)
        return cls(np.zeros(len(numbers), np.uint64), numbers, np.uint64(64 - bits))

    def home(self, hashes: Hashes) -> Integers:
        return (hashes >> self.shift).view(np.int64)

    def next(self, at: Integers) -> Integers:
        return (at + 1) & (len(self.numbers) - 1)


class HashTable:
    """Consecutive numbers by hash, from 0 on. One thread may add while others find."""

    def __init__(self) -> None:
        self._n = 0
        self._slots = _Slots.for_numbers(1024)

    def __len__(self) -> int:
        return self._n

    def find(self, hashes: Hashes) -> Integers:
        """Numbers of hashes, shape (len(hashes),); -1 for those that have none."""
        slots = self._slots
        at = slots.home(hashes)
        found = slots.numbers.take(at)
        differs = slots.hashes.take(at) != hashes
        (others,) = (differs & (found >= 0)).nonzero()
        found[differs] = -1
        if not len(others):
            return found
        at, wanted = at[others], hashes[others]
        while len(others):
            at = slots.next(at)
            numbers = slots.numbers.take(at)
            differs = slots.hashes.take(at) != wanted
            found[others[~differs]] = numbers[~differs]
            goes_on = differs & (numbers >= 0)
            at, wanted, others = at[goes_on], wanted[goes_on], others[goes_on]
        return found

    def add(self, hashes: Hashes) -> Integers:
        """Give hashes the next numbers; they are distinct, and none of them has one yet."""
        numbers = np.arange(self._n, self._n + len(hashes))
        self._n += len(hashes)
        if self._n * _ROOM > len(self._slots.numbers):
            self._slots = _enlarged(self._slots, self._n)
        _put(self._slots, hashes, numbers)
        return numbers


def _enlarged(slots: _Slots, n: int) -> _Slots:
    larger = _Slots.for_numbers(n)
    taken = slots.numbers >= 0
    _put(larger, slots.hashes[taken], slots.numbers[taken])
    return larger


def _put(slots: _Slots, hashes: Hashes, numbers: Integers) -> None:
    at = slots.home(hashes)
    while len(at):
        is_free = slots.numbers.take(at) < 0
        slots.numbers[at[is_free]] = numbers[is_free]
        # Of several that want a slot the last one written has it; its hash comes after its number,
        # so that who reads meanwhile finds both or nothing.
        has_it = slots.numbers.take(at) == numbers
        slots.hashes[at[has_it]] = hashes[has_it]
        at, hashes, numbers = slots.next(at[~has_it]), hashes[~has_it], numbers[~has_it]
