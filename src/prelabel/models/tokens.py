"""What is remembered of tokens: most tokens of a text stood in texts before it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from prelabel.models.characters import Hashes, Integers, Mask
from prelabel.models.ngrams import Counts

Positions = npt.NDArray[np.int32]
"""Of tokens, columns or rows; 32 bits, as SciPy's matrices have them."""

Kind = TypeVar("Kind", bound=np.generic)


class Growing(Generic[Kind]):
    """An array that grows at its end; what is there is copied only when it doubles.

    One thread may extend it while others read what they know to be there.
    """

    def __init__(self, dtype: type[Kind], *row: int) -> None:
        self._room: npt.NDArray[Kind] = np.empty((1024, *row), dtype)
        self._n = 0

    @property
    def values(self) -> npt.NDArray[Kind]:
        return self._room[: self._n]

    def extend(self, values: npt.NDArray[Any]) -> None:
        """Add rows."""
        end = self._n + len(values)
        if end > len(self._room):
            room = np.empty((2 * end, *self._room.shape[1:]), self._room.dtype)
            room[: self._n] = self.values
            self._room = room
        self._room[self._n : end] = values
        self._n = end


def _starts() -> Growing[np.int32]:
    starts = Growing(np.int32)
    starts.extend(np.zeros(1, np.int32))
    return starts


@dataclass(slots=True, eq=False)
class Tokens:
    """Tokens seen so far, by number.

    Attributes
    ----------
    numbers
        By token.
    edges, has_words
        Hashes of the first and the last word of each, shape (tokens, 2), where there is a word.
    words, word_starts
        Columns of the words in each: token ``i`` has those from ``word_starts[i]`` on.
    columns, weights, starts
        The n-grams of characters in each, as a sparse matrix. The first is column 0.
    squares
        Squared length of each row of that matrix.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    edges: Growing[np.uint64] = field(default_factory=lambda: Growing(np.uint64, 2))
    has_words: Growing[np.bool_] = field(default_factory=lambda: Growing(np.bool_))
    words: Growing[np.int32] = field(default_factory=lambda: Growing(np.int32))
    word_starts: Growing[np.int32] = field(default_factory=_starts)
    columns: Growing[np.int32] = field(default_factory=lambda: Growing(np.int32))
    weights: Growing[np.float32] = field(default_factory=lambda: Growing(np.float32))
    starts: Growing[np.int32] = field(default_factory=_starts)
    squares: Growing[np.float32] = field(default_factory=lambda: Growing(np.float32))
    n_characters: int = 0

    def vectors(self, n_columns: int) -> Counts:
        """Weights of the n-grams of characters in each token, shape (tokens, n_columns)."""
        starts = self.starts.values  # first: what it points to was there before it
        n = starts[-1]
        parts = (self.weights.values[:n], self.columns.values[:n], starts)
        return sparse.csr_matrix(parts, shape=(len(starts) - 1, n_columns))

    def add(
        self, tokens: Sequence[str], *, edges: Hashes, has_words: Mask, words: Integers,
        word_starts: Integers, vectors: Counts,
    ) -> None:  # fmt: skip
        """Give tokens numbers; a token can be found when all about it is there."""
        self.edges.extend(edges)
        self.has_words.extend(has_words)
        self.words.extend(words)
        self.word_starts.extend(word_starts[1:] + self.word_starts.values[-1])
        self.weights.extend(vectors.data)
        self.columns.extend(vectors.indices)
        self.squares.extend(np.asarray(vectors.multiply(vectors).sum(axis=1)).reshape(-1))
        self.starts.extend(vectors.indptr[1:] + self.starts.values[-1])
        self.n_characters += sum(map(len, tokens))
        self.numbers.update(zip(tokens, itertools.count(len(self.numbers)), strict=False))

    def words_of(self, ids: Positions) -> tuple[Positions, Positions]:
        """Columns of the words in tokens, one after the other, and how many each token has."""
        starts = self.word_starts.values
        first, counts = starts[ids], starts[ids + 1] - starts[ids]
        ends = np.cumsum(counts)
        at = np.arange(len(ids) and ends[-1]) + (first - ends + counts).repeat(counts)
        return self.words.values[at], counts
