from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from prelabel.recent import Recent


def test_what_was_not_used_for_longest_goes_first() -> None:
    recent = Recent[int, str](3)
    for number in (1, 2, 3):
        recent[number] = str(number)
    assert recent.get(1) == "1"
    recent[2] = "two"
    recent[4] = "4"
    assert [recent.get(number) for number in (1, 2, 3, 4)] == ["1", "two", None, "4"]
    assert len(recent) == 3


def test_threads_that_change_it_at_once_keep_it_bounded() -> None:
    recent = Recent[int, int](7)

    def change(first: int) -> None:
        for number in range(first, 20_000, 8):
            recent[number % 50] = number
            assert (recent.get(number % 13) or 0) % 50 in (0, number % 13)

    with ThreadPoolExecutor(8) as executor:
        list(executor.map(change, range(8)))
    assert len(recent) == 7
