"""Several processes behind one port."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.backend import Backend, Project, wait_for
from tests.processes import is_gone, spawned_by

pytestmark = pytest.mark.slow

WORKERS = 2


def workers_of(backend: Backend) -> list[int]:
    """Return the processes that answer requests."""
    return spawned_by(backend.pid)


@contextmanager
def several(folder: Path) -> Iterator[Backend]:
    with Backend(folder, {"WORKERS": str(WORKERS)}) as backend:
        wait_for(lambda: len(workers_of(backend)) == WORKERS)
        yield backend


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """One for all tests: each leaves it with as many workers as it had."""
    with several(tmp_path_factory.mktemp("workers")) as backend:
        yield backend


def ask_often(backend: Backend, path: str = "/health") -> set[int]:
    """Ask on new connections, which any worker may take."""
    return {httpx.get(f"{backend.url}{path}").status_code for _ in range(30)}


def test_all_workers_see_a_new_version_within_a_second(backend: Backend) -> None:
    project = Project(backend)
    project.annotate_many(4)
    version = str(project.train()["model_version"])
    body = {"project": project.key, "schema": project.label_config}
    answers = {
        httpx.post(f"{backend.url}/setup", json=body).json()["model_version"] for _ in range(40)
    }
    assert answers == {version}


def test_what_workers_count_lies_in_memory_so_that_no_full_disk_kills_them(
    backend: Backend,
) -> None:
    environment = Path(f"/proc/{workers_of(backend)[0]}/environ").read_bytes().split(b"\0")
    assert any(line.startswith(b"PROMETHEUS_MULTIPROC_DIR=/dev/shm/") for line in environment)


def test_workers_share_one_trainer(backend: Backend) -> None:
    projects = [Project(backend) for _ in range(3)]
    for project in projects:
        project.annotate_many(4)
        project.event("START_TRAINING")
    for project in projects:
        assert project.train()["model_version"] == "v1-4labels"
    trainers = [trainer for worker in workers_of(backend) for trainer in spawned_by(worker)]
    assert len(trainers) == 1


def test_figures_are_of_all_workers_together(backend: Backend) -> None:
    asked = 'prelabel_requests_total{route="/livez",status="200"}'
    before = backend.figures().get(asked, 0)
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait()
        for _ in range(10):
            httpx.get(f"{backend.url}/livez")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert backend.figures()[asked] - before == 80


def test_a_killed_worker_is_replaced_and_the_others_answer(backend: Backend) -> None:
    project = Project(backend)
    project.annotate_many(4)
    first = workers_of(backend)
    os.kill(first[0], signal.SIGKILL)
    wait_for(lambda: len(workers_of(backend)) == WORKERS and workers_of(backend) != first)
    assert ask_often(backend) == {200}
    assert project.train()["model_version"] == "v1-4labels"


def test_a_worker_that_hangs_is_replaced_and_the_others_answer_meanwhile(
    backend: Backend,
) -> None:
    first = workers_of(backend)
    os.kill(first[0], signal.SIGSTOP)
    assert ask_often(backend) == {200}
    wait_for(lambda: is_gone(first[0]) and len(workers_of(backend)) == WORKERS)
    assert ask_often(backend) == {200}


def test_when_the_supervisor_is_killed_its_workers_go_and_the_port_is_free(
    backend: Backend,
) -> None:
    workers = workers_of(backend)
    backend.kill()
    wait_for(lambda: all(map(is_gone, workers)))
    backend.start()
    assert ask_often(backend) == {200}


def test_sigterm_ends_all_with_success(tmp_path: Path) -> None:
    with several(tmp_path) as backend:
        workers = workers_of(backend)
        assert backend.stop() == 0
        assert all(map(is_gone, workers))
        assert "Traceback" not in backend.log.read_text()
