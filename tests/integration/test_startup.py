"""A server that starts where something is broken serves what it can, and says what it cannot."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.backend import NEVER_BY_ITSELF, PATIENCE_SECONDS, Backend, Project, make_text
from tests.commands import run


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


@pytest.mark.slow
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


def test_a_server_does_not_start_on_a_damaged_database_and_leaves_it_alone(tmp_path: Path) -> None:
    damaged = tmp_path / "prelabel.sqlite3"
    damaged.write_bytes(b"\xff" * 100_000)
    refused = run("start", "--port=0", f"--model-dir={tmp_path}")
    assert refused.returncode == 2
    assert "cannot be used" in refused.stderr
    assert "prelabel restore" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert damaged.read_bytes() == b"\xff" * 100_000


def test_an_address_of_ipv6_is_served_and_written_as_browsers_read_it(tmp_path: Path) -> None:
    backend = Backend(tmp_path, arguments=["--host", "::1"])
    backend.url = f"http://[::1]:{backend.port}"
    backend.client = httpx.Client(base_url=backend.url, timeout=PATIENCE_SECONDS)
    with backend:
        assert f"is served on {backend.url}" in backend.log.read_text()
