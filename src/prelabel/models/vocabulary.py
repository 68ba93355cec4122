"""The n-grams a project is known by: which there are, and what each weighs."""

from __future__ import annotations

import hashlib
from typing import Self
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from prelabel.models.arrays import Integers, Numbers
from prelabel.models.characters import Hashes
from prelabel.models.ngrams import CHARACTER_BIT
from prelabel.models.reading import TextReader

_READERS: WeakValueDictionary[bytes, TextReader] = WeakValueDictionary()
"""By vocabulary, because most versions have that of the version before."""

_FEW = 300  # hashes, for which a binary search is faster than steps of all at once


class Vocabulary:
    """The n-grams kept, words before characters.

    It is exact: a sorted array of 64-bit hashes. That two of 50,000 n-grams share one has a
    probability of 1e-10.

    Attributes
    ----------
    hashes
        Ascending, shape (n,): an n-gram's position is its column.
    weights
        Of each n-gram, shape (n,), float32.
    n_words
        How many, the first, are words or pairs of words.
    reader
        Reads texts as columns of this vocabulary.
    """

    def __init__(self, hashes: Hashes, weights: npt.NDArray[np.float32]) -> None:
        self.hashes = hashes
        self.weights = weights
        # Hashes are spread evenly, so the first bits nearly give the position: thirty times as
        # fast as a binary search of 20,000 hashes, half of them known.
        bits = len(hashes).bit_length() + 2
        self._shift = np.uint64(64 - bits)
        sizes = np.bincount((hashes >> self._shift).astype(np.int64), minlength=2**bits)
        self._buckets = (np.cumsum(sizes) - sizes).astype(np.int32)
        self.n_words = int(np.searchsorted(hashes, CHARACTER_BIT))
        digest = hashlib.blake2b(hashes.tobytes() + weights.tobytes()).digest()
        reader = TextReader(self.find, self.n_words, weights)
        self.reader = _READERS.setdefault(digest, reader)

    def __reduce__(self) -> tuple[type[Self], tuple[Hashes, npt.NDArray[np.float32]]]:
        return type(self), (self.hashes, self.weights)  # the rest follows from these

    @property
    def n_bytes(self) -> int:
        """Memory it takes, without its reader."""
        return self.hashes.nbytes + self.weights.nbytes + self._buckets.nbytes

    def find(self, hashes: Hashes) -> Numbers:
        """Columns of n-grams; -1 for those not in the vocabulary."""
        if not len(self.hashes):
            return np.full(len(hashes), -1, np.int32)
        columns = self._buckets.take((hashes >> self._shift).view(np.int64))
        found = self.hashes.take(columns, mode="clip")
        (behind,) = (found < hashes).nonzero()
        if len(behind):  # few share their first bits with smaller ones
            columns[behind] = at = self._pass_smaller(columns[behind], hashes[behind])
            found[behind] = self.hashes.take(at, mode="clip")
        columns[found != hashes] = -1
        return columns

    def _pass_smaller(self, columns: Numbers, hashes: Hashes) -> Integers | Numbers:
        """Columns of the first hashes that are not smaller; most are the next ones."""
        if len(hashes) < _FEW:
            found: Integers = self.hashes.searchsorted(hashes)
            return found
        behind = np.arange(len(hashes))
        while len(behind):
            at = columns[behind] + 1
            columns[behind] = at
            is_smaller = self.hashes.take(at, mode="clip") < hashes[behind]
            behind = behind[is_smaller & (at < len(self.hashes))]
        return columns
