"""What is interrupted in the middle: a training, a burst of webhooks."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.backend import TEXTS, Backend, Project, wait_for

N_SENDERS = 8


def job_state(project: Project, job: str) -> str:
    return str(project.post("/job_status", {"job": job})["state"])


def stop_in_a_training(project: Project) -> tuple[int, str]:
    """Train v1-4labels, stop the process in the middle of the next; return its id and the job."""
    project.annotate_many(4)
    project.train()
    trainer = wait_for(project.backend.trainer_pid)
    project.backend.wait_until_idle()  # else it may be stopped before it has told of the first
    os.kill(trainer, signal.SIGSTOP)
    project.annotate(5, "sports")
    job = str(project.event("START_TRAINING")["job"])
    wait_for(lambda: job_state(project, job) == "running")
    return trainer, job


def is_listening(backend: Backend) -> bool:
    with socket.socket() as stranger:
        return stranger.connect_ex(("127.0.0.1", backend.port)) == 0


def kill_in_a_burst(project: Project, kill: Callable[[], None]) -> Mapping[int, Any]:
    """Kill a server to which eight clients post; return the bodies it acknowledged, by number."""
    bodies = {id_: project.created_body(id_, list(TEXTS)[id_ % 3]) for id_ in range(1, 4001)}
    acknowledged: set[int] = set()
    with ThreadPoolExecutor(N_SENDERS) as senders:
        sent = [
            senders.submit(_send_until_killed, project.backend, bodies, first, acknowledged)
            for first in range(1, N_SENDERS + 1)
        ]
        wait_for(lambda: len(acknowledged) > 100)
        kill()
        for future in sent:
            future.result()
    assert len(acknowledged) < len(bodies), "the kill came in the middle"
    return {id_: bodies[id_] for id_ in acknowledged}


def _send_until_killed(
    backend: Backend, bodies: Mapping[int, Any], first: int, acknowledged: set[int]
) -> None:
    """Post every eighth body; add the ids of those that were acknowledged."""
    with httpx.Client(base_url=backend.url) as client:
        for id_ in range(first, len(bodies) + 1, N_SENDERS):
            try:
                if client.post("/webhook", json=bodies[id_]).status_code == 200:
                    acknowledged.add(id_)
            except httpx.TransportError:
                break
