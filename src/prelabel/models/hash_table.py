"""Numbers by 64-bit hash: a dictionary that is asked for a whole array of keys at once."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from prelabel.models.characters import Hashes, Integers

_ROOM = 8
"""So many slots there are for each number, at least: few hashes find theirs taken."""


class _Numbers(NamedTuple):
    """A number stands at the first bits of its hash, or aside if another one stands there.

    Attributes
    ----------
    hashes, numbers
        Shape (slots,); the number of a free slot is -1.
    shift
        What brings a hash to its slot.
    hashes_aside, numbers_aside
        Of those that found their slot taken, by ascending hash.
    """

    hashes: Hashes
    numbers: Integers
    shift: np.uint64
    hashes_aside: Hashes
    numbers_aside: Integers

    @classmethod
    def with_room_for(cls, n: int) -> Self:
        bits = (_ROOM * n).bit_length()
        numbers = np.full(1 << bits, -1, np.int64)
        hashes, none = np.zeros(len(numbers), np.uint64), np.empty(0, np.int64)
        return cls(hashes, numbers, np.uint64(64 - bits), none.astype(np.uint64), none)

    def find(self, hashes: Hashes) -> Integers:
        at = (hashes >> self.shift).view(np.int64)
        found = self.numbers.take(at)
        (others,) = (self.hashes.take(at) != hashes).nonzero()
        if len(others):
            found[others] = self._find_aside(hashes[others])
        return found

    def _find_aside(self, hashes: Hashes) -> Integers:
        found = np.full(len(hashes), -1)
        if len(self.hashes_aside):
            at = self.hashes_aside.searchsorted(hashes)
            is_there = self.hashes_aside.take(at, mode="clip") == hashes
            found[is_there] = self.numbers_aside[at[is_there]]
        return found

    def put(self, hashes: Hashes, numbers: Integers) -> Self:
        """Add numbers, where there is room for them; who reads meanwhile finds them or does not."""
        at = (hashes >> self.shift).view(np.int64)
        is_free = self.numbers.take(at) < 0
        self.numbers[at[is_free]] = numbers[is_free]
        # Of several that want a slot the last one written has it. Its hash comes after its number,
        # so that who reads meanwhile finds both or nothing.
        has_it = self.numbers.take(at) == numbers
        self.hashes[at[has_it]] = hashes[has_it]
        if has_it.all():
            return self
        hashes = np.concatenate((self.hashes_aside, hashes[~has_it]))
        order = hashes.argsort(kind="stable")
        numbers = np.concatenate((self.numbers_aside, numbers[~has_it]))
        return self._replace(hashes_aside=hashes[order], numbers_aside=numbers[order])


class HashTable:
    """Consecutive numbers by hash, from 0 on. One thread may add while others find."""

    def __init__(self) -> None:
        self._n = 0
        self._numbers = _Numbers.with_room_for(1024)

    def __len__(self) -> int:
        return self._n

    def find(self, hashes: Hashes) -> Integers:
        """Numbers of hashes, shape (len(hashes),); -1 for those that have none."""
        return self._numbers.find(hashes)

    def add(self, hashes: Hashes) -> Integers:
        """Give hashes the next numbers; they are distinct, and none of them has one yet."""
        numbers = np.arange(self._n, self._n + len(hashes))
        self._n += len(hashes)
        if self._n * _ROOM > len(self._numbers.numbers):
            self._numbers = _enlarged(self._numbers, self._n)
        self._numbers = self._numbers.put(hashes, numbers)
        return numbers


def _enlarged(numbers: _Numbers, n: int) -> _Numbers:
    larger, taken = _Numbers.with_room_for(n), numbers.numbers >= 0
    larger = larger.put(numbers.hashes[taken], numbers.numbers[taken])
    return larger.put(numbers.hashes_aside, numbers.numbers_aside)
