"""What is remembered of tokens: most tokens of a text stood in texts before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import numpy as np
import scipy

from prelabel.models.arrays import Integers, Matrix, Numbers
from prelabel.models.characters import Hashes
from prelabel.models.growing import Growing
from prelabel.models.hash_table import HashTable
from prelabel.models.ngrams import Counts
from prelabel.models.ragged import find_places, sum_rows
from prelabel.models.remembered_texts import RememberedTexts

_TEXTS_BYTES = 32 * 2**20  # 20,000 texts of fifty words


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
        Squared length of each row of that matrix, of which a text may have tens of thousands.
    n_characters
        How many characters they have together.
    texts
        Texts, which have no other known tokens.
    serial
        A number that no other has: the numbers of tokens mean something together with it.
    """

    numbers: HashTable = field(default_factory=HashTable)
    columns: Growing[np.int32] = field(default_factory=lambda: Growing(np.int32))
    weights: Growing[np.float32] = field(default_factory=lambda: Growing(np.float32))
    starts: Growing[np.int32] = field(default_factory=_starts)
    squares: Growing[np.float64] = field(default_factory=lambda: Growing(np.float64))
    n_characters: int = 0
    texts: RememberedTexts = field(default_factory=lambda: RememberedTexts(_TEXTS_BYTES))
    serial: int = field(default_factory=count().__next__)

    @property
    def n_bytes(self) -> int:
        """Memory that is taken; none while there are neither tokens nor texts."""
        return self.token_bytes + self.texts.n_bytes

    @property
    def token_bytes(self) -> int:
        """Of these, what is taken for tokens; it changes when arrays grow."""
        parts = (self.numbers, self.columns, self.weights, self.starts, self.squares)
        return sum(part.n_bytes for part in parts) if len(self.numbers) else 0

    def vectors(self, n_columns: int) -> Counts:
        """Weights of the n-grams of characters in each token, shape (tokens, n_columns)."""
        starts = self.starts.values  # first: what it points to was there before it
        n = starts[-1]
        parts = (self.weights.values[:n], self.columns.values[:n], starts)
        return scipy.sparse.csr_matrix(parts, shape=(len(starts) - 1, n_columns))

    def entries(self, ids: Numbers) -> tuple[Matrix, Numbers, Integers]:
        """Weights and columns of some tokens, one after the other, and where each one's begin."""
        starts = self.starts.values
        at, begins = find_places(starts[ids], starts[ids + 1] - starts[ids])
        return self.weights.values[at], self.columns.values[at], begins

    def add(
        self, hashes: Hashes, *, columns: Numbers, weights: Matrix, starts: Integers,
        n_characters: int,
    ) -> Numbers:  # fmt: skip
        """Return the numbers of new tokens; a token can be found when all about it is there."""
        self.weights.extend(weights)
        self.columns.extend(columns)
        self.squares.extend(sum_rows(weights * weights, starts))
        self.starts.extend(starts[1:] + self.starts.values[-1])
        self.n_characters += n_characters
        return self.numbers.add(hashes)
