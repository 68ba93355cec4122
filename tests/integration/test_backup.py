"""Nothing is lost with a machine: a backup is made while people label, and served elsewhere."""

from __future__ import annotations

import io
import subprocess
import tarfile
import threading
from pathlib import Path

import pytest

from tests.backend import NEVER_BY_ITSELF, Backend, Project
from tests.integration.test_cli import run


def backup(folder: Path, file: Path) -> subprocess.CompletedProcess[str]:
    return run("backup", str(file), "--model-dir", str(folder))


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
    (tmp_path / "kept").write_text("")
    refused = run("restore", str(written[0]), "--model-dir", str(tmp_path))
    assert refused.returncode == 2
    assert "is not empty" in refused.stderr


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
