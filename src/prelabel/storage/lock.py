"""A lock between processes that share a data folder."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


class FolderLock:
    """What one process at a time holds. The system frees it when that ends, however it ends.

    Parameters
    ----------
    file
        Made if missing; nothing is written into it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._held: IO[bytes] | None = None

    def take(self) -> bool:
        """Return whether this process holds the lock, taking it if it is free."""
        if self._held is None:
            held = self._file.open("ab")
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                held.close()
                return False
            self._held = held
        return True

    def free(self) -> None:
        """Let another process take it."""
        if self._held is not None:
            self._held.close()
            self._held = None
