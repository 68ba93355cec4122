"""What texts are about, learned from texts without labels: latent semantic analysis.

Words that occur in the same texts share a direction. Seen along the few directions that say
most about the texts of a project, a text is near others that share none of its words, so that a
handful of labels says something about all of them.

Deerwester et al., Indexing by latent semantic analysis, JASIS 41 (1990); the decomposition is
algorithm 4.4 of Halko, Martinsson and Tropp, Finding structure with randomness,
https://arxiv.org/abs/0909.4061.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from prelabel.models.arrays import Matrix
from prelabel.models.ngrams import Counts

_OVERSAMPLING = 10
_POWER_ITERATIONS = 1
"""One is worth two points of accuracy at 20 to 200 labels, a second 0.2."""


@dataclass(frozen=True, slots=True)
class SemanticSpace:
    """A linear map from TF-IDF vectors to a few dense coordinates.

    Because it is linear, and no text's coordinates are normalised, a linear model over them folds
    into one over the TF-IDF vectors: see `fold`.

    Attributes
    ----------
    directions
        Shape (features, components), float32, scaled so that the coordinates of a project's texts
        have a root-mean-square length of 1.
    """

    directions: Matrix

    @classmethod
    def fit(cls, vectors: Counts, *, n_components: int, seed: int) -> Self:
        """Learn from vectors, shape (texts, features), the directions that say most of them.

        There are fewer directions than ``n_components`` where there are not so many texts or
        features, and none where no text has a feature.
        """
        rank = min(n_components, min(vectors.shape) - 1)
        if rank < 1 or not vectors.nnz:
            return cls(np.empty((vectors.shape[1], 0), np.float32))
        axes, singular_values = right_singular_vectors(vectors, rank, seed)
        # The more telling, the longer.
        return cls.scaled(axes * np.sqrt(singular_values), vectors)

    @classmethod
    def scaled(cls, directions: Matrix, vectors: Counts) -> Self:
        """Make a space of directions, shape (features, components), given vectors of texts."""
        if not directions.size:
            return cls(directions)
        coordinates = vectors @ directions
        return cls(directions / np.sqrt(np.square(coordinates).sum(axis=1).mean()))

    def transform(self, vectors: Counts) -> Matrix:
        """Coordinates, shape (texts, components), float32."""
        coordinates: Matrix = vectors @ self.directions
        return coordinates

    def fold(self, weights: Matrix) -> Matrix:
        """Coefficients over TF-IDF vectors that score as ``weights`` do over coordinates.

        ``vectors @ fold(weights)`` equals ``transform(vectors) @ weights``; ``weights`` have the
        shape (components, classes).
        """
        coefficients: Matrix = self.directions @ weights
        return coefficients


def right_singular_vectors(vectors: Counts, rank: int, seed: int) -> tuple[Matrix, Matrix]:
    """Orthonormal columns, shape (features, rank), for the largest singular values, and these."""
    n_texts, n_features = vectors.shape
    width = min(rank + _OVERSAMPLING, n_texts, n_features)
    transposed = vectors.T.tocsr()  # faster twice over than SciPy's product with a CSC matrix
    random = np.random.default_rng(seed)
    sample = vectors @ random.standard_normal((n_features, width), dtype=np.float32)
    for _ in range(_POWER_ITERATIONS):
        sample = vectors @ _orthonormal(transposed @ _orthonormal(sample))
    basis, triangle = np.linalg.qr(transposed @ _orthonormal(sample))
    rotation, singular_values, _ = np.linalg.svd(triangle)
    return basis @ rotation[:, :rank], singular_values[:rank]


def _orthonormal(columns: Matrix) -> Matrix:
    return np.linalg.qr(columns)[0]
