"""An array that grows."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

Kind = TypeVar("Kind", bound=np.generic)


class Growing(Generic[Kind]):
    """An array that grows at its end; what is there is copied only when it doubles.

    One thread may extend it while others read what they know to be there.
    """

    def __init__(self, dtype: type[Kind]) -> None:
        self._room: npt.NDArray[Kind] = np.empty(1024, dtype)
        self._n = 0

    @property
    def values(self) -> npt.NDArray[Kind]:
        return self._room[: self._n]

    @property
    def n_bytes(self) -> int:
        return self._room.nbytes

    def extend(self, values: npt.NDArray[Any]) -> None:
        """Add values."""
        end = self._n + len(values)
        if end > len(self._room):
            room = np.empty(2 * end, self._room.dtype)
            room[: self._n] = self.values
            self._room = room
        self._room[self._n : end] = values
        self._n = end
