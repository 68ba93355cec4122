"""One database: connections, transactions, migrations."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import msgspec
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

from prelabel.errors import StorageError
from prelabel.storage.faults import FaultMapper
from prelabel.storage.opening import DatabaseFile, ReadOnlyConnection
from prelabel.storage.patience import Patience

MIGRATIONS = Path(__file__).parent / "migrations"

_CHANGE = "PRAGMA data_version"

LOOK_SECONDS = 1.0
"""How soon it is seen that there is another file at the path."""


class Database:
    """An SQLite file that several threads and processes share.

    Readers see one consistent state and wait for nobody. Writers take turns: within this process
    by a lock, which is fair and wakes at once; between processes by SQLite's own.

    Parameters
    ----------
    path
        The file; made on first use, its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = DatabaseFile(path)
        self._faults = FaultMapper(path)
        self._patience = Patience()
        self._watching = threading.Lock()
        self._watcher: sqlite3.Connection | None = None
        self._watchers = 0
        self._watched: object = None
        self._look_at_seconds = 0.0
        self._engine = create_engine(
            "sqlite://",
            poolclass=QueuePool,
            pool_size=16,
            max_overflow=48,
            json_serializer=lambda value: msgspec.json.encode(value).decode(),
            json_deserializer=msgspec.json.decode,
            hide_parameters=True,  # they are people's texts; errors are logged
            creator=self._file.open,
        )
        event.listen(self._engine, "connect", self._file.note)
        event.listen(self._engine, "checkout", self._file.require_same)
        event.listen(self._engine, "begin", self._patience.begin)
        event.listen(self._engine, "checkin", _keep_no_makeshift)
        self._writer = self._engine.execution_options(prelabel_begin="BEGIN IMMEDIATE")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database throughout."""
        with self._faults, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose changes are durable once the block ends, or never made.

        Raises
        ------
        StorageError
            If the database cannot be opened, read or written.
        """
        with self._faults, self._patience.turn(), self._writer.begin() as connection:
            yield connection

    def hasten(self, seconds: float) -> None:
        """Let no writer wait for other processes for longer from now on: all is about to end."""
        self._patience.shorten(seconds)

    def last_change(self) -> int:
        """Return a number that is another one after each change that any process has committed.

        It costs a fraction of a query: who knows what was there at one number need not read it
        again at the same.

        Raises
        ------
        StorageError
            If the database cannot be read.
        """
        with self._faults, self._watching:
            if self._must_watch():
                self._watch()
            # https://www.sqlite.org/pragma.html#pragma_data_version: it compares what one
            # connection sees, and leaves out its own changes. This one makes none.
            (number,) = cast("sqlite3.Connection", self._watcher).execute(_CHANGE).fetchone()
        # Another connection counts anew.
        return self._watchers << 32 | int(number)

    def _must_watch(self) -> bool:
        """Whether there is no connection that sees changes of the file; asked for each second."""
        if self._watcher is None or isinstance(self._watcher, ReadOnlyConnection):
            return True
        moment = time.monotonic()
        if moment < self._look_at_seconds:
            return False
        self._look_at_seconds = moment + LOOK_SECONDS
        return self._watched != self._file.identify()

    def _watch(self) -> None:
        """Open the connection that sees changes; while nothing can be written, there are none."""
        opened, self._watched = self._file.open(), self._file.identify()
        before, self._watcher = self._watcher, opened
        if before is None or not isinstance(opened, ReadOnlyConnection):
            self._watchers += 1
        if before is not None:
            before.close()

    def require_writable(self) -> None:
        """Raise `StorageError` if nothing can be kept: the disk is full, locked, or read-only."""
        with self.write() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")

    def is_current(self) -> bool:
        """Whether the tables can be read and have this release's form."""
        # Without Alembic: to import it takes a tenth of a start.
        newest = max(path.name[:4] for path in MIGRATIONS.glob("versions/[0-9]*.py"))
        try:
            with self.read() as connection:
                found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        except StorageError:
            return False
        return bool(found == newest)

    def migrate(self) -> None:
        """Bring the tables to this release's form; data is kept. Safe to call at every start.

        Raises
        ------
        StorageError
            If the database was written by a newer release, or cannot be used.
        """
        if self.is_current():
            return
        from alembic import command  # noqa: PLC0415 - few starts need Alembic
        from alembic.config import Config  # noqa: PLC0415
        from alembic.util import CommandError  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        try:
            # Holding the write lock, so that of two starting processes one migrates.
            with self.write() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except CommandError as error:
            raise StorageError(
                f"Found a database in {self.path} that this release does not know ({error})",
                expected="one written by this release or an older one",
                fix="Start the newer release again, or choose another MODEL_DIR.",
            ) from error

    def require_whole(self) -> None:
        """Raise `StorageError` if any page is damaged; reads all of them."""
        with self.read() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
            if found != "ok":
                raise sqlite3.DatabaseError(found)

    def settle(self) -> None:
        """Write what the log beside the file has into it, and empty the log, if nobody reads it."""
        self._do_alone("PRAGMA wal_checkpoint(TRUNCATE)")

    def copy_to(self, path: Path) -> None:
        """Write a copy, as of one moment, into a new file; nobody waits for it."""
        self._do_alone("VACUUM INTO ?", str(path))

    def _do_alone(self, statement: str, *values: str) -> None:
        """Execute what may be in no transaction."""
        with self._faults:
            connection = _detach(self._engine.raw_connection())
            try:
                connection.execute(statement, values)
            finally:
                connection.close()

    def close(self) -> None:
        self._engine.dispose()
        if self._watcher is not None:
            self._watcher.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _keep_no_makeshift(connection: object, record: ConnectionPoolEntry) -> None:
    """Let the next one see whether the file can be written again."""
    if isinstance(connection, ReadOnlyConnection):
        record.invalidate()


def _detach(connection: PoolProxiedConnection) -> sqlite3.Connection:
    """Take a connection out of the pool for good."""
    driver_connection: Any = connection.driver_connection
    connection.detach()
    return cast("sqlite3.Connection", driver_connection)
