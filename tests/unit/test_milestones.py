from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from prelabel.models.milestones import last_milestone, remembered


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
