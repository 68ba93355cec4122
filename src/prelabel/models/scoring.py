"""Scores of texts by a linear model over `TfidfFeatures`: the hot path of every prediction.

What a token adds to the scores is computed when it is first met. From then on a text costs a sum
over its tokens, and a sparse product over its words and what else of it is not remembered.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple, Self

import numpy as np
import scipy  # its `sparse` is imported when it is used: not for the first answer

from prelabel.models.arrays import Integers, Matrix, Numbers
from prelabel.models.base import Arrays
from prelabel.models.features import TfidfFeatures
from prelabel.models.ngrams import cut, cut_one
from prelabel.models.ragged import find_edges, sum_rows
from prelabel.models.reading_memory import MEMORY
from prelabel.models.rows import Row, Rows
from prelabel.models.tensors import check_arrays
from prelabel.models.tokens import Tokens

_FEW = 1_000  # entries of a sparse matrix

_FILLED = -1  # column of the table of tokens, behind those of the classes


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
        When it last scored, on the monotonic clock.
    """

    def __init__(self, features: TfidfFeatures, coefficients: Matrix, intercept: Matrix) -> None:
        self.features = features
        self.coefficients = coefficients
        self.intercept = intercept
        self._of_characters = coefficients[features.n_words :]
        self._filling = Lock()
        self._table = self._empty(-1)
        self.used_at_seconds = 0.0
        MEMORY.join(self)

    @property
    def n_bytes(self) -> int:
        """Memory that is taken by what is remembered of tokens."""
        return self._table.rows.nbytes

    def forget(self) -> None:
        """Free what is remembered of tokens; who is scoring keeps it until then."""
        with self._filling:
            self._table = self._empty(-1)

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
        if not len(texts):
            return np.empty((0, len(self.intercept)), np.float32)
        n_rows = len(self._table.rows)
        if len(texts) == 1:
            parts = [self._score_one(*self.features.recall_one(cut_one(texts[0])))]
        else:
            parts = [self._score(*self.features.recall(chunk)) for chunk in cut(texts)]
        if len(self._table.rows) > n_rows:
            MEMORY.keep_below()
        scores: Matrix = parts[0] if len(parts) == 1 else np.concatenate(parts)
        scores += self.intercept
        return scores

    def _score(self, tokens: Tokens, texts: Rows) -> Matrix:
        # After its reader, so that this one does not forget first, and then all again.
        self.used_at_seconds = time.monotonic()
        with self._filling:
            table = self._find_table(tokens, texts.ids)
            self._fill(table, tokens, texts.ids)
        scores = _multiply(texts.weights, texts.columns, texts.column_starts, self.coefficients)
        ones = np.ones(len(texts.ids), np.float32)
        sums = _multiply(ones, texts.ids, texts.starts, table)
        scores += sums[:, :_FILLED] * texts.scales[:, np.newaxis]
        return scores

    def _score_one(self, tokens: Tokens, text: Row) -> Matrix:
        """Do as `_score` for one text, with a third of the calls: they are what it costs."""
        self.used_at_seconds = time.monotonic()
        scores: Matrix = text.weights @ self.coefficients.take(text.columns, axis=0)
        with self._filling:
            table = self._find_table(tokens, text.ids)
            sums = table.take(text.ids, axis=0).sum(axis=0)
            if sums[_FILLED] < len(text.ids):
                self._fill(table, tokens, text.ids)
                sums = table.take(text.ids, axis=0).sum(axis=0)
        scores += sums[:_FILLED] * text.scale
        return scores[np.newaxis]

    def _find_table(self, tokens: Tokens, ids: Numbers) -> Matrix:
        """Return a table with room for these tokens; some of their rows may not be filled."""
        table = self._table
        if table.serial != tokens.serial:
            table = self._table = self._empty(tokens.serial)
        if len(table.rows) < len(tokens.numbers):  # else there is room for any
            n_tokens = int(ids.max(initial=-1)) + 1
            if n_tokens > len(table.rows):
                table = self._table = table.enlarged(2 * n_tokens)
        return table.rows

    def _fill(self, table: Matrix, tokens: Tokens, ids: Numbers) -> None:
        missing = ids[table[ids, _FILLED] == 0]
        if len(missing):
            missing.sort()
            missing = missing[find_edges(missing)[:-1]]
            weights, columns, starts = tokens.entries(missing)
            table[missing, :_FILLED] = _multiply(weights, columns, starts, self._of_characters)
            table[missing, _FILLED] = 1

    def _empty(self, serial: int) -> _Table:
        return _Table(serial, np.empty((0, len(self.intercept) + 1), np.float32))


class _Table(NamedTuple):
    """What is remembered of tokens.

    Attributes
    ----------
    serial
        Of the tokens that the numbers of rows are those of.
    rows
        What each token adds to the score of each class, and 1; 0 throughout of a token that was
        not met yet. One that was is never written again: threads may read it while others are
        filled.
    """

    serial: int
    rows: Matrix

    def enlarged(self, n_tokens: int) -> Self:
        """Return another one with more room; memory that is not touched is not taken."""
        rows = np.zeros((n_tokens, self.rows.shape[1]), np.float32)
        rows[: len(self.rows)] = self.rows
        return self._replace(rows=rows)


def _multiply(weights: Matrix, columns: Numbers, starts: Integers, dense: Matrix) -> Matrix:
    """Multiply a sparse matrix, whose row ``i`` begins at ``starts[i]``, by a dense one."""
    if len(columns) < _FEW:  # SciPy's checks would take longer
        return sum_rows(dense.take(columns, axis=0) * weights[:, np.newaxis], starts)
    parts = (weights, columns, starts.astype(np.int32))
    product: Matrix = scipy.sparse.csr_matrix(parts, shape=(len(starts) - 1, len(dense))) @ dense
    return product
