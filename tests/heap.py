"""A heap with holes, and what of it is resident."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

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
