"""Why a text has its scores: what each of its words adds to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from prelabel.models.arrays import Integers, Matrix
from prelabel.models.ngrams import in_chunks, locate_ngrams
from prelabel.models.scoring import LinearScores


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """The scores of a text, word by word.

    ``intercept + contributions.sum(axis=0)`` is the scores, whose softmax is the probabilities.

    Attributes
    ----------
    words
        The text's words in order, in lower case; punctuation, symbols and characters of scripts
        without spaces stand for themselves.
    contributions
        What each word adds to the score of each label, shape (len(words), classes).
    intercept
        Scores of a text without words, shape (classes,).
    """

    words: tuple[str, ...]
    contributions: Matrix
    intercept: Matrix


def explain(text: str, scores: LinearScores) -> Explanation:
    """Share out what each n-gram adds to the scores among the characters it consists of."""
    features = scores.features
    (as_read,) = next(in_chunks([text]))
    found = locate_ngrams(as_read)
    columns = features.find(found.hashes)
    known = columns >= 0
    columns, starts, stops = columns[known], found.starts[known], found.stops[known]
    n_units = int(found.units.max()) + 1
    spread = _spread(starts, stops, found.units, n_units)
    weights = features.transform([text]).toarray()[0]
    weights /= np.maximum(np.bincount(columns, minlength=len(weights)), 1)
    shape = (len(columns), len(weights))
    parts = (weights[columns], columns, np.arange(len(columns) + 1))
    contributions = (spread @ scipy.sparse.csr_matrix(parts, shape=shape)) @ scores.coefficients
    return Explanation(
        words=_words(as_read, found.units, n_units),
        contributions=contributions,
        intercept=scores.intercept,
    )


def _spread(
    starts: Integers, stops: Integers, units: Integers, n_units: int
) -> scipy.sparse.csr_matrix[np.float32]:
    """Share of each unit in the characters of each span, shape (units, spans)."""
    lengths = stops - starts
    span = np.repeat(np.arange(len(starts)), lengths)
    first = np.cumsum(lengths) - lengths
    unit = units[np.arange(len(span)) - np.repeat(first - starts, lengths)]
    span, unit = span[unit >= 0], unit[unit >= 0]
    shares = 1 / np.bincount(span, minlength=len(starts))[span]
    shape = (n_units, len(starts))
    return scipy.sparse.csr_matrix((shares.astype(np.float32), (unit, span)), shape=shape)


def _words(text: str, units: Integers, n_units: int) -> tuple[str, ...]:
    starts = np.searchsorted(np.maximum.accumulate(units), np.arange(n_units)) - 1
    sizes = np.bincount(units[units >= 0], minlength=n_units)
    return tuple(text[i : i + n] for i, n in zip(starts.tolist(), sizes.tolist(), strict=True))
