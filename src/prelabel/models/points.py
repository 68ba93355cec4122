"""Texts as points, and groups of them of one size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy

from prelabel.models.arrays import Integers, Matrix
from prelabel.models.ngrams import Counts
from prelabel.models.representation import Representation


@dataclass(frozen=True, slots=True)
class Points:
    """Texts as points: their words beside their semantic coordinates, halfway evened out.

    The strongest directions alone would decide otherwise; if all were as strong, the weakest
    would, which say little.

    Attributes
    ----------
    vectors, coordinates
        Of the texts, shapes (texts, features) and (texts, components).
    mean
        Of the vectors, shape (features,).
    directions
        What turns vectors into coordinates, shape (features, components).
    """

    vectors: Counts
    coordinates: Matrix
    mean: Matrix
    directions: Matrix

    @classmethod
    def of(cls, vectors: Counts, representation: Representation) -> Self:
        plain = representation.topics.transform(vectors)
        spreads: Matrix = np.sqrt(plain.std(axis=0))
        spreads[spreads == 0] = 1
        directions: Matrix = representation.topics.directions / spreads
        mean: Matrix = np.asarray(vectors.mean(axis=0), np.float32).reshape(-1)
        coordinates: Matrix = vectors @ directions - mean @ directions
        return cls(vectors, _to_unit(coordinates), mean, directions)

    def look_at(self, names: Counts) -> Matrix:
        """Return names as points, shape (names, features + components)."""
        return np.hstack((_to_unit(names.toarray()), _to_unit(names @ self.directions)))

    def middles(self, groups: Integers) -> Matrix:
        """Return the middles of groups of texts, as points."""
        n_groups, size = groups.shape
        starts = np.arange(0, groups.size + 1, size)
        shares = np.full(groups.size, 1 / size, np.float32)
        shape = (n_groups, len(self.coordinates))
        means = scipy.sparse.csr_matrix((shares, groups.reshape(-1), starts), shape=shape)
        words = (means @ self.vectors).toarray() - self.mean
        return np.hstack((_to_unit(words), _to_unit(means @ self.coordinates)))

    def divide(self, points: Matrix, size: int) -> Integers:
        """Return the texts nearest to each point, shape (points, size), the nearest first.

        Near is what a text has more of with a point than with any other. What a point has of all
        texts on average does not count, so that no word that all have draws them.
        """
        n_features = self.vectors.shape[1]
        words, coordinates = points[:, :n_features], points[:, n_features:]
        scores = self.vectors @ words.T + self.coordinates @ coordinates.T
        scores -= scores.mean(axis=0)
        scores /= np.maximum(scores.std(axis=0), np.finfo(np.float32).tiny)
        best = scores.argmax(axis=1)
        second, first = np.partition(scores, -2, axis=1)[:, -2:].T
        leads = scores - first[:, None]
        leads[np.arange(len(scores)), best] = first - second
        return np.argsort(-leads, axis=0, kind="stable")[:size].T


def _to_unit(rows: Matrix) -> Matrix:
    lengths: Matrix = np.linalg.norm(rows, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    found: Matrix = rows / lengths
    return found
