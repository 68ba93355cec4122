"""Processes that are stopped, killed, starved or frozen; those of several workers have a file."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from tests.backend import (
    NEVER_BY_ITSELF,
    PATIENCE_SECONDS,
    TEXTS,
    Backend,
    Project,
    make_text,
    wait_for,
    without_settings,
)
from tests.integration.interruptions import (
    N_SENDERS,
    is_listening,
    job_state,
    kill_in_a_burst,
    stop_in_a_training,
)
from tests.processes import family, is_gone

pytestmark = pytest.mark.slow


def test_a_server_that_says_it_serves_ends_at_a_sigterm_that_comes_at_once(tmp_path: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "prelabel", "start", "--port=0", f"--model-dir={tmp_path}"],
        env=without_settings(os.environ), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stderr is not None
    try:
        assert any("is served on" in line for line in server.stderr)
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE_SECONDS) == 0
    finally:
        server.kill()
        server.communicate()


def test_sigterm_within_a_training_hands_it_to_the_next_start(tmp_path: Path) -> None:
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        project = Project(backend)
        trainer, job = stop_in_a_training(project)
        assert backend.lease_owners() != {None}
        assert backend.stop() == 0
        assert "Traceback" not in backend.log.read_text()
        wait_for(lambda: is_gone(trainer))
        assert backend.lease_owners() == {None}
        backend.start()
        assert project.setup() == "v1-4labels"
        assert project.wait_for_version("v1-4labels") == "v2-5labels"
        wait_for(lambda: job_state(project, job) == "done")


def test_sigterm_within_a_request_lets_it_end_and_lets_nobody_else_in(tmp_path: Path) -> None:
    with Backend(tmp_path) as backend, ThreadPoolExecutor(1) as clients:
        project = Project(backend)
        body = msgspec.json.encode(project.created_body(1, "sports"))
        head = f"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        with (
            backend.locked_database() as unlock,
            socket.create_connection(("127.0.0.1", backend.port), timeout=30) as half_sent,
        ):
            half_sent.sendall(head.encode() + body[:10])
            half_done = clients.submit(httpx.post, f"{backend.url}/webhook", content=body)
            wait_for(lambda: backend.n_requests() == 1)  # by now the other one has been read
            backend.client.close()
            os.kill(backend.pid, signal.SIGTERM)
            wait_for(lambda: not is_listening(backend))
            unlock()
            half_sent.sendall(body[10:])
            answers = {half_done.result().json()["label_changes"]}
            answers.add(int(half_sent.recv(100_000).partition(b'"label_changes":')[2][:1]))
            assert answers == {0, 1}, "both told of the same label"
        assert backend.process is not None
        assert backend.process.wait(30) == 0


def test_a_killed_trainer_loses_nothing_and_is_picked_up_again(tmp_path: Path) -> None:
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        project = Project(backend)
        trainer, job = stop_in_a_training(project)
        os.kill(trainer, signal.SIGKILL)
        assert project.wait_for_version("v1-4labels") == "v2-5labels"
        # A version is active a moment before its job is done.
        wait_for(lambda: job_state(project, job) == "done")


def test_a_server_killed_while_it_trains_picks_the_training_up_again(tmp_path: Path) -> None:
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        project = Project(backend)
        trainer, _ = stop_in_a_training(project)
        backend.kill()
        os.kill(trainer, signal.SIGKILL)  # stopped, it cannot see that its parent is gone
        backend.start()
        assert project.setup() == "v1-4labels"
        assert project.wait_for_version("v1-4labels") == "v2-5labels"


def test_a_trainer_does_not_outlive_a_killed_server(tmp_path: Path) -> None:
    with Backend(tmp_path) as backend:
        project = Project(backend)
        project.annotate_many(4)
        project.train()
        trainer = wait_for(backend.trainer_pid)
        backend.kill()
        wait_for(lambda: is_gone(trainer))


def test_while_the_training_process_hangs_everything_else_goes_on(tmp_path: Path) -> None:
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        project = Project(backend)
        project.annotate_many(4)
        project.train()
        with backend.frozen_trainer():
            project.annotate(5, "sports")
            job = str(project.event("START_TRAINING")["job"])
            wait_for(lambda: job_state(project, job) == "running")
            assert project.annotate(6, "cooking")["label_changes"] == 1
            assert project.labels_of(make_text("sports", 1)) == ["sports"]
        wait_for(lambda: job_state(project, job) == "done")
        assert project.train()["model_version"].endswith("-6labels")


def memory_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def test_a_training_that_runs_out_of_memory_fails_and_is_done_when_there_is_some(
    tmp_path: Path,
) -> None:
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        project = Project(backend)
        project.annotate_many(4)
        project.train()
        trainer = wait_for(backend.trainer_pid)
        limit = resource.prlimit(trainer, resource.RLIMIT_AS)
        resource.prlimit(trainer, resource.RLIMIT_AS, (memory_bytes(trainer), limit[1]))
        text = " ".join(f"word{number}" for number in range(200_000))
        for id_ in range(5, 15):
            project.annotate(id_, "sports", f"{text} {id_}")
        failed = project.train()
        assert failed["state"] == "failed"
        assert "emory" in failed["message"]
        assert project.setup() == "v1-4labels"
        assert project.labels_of(make_text("sports", 1)) == ["sports"]
        if wait_for(backend.trainer_pid) == trainer:
            resource.prlimit(trainer, resource.RLIMIT_AS, limit)
        assert project.train()["model_version"] == "v2-14labels"


# Two servers on one store


def trained_with(backend: Backend, project: Project) -> str:
    """Train at one of several servers; return the version."""
    project.backend = backend
    return str(project.train()["model_version"])


def test_two_servers_on_one_store_agree_and_share_the_work(tmp_path: Path) -> None:
    with Backend(tmp_path, NEVER_BY_ITSELF) as one, Backend(tmp_path, NEVER_BY_ITSELF) as other:
        project = Project(one)
        for id_ in range(1, 9):
            project.backend = (one, other)[id_ % 2]
            assert project.annotate(id_, list(TEXTS)[id_ % 3])["label_changes"] == 1
        assert trained_with(one, project) == "v1-8labels"
        project.backend = other
        assert project.setup() == "v1-8labels"
        assert project.labels_of(make_text("sports", 1)) == ["sports"]
        project.annotate(9, "sports")
        assert trained_with(other, project) == "v2-9labels"
        project.backend = one
        assert project.setup() == "v2-9labels"


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_what_a_server_frozen_in_a_training_held_is_done_by_the_other_and_once(
    tmp_path: Path,
) -> None:
    with Backend(tmp_path, NEVER_BY_ITSELF) as one, Backend(tmp_path, NEVER_BY_ITSELF) as other:
        project = Project(one)
        trainer, _ = stop_in_a_training(project)
        with frozen(one.pid, trainer):
            project.backend = other
            assert project.wait_for_version("v1-4labels") == "v2-5labels"
        project.backend = one  # awake again, what it was at is no longer its own
        wait_for(lambda: "was taken over" in one.log.read_text() or "lost" in one.log.read_text())
        versions = [version["name"] for version in project.details()]
        assert versions == ["v2-5labels", "v1-4labels"]


def test_a_kill_in_a_burst_of_webhooks_loses_no_acknowledged_label(tmp_path: Path) -> None:
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        project = Project(backend)
        acknowledged = kill_in_a_burst(project, backend.kill)
        backend.start()
        version = str(project.train()["model_version"])
        kept = int(version.removeprefix("v1-").removesuffix("labels"))
        assert len(acknowledged) <= kept <= len(acknowledged) + N_SENDERS, "stored, unanswered"
        for body in acknowledged.values():  # news of what is known already changes nothing
            assert project.post("/webhook", body)["label_changes"] == 0


def test_when_all_processes_are_killed_at_once_no_acknowledged_label_is_lost(
    tmp_path: Path,
) -> None:
    with Backend(tmp_path, {**NEVER_BY_ITSELF, "WORKERS": "2"}) as backend:
        project = Project(backend)

        def kill_all() -> None:
            for pid in family(backend.pid):
                os.kill(pid, signal.SIGKILL)
            backend.kill()

        acknowledged = kill_in_a_burst(project, kill_all)
        backend.start()
        for body in acknowledged.values():
            assert project.post("/webhook", body)["label_changes"] == 0


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "held open"])
def test_a_server_whose_log_nobody_reads_any_more_goes_on(tmp_path: Path, is_closed: bool) -> None:
    backend = Backend(tmp_path)
    environment = {**without_settings(os.environ), "LOG_LEVEL": "DEBUG"}
    backend.process = subprocess.Popen(
        [sys.executable, "-m", "prelabel", "start", f"--port={backend.port}"],
        env={**environment, "MODEL_DIR": str(tmp_path / "data")},
        stderr=subprocess.PIPE,
    )
    try:
        wait_for(lambda: is_listening(backend))
        assert backend.process.stderr is not None
        if is_closed:
            backend.process.stderr.close()
        else:
            fcntl.fcntl(backend.process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        project = Project(backend)
        assert project.annotate(1, "sports")["label_changes"] == 1
        for _ in range(20):  # more lines than a pipe of 4 kB holds
            assert backend.client.post("/setup", content=b"{").status_code == 422
        assert backend.stop() == 0
    finally:
        if backend.process.stderr is not None:
            backend.process.stderr.close()
        backend.__exit__()
