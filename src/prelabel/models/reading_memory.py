"""What a process remembers of what it has read: bounded over all projects."""

from __future__ import annotations

import threading
from typing import Protocol
from weakref import WeakSet

MOST_BYTES = 256 * 2**20
"""Five projects take it that have each read 20,000 texts of fifty words and 50,000 tokens: 50 MB,
and 8 bytes a token and label."""


class Holder(Protocol):
    """What remembers something of tokens or texts.

    Attributes
    ----------
    used_at_seconds
        When it was last of use, on the monotonic clock.
    """

    used_at_seconds: float

    @property
    def n_bytes(self) -> int:
        """Memory that `forget` frees."""

    def forget(self) -> None:
        """Free it; who is using it keeps it until then."""


class ReadingMemory:
    """Sees that all holders together keep below a limit: who was not used for longest forgets.

    Threads may share it.

    Parameters
    ----------
    most_bytes
        The limit. What is in use at the moment may come on top.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self._holders = WeakSet[Holder]()
        self._looking, self._forgetting = threading.Lock(), threading.Lock()

    def join(self, holder: Holder) -> None:
        """Count what a holder remembers, as long as it lives."""
        with self._looking:
            self._holders.add(holder)

    @property
    def n_bytes(self) -> int:
        """Memory that all holders take."""
        return sum(holder.n_bytes for holder in self._list())

    def keep_below(self) -> None:
        """Have holders forget until the limit holds; called by who has grown and holds no lock."""
        with self._forgetting:  # one at a time: of two, each would make room for itself
            holders = sorted(self._list(), key=lambda holder: holder.used_at_seconds)
            n_bytes = sum(holder.n_bytes for holder in holders)
            for holder in holders:
                if n_bytes <= self.most_bytes:
                    break
                n_bytes -= holder.n_bytes
                holder.forget()

    def _list(self) -> list[Holder]:
        with self._looking:
            return list(self._holders)


MEMORY = ReadingMemory()
"""This process's."""
