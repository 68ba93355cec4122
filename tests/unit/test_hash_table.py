"""Numbers by hash, against a dictionary."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prelabel.models.characters import Hashes
from prelabel.models.hash_table import HashTable

# Few first bits, so that many want the same slot; all of them, so that the last slots overflow.
HASHES = st.builds(
    lambda high, low: (high << 52) | low, st.sampled_from([0, 1, 4094, 4095]), st.integers(0, 9)
)


def array(values: list[int]) -> Hashes:
    return np.array(values, np.uint64)


@given(st.lists(st.lists(HASHES, unique=True)), st.lists(HASHES))
def test_it_finds_what_a_dictionary_finds(added: list[list[int]], asked: list[int]) -> None:
    table, expected = HashTable(), dict[int, int]()
    for hashes in added:
        new = [value for value in hashes if value not in expected]
        numbers = table.add(array(new))
        expected |= zip(new, numbers.tolist(), strict=True)
    assert sorted(expected.values()) == list(range(len(table)))
    assert table.find(array(asked)).tolist() == [expected.get(value, -1) for value in asked]


def test_numbers_stay_when_it_grows() -> None:
    hashes = np.random.default_rng(0).integers(0, 2**64, 20_000, np.uint64)
    table = HashTable()
    for part in np.split(hashes, 40):
        table.add(part)
    np.testing.assert_array_equal(table.find(hashes), np.arange(20_000))
    assert (table.find(hashes + np.uint64(1)) == -1).all()


def test_who_finds_while_another_adds_sees_the_right_number_or_none() -> None:
    hashes = np.random.default_rng(1).integers(0, 2**64, 20_000, np.uint64)
    table, done = HashTable(), threading.Event()

    def add() -> None:
        for part in np.split(hashes, 400):
            table.add(part)
        done.set()

    adding = threading.Thread(target=add)
    adding.start()
    while not done.is_set():
        found = table.find(hashes)
        assert ((found == np.arange(20_000)) | (found == -1)).all()
    adding.join()
    assert len(table) == 20_000
