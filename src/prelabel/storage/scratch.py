"""Folders for as long as some work takes, also if that is killed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from prelabel.storage.lock import FolderLock

_LOCK = "lock"


@contextmanager
def scratch_folder(within: Path, prefix: str) -> Iterator[Path]:
    """Make a folder that is gone after the block, as are those of its prefix that nobody holds."""
    remove_left_over(within, prefix)
    with TemporaryDirectory(dir=within, prefix=prefix) as name:
        lock = FolderLock(Path(name) / _LOCK)
        lock.take()
        try:
            yield Path(name)
        finally:
            lock.free()


def remove_left_over(within: Path, prefix: str) -> None:
    """Remove what `scratch_folder` made of a prefix for processes that were killed."""
    for file in within.glob(f"{prefix}*/{_LOCK}"):
        lock = FolderLock(file)
        with suppress(OSError):  # somebody else's, or gone by now
            if lock.take():
                shutil.rmtree(file.parent, ignore_errors=True)
        lock.free()
