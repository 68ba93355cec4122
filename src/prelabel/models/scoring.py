"""Scores of texts by a linear model over `TfidfFeatures`: the hot path of every prediction.

What a token adds to the scores is computed when it is first met. From then on a text costs a sum
over its tokens, and a sparse product over its words.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from threading import Lock
from typing import Self

import numpy as np
from scipy import sparse

from prelabel.models.arrays import Integers, Matrix
from prelabel.models.base import Arrays
from prelabel.models.features import TfidfFeatures, scale_factors
from prelabel.models.ngrams import in_chunks
from prelabel.models.reading import Reading, count_keys
from prelabel.models.tensors import check_arrays
from prelabel.models.token_memory import MEMORY
from prelabel.models.tokens import Tokens, sum_rows

_FEW = 1_000  # entries of a sparse matrix


class LinearScores:
    """``features.transform(texts) @ coefficients + intercept``, up to rounding.

    Threads may share it.

    Parameters
    ----------
    coefficients
        Shape (features, classes).
    intercept
        Shape (classes,).

    Attributes
    ----------
    used_at_seconds
        When it last looked tokens up, on the monotonic clock.
    """

    def __init__(self, features: TfidfFeatures, coefficients: Matrix, intercept: Matrix) -> None:
        self.features = features
        self.coefficients = coefficients
        self.intercept = intercept
        n_words = features.n_words
        self._of_words, self._of_characters = coefficients[:n_words], coefficients[n_words:]
        self._filling = Lock()
        self._begin_with(-1)
        self.used_at_seconds = 0.0
        MEMORY.join(self)

    @property
    def n_bytes(self) -> int:
        """Memory that is taken by what is remembered of tokens."""
        return self._table.nbytes + self._is_filled.nbytes

    def forget(self) -> None:
        """Free what is remembered of tokens; who is scoring keeps it until then."""
        with self._filling:
            self._begin_with(-1)

    def _begin_with(self, serial: int) -> None:
        """Remember nothing yet, of the tokens with this serial."""
        self._serial = serial
        self._table = np.empty((0, len(self.intercept) + 1), np.float32)
        self._is_filled = np.empty(0, np.bool_)

    def __reduce__(self) -> tuple[type[Self], tuple[TfidfFeatures, Matrix, Matrix]]:
        return type(self), (self.features, self.coefficients, self.intercept)

    def to_arrays(self) -> Arrays:
        """``coefficients`` and ``intercept``, and the arrays of the features."""
        return {
            "coefficients": self.coefficients,
            "intercept": self.intercept,
            **self.features.to_arrays(),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_classes: int) -> Self:
        """Rebuild what `to_arrays` gave, without copying; raise `ArtifactError` if it cannot."""
        features = TfidfFeatures.from_arrays(arrays)
        size = features.n_features
        check_arrays(
            arrays,
            {"coefficients": (size, n_classes), "intercept": (n_classes,), "weights": (size,)},
        )
        return cls(features, arrays["coefficients"], arrays["intercept"])

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Return scores, shape (len(texts), classes), float32."""
        parts = [self._score(self.features.read(chunk)) for chunk in in_chunks(texts)]
        scores: Matrix = parts[0] if len(parts) == 1 else np.concatenate(parts)
        scores += self.intercept
        return scores

    def _score(self, reading: Reading) -> Matrix:
        if len(reading.starts) == 2:
            return self._score_one(reading)
        words, table = self.features.weigh_words(reading), self._look_up(reading)
        scores = _multiply(words.weights, words.columns, words.starts, self._of_words)
        ones = np.ones(len(reading.ids), np.float32)
        sums = _multiply(ones, reading.ids, reading.starts, table)
        scores += sums[:, :-1] * scale_factors(sums[:, -1])[:, np.newaxis]
        return scores

    def _score_one(self, reading: Reading) -> Matrix:
        """Do as `_score` for one text, with a third of the calls: they are what it costs."""
        columns, counts = count_keys(reading.words)
        weights = self.features.weigh(columns, counts)
        scores: Matrix = weights @ self._of_words.take(columns, axis=0)
        scores *= _scale(float(weights @ weights))
        sums = self._look_up(reading).take(reading.ids, axis=0).sum(axis=0)
        scores += sums[:-1] * _scale(float(sums[-1]))
        return scores[np.newaxis]

    def _look_up(self, reading: Reading) -> Matrix:
        """Table by token: what it adds to the score of each class, and its squared length."""
        tokens, ids = reading.tokens, reading.ids
        self.used_at_seconds = time.monotonic()
        with self._filling:
            if self._serial != tokens.serial:
                self._begin_with(tokens.serial)
            highest = int(ids.max(initial=-1))
            must_grow = highest >= len(self._table)
            if must_grow:
                self._make_room(2 * (highest + 1))
            missing = ids[~self._is_filled[ids]]
            if len(missing):
                self._fill(tokens, np.unique(missing))
            table = self._table
        if must_grow:
            MEMORY.keep_below()
        return table

    def _make_room(self, n_tokens: int) -> None:
        # Another array, because threads read the one there is. Pages untouched take no memory.
        table = np.zeros((n_tokens, self._table.shape[1]), np.float32)
        table[: len(self._table)] = self._table
        is_filled = np.zeros(n_tokens, np.bool_)
        is_filled[: len(self._is_filled)] = self._is_filled
        self._table, self._is_filled = table, is_filled

    def _fill(self, tokens: Tokens, ids: Integers) -> None:
        weights, columns, starts = tokens.entries(ids)
        self._table[ids, :-1] = _multiply(weights, columns, starts, self._of_characters)
        self._table[ids, -1] = tokens.squares.values[ids]
        self._is_filled[ids] = True


def _multiply(weights: Matrix, columns: Integers, starts: Integers, dense: Matrix) -> Matrix:
    """Multiply a sparse matrix, whose row ``i`` begins at ``starts[i]``, by a dense one."""
    if len(columns) < _FEW:  # SciPy's checks would take longer
        return sum_rows(dense.take(columns, axis=0) * weights[:, np.newaxis], starts)
    parts = (weights, columns.astype(np.int32), starts.astype(np.int32))
    product: Matrix = sparse.csr_matrix(parts, shape=(len(starts) - 1, len(dense))) @ dense
    return product


def _scale(square: float) -> float:
    """Return what `scale_factors` does for one vector."""
    return math.sqrt(0.5 / square) if square else 0.0
