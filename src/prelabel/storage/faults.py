"""What is wrong with a database file, for people."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, InternalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from prelabel.errors import StorageError, StorageLockedError
from prelabel.storage.opening import GONE

_OURS = (IntegrityError, ProgrammingError, DataError, InternalError)  # not the disk's mistake


@dataclass(frozen=True, slots=True)
class FaultMapper:
    """Raises a `StorageError` for what goes wrong with a file in a ``with`` block.

    It has no state: threads share it. A class, because every request passes through one, and a
    generator would take three times as long.
    """

    path: Path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, _OURS):
            return
        if isinstance(error, DatabaseError | PoolTimeoutError | sqlite3.DatabaseError):
            # Only the driver's own words: the statement's parameters are people's texts.
            cause = error.orig if isinstance(error, DatabaseError) else error
            raise (StorageLockedError if _is_locked(cause) else StorageError)(
                f"The database {self.path} cannot be used ({cause})",
                expected="a readable and writable SQLite file with free disk space",
                fix=_advise(cause),
            ) from error


def _advise(cause: object) -> str:
    if any(word in str(cause) for word in ("malformed", "not a database")):
        return (
            "The file is damaged, and left as it is: make another folder of a backup with "
            "`prelabel restore`."
        )
    if GONE in str(cause):
        return (
            "Put it back, or start the server again: what was told since would be lost, and is "
            "refused."
        )
    if _is_locked(cause):
        return "Another process keeps it locked: wait for that, or end it, then try again."
    return "Check the folder's permissions and the disk, then try again."


def _is_locked(cause: object) -> bool:
    return "locked" in str(cause)
