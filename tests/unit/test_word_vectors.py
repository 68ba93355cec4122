from __future__ import annotations

import math
from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest

from prelabel.models.features import TfidfFeatures
from prelabel.models.word_vectors import learn_word_directions

PETS = [
    *(f"my {pet} {does} on the sofa" for pet in ("cat", "dog") for does in ("sleeps", "lies")),
    *(f"buy {money} at the bank" for money in ("shares", "bonds")),
    *(f"sell {money} at the bank" for money in ("shares", "bonds")),
]


def learn(
    texts: list[str], *, n_components: int = 5
) -> tuple[TfidfFeatures, npt.NDArray[np.float32]]:
    features = TfidfFeatures(min_document_frequency=1).fit(texts)
    return features, learn_word_directions(texts, features, n_components=n_components, seed=0)


def likeness(texts: list[str], first: str, second: str) -> float:
    """Cosine between where two texts stand, after directions were learned from others."""
    features, directions = learn(texts)
    one, other = features.transform([first, second]) @ directions
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_words_with_the_same_neighbours_are_alike_though_no_text_has_both() -> None:
    assert likeness(PETS, "cat", "dog") > 0.9
    assert likeness(PETS, "cat", "bonds") < 0.3


def test_a_word_that_no_text_had_is_like_those_it_is_made_like() -> None:
    assert likeness(PETS, "catty", "dog") > likeness(PETS, "catty", "shares") + 0.3


def test_each_chinese_character_is_a_word() -> None:
    texts = ["我爱猫咪睡觉", "我爱小狗睡觉", "股票涨了", "基金涨了"]
    assert likeness(texts, "猫", "狗") > likeness(texts, "猫", "股") + 0.3


def test_vectors_are_what_mutual_information_of_words_of_a_text_twenty_apart_gives() -> None:
    texts = [*PETS, "north " + "cat dog sleeps lies sofa " * 4 + "south"]  # 21 apart
    features, directions = learn(texts, n_components=100)
    words = sorted({word for text in texts for word in text.split()})
    near = Counter(
        (one, other)
        for text in texts
        for i, one in enumerate(text.split())
        for j, other in enumerate(text.split())
        if 0 < abs(i - j) <= 20
    )
    of_word = Counter[str]()
    for (one, _), count in near.items():
        of_word[one] += count
    chances = {word: count**0.75 for word, count in of_word.items()}
    expected = np.zeros((len(words), len(words)))
    for (one, other), count in near.items():
        chance = of_word[one] * chances[other] / sum(chances.values())
        expected[words.index(one), words.index(other)] = max(0.0, math.log(count / chance))
    _, singular_values, axes = np.linalg.svd(expected)
    rank = len(words) - 1
    exact = axes[:rank].T * singular_values[:rank] @ axes[:rank]
    columns = [int(features.transform([word])[:, : features.n_words].indices[0]) for word in words]
    found = directions[columns]
    np.testing.assert_allclose(found @ found.T, exact, atol=1e-3)


@pytest.mark.parametrize("texts", [[], [""], ["word"], ["one", "two"], ["...", "?!"]])
def test_words_without_neighbours_give_no_directions(texts: list[str]) -> None:
    features, directions = learn(texts)
    assert directions.shape == (features.n_features, 0)


def test_of_very_many_words_those_of_evenly_spaced_texts_are_counted() -> None:
    long = [" ".join(["one", f"n{i % 4}"] * 15_000) for i in range(36)]  # 1,080,000 words
    features = TfidfFeatures().fit(long)
    found, half = (
        learn_word_directions(texts, features, n_components=2, seed=0)
        for texts in (long, long[::2])
    )
    np.testing.assert_array_equal(found, half)


def test_the_same_texts_give_the_same_directions() -> None:
    np.testing.assert_array_equal(learn(PETS)[1], learn(PETS)[1])
