from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prelabel.models.features import TfidfFeatures
from prelabel.models.ngrams import in_chunks
from prelabel.models.reading import TextReader
from prelabel.models.rows import RememberedTexts
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


@settings(deadline=None)
@given(st.lists(st.sampled_from(TEXTS)), st.lists(st.sampled_from([*TEXTS, "NEW", "be new"])))
def test_texts_that_are_known_in_part_are_what_they_are_alone(
    first: list[str], then: list[str]
) -> None:
    features = TfidfFeatures().fit([*TEXTS, "new and old"])
    features.recall(first)
    for text, row in zip(then, features.recall(then)[1], strict=True):
        features.forget_tokens()
        ((_, columns, weights),) = features.recall([text])[1]
        np.testing.assert_array_equal(row.columns, columns)
        np.testing.assert_allclose(row.weights, weights, rtol=1e-6)


def test_of_two_generations_of_tokens_only_one_is_told_of() -> None:
    reader = make_reader()
    reader.recall(["to be"])
    for n in range(6):  # more than is remembered: the next new token will be the first one
        reader.read([f"{n}{'x' * 99_000}"])
    known, (old,) = reader.recall(["to be"])
    tokens, (first, second) = reader.recall(["to be", "new tokens begin a new generation"])
    assert tokens.serial != known.serial
    assert len(old.ids) == len(first.ids) == 2
    assert len(tokens.numbers) == len({*first.ids.tolist(), *second.ids.tolist()}) == 7


def test_remembered_texts_take_so_much_room_and_no_more() -> None:
    _, (row,) = make_reader().recall(["some words"])
    memory = RememberedTexts(10 * row.n_bytes)
    for number in range(100):
        memory.add([str(number)], [row])
        assert memory.n_bytes <= 12 * row.n_bytes
        assert memory.find([str(number), "other"]) == [row, None]
    assert memory.find(["1"]) == [None]
