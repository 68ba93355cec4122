"""Examples as a solver sees them: sparse TF-IDF vectors beside dense coordinates.

The L2 penalty does not change when the coordinate system is rotated, so few examples are fitted
in as many dimensions as there are examples, however many features they have. One rotation serves
every fit over some of the examples, and more examples can be added to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, Self

import numpy as np
import numpy.typing as npt
import scipy

from prelabel.models.arrays import Floats, Matrix
from prelabel.models.ngrams import Counts

FEW_EXAMPLES = 1_200
"""Up to so many, the rotation costs less than it saves."""

_OWN_LENGTH = 1e-5
"""Square of what each example has to itself, beside vectors of length 1: equal texts would have no
rotation otherwise."""


class Design(Protocol):
    """Examples, one a row; a linear model over the rows is one over vectors and coordinates."""

    @property
    def rows(self) -> Matrix | Counts:
        """Shape (examples, columns), dense if they may be fitted many times over."""
        ...

    @property
    def n_bytes(self) -> int:
        """Memory it takes."""
        ...

    def extend(self, vectors: Counts, coordinates: Matrix) -> Design:
        """Add examples. The first columns of the rows there are stay as they are."""
        ...

    def restore(self, coefficients: Matrix) -> tuple[Matrix, Matrix]:
        """Turn coefficients of the columns into those of the vectors and of the coordinates."""
        ...


def lay_out(vectors: Counts, coordinates: Matrix) -> Design:
    """Choose what suits the number of examples: rotated if they are few, as they are if not."""
    if vectors.shape[0] > FEW_EXAMPLES:
        return AsTheyAre(_beside(vectors, coordinates), vectors.shape[1])
    none = Rotated(vectors[:0], coordinates[:0], np.empty((0, 0)))
    return none.extend(vectors, coordinates)


@dataclass(frozen=True, slots=True)
class AsTheyAre:
    """Sparse rows: the vectors, then the coordinates."""

    rows: Counts
    n_features: int

    @property
    def n_bytes(self) -> int:
        return _size(self.rows)

    def extend(self, vectors: Counts, coordinates: Matrix) -> Self:
        rows = scipy.sparse.vstack([self.rows, _beside(vectors, coordinates)], format="csr")
        return type(self)(rows, self.n_features)

    def restore(self, coefficients: Matrix) -> tuple[Matrix, Matrix]:
        return coefficients[: self.n_features], coefficients[self.n_features :]


@dataclass(frozen=True, slots=True)
class Rotated:
    """Rows with the same inner products as the examples, in as many dimensions as examples.

    Attributes
    ----------
    factor
        Lower triangle, shape (examples, examples), float64; times its transpose it is the inner
        products (the Cholesky decomposition). Of the first examples it is the first rows and
        columns: more examples change nothing there.
    """

    vectors: Counts
    coordinates: Matrix
    factor: npt.NDArray[np.float64]

    @property
    def rows(self) -> Matrix:
        return self.factor.astype(np.float32)

    @property
    def n_bytes(self) -> int:
        return _size(self.vectors) + self.coordinates.nbytes + self.factor.nbytes

    def extend(self, vectors: Counts, coordinates: Matrix) -> Self:
        n_before, n_new = self.factor.shape[0], vectors.shape[0]
        all_vectors = scipy.sparse.vstack([self.vectors, vectors], format="csr")
        all_coordinates = np.concatenate((self.coordinates, coordinates))
        products = _products(vectors, all_vectors)
        products += coordinates.astype(np.float64) @ all_coordinates.T
        across, among = np.split(products, [n_before], axis=1)
        lower = np.zeros((n_before + n_new,) * 2)
        lower[:n_before, :n_before] = self.factor
        if n_before:
            lower[n_before:, :n_before] = _solve(self.factor, across.T).T
        beside = lower[n_before:, :n_before]
        left = among + _OWN_LENGTH * np.eye(n_new) - beside @ beside.T
        lower[n_before:, n_before:] = scipy.linalg.cholesky(left, lower=True)
        return type(self)(all_vectors, all_coordinates, lower)

    def restore(self, coefficients: Matrix) -> tuple[Matrix, Matrix]:
        of_examples: Matrix = np.asarray(_solve(self.factor, coefficients, trans="T"), np.float32)
        of_vectors: Matrix = np.asarray(self.vectors.T @ of_examples)
        return of_vectors, self.coordinates.T @ of_examples


def _solve(
    factor: npt.NDArray[np.float64], right: Floats, *, trans: Literal["N", "T"] = "N"
) -> npt.NDArray[np.float64]:
    """Solve for a triangle, which is finite: to look through it would take as long."""
    found: npt.NDArray[np.float64] = scipy.linalg.solve_triangular(
        factor, right, lower=True, trans=trans, check_finite=False
    )
    return found


def _beside(vectors: Counts, coordinates: Matrix) -> Counts:
    behind = scipy.sparse.csr_matrix(coordinates)
    rows: Counts = scipy.sparse.hstack([vectors, behind], format="csr")
    return rows


def _products(first: Counts, second: Counts) -> npt.NDArray[np.float64]:
    # Of many texts of the same few words, 32 bits lose more than each has to itself.
    products: npt.NDArray[np.float64] = (first.astype(np.float64) @ second.T).toarray()
    return products


def _size(rows: Counts) -> int:
    return int(rows.data.nbytes + rows.indices.nbytes + rows.indptr.nbytes)
