from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prelabel.models.heap import give_back

SCATTERED_BYTES = 100_000_000

_kept: list[npt.NDArray[np.uint8]] = []


def scatter() -> None:
    """Use 100 MB in small pieces and free them, but for little ones in between."""
    pieces = []
    for _ in range(1000):
        pieces.append(np.ones(SCATTERED_BYTES // 1000, np.uint8))
        _kept.append(np.ones(1000, np.uint8))


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_memory_that_was_freed_here_and_there_goes_back_to_the_system() -> None:
    give_back()  # what tests before this one have freed would be used again
    before = resident_bytes()
    scatter()
    assert resident_bytes() > before + SCATTERED_BYTES / 2, "by itself it does not"
    give_back()
    assert resident_bytes() < before + SCATTERED_BYTES / 4
