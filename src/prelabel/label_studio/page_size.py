"""How many tasks to ask Label Studio for at once."""

from __future__ import annotations

FIRST = 100
"""Asked for before it is known how large tasks are."""

SMALLEST = 10
"""Who does not get so few tasks in time has another trouble than their number."""

PAGE_BYTES = 4_000_000
"""What a page is to have at most; read, it takes a few times as much memory."""


class PageSize:
    """As many tasks as fit into a page, and no more than Label Studio can give in time.

    Attributes
    ----------
    now
        How many to ask for next, from 1 to `most`.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.now = min(FIRST, most)

    def fit(self, n_bytes: int, n_tasks: int) -> None:
        """Take note of how large a page of so many tasks was."""
        if n_tasks:
            self.now = max(1, min(PAGE_BYTES * n_tasks // n_bytes, self._most))

    def shrink(self) -> bool:
        """Take note that a page took too long; return False if fewer tasks make no sense."""
        if self.now <= SMALLEST:
            return False
        self._most = self.now = max(self.now // 4, SMALLEST)
        return True
