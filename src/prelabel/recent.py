"""What is remembered in memory: a bounded number of values, however many projects there are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from typing import Generic, TypeVar

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
        self._limit = limit
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._changing = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """Return a value, and count that as a use; None if it is not remembered."""
        value = self._values.get(key)
        if value is not None:
            with suppress(KeyError):  # another thread's value has just taken its place
                self._values.move_to_end(key)
        return value

    def __setitem__(self, key: Key, value: Value) -> None:
        with self._changing:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._limit:
                self._values.popitem(last=False)

    def __len__(self) -> int:
        return len(self._values)
