from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from prelabel.models.milestones import Beginning, last_milestone, remembered
from tests.heap import SCATTERED_BYTES, resident_bytes, scatter


@given(st.integers(0, 10**7))
def test_a_milestone_is_never_more_than_a_tenth_behind(n: int) -> None:
    assert n / 1.11 <= last_milestone(n) <= n


@given(st.integers(0, 10**6), st.integers(0, 1000))
def test_a_milestone_stays_until_the_next(n: int, more: int) -> None:
    assert last_milestone(last_milestone(n)) == last_milestone(n) <= last_milestone(n + more)


@dataclass
class Made:
    n_bytes: int


def test_what_was_made_is_remembered_until_it_takes_too_much_memory() -> None:
    made = []

    @remembered
    def make(name: str, n_bytes: int) -> Made:
        made.append(name)
        return Made(n_bytes)

    first = make("a", 60_000_000)
    assert make("a", 60_000_000) is first
    make("b", 60_000_000)
    make("c", 60_000_000)  # "a" was used the longest ago
    make("a", 60_000_000)
    assert made == ["a", "b", "c", "a"]


def test_what_is_larger_than_that_is_remembered_alone() -> None:
    made = []

    @remembered
    def make(n_bytes: int) -> Made:
        made.append(n_bytes)
        return Made(n_bytes)

    make(1_000)
    make(2_000_000_000)
    make(2_000_000_000)
    make(1_000)
    assert made == [1_000, 2_000_000_000, 1_000]


def test_what_it_took_to_make_something_large_is_given_back_to_the_system() -> None:
    @remembered
    def make() -> Made:
        scatter()
        return Made(2_000_000)

    before = resident_bytes()
    make()
    assert resident_bytes() < before + SCATTERED_BYTES / 4


# Beginnings


TEXTS = [f"text {number}" for number in range(300)]


@given(st.lists(st.text(max_size=3), max_size=5), st.lists(st.text(max_size=3), max_size=5))
def test_only_equal_texts_in_equal_roles_are_known_by_the_same(a: list[str], b: list[str]) -> None:
    found, other = Beginning.of(a, role="pool"), Beginning.of(b, role="pool")
    assert (found.key == other.key) is (a == b)
    assert found.key != Beginning.of(a, role="labeled").key


def test_a_beginning_ends_at_a_milestone_and_stays_the_same_until_the_next() -> None:
    found = Beginning.of(TEXTS[:200], role="pool")
    assert len(found.texts) == last_milestone(200) == 193
    assert Beginning.of(TEXTS[:211], role="pool").key == found.key
    longer = Beginning.of(TEXTS, role="pool")
    assert found.digest in longer.earlier
    assert longer.digest not in longer.earlier


def test_what_was_made_of_an_earlier_milestone_is_forgotten_at_the_next() -> None:
    made = []

    @remembered
    def make(first: Beginning, name: str) -> Made:
        made.append((len(first.texts), name))
        return Made(1)

    @remembered
    def make_more(first: Beginning) -> Made:
        made.append((len(first.texts), "more"))
        return Made(1)

    before, after = Beginning.of(TEXTS[:200], role="pool"), Beginning.of(TEXTS, role="pool")
    others = Beginning.of(["another project's", *TEXTS[:199]], role="pool")
    make(before, "a")
    make(before, "b")
    make_more(before)
    make(others, "c")
    make(after, "a")
    expected = [(193, "a"), (193, "b"), (193, "more"), (193, "c"), (281, "a")]
    assert made == expected
    make(others, "c")
    make(after, "a")
    assert made == expected, "neither other projects' nor the last is forgotten"
    make(before, "b")
    make_more(before)
    assert made == [*expected, (193, "b"), (193, "more")]


def test_a_memory_keeps_no_text_to_know_it_by() -> None:
    @remembered
    def make(first: Beginning) -> Made:
        return Made(len(first.texts))

    class Text(str):
        """A text that can be watched."""

    text = Text("a text")
    watched = weakref.ref(text)
    make(Beginning.of([text], role="pool"))
    del text
    gc.collect()
    assert watched() is None
