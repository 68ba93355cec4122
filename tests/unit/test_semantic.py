from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from prelabel.models.features import TfidfFeatures
from prelabel.models.ngrams import Counts
from prelabel.models.semantic import SemanticSpace

SPORTS = ["goal match team", "team goal", "match referee goal", "referee team match"]
MONEY = ["bank shares profit", "profit bank", "shares market bank", "market profit shares"]


def vectors(texts: list[str]) -> Counts:
    return TfidfFeatures(min_document_frequency=1).fit(texts).transform(texts)


def test_texts_without_a_common_word_are_near_if_others_link_them() -> None:
    space = SemanticSpace.fit(vectors(SPORTS + MONEY), n_components=2, seed=0)
    coordinates = space.transform(vectors(SPORTS + MONEY))
    near = coordinates @ coordinates.T
    assert near[1, 2] > 10 * abs(near[1, 5])


def test_weights_of_coordinates_fold_into_coefficients_of_vectors() -> None:
    x = vectors(SPORTS + MONEY)
    space = SemanticSpace.fit(x, n_components=5, seed=0)
    weights = np.random.default_rng(0).standard_normal((5, 3), dtype=np.float32)
    np.testing.assert_allclose(x @ space.fold(weights), space.transform(x) @ weights, atol=1e-5)


def test_coordinates_have_length_one_in_the_mean_and_begin_with_the_most_telling() -> None:
    x = vectors(SPORTS + MONEY)
    squares = np.square(SemanticSpace.fit(x, n_components=5, seed=0).transform(x))
    assert squares.sum(axis=1).mean() == pytest.approx(1, rel=1e-5)
    assert (np.diff(squares.mean(axis=0)) < 0).all()


def test_directions_are_the_singular_vectors() -> None:
    x = vectors(SPORTS + MONEY)
    space = SemanticSpace.fit(x, n_components=3, seed=0)
    exact = np.linalg.svd(x.toarray())[2][:3]
    found = space.directions / np.linalg.norm(space.directions, axis=0)
    np.testing.assert_allclose(np.abs(exact @ found), np.eye(3), atol=0.05)


@pytest.mark.parametrize("texts", [[], [""], ["one text"], ["", ""]])
def test_too_little_gives_no_directions(texts: list[str]) -> None:
    space = SemanticSpace.fit(vectors(texts), n_components=2, seed=0)
    assert space.transform(vectors(texts)).shape == (len(texts), 0)


def test_no_more_directions_than_there_are_texts() -> None:
    assert SemanticSpace.fit(vectors(SPORTS), n_components=100, seed=0).directions.shape[1] == 3


def test_there_are_no_directions_where_none_are_asked_for() -> None:
    space = SemanticSpace.fit(
        sparse.csr_matrix(np.zeros((0, 7), np.float32)), n_components=0, seed=0
    )
    assert space.directions.shape == (7, 0)
