"""Texts as rows: what a linear model over `TfidfFeatures` needs to know of each.

That is the same whatever the model's coefficients: which tokens it has whose vectors are known, and
the weights of its words, its pairs of words, and the n-grams of characters in all other tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from prelabel.models.arrays import Floats, Integers, Matrix, Numbers
from prelabel.models.ragged import find_edges, find_ends

_PLACE_BITS = 32
"""Of 64, those that say where an occurrence stands; the others are the number of its token."""


class Row(NamedTuple):
    """One text.

    Attributes
    ----------
    ids
        Numbers of its tokens that are known, each once; shape (tokens,).
    scale
        What the sum of their vectors is multiplied by, 0 or more.
    columns, weights
        All else, words first, and the weights there; each of shape (columns,).
    """

    ids: Numbers
    scale: np.float32
    columns: Numbers
    weights: Matrix


class Rows(NamedTuple):
    """Texts, one after the other: each what a `Row` is.

    Attributes
    ----------
    ids, starts
        Text ``i`` has the known tokens with the numbers ``ids[starts[i]:starts[i + 1]]``, each
        once; shapes (tokens,) and (texts + 1,).
    scales
        Shape (texts,).
    columns, weights, column_starts
        All else of text ``i`` is ``columns[column_starts[i]:column_starts[i + 1]]``, and the
        weights there.
    """

    ids: Numbers
    starts: Integers
    scales: Matrix
    columns: Numbers
    weights: Matrix
    column_starts: Integers


def join(rows: Sequence[Row]) -> Rows:
    """Put texts, at least one, one after the other."""
    ids, scales, columns, weights = zip(*rows, strict=True)
    return Rows(
        ids=np.concatenate(ids),
        starts=find_ends(np.array([*map(len, ids)])),
        scales=np.array(scales),
        columns=np.concatenate(columns),
        weights=np.concatenate(weights),
        column_starts=find_ends(np.array([*map(len, columns)])),
    )


def keep_once(ids: Numbers, starts: Integers) -> tuple[Numbers, Integers]:
    """Keep what each row has where it has it first; row ``i`` begins at ``starts[i]``.

    Order stays, so that sums over a row do not depend on how its tokens came to be numbered. Shapes
    are those of `Rows`, of occurrences before.

    >>> keep_once(np.array([7, 2, 7, 7], np.int32), np.array([0, 3, 4]))
    (array([7, 2, 7], dtype=int32), array([0, 2, 3]))
    """
    places = np.arange(len(ids))
    keys = ids.astype(np.int64) << _PLACE_BITS | places
    keys.sort()  # much faster than `argsort`
    places = keys & ((1 << _PLACE_BITS) - 1)
    rows = np.arange(len(starts) - 1).repeat(starts[1:] - starts[:-1]).take(places)
    is_first = np.ones(len(ids), np.bool_)
    is_first[1:] = (keys[1:] >> _PLACE_BITS != keys[:-1] >> _PLACE_BITS) | (rows[1:] != rows[:-1])
    kept = places[is_first]
    kept.sort()
    return ids.take(kept), kept.searchsorted(starts)


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
    keys, columns, weights = weigh_keys(keys, shift, idf)
    return columns, weights, keys.searchsorted(np.arange(n_rows + 1) << shift)


def weigh_keys(keys: Integers, shift: int, idf: Matrix) -> tuple[Integers, Numbers, Matrix]:
    """Do as `weigh`; return each key once, ascending, and its column and weight."""
    keys, counts = count_keys(keys)
    columns = (keys & ((1 << shift) - 1)).astype(np.int32)
    return keys, columns, dampen(counts) * idf.take(columns)


def scale_rows(weights: Matrix, starts: Integers) -> Matrix:
    """Return the factors that give rows the length ``sqrt(1/2)``."""
    sums = np.zeros(len(weights) + 1)
    np.cumsum(weights * weights, out=sums[1:])
    return scale_factors(sums[starts[1:]] - sums[starts[:-1]])


def count_keys(keys: Integers) -> tuple[Integers, Matrix]:
    """Distinct keys, ascending, and how often each occurs. What is given is put in order."""
    keys.sort()
    edges = find_edges(keys)
    return keys[edges[:-1]], (edges[1:] - edges[:-1]).astype(np.float32)


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


def scale_one(weights: Matrix, n_words: int, square: float) -> np.float32:
    """Give one text's weights their lengths; return its ``scale`` as of `Row`.

    Parameters
    ----------
    weights
        Of its words, which come first, and of the n-grams of new tokens; changed in place.
    square
        Squared length of the vectors of its other tokens.
    """
    of_words, of_characters = weights[:n_words], weights[n_words:]
    of_words *= _find_factor(float(of_words @ of_words))
    scale = _find_factor(square + float(of_characters @ of_characters))
    of_characters *= scale
    return scale


def _find_factor(square: float) -> np.float32:
    """Return what `scale_factors` does for one vector."""
    return np.float32(math.sqrt(0.5 / square) if square else 0)
