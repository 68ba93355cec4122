from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.models.explanation import Explanation, explain
from prelabel.models.features import TfidfFeatures
from prelabel.models.ngrams import lower
from prelabel.models.scoring import LinearScores

TEXTS = [
    "Call me, call now!",
    "a - b --- c",
    "我喜欢 football 比赛",
    "İstanbul don't",
    "x",
    "a b a b",
]
FEATURES = TfidfFeatures(min_document_frequency=1).fit(TEXTS)
RANDOM = np.random.default_rng(0)
COEFFICIENTS = RANDOM.standard_normal((FEATURES.n_features, 3), dtype=np.float32)
INTERCEPT = RANDOM.standard_normal(3, dtype=np.float32)


def explained(text: str) -> Explanation:
    return explain(text, LinearScores(FEATURES, COEFFICIENTS, INTERCEPT))


@pytest.mark.parametrize("text", [*TEXTS, "", " ", "never seen", "\0", "\ud800 call", "call " * 99])
def test_contributions_add_up_to_the_scores(text: str) -> None:
    scores = (FEATURES.transform([text]) @ COEFFICIENTS + INTERCEPT)[0]
    found = explained(text)
    assert found.contributions.shape == (len(found.words), 3)
    np.testing.assert_allclose(found.contributions.sum(axis=0) + found.intercept, scores, atol=1e-4)


@given(
    st.lists(
        st.sampled_from([*" \t-'!a\u017e\u00df\u6211\u0130\u0301\u0307", "call", "me", "x"]),
        max_size=30,
    )
)
def test_they_add_up_for_any_text(parts: list[str]) -> None:
    text = "".join(parts)
    scores = (FEATURES.transform([text]) @ COEFFICIENTS)[0]
    np.testing.assert_allclose(explained(text).contributions.sum(axis=0), scores, atol=1e-4)
    assert "".join(explained(text).words) == "".join(lower(text).split())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Call me, call now!", ("call", "me", ",", "call", "now", "!")),
        ("我喜欢 football", ("我", "喜", "欢", "football")),
        ("", ()),
        (" --- a", ("---", "a")),
    ],
)
def test_words_are_those_of_the_text(text: str, words: tuple[str, ...]) -> None:
    assert explained(text).words == words


def test_a_word_that_is_not_known_adds_nothing() -> None:
    found = explained("qqq call")
    assert not found.contributions[0].any()
    assert found.contributions[1].any()
