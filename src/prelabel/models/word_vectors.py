"""What words mean, learned from the words around them in texts without labels.

Words that stand among the same words mean much the same, even if no text has both. How much more
often two words are neighbours than by chance (positive pointwise mutual information), decomposed,
gives each word a vector: Levy, Goldberg and Dagan, Improving distributional similarity with
lessons learned from word embeddings, TACL 3 (2015), https://aclanthology.org/Q15-1016/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np
import scipy

from prelabel.models.arrays import Integers, Matrix
from prelabel.models.characters import (
    WORD,
    find_bounds,
    find_runs,
    hash_runs,
    read_characters,
    sum_up,
)
from prelabel.models.features import TfidfFeatures
from prelabel.models.ngrams import Counts, hash_words, in_chunks
from prelabel.models.semantic import right_singular_vectors

_WINDOW = 20
"""Words so near to each other are neighbours. At 100 labels, five gain a point of accuracy over
seven sets, ten 1.6 and twenty 1.9."""

_SMOOTHING = 0.75
"""Power of a word's frequency, as in that paper: rare words would have the nearest neighbours."""

_MOST_WORDS = 1_000_000
"""Running words of the texts that are counted, to bound time and memory."""


class _Words(NamedTuple):
    """The words that the features know, in the order they stand in.

    Attributes
    ----------
    columns, texts
        Of each occurrence, its column and the number of its text; shape (occurrences,).
    written
        The words by column.
    """

    columns: Integers
    texts: Integers
    written: Mapping[int, str]


def learn_word_directions(
    texts: Sequence[str], features: TfidfFeatures, *, n_components: int, seed: int
) -> Matrix:
    """Return the directions in which words differ by their neighbours.

    A word stands at its vector, and any other n-gram where the words that have it stand on
    average, so that a word no text had before is near those it is made like.

    Parameters
    ----------
    texts
        Of all texts of the project, labeled or not; of more than a million running words, those
        of evenly spaced texts are counted.
    features
        Fitted on these texts: which words and n-grams there are.
    n_components
        How many directions to learn at most.
    seed
        Of the decomposition's random start, at least 0.

    Returns
    -------
    Matrix
        Shape (features, components), float32: fewer than ``n_components`` where there are not so
        many words, and none where no two words are neighbours.
    """
    words = _read(texts, features)
    columns, numbers = np.unique(words.columns, return_inverse=True)
    associations = _associate(_count_neighbours(numbers, words.texts, len(columns)))
    rank = min(n_components, len(columns) - 1)
    if rank < 1 or not associations.nnz:
        return np.empty((features.n_features, 0), np.float32)
    axes, singular_values = right_singular_vectors(associations, rank, seed)
    written = features.transform([words.written[column] for column in columns.tolist()])
    return _spread(axes * np.sqrt(singular_values), written)


def _read(texts: Sequence[str], features: TfidfFeatures) -> _Words:
    columns, numbers = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    written: dict[int, str] = {}
    n_before = 0
    for chunk in in_chunks(texts):
        values, classes = read_characters(chunk)
        starts, stops = find_runs(classes >= WORD, classes == WORD)
        words, _ = hash_words(hash_runs(sum_up(values), starts, stops))
        found = features.find(words).astype(np.int64)
        (known,) = (found >= 0).nonzero()
        columns.append(found[known])
        numbers.append(n_before + find_bounds(chunk).searchsorted(starts[known], "right") - 1)
        n_before += len(chunk)
        joined = " ".join(["", *chunk])  # as the characters were counted
        distinct, first = np.unique(found[known], return_index=True)
        for column, at in zip(distinct.tolist(), known[first].tolist(), strict=True):
            if column not in written:
                written[column] = joined[starts[at] : stops[at]]
    return _bound(_Words(np.concatenate(columns), np.concatenate(numbers), written))


def _bound(words: _Words) -> _Words:
    """Keep the words of so many texts, evenly spaced, as may be counted."""
    step = max(1, -(-len(words.columns) // _MOST_WORDS))
    is_kept = words.texts % step == 0
    return _Words(words.columns[is_kept], words.texts[is_kept], words.written)


def _count_neighbours(words: Integers, texts: Integers, n_words: int) -> Counts:
    """How often a word stands near another one of its text, shape (words, words)."""

    def count(distance: int) -> Counts:
        (first,) = (texts[distance:] == texts[:-distance]).nonzero()
        pairs = (np.ones(len(first), np.float32), (words[first], words[first + distance]))
        return scipy.sparse.csr_matrix(pairs, shape=(n_words, n_words))

    counts = reduce(add, map(count, range(1, _WINDOW + 1)))
    return (counts + counts.T).tocsr()


def _associate(counts: Counts) -> Counts:
    """How much more often than by chance, as a logarithm; 0 for what is not more often."""
    pairs = counts.tocoo()
    totals = np.asarray(counts.sum(axis=0, dtype=np.float64)).reshape(-1)
    chances = totals**_SMOOTHING
    chances /= max(chances.sum(), 1)
    values = np.log(pairs.data / (totals[pairs.row] * chances[pairs.col]))
    (more,) = (values > 0).nonzero()
    parts = (values[more].astype(np.float32), (pairs.row[more], pairs.col[more]))
    return scipy.sparse.csr_matrix(parts, shape=counts.shape)


def _spread(vectors: Matrix, written: Counts) -> Matrix:
    """Give each n-gram the mean of the vectors of the words that are written with it."""
    weights = np.asarray(written.sum(axis=0), np.float32).reshape(-1)
    weights[weights == 0] = 1
    directions: Matrix = (written.T @ vectors) / weights[:, np.newaxis]
    return directions
