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
from prelabel.models.rows import Rows, join
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


def test_texts_that_come_again_are_not_read_again() -> None:
    reader = make_reader()
    _, first = reader.recall(TEXTS)
    n_bytes = reader.n_bytes
    tokens, again = reader.recall([str(text) for text in TEXTS])
    assert None not in tokens.texts.find(TEXTS)
    assert reader.n_bytes == n_bytes
    for part, before in zip(again, first, strict=True):
        np.testing.assert_array_equal(part, before)


@pytest.mark.parametrize("ways", [("one", "one"), ("one", "list", "one"), ("list", "one", "list")])
def test_a_text_that_came_alone_or_in_a_list_is_known_both_ways(ways: tuple[str, ...]) -> None:
    reader = make_reader()
    found = []
    for way in ways:
        if way == "one":
            tokens, row = reader.recall_one(TEXTS[0])
            found.append(join([row]))
        else:
            tokens, rows = reader.recall(TEXTS[:1])
            found.append(rows)
        assert tokens.texts.read_one(TEXTS[0]) is not None
    assert len(tokens.texts.find(TEXTS[:1])) == 1
    assert reader.n_bytes < 200_000  # as much as it takes for a start
    for again in found[1:]:
        for part, before in zip(again, found[0], strict=True):
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
        if len(texts) == 1:
            tokens, row = features.recall_one(texts[0])
            rows = join([row])
        else:
            tokens, rows = features.recall(texts)
        found = [*to_vectors(features, tokens, rows)]
        np.testing.assert_allclose(found, fresh.transform(texts).toarray(), atol=1e-6)
        if number in forgetting:
            features.forget_tokens()


def test_of_many_new_tokens_in_one_text_the_next_texts_profit() -> None:
    reader = make_reader()
    twenty, more = (" ".join(f"{kind}{n}" for n in range(20 + kind)) for kind in (0, 1))
    tokens, text = reader.recall_one(twenty)
    assert len(text.ids) == len(tokens.numbers) == 0
    tokens, text = reader.recall_one(more)
    assert len(text.ids) == len(tokens.numbers) == 21
    assert reader.recall_one("13 again")[1].ids.tolist() == [text.ids[3]]


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


def test_texts_that_come_one_by_one_wait_for_each_other_and_are_found_meanwhile() -> None:
    _, row = make_reader().recall_one("some words")
    memory = RememberedTexts(1_000_000)
    texts = [str(number) for number in range(2_000)]
    waited = 0
    for number, text in enumerate(texts):
        memory.add_one(text, row._replace(scale=np.float32(number)))
        waited += memory.find([text]) == [None]
        for earlier in texts[: number + 1 : 50]:
            found = memory.read_one(earlier)
            assert found is not None
            assert found.scale == int(earlier)
    assert 1_900 < waited < 2_000
    memory.settle()
    assert memory.read([*range(2_000)]).scales.tolist() == [*range(2_000)]


def test_of_long_texts_few_wait() -> None:
    reader = make_reader()
    texts = [f"{n} {'token ' * 16_000}" for n in range(2)]
    for text in texts:
        tokens, _ = reader.recall_one(text)
    assert tokens.texts.find(texts) == [0, 1]


def test_texts_that_come_one_by_one_take_no_more_than_there_is_room_for() -> None:
    _, row = make_reader().recall_one("some words")
    memory = RememberedTexts(100_000)
    for number in range(5_000):
        memory.add_one(str(number), row)
        assert memory.n_bytes <= 800_000
    assert memory.read_one("0") is not None
    assert memory.read_one("4000") is None


def test_equal_texts_of_one_request_count_once() -> None:
    reader = make_reader()
    reader.recall(["the same", "the same"])
    n_bytes = reader.n_bytes
    reader.recall(["another one", *["another two"] * 100])
    assert reader.n_bytes < n_bytes + 1_000
