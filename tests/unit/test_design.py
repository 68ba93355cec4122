from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import sparse

from prelabel.models.arrays import Matrix
from prelabel.models.design import FEW_EXAMPLES, lay_out
from prelabel.models.ngrams import Counts

RANDOM = np.random.default_rng(0)


@dataclass(frozen=True, kw_only=True)
class Made:
    """Vectors of texts, dense and sparse, and their coordinates."""

    dense: Matrix
    vectors: Counts
    coordinates: Matrix


def make(n: int) -> Made:
    found = (RANDOM.random((n, 200)) * (RANDOM.random((n, 200)) < 0.2)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    coordinates = RANDOM.normal(size=(n, 4), scale=0.5).astype(np.float32)
    return Made(dense=found, vectors=sparse.csr_matrix(found), coordinates=coordinates)


FEW, MANY = make(60), make(FEW_EXAMPLES + 60)
BOTH = pytest.mark.parametrize("made", [FEW, MANY], ids=["few", "many"])


def dense(rows: Matrix | Counts) -> Matrix:
    return rows if isinstance(rows, np.ndarray) else rows.toarray()


def products(rows: Matrix | Counts) -> Matrix:
    found: Matrix = dense(rows) @ dense(rows).T
    return found


@BOTH
def test_the_rows_have_the_inner_products_of_the_examples(made: Made) -> None:
    expected = made.dense @ made.dense.T + made.coordinates @ made.coordinates.T
    np.testing.assert_allclose(
        products(lay_out(made.vectors, made.coordinates).rows), expected, atol=1e-4
    )


@BOTH
def test_restored_coefficients_give_the_scores_of_the_rows(made: Made) -> None:
    laid_out = lay_out(made.vectors, made.coordinates)
    rows = laid_out.rows
    coefficients = RANDOM.normal(size=(rows.shape[1], 3)).astype(np.float32)
    if isinstance(rows, np.ndarray):  # what an optimum looks like: a sum of examples
        coefficients = rows.T @ coefficients
    of_vectors, of_coordinates = laid_out.restore(coefficients)
    scores = made.vectors @ of_vectors + made.coordinates @ of_coordinates
    np.testing.assert_allclose(scores, rows @ coefficients, atol=1e-2)


@BOTH
def test_examples_can_be_added_without_moving_those_before(made: Made) -> None:
    n = len(made.dense) - 10
    first = lay_out(made.vectors[:n], made.coordinates[:n])
    both = first.extend(made.vectors[n:], made.coordinates[n:])
    all_at_once = lay_out(made.vectors, made.coordinates)
    np.testing.assert_allclose(products(both.rows), products(all_at_once.rows), atol=1e-5)
    n_columns = first.rows.shape[1]
    np.testing.assert_array_equal(dense(both.rows)[:n, :n_columns], dense(first.rows))
    assert both.n_bytes > first.n_bytes > 0


@pytest.mark.parametrize(("n", "is_dense"), [(FEW_EXAMPLES, True), (FEW_EXAMPLES + 1, False)])
def test_few_examples_are_dense_and_many_are_not(n: int, is_dense: bool) -> None:
    rows = lay_out(MANY.vectors[:n], MANY.coordinates[:n]).rows
    assert isinstance(rows, np.ndarray) is is_dense


def test_equal_texts_can_be_rotated() -> None:
    same = sparse.vstack([FEW.vectors[:1]] * 30, format="csr")
    laid_out = lay_out(same, FEW.coordinates[[0] * 30])
    of_vectors, _ = laid_out.restore(laid_out.rows.T @ np.ones((30, 2), np.float32))
    np.testing.assert_allclose(of_vectors[:, 0], 30 * FEW.dense[0], atol=1e-2)
