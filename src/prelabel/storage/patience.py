"""How long a writer waits for others: ten seconds, or less where somebody waits for it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Connection

from prelabel.storage.opening import BUSY_SECONDS

_wait_seconds: ContextVar[float] = ContextVar("wait_seconds", default=BUSY_SECONDS)


@contextmanager
def in_a_hurry(seconds: float) -> Iterator[None]:
    """Let no write in this block wait for others for longer, where it would for ten seconds."""
    token = _wait_seconds.set(seconds)
    try:
        yield
    finally:
        _wait_seconds.reset(token)


class Patience:
    """The turns of one process's writers, and their wait for other processes."""

    def __init__(self) -> None:
        self._writing = threading.Lock()
        self._longest_seconds: float = BUSY_SECONDS

    def shorten(self, seconds: float) -> None:
        """Let no writer wait for longer from now on, but for one that waits already."""
        self._longest_seconds = seconds

    @property
    def _seconds(self) -> float:
        return min(self._longest_seconds, _wait_seconds.get())

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the lock of this process's writers; raise `sqlite3.Error` if that takes too long.

        Who is in no hurry waits for as long as it takes: each before it has a time of its own.
        """
        seconds = _wait_seconds.get()
        if not self._writing.acquire(timeout=-1 if seconds == BUSY_SECONDS else seconds):
            raise sqlite3.OperationalError("database is locked by others of this process")
        try:
            yield
        finally:
            self._writing.release()

    def begin(self, connection: Connection) -> None:
        """Begin a transaction: at once, or a writer's when other processes let it."""
        statement = connection.get_execution_options().get("prelabel_begin", "BEGIN")
        seconds = self._seconds
        if seconds == BUSY_SECONDS:
            connection.exec_driver_sql(statement)
            return
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        try:
            connection.exec_driver_sql(statement)
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
