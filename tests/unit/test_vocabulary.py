from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from prelabel.models.vocabulary import Vocabulary

# Few of the first bits, so that many hashes share them; the smallest and the largest among them.
HASHES = st.builds(
    lambda high, low: (high << 48) | low,
    st.sampled_from([0, 1, 2**15, 2**16 - 1]), st.sampled_from([0, 1, 2, 7, 2**48 - 1]),
)  # fmt: skip


def test_a_reader_is_shared_by_equal_vocabularies_only() -> None:
    hashes, ones = np.array([1, 2**63], np.uint64), np.ones(2, np.float32)
    first, second, third = (
        Vocabulary(hashes, weights) for weights in (ones, ones.copy(), 2 * ones)
    )
    assert first.reader is second.reader
    assert first.reader is not third.reader


@given(st.sets(HASHES), st.lists(HASHES))
@example({0}, [2**64 - 1])
@example({2**64 - 2}, [2**64 - 1, 2**64 - 2, 0])
def test_it_finds_the_columns_that_a_dictionary_finds(kept: set[int], asked: list[int]) -> None:
    hashes = sorted(kept)
    vocabulary = Vocabulary(np.array(hashes, np.uint64), np.ones(len(hashes), np.float32))
    expected = {value: column for column, value in enumerate(hashes)}
    columns = [expected.get(value, -1) for value in asked]
    for many in (1, 500):  # few are looked for in another way
        found = vocabulary.find(np.array(asked * many, np.uint64)).tolist()
        assert found == columns * many
