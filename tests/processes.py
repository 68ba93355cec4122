"""Processes as the kernel sees them, also those that other processes started."""

from __future__ import annotations

from pathlib import Path


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, whether or not its parent has looked."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def children(pid: int) -> list[int]:
    """Return the processes that any thread of a process started."""
    listings = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for child in " ".join(listings).split()]


def family(pid: int) -> list[int]:
    """Return a process and all that came of it."""
    return [pid, *(grandchild for child in children(pid) for grandchild in family(child))]


def spawned_by(pid: int) -> list[int]:
    """Return the processes that any thread of a process started with `multiprocessing`."""
    return [child for child in children(pid) if b"spawn_main" in _command(child)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
