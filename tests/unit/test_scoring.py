from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prelabel.errors import ArtifactError
from prelabel.models.features import TfidfFeatures
from prelabel.models.scoring import LinearScores
from tests.builders import make_forget

TEXTS = ["to be, or not", "to be", "東京 well-known - words", "İstanbul don't", "a a a"]
WORDS = st.sampled_from([*"a\u6211 -\0", "to", "be,", "new", "newer", "well-known", "東京"])


def made(texts: list[str], n_classes: int = 3) -> LinearScores:
    features = TfidfFeatures().fit(texts)
    random = np.random.default_rng(0)
    coefficients = random.standard_normal((features.n_features, n_classes), np.float32)
    return LinearScores(features, coefficients, random.standard_normal(n_classes, np.float32))


def product(scores: LinearScores, texts: list[str]) -> npt.NDArray[np.float64]:
    rows = scores.features.transform(texts).toarray().astype(np.float64)
    return np.asarray(rows @ scores.coefficients + scores.intercept)


@settings(deadline=None)
@given(st.lists(st.lists(WORDS, max_size=9).map(" ".join), max_size=5))
def test_scores_are_the_product_with_the_coefficients(texts: list[str]) -> None:
    scores = made(TEXTS)
    for _ in range(2):  # the second time, the tokens are known
        found = scores(texts)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, product(scores, texts), rtol=0, atol=1e-5)


def test_a_text_has_the_same_scores_alone_and_among_others() -> None:
    scores = made(TEXTS)
    together = scores(TEXTS)
    np.testing.assert_allclose(np.concatenate([scores([t]) for t in TEXTS]), together, atol=1e-6)


def test_versions_that_share_a_vocabulary_have_tables_of_their_own() -> None:
    first = made(TEXTS)
    second = LinearScores(first.features, -first.coefficients, -first.intercept)
    np.testing.assert_allclose(first(TEXTS), -second(TEXTS), atol=1e-6)
    more = ["entirely new tokens", *TEXTS]
    np.testing.assert_allclose(second(more), -first(more), atol=1e-6)


def test_tokens_that_were_forgotten_are_read_again() -> None:
    texts = [f"token{n} and {n % 5}th word{n}" for n in range(60)]
    scores = made(texts)
    for _ in range(2):
        for text in texts:
            np.testing.assert_allclose(scores([text]), product(scores, [text]), atol=1e-5)
        make_forget(scores)


def test_numbers_of_tokens_that_were_forgotten_mean_others_now() -> None:
    scores = made(TEXTS)
    for texts in (["to be or", "not to be"], ["not at all", "new or old"], ["to be or", "or not"]):
        np.testing.assert_allclose(scores(texts), product(scores, texts), atol=1e-5)
        scores.features.forget_tokens()


def test_threads_that_meet_the_same_tokens_agree() -> None:
    texts = [f"word{n} {n}word, and {n % 7} more" for n in range(400)]
    expected = product(made(texts), texts)
    scores = made(texts)
    with ThreadPoolExecutor(8) as threads:
        parts = [*range(8)] * 8
        for n, found in zip(parts, threads.map(lambda n: scores(texts[n::8]), parts), strict=True):
            np.testing.assert_allclose(found, expected[n::8], atol=1e-4)


def test_scores_can_be_pickled_and_kept_as_arrays() -> None:
    scores = made(TEXTS)
    expected = scores(TEXTS)
    rebuilt = LinearScores.from_arrays(scores.to_arrays(), 3)
    for copy in (pickle.loads(pickle.dumps(scores)), rebuilt):
        np.testing.assert_array_equal(copy(TEXTS), expected)


def test_arrays_of_another_number_of_classes_are_refused() -> None:
    with pytest.raises(ArtifactError, match="coefficients"):
        LinearScores.from_arrays(made(TEXTS).to_arrays(), 4)
