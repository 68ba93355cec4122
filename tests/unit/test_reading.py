from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prelabel.models.features import TfidfFeatures
from prelabel.models.ngrams import in_chunks
from prelabel.models.reading import TextReader
from prelabel.models.rows import RememberedTexts, Row
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
    _, rows = reader.recall(TEXTS[:n_texts])
    _, again = reader.recall([text + "" for text in TEXTS[:n_texts]])
    assert all(row is before for row, before in zip(again, rows, strict=True))


def to_vector(features: TfidfFeatures, tokens: Tokens, row: Row) -> npt.NDArray[np.float32]:
    vector = np.zeros(features.n_features, np.float32)
    np.add.at(vector, row.columns, row.weights)
    vectors = tokens.vectors(features.n_features - features.n_words)
    vector[features.n_words :] += row.scale * np.asarray(vectors[row.ids].sum(axis=0)).ravel()
    return vector


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
        tokens, rows = features.recall(texts)
        wanted = fresh.transform(texts).toarray()
        for row, vector in zip(rows, wanted, strict=True):
            np.testing.assert_allclose(to_vector(features, tokens, row), vector, atol=1e-6)
        if number in forgetting:
            features.forget_tokens()


def test_of_many_new_tokens_in_one_text_the_next_texts_profit() -> None:
    reader = make_reader()
    few, many = "a few new tokens", " ".join(f"token{n}" for n in range(30))
    _, (row,) = reader.recall([few])
    assert len(row.ids) == 0
    tokens, (row,) = reader.recall([many])
    assert len(row.ids) == len(tokens.numbers) == 30
    assert reader.recall(["token3 again"])[1][0].ids.tolist() == [row.ids[3]]


def test_of_two_generations_of_tokens_only_one_is_told_of() -> None:
    reader = make_reader()
    texts = ["to be", "or not"]
    reader.recall(texts)
    for n in range(6):  # more than is remembered: the next new token will be the first one
        reader.read([f"{n}{'x' * 99_000}"])
    known, _ = reader.recall(texts)
    tokens, rows = reader.recall([*texts, " ".join(f"new{n}" for n in range(30))])
    assert tokens.serial != known.serial
    ids = [number for row in rows for number in row.ids.tolist()]
    assert sorted(ids) == list(range(34))


def test_remembered_texts_take_so_much_room_and_no_more() -> None:
    _, (row,) = make_reader().recall(["some words"])
    memory = RememberedTexts(10 * row.n_bytes)
    for number in range(100):
        memory.add([str(number)], [row])
        assert memory.n_bytes <= 12 * row.n_bytes
        assert memory.find([str(number), "other"]) == [row, None]
    assert memory.find(["1"]) == [None]
