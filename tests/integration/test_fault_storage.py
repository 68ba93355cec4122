"""A full disk, a database that is locked or damaged, artifacts that are not whole.

Whatever is loaded goes on answering; whatever cannot be kept is refused, not acknowledged.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from prelabel.models.manifest import FORMAT
from tests.backend import (
    NEVER_BY_ITSELF,
    TEXTS,
    Backend,
    Project,
    make_text,
    wait_for,
    write_config,
)
from tests.processes import spawned_by

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A server that each test leaves as it was."""
    with Backend(tmp_path_factory.mktemp("storage"), NEVER_BY_ITSELF) as backend:
        yield backend


@pytest.fixture
def project(backend: Backend) -> Project:
    return trained_project(backend)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Project]:
    """A project on a server of its own."""
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        yield trained_project(backend)


def trained_project(backend: Backend) -> Project:
    """Return a project with a version of four labels, loaded."""
    project = Project(backend)
    project.annotate_many(4)
    project.train()
    assert project.labels_of(make_text("sports", 1)) == ["sports"]
    return project


def send_label(project: Project, id_: int) -> httpx.Response:
    return project.backend.client.post("/webhook", json=project.created_body(id_, "sports"))


def refuses_to_keep(project: Project, id_: int) -> None:
    response = send_label(project, id_)
    assert response.status_code == 503
    assert "Retry-After" in response.headers
    assert "cannot be used" in response.json()["error"]


def answers_as_before(project: Project) -> None:
    """Both ways: small bodies are answered on the event loop, large ones on a thread."""
    text = make_text("sports", 1)
    assert project.labels_of(text) == ["sports"]
    assert project.labels_of(text + " " * 20_000) == ["sports"]
    assert project.setup() == "v1-4labels"
    assert project.backend.is_up()


def database_of(project: Project) -> Path:
    return project.backend.folder / "data" / "prelabel.sqlite3"


def test_on_a_full_disk_no_label_is_acknowledged_and_suggestions_go_on(project: Project) -> None:
    """No file may grow: to a process, that is a full disk."""
    limit = resource.prlimit(project.backend.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(project.backend.pid, resource.RLIMIT_FSIZE, (0, limit[1]))
    refuses_to_keep(project, 5)
    answers_as_before(project)
    project.label_config = write_config([*TEXTS, "travel"])
    answers_as_before(project)  # the edit is told again with the next label
    resource.prlimit(project.backend.pid, resource.RLIMIT_FSIZE, limit)
    assert send_label(project, 5).json()["label_changes"] == 1
    assert project.train()["model_version"] == "v2-5labels"


def test_a_full_disk_fails_a_training_which_is_done_once_there_is_space(project: Project) -> None:
    trainer = wait_for(project.backend.trainer_pid)
    project.annotate(5, "sports")
    limit = resource.prlimit(trainer, resource.RLIMIT_FSIZE)
    artifacts = artifacts_of(project)
    resource.prlimit(trainer, resource.RLIMIT_FSIZE, (100_000, limit[1]))  # artifacts still fit
    failed = project.train()
    assert failed["state"] == "failed"
    assert "memory or disk" in failed["message"]
    answers_as_before(project)
    assert artifacts_of(project) == artifacts, "what no version names would fill the disk"
    resource.prlimit(trainer, resource.RLIMIT_FSIZE, limit)
    assert project.train()["model_version"] == "v2-5labels"


def test_while_another_locks_the_database_suggestions_go_on_and_labels_wait(
    project: Project,
) -> None:
    other = sqlite3.connect(database_of(project), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    answers_as_before(project)
    refuses_to_keep(project, 5)
    other.execute("ROLLBACK")
    other.close()
    assert send_label(project, 5).json()["label_changes"] == 1


def test_labels_that_wait_for_a_locked_database_keep_no_suggestions_waiting(
    project: Project,
) -> None:
    with (
        project.backend.locked_database() as unlock,
        ThreadPoolExecutor(20) as labelers,  # more than the server has threads
    ):
        waiting = [labelers.submit(send_label, project, id_) for id_ in range(20, 40)]
        wait_for(lambda: project.backend.n_requests() >= len(waiting))
        answers_as_before(project)
        assert not [answer for answer in waiting if answer.done()]
        unlock()
        assert {answer.result().json()["label_changes"] for answer in waiting} == {1}


def test_no_more_labels_wait_for_a_locked_database_than_can_be_held(own: Project) -> None:
    project, bodies = own, [own.created_body(id_, "sports") for id_ in range(20, 180)]
    limits = httpx.Limits(max_connections=None)
    with (
        project.backend.locked_database() as unlock,
        httpx.Client(base_url=project.backend.url, timeout=60, limits=limits) as client,
        ThreadPoolExecutor(len(bodies)) as labelers,
    ):
        sent = [labelers.submit(client.post, "/webhook", json=body) for body in bodies]
        wait_for(lambda: sum(answer.done() for answer in sent) >= len(bodies) - 104)
        answers_as_before(project)
        unlock()
        statuses = [answer.result().status_code for answer in sent]
    assert statuses.count(503) == len(bodies) - 104, "four are written, a hundred wait"
    assert project.train()["model_version"] == f"v2-{4 + statuses.count(200)}labels"


def test_while_another_locks_the_database_a_setup_with_news_is_answered_in_time(
    project: Project,
) -> None:
    project.label_config = write_config([*TEXTS, "travel"])
    body = {"project": project.key, "schema": project.label_config}
    with project.backend.locked_database():
        answer = httpx.post(f"{project.backend.url}/setup", json=body, timeout=3)  # as Label Studio
        assert answer.json() == {"model_version": "v1-4labels"}
    assert project.setup() == "v1-4labels"
    assert send_label(project, 5).json()["label_changes"] == 1


def spoil_database(project: Project) -> bytes:
    """Overwrite the database while it is served; return what it was."""
    path = database_of(project)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    before = path.read_bytes()
    path.write_bytes(b"\xff" * len(before))
    return before


def test_a_database_that_is_damaged_while_serving_takes_no_label_and_suggestions_go_on(
    own: Project,
) -> None:
    project = own
    whole = spoil_database(project)
    refuses_to_keep(project, 5)
    answers_as_before(project)
    assert project.backend.client.get("/readyz").status_code == 503
    database_of(project).write_bytes(whole)
    project.backend.stop()
    project.backend.start()
    assert project.setup() == "v1-4labels"


def test_no_label_is_taken_for_a_data_folder_that_was_moved_away(own: Project) -> None:
    project, folder = own, own.backend.folder / "data"
    folder.rename(folder.with_name("elsewhere"))
    refuses_to_keep(project, 5)
    answers_as_before(project)
    assert project.backend.client.get("/readyz").status_code == 503
    folder.with_name("elsewhere").rename(folder)
    assert send_label(project, 5).json()["label_changes"] == 1
    assert project.train()["model_version"] == "v2-5labels"


def test_a_worker_that_ends_beside_a_damaged_database_is_tried_again_in_one_line(
    tmp_path: Path,
) -> None:
    with Backend(tmp_path, {**NEVER_BY_ITSELF, "WORKERS": "2"}) as backend:
        project = trained_project(backend)
        wait_for(lambda: len(spawned_by(backend.pid)) == 2)
        spoil_database(project)
        os.kill(spawned_by(backend.pid)[0], signal.SIGKILL)
        wait_for(lambda: "A worker cannot begin" in backend.log.read_text())
        assert backend.is_up(), "the other one answers"
        assert backend.stop() == 0
        assert "Traceback" not in backend.log.read_text()


# Artifacts


def artifacts_of(project: Project) -> set[Path]:
    return {file.parent for file in (project.backend.folder / "data").rglob("*.safetensors")}


def newest_artifact(project: Project) -> Path:
    """Train another version and return its folder."""
    before = artifacts_of(project)
    project.annotate(5, "sports")
    assert project.train()["model_version"] == "v2-5labels"
    (newest,) = artifacts_of(project) - before
    return newest


def newer_format(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(f'{{"format": {FORMAT + 1}}}')


def half_written(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    arrays = folder / "arrays.safetensors"
    arrays.write_bytes(arrays.read_bytes()[:1000])


def altered(folder: Path) -> None:
    arrays = folder / "arrays.safetensors"
    content = bytearray(arrays.read_bytes())
    content[-1] ^= 1
    arrays.write_bytes(content)


def test_where_the_newest_artifact_cannot_be_read_the_version_before_is_served(
    tmp_path: Path,
) -> None:
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        spoils: list[Callable[[Path], None]] = [newer_format, half_written, altered, shutil.rmtree]
        projects = [trained_project(backend) for _ in spoils]
        newest = [newest_artifact(project) for project in projects]
        backend.stop()
        for spoil, folder in zip(spoils, newest, strict=True):
            spoil(folder)
        backend.start()
        for project in projects:
            assert project.setup() == "v1-4labels"
            assert project.labels_of(make_text("sports", 1)) == ["sports"]
        damaged = {item["project"] for item in backend.client.get("/readyz").json()["damaged"]}
        log = backend.log.read_text()
        assert f"was written in format {FORMAT + 1}" in log
        assert "it was altered or cut short" in log
        assert "cannot be read" in log
        assert "Traceback" not in log
        # Only who reads it all finds out what was altered.
        assert damaged == {projects[n].key for n in (0, 1, 3)}
        for project in projects:
            assert project.train()["model_version"] == "v3-5labels"
            assert project.setup() == "v3-5labels"


def test_what_a_killed_training_left_half_written_is_in_nobodys_way(own: Project) -> None:
    project = own
    (artifact,) = artifacts_of(project)
    left = artifact.with_name(f".{artifact.name}.0123.tmp")
    shutil.copytree(artifact, left)
    (left / "manifest.json").unlink()
    project.backend.kill()
    project.backend.start()
    assert project.setup() == "v1-4labels"
    newest_artifact(project)
