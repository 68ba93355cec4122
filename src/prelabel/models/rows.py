"""Texts as rows: of each, which tokens it has, and its words and pairs of words, weighed.

That is all a linear model over `TfidfFeatures` needs to know of a text, whatever its coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from sys import getsizeof
from typing import NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt

from prelabel.models.arrays import Floats, Integers, Matrix, Numbers

Keys = TypeVar("Keys", Integers, Numbers)

_OBJECTS_BYTES = 600  # three views of arrays, what holds them, an entry of a dictionary


class Row(NamedTuple):
    """One text.

    Attributes
    ----------
    ids
        Numbers of its tokens, shape (occurrences,).
    columns, weights
        Each word and pair of words that is kept, once; shape (columns,). The weights have the
        length ``sqrt(1/2)``, or 0.
    """

    ids: Numbers
    columns: Numbers
    weights: Matrix

    @property
    def n_bytes(self) -> int:
        """Memory it takes, about."""
        return self.ids.nbytes + self.columns.nbytes + self.weights.nbytes + _OBJECTS_BYTES


class Rows(NamedTuple):
    """Several texts: text ``i`` has ``ids[starts[i]:starts[i + 1]]``, and so with its words.

    Attributes
    ----------
    ids, columns, weights
        As of each `Row`, one text after the other.
    starts, word_starts
        Where each text begins among ``ids``, and among ``columns``; shape (texts + 1,).
    """

    ids: Numbers
    starts: Integers
    columns: Numbers
    weights: Matrix
    word_starts: Integers

    def split(self) -> list[Row]:
        """Return each text by itself."""
        places = zip(
            pairwise(self.starts.tolist()), pairwise(self.word_starts.tolist()), strict=True
        )
        return [
            Row(self.ids[first:last], self.columns[begin:end], self.weights[begin:end])
            for (first, last), (begin, end) in places
        ]

    @classmethod
    def join(cls, rows: Sequence[Row]) -> Self:
        """Put texts together; at least one."""
        ids, columns, weights = zip(*rows, strict=True)
        return cls(
            ids=np.concatenate(ids),
            starts=np.cumsum([0, *map(len, ids)]),
            columns=np.concatenate(columns),
            weights=np.concatenate(weights),
            word_starts=np.cumsum([0, *map(len, columns)]),
        )


def weigh(
    keys: Integers, shift: int, n_texts: int, idf: Matrix
) -> tuple[Numbers, Matrix, Integers]:
    """Return columns, weights and where each text begins among them, as `Rows` has them.

    Parameters
    ----------
    keys
        ``text << shift | column``, one an occurrence, in no order.
    idf
        What each column weighs.
    """
    keys, counts = count_keys(keys)
    columns = (keys & ((1 << shift) - 1)).astype(np.int32)
    weights = dampen(counts) * idf.take(columns)
    starts = keys.searchsorted(np.arange(n_texts + 1) << shift)
    sums = np.zeros(len(keys) + 1)
    np.cumsum(weights * weights, out=sums[1:])
    lengths = starts[1:] - starts[:-1]
    weights *= scale_factors(sums[starts[1:]] - sums[starts[:-1]]).repeat(lengths)
    return columns, weights, starts


def weigh_one(columns: Numbers, idf: Matrix) -> tuple[Numbers, Matrix]:
    """Do as `weigh` for one text with half of the calls: they are what it costs."""
    columns, counts = count_keys(columns)
    weights = dampen(counts) * idf.take(columns)
    weights *= np.float32(scale_factor(float(weights @ weights)))
    return columns, weights


def count_keys(keys: Keys) -> tuple[Keys, Matrix]:
    """Distinct keys, ascending, and how often each occurs. What is given is put in order."""
    keys.sort(kind="stable")  # made for what is nearly in order: two to three times as fast
    edges = find_edges(keys)
    return keys[edges[:-1]], (edges[1:] - edges[:-1]).astype(np.float32)


def find_edges(values: npt.NDArray[np.integer]) -> Integers:
    """Return where each value begins that is not the one before it, and where the last one ends."""
    is_edge = np.empty(len(values) + 1, np.bool_)
    is_edge[0] = is_edge[-1] = True
    np.not_equal(values[1:], values[:-1], out=is_edge[1:-1])
    return is_edge.nonzero()[0]


def dampen(counts: Matrix) -> Matrix:
    """Weigh an n-gram by how often it occurs in a text: twice is not worth two."""
    weights: Matrix = np.log(counts)
    weights += np.float32(1)
    return weights


def scale_factors(squares: Floats) -> Matrix:
    """Return the factors that give vectors of these squared lengths the length ``sqrt(1/2)``.

    The factor of a vector without length is 0; shape (vectors,), float32.
    """
    lengths = np.sqrt(2 * squares)
    lengths[lengths == 0] = np.inf
    found: Matrix = np.reciprocal(lengths).astype(np.float32)
    return found


def scale_factor(square: float) -> float:
    """Return what `scale_factors` does for one vector."""
    return math.sqrt(0.5 / square) if square else 0.0


class RememberedTexts:
    """Rows of texts that were read, by text; of more than there is room for, none.

    Threads may share it: one adds while others find.

    Parameters
    ----------
    most_bytes
        The room. When it is full, it is emptied: what is asked for in turn, as all tasks of a
        project are, would not be found again by then anyway.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._rows: dict[str, Row] = {}
        self.n_bytes = 0

    def find(self, texts: Sequence[str]) -> list[Row | None]:
        """Return the row of each text; None if it is not remembered."""
        return [*map(self._rows.get, texts)]

    def add(self, texts: Sequence[str], rows: Sequence[Row]) -> tuple[int, int]:
        """Remember texts; return how many bytes were taken before, and how many are now."""
        before = self.n_bytes
        if before > self._most_bytes:
            self._rows, self.n_bytes = {}, 0
        self._rows.update(zip(texts, rows, strict=True))
        for text, row in zip(texts, rows, strict=True):
            self.n_bytes += getsizeof(text) + row.n_bytes
        return before, self.n_bytes
