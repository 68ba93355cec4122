"""Texts as rows: what a linear model over `TfidfFeatures` needs to know of each.

That is the same whatever the model's coefficients: which tokens it has whose vectors are known, and
the weights of its words, its pairs of words, and the n-grams of characters in all other tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from sys import getsizeof
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from prelabel.models.arrays import Floats, Integers, Matrix, Numbers

_OBJECTS_BYTES = 600  # three views of arrays, what holds them, an entry of a dictionary


class Row(NamedTuple):
    """One text.

    Attributes
    ----------
    ids
        Numbers of tokens that are known, shape (occurrences,).
    scale
        What the sum of their vectors is multiplied by.
    columns, weights
        Of all else, shape (columns,); words come first.
    """

    ids: Numbers
    scale: float
    columns: Numbers
    weights: Matrix

    @property
    def n_bytes(self) -> int:
        """Memory it takes, about."""
        return self.ids.nbytes + self.columns.nbytes + self.weights.nbytes + _OBJECTS_BYTES


class Rows(NamedTuple):
    """Several texts: text ``i`` has ``ids[starts[i]:starts[i + 1]]``, and so with its columns.

    Attributes
    ----------
    ids, columns, weights
        As of each `Row`, one text after the other.
    scales
        Shape (texts,).
    starts, column_starts
        Where each text begins among ``ids``, and among ``columns``; shape (texts + 1,).
    """

    ids: Numbers
    starts: Integers
    scales: Matrix
    columns: Numbers
    weights: Matrix
    column_starts: Integers

    def split(self) -> list[Row]:
        """Return each text by itself."""
        places = pairwise(self.starts.tolist()), pairwise(self.column_starts.tolist())
        return [
            Row(self.ids[first:last], scale, self.columns[begin:end], self.weights[begin:end])
            for (first, last), scale, (begin, end) in zip(
                places[0], self.scales.tolist(), places[1], strict=True
            )
        ]

    @classmethod
    def join(cls, rows: Sequence[Row]) -> Self:
        """Put texts together; at least one."""
        ids, scales, columns, weights = zip(*rows, strict=True)
        return cls(
            ids=np.concatenate(ids),
            starts=np.cumsum([0, *map(len, ids)]),
            scales=np.array(scales, np.float32),
            columns=np.concatenate(columns),
            weights=np.concatenate(weights),
            column_starts=np.cumsum([0, *map(len, columns)]),
        )


def weigh(keys: Integers, shift: int, n_rows: int, idf: Matrix) -> tuple[Numbers, Matrix, Integers]:
    """Weigh the n-grams in each row.

    Parameters
    ----------
    keys
        ``row << shift | column``, one an occurrence, in no order.
    idf
        What each column weighs.

    Returns
    -------
    columns, weights, starts
        Each column of a row once, ascending, and where each row begins among them.
    """
    keys, counts = count_keys(keys)
    columns = (keys & ((1 << shift) - 1)).astype(np.int32)
    starts = keys.searchsorted(np.arange(n_rows + 1) << shift)
    return columns, dampen(counts) * idf.take(columns), starts


def scale_rows(weights: Matrix, starts: Integers) -> Matrix:
    """Return the factors that give rows the length ``sqrt(1/2)``."""
    sums = np.zeros(len(weights) + 1)
    np.cumsum(weights * weights, out=sums[1:])
    return scale_factors(sums[starts[1:]] - sums[starts[:-1]])


def count_keys(keys: Integers) -> tuple[Integers, Matrix]:
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


def scale_one(weights: Matrix, n_words: int, square: float) -> float:
    """Give one text's weights their lengths; return its `Row.scale`.

    Parameters
    ----------
    weights
        Of its words, which come first, and of the n-grams of new tokens; changed in place.
    square
        Squared length of the vectors of its other tokens.
    """
    of_words, of_characters = weights[:n_words], weights[n_words:]
    of_words *= np.float32(_find_factor(float(of_words @ of_words)))
    scale = _find_factor(square + float(of_characters @ of_characters))
    of_characters *= np.float32(scale)
    return scale


def _find_factor(square: float) -> float:
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
