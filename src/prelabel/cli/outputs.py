"""Files that commands write: looked at before the work, so that it is not done in vain."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from prelabel.errors import ConfigError


def require_file(path: Path | None, *, besides: Iterable[Path | None] = ()) -> None:
    """Raise `ConfigError` if no file can be written there; None is fine.

    Parameters
    ----------
    besides
        What else the command reads or writes, and this must not take the place of.
    """
    if path is None:
        return
    if path.is_dir():
        raise _unwritable(path, "it is a folder")
    if path.resolve() in {other.resolve() for other in besides if other}:
        raise _unwritable(path, "this command reads it, or writes something else there")
    if path.exists() and not os.access(path, os.W_OK):
        raise _unwritable(path, "it may only be read")
    if path.is_file() or not path.exists():  # else it is a pipe or a device
        with writing(path):
            TemporaryFile(dir=path.resolve().parent).close()


def require_whole_file(path: Path) -> None:
    """Do as `require_file`, and raise `ConfigError` where a file cannot appear at once."""
    if path.exists() and not path.is_file():
        raise _unwritable(path, "it is no file")
    require_file(path)


def require_new_folder(path: Path) -> None:
    """Make the folder it will stand in; raise `ConfigError` if it is there or cannot be."""
    if path.exists():
        raise ConfigError(
            f"{path} exists", expected="a new folder", fix="Give another name, or remove it first."
        )
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise `ConfigError` where the file system refuses."""
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let a SIGTERM end the block as an error would, so that nothing half-done is left."""
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(number: int, _frame: object) -> None:
    sys.exit(128 + number)  # as a shell says of a command that a signal ended


def _unwritable(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"{path} cannot be written ({reason})",
        expected="a place this user may write to, on a disk with free space",
        fix="Give another one.",
    )
