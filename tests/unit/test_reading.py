from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prelabel.models.features import TfidfFeatures
from prelabel.models.ngrams import in_chunks
from prelabel.models.reading import TextReader
from prelabel.models.remembered_texts import RememberedTexts
from prelabel.models.rows import Rows
from prelabel.models.tokens import Tokens
from prelabel.models.vocabulary import Vocabulary
from tests.builders import make_forget

TEXTS = ["To be, or not to be", "be", "", "東京 don't", "a a a"]


def make_reader() -> TextReader:
    return Vocabulary(np.array([1], np.uint64), np.ones(1, np.float32)).reader


def test_no_more_characters_of_tokens_are_remembered_than_so_many() -> None:
    reader = make_reader()

    def read(texts: list[str]) -> None:
        for chunk in in_chunks(texts):
            reader.read(chunk)

    read([" ".join(f"token{n}" for n in range(5_000))])
    many_bytes = reader.n_bytes
    make_forget(read)
    assert reader.n_bytes < many_bytes / 2


@pytest.mark.parametrize("n_texts", [1, 5])
def test_a_text_that_comes_again_is_not_read_again(n_texts: int) -> None:
    reader = make_reader()
    _, first = reader.recall(TEXTS[:n_texts])
    n_bytes = reader.n_bytes
    tokens, again = reader.recall([str(text) for text in TEXTS[:n_texts]])
    assert None not in tokens.texts.find(TEXTS[:n_texts])
    assert reader.n_bytes == n_bytes
    for part, before in zip(again, first, strict=True):
        np.testing.assert_array_equal(part, before)


def to_vectors(
    features: TfidfFeatures, tokens: Tokens, texts: Rows
) -> Iterator[npt.NDArray[np.float32]]:
    of_tokens = tokens.vectors(features.n_features - features.n_words)
    places = zip(pairwise(texts.starts), pairwise(texts.column_starts), texts.scales, strict=True)
    for (first, last), (begin, end), scale in places:
        vector = np.zeros(features.n_features, np.float32)
        np.add.at(vector, texts.columns[begin:end], texts.weights[begin:end])
        known = np.asarray(of_tokens[texts.ids[first:last]].sum(axis=0)).ravel()
        vector[features.n_words :] += scale * known
        yield vector


WORDS = st.sampled_from(["to", "be,", "TO", "東京", "don't", "new", "old", "-", "banana", "\0", ""])


@settings(deadline=None)
@given(
    st.lists(st.lists(st.lists(WORDS, max_size=50).map(" ".join), min_size=1, max_size=4)),
    st.sets(st.integers(0, 9)),
)
def test_whatever_is_known_of_a_text_it_reads_as_one_of_which_nothing_is(
    asked: list[list[str]], forgetting: set[int]
) -> None:
    features, fresh = (TfidfFeatures().fit([*TEXTS, "new and old", "bananas"]) for _ in range(2))
    for number, texts in enumerate(asked):
        found = [*to_vectors(features, *features.recall(texts))]
        np.testing.assert_allclose(found, fresh.transform(texts).toarray(), atol=1e-6)
        if number in forgetting:
            features.forget_tokens()


def test_of_many_new_tokens_in_one_text_the_next_texts_profit() -> None:
    reader = make_reader()
    twenty, more = (" ".join(f"{kind}{n}" for n in range(20 + kind)) for kind in (0, 1))
    tokens, texts = reader.recall([twenty])
    assert len(texts.ids) == len(tokens.numbers) == 0
    tokens, texts = reader.recall([more])
    assert len(texts.ids) == len(tokens.numbers) == 21
    assert reader.recall(["13 again"])[1].ids.tolist() == [texts.ids[3]]


def test_of_two_generations_of_tokens_only_one_is_told_of() -> None:
    reader = make_reader()
    texts = ["to be", "or not"]
    reader.recall(texts)
    for n in range(6):  # more than is remembered: the next new token will be the first one
        reader.read([f"{n}{'x' * 99_000}"])
    known, _ = reader.recall(texts)
    tokens, rows = reader.recall([*texts, " ".join(f"new{n}" for n in range(30))])
    assert tokens.serial != known.serial
    assert sorted(rows.ids.tolist()) == list(range(34))


def test_of_texts_the_first_ones_are_remembered_and_no_more_than_there_is_room_for() -> None:
    _, rows = make_reader().recall(["some words"])
    memory = RememberedTexts(100_000)
    for number in range(2_000):
        memory.add([str(number)], rows)
        assert memory.n_bytes <= 150_000
    found = memory.find([str(number) for number in range(2_000)])
    n = found.index(None)
    assert found == [*range(n), *[None] * (2_000 - n)]
    assert memory.n_bytes > 100_000


def test_equal_texts_of_one_request_count_once() -> None:
    reader = make_reader()
    reader.recall(["the same", "the same"])
    n_bytes = reader.n_bytes
    reader.recall(["another one", *["another two"] * 100])
    assert reader.n_bytes < n_bytes + 1_000
