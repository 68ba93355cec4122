from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from prelabel.models import design
from prelabel.models.arrays import Matrix
from prelabel.models.design import lay_out
from prelabel.models.ngrams import Counts

RANDOM = np.random.default_rng(0)
DENSE = (RANDOM.random((60, 200)) * (RANDOM.random((60, 200)) < 0.2)).astype(np.float32)
DENSE /= np.linalg.norm(DENSE, axis=1, keepdims=True)
VECTORS = sparse.csr_matrix(DENSE)
COORDINATES = RANDOM.normal(size=(60, 4), scale=0.5).astype(np.float32)


@pytest.fixture(params=["few", "many"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "many":
        monkeypatch.setattr(design, "FEW_EXAMPLES", 10)
    return str(request.param)


def dense(rows: Matrix | Counts) -> Matrix:
    return rows if isinstance(rows, np.ndarray) else rows.toarray()


def products(rows: Matrix | Counts) -> Matrix:
    found: Matrix = dense(rows) @ dense(rows).T
    return found


@pytest.mark.usefixtures("size")
def test_the_rows_have_the_inner_products_of_the_examples() -> None:
    expected = DENSE @ DENSE.T + COORDINATES @ COORDINATES.T
    np.testing.assert_allclose(products(lay_out(VECTORS, COORDINATES).rows), expected, atol=1e-4)


@pytest.mark.usefixtures("size")
def test_restored_coefficients_give_the_scores_of_the_rows() -> None:
    laid_out = lay_out(VECTORS, COORDINATES)
    rows = laid_out.rows
    coefficients = RANDOM.normal(size=(rows.shape[1], 3)).astype(np.float32)
    if isinstance(rows, np.ndarray):  # what an optimum looks like: a sum of examples
        coefficients = rows.T @ coefficients
    of_vectors, of_coordinates = laid_out.restore(coefficients)
    scores = VECTORS @ of_vectors + COORDINATES @ of_coordinates
    np.testing.assert_allclose(scores, rows @ coefficients, atol=1e-2)


@pytest.mark.usefixtures("size")
def test_examples_can_be_added_without_moving_those_before() -> None:
    first = lay_out(VECTORS[:50], COORDINATES[:50])
    both = first.extend(VECTORS[50:], COORDINATES[50:])
    all_at_once = lay_out(VECTORS, COORDINATES)
    np.testing.assert_allclose(products(both.rows), products(all_at_once.rows), atol=1e-5)
    n_columns = first.rows.shape[1]
    np.testing.assert_array_equal(dense(both.rows)[:50, :n_columns], dense(first.rows))
    assert both.n_bytes > first.n_bytes > 0


def test_few_examples_are_dense_and_many_are_not(size: str) -> None:
    assert isinstance(lay_out(VECTORS, COORDINATES).rows, np.ndarray) is (size == "few")


def test_equal_texts_can_be_rotated() -> None:
    same = sparse.vstack([VECTORS[:1]] * 30, format="csr")
    laid_out = lay_out(same, COORDINATES[[0] * 30])
    of_vectors, _ = laid_out.restore(laid_out.rows.T @ np.ones((30, 2), np.float32))
    np.testing.assert_allclose(of_vectors[:, 0], 30 * DENSE[0], atol=1e-2)
