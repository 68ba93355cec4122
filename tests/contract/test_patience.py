from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

from prelabel.errors import StorageLockedError
from prelabel.storage.database import Database
from prelabel.storage.patience import in_a_hurry


@contextmanager
def locked(database: Database) -> Iterator[None]:
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def write_in_a_hurry(database: Database) -> None:
    with in_a_hurry(0.1):
        database.require_writable()


def write_at_the_end(database: Database) -> None:
    database.hasten(0.1)
    database.require_writable()


@pytest.mark.parametrize("write", [write_in_a_hurry, write_at_the_end])
def test_who_is_in_a_hurry_gives_up_while_others_wait_and_can_write_afterwards(
    database: Database, write: Callable[[Database], None]
) -> None:
    with Database(database.path) as patient, ThreadPoolExecutor(1) as thread:
        with locked(database):
            waiting = thread.submit(patient.require_writable)
            with pytest.raises(StorageLockedError):
                write(database)
            assert not waiting.done()
        waiting.result()
    write(database)


def test_who_is_in_a_hurry_gives_up_behind_another_writer_of_the_same_process(
    database: Database,
) -> None:
    with database.write(), ThreadPoolExecutor(1) as thread:
        hurried = thread.submit(write_in_a_hurry, database)
        with pytest.raises(StorageLockedError):
            hurried.result()
    write_in_a_hurry(database)
