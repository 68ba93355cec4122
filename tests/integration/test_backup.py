"""Nothing is lost with a machine: a backup is made while people label, and served elsewhere."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from prelabel.errors import ConfigError
from prelabel.storage.backup import read_backup, write_backup
from prelabel.storage.database import Database
from tests.backend import NEVER_BY_ITSELF, Backend, Project, wait_for
from tests.commands import run


def backup(folder: Path, file: Path) -> subprocess.CompletedProcess[str]:
    return run("backup", str(file), "--model-dir", str(folder))


def test_what_is_removed_while_a_backup_is_made_costs_nothing_but_itself(
    database: Database, tmp_path: Path
) -> None:
    models = tmp_path / "models" / "1.2"
    models.mkdir(parents=True)
    for name in ("b", "c"):
        (models / name).write_text(name)
    with (models / "a").open("wb") as large:
        large.truncate(100_000_000)

    def remove() -> None:  # while the large one is read
        wait_for(lambda: sum(p.stat().st_size for p in tmp_path.glob(".backup-*/*")) > 1_000_000)
        (models / "b").unlink()

    removing = threading.Thread(target=remove)
    removing.start()
    write_backup(database, tmp_path / "backup.tar")
    removing.join()
    with tarfile.open(tmp_path / "backup.tar") as archive:
        assert {"models/1.2/a", "models/1.2/c"} < set(archive.getnames())


def test_a_backup_of_a_class_that_keeps_links_and_pipes_can_be_restored(
    database: Database, tmp_path: Path
) -> None:
    models = tmp_path / "models" / "1.2"
    (models / "v3").mkdir(parents=True)
    (models / "v3" / "weights").write_text("learned")
    (models / "newest").symlink_to("v3")
    (models / "current").symlink_to(models / "v3" / "weights")
    (models / "elsewhere").symlink_to(tmp_path)
    os.mkfifo(models / "pipe")
    write_backup(database, tmp_path / "backup.tar")
    read_backup(tmp_path / "backup.tar", tmp_path / "again" / database.path.name)
    restored = tmp_path / "again" / "models" / "1.2"
    assert {path.name for path in restored.iterdir()} == {"v3", "newest", "current"}
    assert {(restored / name).read_text() for name in ("newest/weights", "current")} == {"learned"}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Project, int]:
    """A backup made while labels arrived, and how many were acknowledged before."""
    folder = tmp_path_factory.mktemp("backup")
    file = folder / "backup.tar"
    with Backend(folder, NEVER_BY_ITSELF) as backend:
        project = Project(backend)
        project.annotate_many(6)
        project.train()
        begun, done = threading.Event(), threading.Event()

        def label() -> None:
            number = 100
            while not done.is_set():
                project.annotate(number, "sports")
                number += 1
                begun.set()

        people = threading.Thread(target=label)
        people.start()
        begun.wait()
        result = backup(folder / "data", file)
        done.set()
        people.join()
    assert result.returncode == 0, result.stderr
    return file, project, 7


@pytest.mark.slow
def test_a_backup_made_while_people_label_is_served_elsewhere(
    written: tuple[Path, Project, int], tmp_path: Path
) -> None:
    file, project, acknowledged = written
    restored = run("restore", str(file), "--model-dir", str(tmp_path / "data"))
    assert restored.returncode == 0, restored.stderr
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        project.backend = backend
        assert project.setup() == "v1-6labels"
        assert project.labels_of("the match and the goal") != [None]
        version = str(project.train()["model_version"])
        assert int(version.partition("-")[2].removesuffix("labels")) >= acknowledged


def test_a_backup_is_not_mixed_with_other_labels(
    written: tuple[Path, Project, int], tmp_path: Path
) -> None:
    (tmp_path / ".kept").write_text("")
    refused = run("restore", str(written[0]), "--model-dir", str(tmp_path))
    assert refused.returncode == 2
    assert "is not empty (.kept)" in refused.stderr


def test_a_backup_is_restored_into_a_volume_which_cannot_be_replaced(
    written: tuple[Path, Project, int], tmp_path: Path
) -> None:
    (tmp_path / "lost+found").mkdir()  # as ext4 makes in each
    before = tmp_path.stat().st_ino
    restored = run("restore", str(written[0]), "--model-dir", str(tmp_path))
    assert restored.returncode == 0, restored.stderr
    assert tmp_path.stat().st_ino == before
    there = {path.name for path in tmp_path.iterdir()}
    assert there == {"artifacts", "lost+found", "prelabel.sqlite3"}


def make_archive(name: str, **fields: object) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        member = tarfile.TarInfo(name)
        for field, value in fields.items():
            setattr(member, field, value)
        archive.addfile(member)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04 something else", id="no archive"),
        pytest.param(make_archive("../escaped"), id="outside"),
        pytest.param(make_archive("/tmp/escaped"), id="absolute"),
        pytest.param(
            make_archive("prelabel.sqlite3", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
            id="link",
        ),
        pytest.param(make_archive("dev", type=tarfile.CHRTYPE), id="device"),
        pytest.param(make_archive("other"), id="no database"),
    ],
)
def test_what_is_no_backup_is_refused_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "backup.tar"
    file.write_bytes(content)
    refused = run("restore", str(file), "--model-dir", str(tmp_path / "data"))
    assert refused.returncode == 2, refused.stdout
    assert "cannot be restored" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["backup.tar"]


def test_a_backup_whose_files_lead_through_a_link_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        link = tarfile.TarInfo("models/a")
        link.type, link.linkname = tarfile.SYMTYPE, "b"
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("models/a/escaped"))
    with pytest.raises(ConfigError, match="through a link"):
        restore_bytes(content.getvalue(), tmp_path)


def restore_bytes(content: bytes, folder: Path) -> None:
    (folder / "backup.tar").write_bytes(content)
    read_backup(folder / "backup.tar", folder / "data" / "prelabel.sqlite3")


def spoil(content: bytes, folder: Path, statement: str) -> bytes:
    """Return a backup in whose database a statement was run."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")
    with closing(sqlite3.connect(folder / "prelabel.sqlite3")) as connection, connection:
        connection.execute(statement)
    again = io.BytesIO()
    with tarfile.open(fileobj=again, mode="w") as archive:
        archive.add(folder, "")
    return again.getvalue()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE versions SET artifact = '../../somewhere'",
        "UPDATE versions SET artifact = '/etc'",
        "UPDATE versions SET project = 'x'",
        "UPDATE versions SET heads = '[{]'",
        "UPDATE versions SET heads = '5'",
        "UPDATE versions SET created_at = 'yesterday'",
        "DROP TABLE versions",
    ],
)
def test_a_backup_whose_rows_were_tampered_with_is_refused(
    written: tuple[Path, Project, int], tmp_path: Path, statement: str
) -> None:
    """What a version names is deleted when it is old: it must lie in the folder."""
    content = spoil(written[0].read_bytes(), tmp_path / "spoilt", statement)
    with pytest.raises(ConfigError, match="cannot be restored"):
        restore_bytes(content, tmp_path)
    assert not (tmp_path / "data").exists()


def test_a_backup_with_a_damaged_page_is_refused(
    written: tuple[Path, Project, int], tmp_path: Path
) -> None:
    content = bytearray(written[0].read_bytes())
    content[512 + 4096 * 3 : 512 + 4096 * 6] = b"\xff" * 4096 * 3
    with pytest.raises(ConfigError, match="cannot be restored"):
        restore_bytes(bytes(content), tmp_path)


def test_a_backup_that_is_cut_short_is_refused(
    written: tuple[Path, Project, int], tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar"
    file.write_bytes(written[0].read_bytes()[:20_000])
    refused = run("restore", str(file), "--model-dir", str(tmp_path / "data"))
    assert refused.returncode == 2
    assert not (tmp_path / "data").exists()


def test_a_folder_without_labels_cannot_be_backed_up(tmp_path: Path) -> None:
    refused = backup(tmp_path, tmp_path / "backup.tar")
    assert (refused.returncode, "holds no labels" in refused.stderr) == (2, True)


def test_no_backup_takes_the_place_of_a_device_or_a_link(
    written: tuple[Path, Project, int], tmp_path: Path
) -> None:
    source = written[0].parent / "data"
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    assert "it is no file" in backup(source, pipe).stderr
    link.symlink_to(tmp_path / "b.tar")
    assert backup(source, link).returncode == 0
    assert link.is_symlink()
    assert (tmp_path / "b.tar").stat().st_size > 0
