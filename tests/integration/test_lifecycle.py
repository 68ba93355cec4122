"""Processes that end in the middle of something, politely or not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.backend import (
    NEVER_BY_ITSELF,
    PATIENCE_SECONDS,
    TEXTS,
    Backend,
    Project,
    label_of,
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
from tests.processes import is_gone

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


def test_sigterm_answers_what_is_under_way_and_exits_with_success(tmp_path: Path) -> None:
    with Backend(tmp_path) as backend:
        project = Project(backend)
        project.annotate_many(4)
        project.train()
        trainer = wait_for(backend.trainer_pid)
        assert backend.stop() == 0
        assert "Traceback" not in backend.log.read_text()
        wait_for(lambda: is_gone(trainer))
        backend.start()
        assert project.setup() == "v1-4labels"
        assert label_of(project.predict(make_text("sports", 1))[0]) == "sports"


def test_sigterm_hands_a_training_back_that_another_server_takes_up_at_once(tmp_path: Path) -> None:
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        project = Project(backend)
        _, job = stop_in_a_training(project)
        assert backend.lease_owners() != {None}
        assert backend.stop() == 0
        assert backend.lease_owners() == {None}
        project.backend = Backend(tmp_path, NEVER_BY_ITSELF)
        with project.backend:
            assert project.wait_for_version("v1-4labels") == "v2-5labels"
            wait_for(lambda: job_state(project, job) == "done")


def test_sigterm_lets_what_is_under_way_be_answered_and_nobody_else_in(tmp_path: Path) -> None:
    with Backend(tmp_path) as backend, ThreadPoolExecutor(2) as clients:
        project = Project(backend)
        project.annotate_many(4)
        project.train()
        texts = [f"{' '.join(TEXTS['sports'])} {number}" for number in range(20_000)]
        batches = [clients.submit(project.labels_of, *texts) for _ in range(2)]
        wait_for(lambda: in_progress(backend) == 2)
        assert backend.process
        backend.process.send_signal(signal.SIGTERM)
        wait_for(lambda: not is_listening(backend))
        assert not any(batch.done() for batch in batches), "they are under way"
        assert {label for batch in batches for label in batch.result()} == {"sports"}
        assert backend.process.wait(30) == 0


def in_progress(backend: Backend) -> float:
    figures = httpx.get(f"{backend.url}/metrics").text.splitlines()
    (line,) = (line for line in figures if line.startswith("prelabel_requests_in_progress "))
    return float(line.split()[1])


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


def test_an_artifact_that_was_damaged_leaves_the_version_before_in_service(tmp_path: Path) -> None:
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        project = Project(backend)
        project.annotate_many(4)
        project.train()
        first = {file.parent for file in (tmp_path / "data").rglob("*.safetensors")}
        project.annotate(5, "sports")
        project.train()
        (second,) = {f.parent for f in (tmp_path / "data").rglob("*.safetensors")} - first
        backend.kill()
        file = next(second.glob("*.safetensors"))
        file.write_bytes(file.read_bytes()[:-40])
        backend.start()
        assert project.setup() == "v1-4labels"
        assert label_of(project.predict(make_text("sports", 1))[0]) == "sports"
        assert "v2-5labels" in backend.log.read_text()
