"""A server that starts where something is broken serves what it can, and says what it cannot."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from prelabel.models.manifest import FORMAT
from tests.backend import NEVER_BY_ITSELF, PATIENCE_SECONDS, Backend, Project, make_text
from tests.integration.test_cli import run


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Project]:
    """A data folder with the versions v1-4labels and v2-5labels, whose server was stopped."""
    folder = tmp_path_factory.mktemp("learned")
    with Backend(folder, NEVER_BY_ITSELF) as backend:
        project = Project(backend)
        for count in (4, 5):
            project.annotate_many(count)
            project.train()
    return folder, project


@pytest.fixture
def folder(learned: tuple[Path, Project], tmp_path: Path) -> Path:
    shutil.copytree(learned[0] / "data", tmp_path / "data")
    return tmp_path


@pytest.fixture
def project(learned: tuple[Path, Project]) -> Project:
    return learned[1]


def answers(project: Project, backend: Backend, version: str = "v2-5labels") -> None:
    project.backend = backend
    assert project.setup() == version
    (answer,) = project.predict(make_text("sports", 1))
    assert answer["model_version"] == version
    assert backend.client.get("/readyz").status_code == 200


def keeps_no_label(project: Project) -> None:
    response = project.backend.client.post("/webhook", json=project.created_body(9, "sports"))
    assert response.status_code == 503
    assert "cannot be used" in response.json()["error"]
    assert "Labels cannot be kept" in project.backend.log.read_text()


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write into a folder; to root, only a mount forbids that."""
    if os.geteuid():
        folder.chmod(0o500)
        yield
        folder.chmod(0o700)
        return
    if subprocess.run(["mount", "--bind", folder, folder], check=False).returncode:
        pytest.skip("root may not mount here")
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_in_a_read_only_folder_suggestions_are_made_and_labels_refused(
    folder: Path, project: Project
) -> None:
    with read_only(folder / "data"), Backend(folder, NEVER_BY_ITSELF) as backend:
        answers(project, backend)
        keeps_no_label(project)
        assert backend.stop() == 0


def test_on_a_full_disk_suggestions_are_made_and_labels_kept_once_there_is_space(
    folder: Path, project: Project
) -> None:
    with Backend(folder, NEVER_BY_ITSELF, file_bytes=30_000) as backend:  # enough for the log
        answers(project, backend)
        keeps_no_label(project)
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(backend.pid, resource.RLIMIT_FSIZE, unlimited)
        assert project.annotate(9, "sports")["label_changes"] == 1
        assert project.train()["model_version"] == "v3-6labels"
        answers(project, backend, "v3-6labels")


def test_while_another_locks_the_database_suggestions_are_made_and_labels_kept_later(
    folder: Path, project: Project
) -> None:
    other = sqlite3.connect(folder / "data" / "prelabel.sqlite3", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with Backend(folder, NEVER_BY_ITSELF) as backend:
        answers(project, backend)
        assert "Labels cannot be kept" in backend.log.read_text()
        assert "Another process keeps it locked" in backend.log.read_text()
        other.execute("ROLLBACK")
        other.close()
        assert project.annotate(9, "sports")["label_changes"] == 1


def spoil_manifest(newest: Path) -> None:
    (newest / "manifest.json").write_text("{")


def write_newer_format(newest: Path) -> None:
    manifest = json.loads((newest / "manifest.json").read_bytes())
    (newest / "manifest.json").write_text(json.dumps({**manifest, "format": FORMAT + 1}))


def cut_arrays(newest: Path) -> None:
    file = newest / "arrays.safetensors"
    file.write_bytes(file.read_bytes()[:-40])


def leave_half(newest: Path) -> None:
    newest.rename(newest.with_name(f".{newest.name}.0.tmp"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_manifest, "cannot be read"),
        (write_newer_format, f"was written in format {FORMAT + 1}"),
        (cut_arrays, "it was altered or cut short"),
        (leave_half, "cannot be read"),
    ],
)
def test_where_the_newest_artifact_is_of_no_use_the_version_before_is_served(
    folder: Path, project: Project, spoil: Callable[[Path], None], said: str
) -> None:
    manifests = (folder / "data" / "artifacts").rglob("manifest.json")
    spoil(max(manifests, key=lambda file: file.stat().st_mtime_ns).parent)
    with Backend(folder, NEVER_BY_ITSELF) as backend:
        answers(project, backend, "v1-4labels")
        log = backend.log.read_text()
        assert "Version v2-5labels of" in log
        assert said in log
        assert "Traceback" not in log


def test_a_database_that_is_none_stops_the_start_with_what_to_do_and_stays_as_it_is(
    folder: Path,
) -> None:
    file = folder / "data" / "prelabel.sqlite3"
    file.write_bytes(b"no database" * 1000)
    refused = run("start", "--port", "0", "--model-dir", str(folder / "data"))
    assert refused.returncode == 2
    assert "prelabel restore" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert file.read_bytes() == b"no database" * 1000


def test_an_address_of_ipv6_is_served_and_written_as_browsers_read_it(tmp_path: Path) -> None:
    backend = Backend(tmp_path, arguments=["--host", "::1"])
    backend.url = f"http://[::1]:{backend.port}"
    backend.client = httpx.Client(base_url=backend.url, timeout=PATIENCE_SECONDS)
    with backend:
        assert f"is served on {backend.url}" in backend.log.read_text()
