from __future__ import annotations

import subprocess
import sys

from prelabel.models.heap import give_back
from tests.heap import SCATTERED_BYTES, resident_bytes, scatter


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
