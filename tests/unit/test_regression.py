from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import sparse

from prelabel.models import regression
from prelabel.models.regression import Solver, lay_out

RANDOM = np.random.default_rng(0)
LABELS = np.arange(60) % 3
ROWS = RANDOM.normal(size=(60, 200)) + 3 * np.eye(3)[LABELS].repeat(67, axis=1)[:, :200]
VECTORS = sparse.csr_matrix((ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)).astype("f4"))
COORDINATES = RANDOM.normal(size=(60, 4), scale=0.5).astype(np.float32)
ONES = np.ones(60)
SOLVER = Solver(C=1, seed=0)


def scores(
    coordinates: npt.NDArray[np.float32], solver: Solver = SOLVER
) -> npt.NDArray[np.floating]:
    design = lay_out(VECTORS, coordinates)
    fitted = solver.fit(design.rows, LABELS, ONES, n_classes=3)
    of_vectors, of_coordinates = design.restore(fitted.coefficients)
    found: npt.NDArray[np.floating] = (
        VECTORS @ of_vectors + coordinates @ of_coordinates + fitted.intercept
    )
    return found


def test_rotating_the_examples_changes_nothing() -> None:
    from sklearn.linear_model import LogisticRegression

    beside = np.hstack([VECTORS.toarray(), COORDINATES]).astype(np.float64)
    reference = LogisticRegression(C=1, tol=1e-8, max_iter=1000).fit(beside, LABELS)
    expected = reference.decision_function(beside)
    np.testing.assert_allclose(scores(COORDINATES), expected, atol=0.01)


def test_many_examples_are_fitted_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    few = scores(COORDINATES)
    monkeypatch.setattr(regression, "FEW_EXAMPLES", 10)
    assert not lay_out(VECTORS, COORDINATES).is_cheap
    np.testing.assert_allclose(scores(COORDINATES), few, atol=0.1)


def test_a_weight_of_two_is_an_example_twice() -> None:
    twice = np.repeat(np.arange(60), 1 + (LABELS == 0))
    design = lay_out(VECTORS, COORDINATES)
    weighted = SOLVER.fit(design.rows, LABELS, 1.0 + (LABELS == 0), n_classes=3)
    repeated = SOLVER.fit(design.rows[twice], LABELS[twice], np.ones(len(twice)), n_classes=3)
    np.testing.assert_allclose(weighted.coefficients, repeated.coefficients, atol=1e-3)


def test_a_label_without_examples_has_no_chance() -> None:
    design = lay_out(VECTORS, COORDINATES)
    fitted = SOLVER.fit(design.rows, LABELS, ONES, n_classes=4)
    assert fitted.intercept[3] == -np.inf
    assert not fitted.coefficients[:, 3].any()


def test_without_features_the_frequencies_of_the_labels_are_left() -> None:
    nothing = sparse.csr_matrix(np.zeros((4, 9), np.float32))
    design = lay_out(nothing, np.empty((4, 0), np.float32))
    fitted = SOLVER.fit(design.rows, np.array([0, 1, 1, 1]), np.ones(4), n_classes=2)
    np.testing.assert_allclose(np.exp(fitted.intercept), [1, 3], rtol=1e-6)
    of_vectors, of_coordinates = design.restore(fitted.coefficients)
    assert (of_vectors.shape, of_coordinates.shape) == ((9, 2), (0, 2))
