from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prelabel.models.heap import give_back

SCATTERED_BYTES = 100_000_000


def scatter() -> list[npt.NDArray[np.uint8]]:
    """Use 100 MB in small pieces and free them; return the little ones in between."""
    pieces, kept = [], []
    for _ in range(1000):
        pieces.append(np.ones(SCATTERED_BYTES // 1000, np.uint8))
        kept.append(np.ones(1000, np.uint8))
    return kept


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def measure() -> tuple[int, int, int]:
    """Return what is resident before and after, and once it is given back."""
    before, _kept, scattered = resident_bytes(), scatter(), resident_bytes()
    give_back()
    return before, scattered, resident_bytes()


def test_memory_that_was_freed_here_and_there_goes_back_to_the_system() -> None:
    # Another process: what the allocator does depends on all that was freed in one before.
    code = "from tests.unit.test_heap import measure; print(*measure())"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    before, scattered, given_back = map(int, found.stdout.split())
    assert scattered > before + SCATTERED_BYTES / 2, "by itself it does not"
    assert given_back < before + SCATTERED_BYTES / 4
