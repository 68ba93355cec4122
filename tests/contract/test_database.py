from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier, Event

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from prelabel.errors import StorageError
from prelabel.storage.database import MIGRATIONS, Database
from prelabel.storage.labels import LabelStore
from prelabel.storage.tables import job_table, metadata
from prelabel.types import FIRST_TEXTS
from tests.backend import wait_for
from tests.builders import PROJECT, annotated, labeled
from tests.contract.releases import go_back


def refusal_of(database: Database) -> str:
    with database, pytest.raises(StorageError) as caught:
        database.migrate()
    return str(caught.value)


def test_migrations_end_at_the_tables(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_keeps_the_data(database: Database) -> None:
    labels = LabelStore(database)
    labels.apply(annotated(labeled(1)))
    before = labels.snapshot(PROJECT)
    database.migrate()
    assert labels.snapshot(PROJECT) == before


@pytest.mark.parametrize("due", [1000, 5000])
def test_a_project_that_waits_for_texts_waits_for_no_more_than_a_new_one(
    database: Database, due: int
) -> None:
    labels = LabelStore(database)
    labels.apply(annotated(labeled(1)))
    with database.write() as connection:
        connection.exec_driver_sql(f"UPDATE projects SET texts_due = {due}")
    go_back(database, "0013")
    database.migrate()
    assert labels.snapshot(PROJECT).texts_due == FIRST_TEXTS


def test_the_last_change_differs_after_every_change_and_only_then(database: Database) -> None:
    first = database.last_change()
    assert database.last_change() == first
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as another:
        another.submit(migrate, database.path).result()
    second = database.last_change()
    LabelStore(database).apply(annotated(labeled(2)))
    assert len({first, second, database.last_change()}) == 3


def test_another_file_in_the_place_of_the_database_is_the_database(
    database: Database, tmp_path: Path
) -> None:
    labels, other = LabelStore(database), tmp_path / "other.sqlite3"
    labels.apply(annotated(labeled(1)))
    first = database.last_change()
    database.copy_to(other)
    labels.apply(annotated(labeled(2)))
    other.replace(database.path)
    for log in ("-wal", "-shm"):  # of the other
        database.path.with_name(database.path.name + log).unlink()
    wait_for(lambda: database.last_change() not in (first, first + 1))
    assert labels.apply(annotated(labeled(2), labeled(3))).label_changes == 2
    assert len(LabelStore(Database(database.path)).snapshot(PROJECT).annotated) == 3


def test_a_store_that_is_damaged_cannot_tell_its_last_change(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_text("no database at all")
    with Database(tmp_path / "x.sqlite3") as database, pytest.raises(StorageError):
        database.last_change()


def migrate(path: Path) -> int:
    """Bring a database up to date and write to it, as a starting process does."""
    with Database(path) as database:
        database.migrate()
        return LabelStore(database).apply(annotated(labeled(1))).label_changes


def test_two_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.sqlite3" for number in range(12)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        changes = list(executor.map(migrate, [path for path in paths for _ in range(2)]))
    assert [sum(pair) for pair in zip(changes[::2], changes[1::2], strict=True)] == [1] * 12


def test_eight_threads_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    barrier = Barrier(8)

    def start(_: int) -> int:
        barrier.wait()
        return migrate(tmp_path / "new.sqlite3")

    with ThreadPoolExecutor(8) as executor:
        assert sum(executor.map(start, range(8))) == 1


def test_a_database_of_a_newer_release_is_left_alone_with_advice(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    message = refusal_of(database)
    assert "does not know" in message
    assert "'9999'" in message
    assert "Start the newer release again, or choose another MODEL_DIR." in message


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE versions (theirs)")
    connection.close()
    assert "already exists" in refusal_of(Database(path))
    with sqlite3.connect(path) as connection:
        names = connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()
    assert names == [("versions",)]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    path.write_bytes(b"this was never a database" * 100)
    message = refusal_of(Database(path))
    assert "file is not a database" in message
    assert "prelabel restore" in message
    assert path.read_bytes().startswith(b"this was never")


def test_a_damaged_database_is_told_so(database: Database) -> None:
    LabelStore(database).apply(annotated(*(labeled(number) for number in range(1, 2_000))))
    database.close()
    content = bytearray(database.path.read_bytes())
    content[4096 * 8 :] = b"\xff" * (len(content) - 4096 * 8)
    database.path.write_bytes(content)
    with Database(database.path) as again, pytest.raises(StorageError, match="malformed"):
        LabelStore(again).snapshot(PROJECT)


@pytest.mark.parametrize("parent", ["missing", "file"])
def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path, parent: str) -> None:
    (tmp_path / "file").write_text("x")
    message = refusal_of(Database(tmp_path / parent / "x.sqlite3"))
    assert "unable to open database file" in message
    assert "permissions" in message


def test_a_store_that_was_never_migrated_is_a_storage_error(tmp_path: Path) -> None:
    with (
        Database(tmp_path / "x.sqlite3") as empty,
        pytest.raises(StorageError, match="no such table"),
    ):
        LabelStore(empty).snapshot(PROJECT)


def test_no_text_shows_in_an_error_or_in_its_cause(database: Database) -> None:
    values = {"project": "404.1", "reason": "a private text", "must_train": True, "state": "x"}
    with pytest.raises(IntegrityError) as caught, database.write() as connection:
        connection.execute(insert(job_table).values(values))
    assert "a private text" not in f"{caught.value} {caught.value.__cause__}"


def test_a_write_that_raises_is_undone(database: Database) -> None:
    class InterruptedWriteError(Exception): ...

    labels = LabelStore(database)
    labels.apply(annotated(labeled(1)))
    with pytest.raises(InterruptedWriteError):  # noqa: PT012, SIM117 - a block is what is tested
        with database.write() as connection:
            connection.exec_driver_sql("DELETE FROM annotations")
            raise InterruptedWriteError
    assert len(labels.snapshot(PROJECT).annotated) == 1


def test_a_reader_sees_one_state_and_waits_for_no_writer(database: Database) -> None:
    count = "SELECT count(*) FROM annotations"
    labels = LabelStore(database)
    labels.apply(annotated(labeled(1)))
    with database.read() as reader:
        assert reader.exec_driver_sql(count).scalar() == 1
        labels.apply(annotated(labeled(2)))
        assert reader.exec_driver_sql(count).scalar() == 1
    with database.write() as writer, database.read() as reader:
        writer.exec_driver_sql("DELETE FROM annotations")
        assert reader.exec_driver_sql(count).scalar() == 2


def test_a_writer_waits_for_the_one_before(database: Database) -> None:
    begun, order = Event(), []

    def write() -> None:
        with Database(database.path) as other:
            begun.set()
            with other.write():
                order.append("second")

    with ThreadPoolExecutor(1) as executor, database.write():
        executor.submit(write)
        begun.wait()
        order.append("first")
    assert order == ["first", "second"]


def test_nothing_is_opened_before_the_first_use(tmp_path: Path) -> None:
    Database(tmp_path / "missing" / "x.sqlite3").close()
    assert list(tmp_path.iterdir()) == []


# Where nothing can be written


@contextmanager
def full_disk(database: Database) -> Iterator[Database]:
    """Open a database anew where no file can grow; within a test, or pytest could not write."""
    LabelStore(database).apply(annotated(labeled(1)))
    database.close()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
    try:
        with Database(database.path) as full:
            yield full
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


def make_space() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_on_a_full_disk_what_there_is_can_be_read_and_nothing_is_written(
    database: Database,
) -> None:
    with full_disk(database) as full:
        assert full.is_current()
        assert len(LabelStore(full).snapshot(PROJECT).annotated) == 1
        assert full.last_change() == full.last_change()
        for write in (full.require_writable, lambda: apply_one(full)):
            with pytest.raises(StorageError, match="readonly"):
                write()


def apply_one(database: Database) -> None:
    LabelStore(database).apply(annotated(labeled(2)))


def test_once_there_is_space_again_everything_is_as_before(database: Database) -> None:
    with full_disk(database) as full:
        before = full.last_change()
        assert full.is_current()
        make_space()
        full.require_writable()
        with Database(full.path) as another:
            apply_one(another)
        first = full.last_change()
        assert first != before
        assert len(LabelStore(full).snapshot(PROJECT).annotated) == 2
        LabelStore(full).apply(annotated(labeled(3)))
        assert full.last_change() not in (before, first)


def test_tables_of_another_form_are_not_current(database: Database, tmp_path: Path) -> None:
    assert database.is_current()
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert not database.is_current()
    assert not Database(tmp_path / "missing" / "x.sqlite3").is_current()


def test_a_migrations_file_begins_with_its_revision() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    for script in scripts.walk_revisions():
        assert Path(script.path).name.startswith(f"{script.revision}_")
