from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from prelabel.models.arrays import Matrix
from prelabel.models.ngrams import Counts
from prelabel.models.regression import Linear, Solver, answer, guess

RANDOM = np.random.default_rng(0)
LABELS = np.arange(60) % 3
ROWS = (RANDOM.normal(size=(60, 30)) + 3 * np.eye(3)[LABELS].repeat(10, axis=1)).astype(np.float32)
ROWS /= np.linalg.norm(ROWS, axis=1, keepdims=True)
ONES = np.ones(60)
SOLVER = Solver(C=1, seed=0)


@pytest.mark.parametrize("rows", [ROWS, sparse.csr_matrix(ROWS)], ids=["dense", "sparse"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_scores_are_those_of_the_optimum(rows: Matrix | Counts, n_classes: int) -> None:
    from sklearn.linear_model import LogisticRegression

    labels = LABELS % n_classes
    reference = LogisticRegression(C=1, tol=1e-8, max_iter=1000).fit(ROWS, labels)
    found = SOLVER.fit(rows, labels, ONES, n_classes=n_classes).scores(ROWS)
    expected = reference.predict_proba(ROWS)
    probabilities = np.exp(found) / np.exp(found).sum(axis=1, keepdims=True)
    atol = 0.1 if sparse.issparse(rows) else 1e-3
    np.testing.assert_allclose(probabilities, expected, atol=atol)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_row_of_twenty_times_the_length_does_not_keep_others_from_the_optimum(
    n_classes: int,
) -> None:
    rows, labels = np.concatenate((ROWS, 20 * ROWS[:1])), np.append(LABELS, 0) % n_classes
    ones = np.ones(len(rows))
    best = SOLVER.fit(ROWS, LABELS % n_classes, ONES, n_classes=n_classes).scores(ROWS)
    found = SOLVER.fit(sparse.csr_matrix(rows), labels, ones, n_classes=n_classes).scores(ROWS)
    np.testing.assert_allclose(softmax(found, axis=1), softmax(best, axis=1), atol=0.12)


def test_very_uneven_weights_lead_to_the_optimum_all_the_same() -> None:
    weights = np.where(LABELS == 0, 1000.0, 1.0)
    best = SOLVER.fit(ROWS, LABELS, weights, n_classes=3).scores(ROWS)
    found = SOLVER.fit(sparse.csr_matrix(ROWS), LABELS, weights, n_classes=3).scores(ROWS)
    np.testing.assert_allclose(softmax(found, axis=1), softmax(best, axis=1), atol=0.1)


@pytest.mark.parametrize("weight", [0.01, 100.0])
def test_all_weights_alike_are_so_much_less_penalty(weight: float) -> None:
    sparse_rows = sparse.csr_matrix(ROWS)
    best = SOLVER.fit(sparse_rows, LABELS, ONES, n_classes=3)
    found = Solver(C=1 / weight, seed=0).fit(sparse_rows, LABELS, weight * ONES, n_classes=3)
    np.testing.assert_allclose(found.coefficients, best.coefficients, atol=1e-4)


def test_rows_without_anything_in_them_are_fitted() -> None:
    nothing = sparse.csr_matrix(np.zeros_like(ROWS))
    fitted = SOLVER.fit(nothing, LABELS, ONES, n_classes=3)
    assert np.isfinite(fitted.scores(ROWS)).all()


def test_a_weight_of_two_is_an_example_twice() -> None:
    twice = np.repeat(np.arange(60), 1 + (LABELS == 0))
    weighted = SOLVER.fit(ROWS, LABELS, 1.0 + (LABELS == 0), n_classes=3)
    repeated = SOLVER.fit(ROWS[twice], LABELS[twice], np.ones(len(twice)), n_classes=3)
    np.testing.assert_allclose(weighted.coefficients, repeated.coefficients, atol=1e-3)


def test_a_label_without_examples_has_no_chance() -> None:
    fitted = SOLVER.fit(ROWS, LABELS, ONES, n_classes=4)
    assert fitted.intercept[3] == -np.inf
    assert not fitted.coefficients[:, 3].any()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_fit_that_starts_nearer_the_optimum_ends_nearer(n_classes: int) -> None:
    rows, labels = sparse.csr_matrix(ROWS), LABELS % n_classes
    best = SOLVER.fit(ROWS, labels, ONES, n_classes=n_classes)
    near = SOLVER.fit(ROWS[:55, :29], labels[:55], ONES[:55], n_classes=n_classes)
    far = Linear(np.zeros_like(best.coefficients), np.zeros_like(best.intercept))
    errors = [
        np.abs(SOLVER.fit(rows, labels, ONES, n_classes=n_classes, start=start).scores(ROWS)
               - best.scores(ROWS)).mean()
        for start in (near, far)
    ]  # fmt: skip
    assert errors[0] < 0.8 * errors[1]


def test_what_rows_make_of_columns_of_their_own_is_nearly_the_best() -> None:
    random = np.random.default_rng(0)
    rows = np.tril(random.normal(size=(40, 40)) / 10).astype(np.float32)
    scores = random.normal(size=(40, 3)).astype(np.float32)
    labels, strengths = random.integers(3, size=40), random.uniform(1, 20, 40)

    def cost(flat: npt.NDArray[np.floating]) -> float:
        logs = log_softmax(scores.astype(np.float64) + rows @ flat.reshape(40, 3), axis=1)
        losses = -strengths * logs[np.arange(40), labels]
        return float(losses.sum() + np.square(flat).sum() / 2)

    found = answer(rows, scores, labels, strengths).reshape(-1)
    nothing = np.zeros(120)
    best = minimize(cost, nothing, method="L-BFGS-B", options={"maxfun": 100_000}).fun
    assert cost(found) - best < 0.05 * (cost(nothing) - best)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_guess_answers_by_the_penalty_that_scikit_learn_has(n_classes: int) -> None:
    rows, labels = np.eye(60, dtype=np.float32), LABELS % n_classes
    start = SOLVER.fit(rows[:50, :50], labels[:50], ONES[:50], n_classes=n_classes)
    found = guess(start, rows, labels, SOLVER.C * ONES)
    scores = found.scores(rows)
    truths = np.eye(n_classes)[labels]
    # At the optimum a row's own column is its strength times what is missing to certainty.
    missing = SOLVER.C * (truths - softmax(scores, axis=1))
    own = np.diff(found.coefficients, axis=1) if n_classes == 2 else found.coefficients
    expected = missing[:, 1:] if n_classes == 2 else missing
    np.testing.assert_allclose(own[50:], expected[50:], atol=0.01)
    np.testing.assert_array_equal(found.coefficients[:50], start.coefficients)


@pytest.mark.parametrize("n_classes", [2, 20])
def test_a_fit_that_starts_from_fewer_rows_ends_where_another_does(n_classes: int) -> None:
    # As a design lays texts out: further rows have columns that no earlier one has.
    vectors = np.random.default_rng(0).normal(size=(110, 400)) + 10 * np.eye(400)[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = np.linalg.cholesky(vectors @ vectors.T).astype(np.float32)
    labels = np.random.default_rng(1).integers(n_classes, size=110)
    solver, ones = Solver(C=1000, seed=0), np.ones(110)
    start = solver.fit(rows[:100, :100], labels[:100], ones[:100], n_classes=n_classes)
    cold, warm = (
        softmax(solver.fit(rows, labels, ones, n_classes=n_classes, start=it).scores(rows), axis=1)
        for it in (None, start)
    )
    np.testing.assert_allclose(warm, cold, atol=0.02)


def test_a_start_may_know_fewer_labels() -> None:
    start = SOLVER.fit(ROWS, LABELS % 2, ONES, n_classes=3)
    found = SOLVER.fit(ROWS, LABELS, ONES, n_classes=3, start=start)
    cold = SOLVER.fit(ROWS, LABELS, ONES, n_classes=3)
    np.testing.assert_allclose(found.scores(ROWS), cold.scores(ROWS), atol=0.02)


def test_columns_that_a_fit_did_not_have_do_not_count() -> None:
    linear = Linear(np.ones((2, 1), np.float32), np.zeros(1, np.float32))
    assert linear.scores(np.array([[1, 2, 100]], np.float32)).tolist() == [[3]]


def test_without_columns_the_frequencies_of_the_labels_are_left() -> None:
    nothing = sparse.csr_matrix(np.empty((4, 0), np.float32))
    fitted = SOLVER.fit(nothing, np.array([0, 1, 1, 1]), np.ones(4), n_classes=2)
    np.testing.assert_allclose(np.exp(fitted.intercept), [1, 3], rtol=1e-6)
    assert fitted.coefficients.shape == (0, 2)


def test_many_labels_of_few_examples_are_no_reason_for_a_warning() -> None:
    rows = np.eye(30, dtype=np.float32)  # a warning is an error here
    fitted = SOLVER.fit(rows, np.arange(30) % 20, np.ones(30), n_classes=20)
    assert fitted.coefficients.shape == (30, 20)
