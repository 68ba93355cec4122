"""What is remembered of tokens: most tokens of a text stood in texts before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from prelabel.models.arrays import Integers, Numbers
from prelabel.models.characters import Hashes
from prelabel.models.hash_table import HashTable
from prelabel.models.ngrams import Counts
from prelabel.models.rows import RememberedTexts

Weights = npt.NDArray[np.float32]

_TEXTS_BYTES = 32 * 2**20  # 15,000 texts of fifty words

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

    @property
    def n_bytes(self) -> int:
        return self._room.nbytes

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
        By the token's hash.
    columns, weights, starts
        The n-grams of characters in each, as a sparse matrix. The first is column 0.
    squares
        Squared length of each row of that matrix.
    n_characters
        How many characters they have together.
    texts
        Rows of texts that have no other tokens.
    serial
        A number that no other has: the numbers of tokens mean something together with it.
    """

    numbers: HashTable = field(default_factory=HashTable)
    columns: Growing[np.int32] = field(default_factory=lambda: Growing(np.int32))
    weights: Growing[np.float32] = field(default_factory=lambda: Growing(np.float32))
    starts: Growing[np.int32] = field(default_factory=_starts)
    squares: Growing[np.float32] = field(default_factory=lambda: Growing(np.float32))
    n_characters: int = 0
    texts: RememberedTexts = field(default_factory=lambda: RememberedTexts(_TEXTS_BYTES))
    serial: int = field(default_factory=count().__next__)

    @property
    def n_bytes(self) -> int:
        """Memory that is taken; none while there are neither tokens nor texts."""
        parts = (self.numbers, self.columns, self.weights, self.starts, self.squares)
        of_tokens = sum(part.n_bytes for part in parts) if len(self.numbers) else 0
        return of_tokens + self.texts.n_bytes

    def vectors(self, n_columns: int) -> Counts:
        """Weights of the n-grams of characters in each token, shape (tokens, n_columns)."""
        starts = self.starts.values  # first: what it points to was there before it
        n = starts[-1]
        parts = (self.weights.values[:n], self.columns.values[:n], starts)
        return sparse.csr_matrix(parts, shape=(len(starts) - 1, n_columns))

    def entries(self, ids: Numbers) -> tuple[Weights, Numbers, Integers]:
        """Weights and columns of some tokens, one after the other, and where each one's begin."""
        starts = self.starts.values
        first, sizes = starts[ids], starts[ids + 1] - starts[ids]
        begins = np.concatenate(([0], np.cumsum(sizes)))
        at = np.arange(begins[-1]) + (first - begins[:-1]).repeat(sizes)
        return self.weights.values[at], self.columns.values[at], begins

    def add(
        self, hashes: Hashes, *, columns: Numbers, weights: Weights, starts: Integers,
        n_characters: int,
    ) -> Numbers:  # fmt: skip
        """Return the numbers of new tokens; a token can be found when all about it is there."""
        self.weights.extend(weights)
        self.columns.extend(columns)
        self.squares.extend(sum_rows(weights * weights, starts))
        self.starts.extend(starts[1:] + self.starts.values[-1])
        self.n_characters += n_characters
        return self.numbers.add(hashes)


def sum_rows(values: Weights, starts: Integers) -> Weights:
    """Sum ``values[starts[i]:starts[i + 1]]`` for each ``i``; along the first axis."""
    sums = np.zeros((len(starts) - 1, *values.shape[1:]), values.dtype)
    (filled,) = (starts[1:] > starts[:-1]).nonzero()  # reduceat takes an empty row for the next
    if len(filled):
        sums[filled] = np.add.reduceat(values, starts[filled], axis=0)
    return sums
