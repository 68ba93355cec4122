"""What is remembered in memory: a bounded number of values, however many projects there are."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from cachetools import LRUCache

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Remembers the values that were used last; several threads may share it.

    >>> names = Recent[int, str](2)
    >>> for number in (1, 2, 3):
    ...     names[number] = f"number {number}"
    >>> names.get(1), names.get(3)
    (None, 'number 3')

    Parameters
    ----------
    limit
        How many are remembered; the one that was not used for longest goes first.
    """

    def __init__(self, limit: int) -> None:
        self._values = LRUCache[Key, Value](limit)
        self._using = threading.Lock()  # to read one changes their order

    def get(self, key: Key) -> Value | None:
        """Return a value, and count that as a use; None if it is not remembered."""
        with self._using:
            try:
                return self._values[key]
            except KeyError:
                return None

    def __setitem__(self, key: Key, value: Value) -> None:
        with self._using:
            self._values[key] = value

    def __len__(self) -> int:
        return len(self._values)
