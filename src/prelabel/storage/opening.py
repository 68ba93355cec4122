"""How the database's file is opened, and what is left where nothing can be written beside it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_SECONDS = 10

GONE = "the file was removed, or hidden, while it was in use"

_UNWRITABLE = {
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
}  # fmt: skip


class ReadOnlyConnection(sqlite3.Connection):
    """What is left on a full disk or a read-only folder: the file as it lies there.

    SQLite needs files beside it even to read a database in WAL mode. Where it can make none, nobody
    writes, and ``immutable`` reads the file alone
    (https://www.sqlite.org/wal.html#read_only_databases).
    """


class DatabaseFile:
    """A file that is opened many times, and may be removed or replaced by another meanwhile.

    Who has it open would go on writing into what nobody finds any more.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._was_there = False

    def open(self) -> sqlite3.Connection:
        """Open it as `open_file` does, made if missing, but only the first time."""
        if self._was_there and self.identify() is None:
            raise sqlite3.OperationalError(GONE)
        connection = open_file(self.path)
        self._was_there = True
        return connection

    def identify(self) -> tuple[int, int] | None:
        """Return what tells the file at this path from all others; None if there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def note(self, _connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        """Note of which file a pool's new connection is."""
        record.info["file"] = self.identify()

    def require_same(
        self, _connection: sqlite3.Connection, record: ConnectionPoolEntry, _use: object
    ) -> None:
        """Have the pool open another connection if this one's file is no more at its path."""
        if record.info["file"] != self.identify():
            raise DisconnectionError


def open_file(path: Path) -> sqlite3.Connection:
    """Open a database, made if missing; where nothing can be written, only to read it.

    Raises
    ------
    sqlite3.Error
        If it cannot be read either.
    """
    try:
        return _open(path)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _UNWRITABLE or not _lies_whole(path):
            raise
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(
        uri, uri=True, check_same_thread=False, isolation_level=None, factory=ReadOnlyConnection
    )


def _open(path: Path) -> sqlite3.Connection:
    # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html: with no isolation level the driver
    # leaves transactions to us, so that BEGIN IMMEDIATE is possible and DDL can be rolled back.
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: what was acknowledged survives a power cut, too.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What is erased is overwritten, not only left out: some builds of SQLite would not.
        connection.execute("PRAGMA secure_delete = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _lies_whole(path: Path) -> bool:
    """Whether all that was written stands in the file itself, and nothing in a log beside it."""
    log = path.with_name(f"{path.name}-wal")
    try:
        return path.is_file() and (not log.exists() or log.stat().st_size == 0)
    except OSError:  # a path that is too long, or leads where nobody may look
        return False
