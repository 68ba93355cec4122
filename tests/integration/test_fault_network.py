"""Connections that say nothing, too little or too slowly; news that comes twice or in disorder."""

from __future__ import annotations

import itertools
import resource
import socket
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.backend import NEVER_BY_ITSELF, TEXTS, Backend, Project, make_text, wait_for

pytestmark = pytest.mark.slow


@contextmanager
def connected(backend: Backend, count: int, said: bytes = b"") -> Iterator[list[socket.socket]]:
    """Open so many connections and begin a request on each, or not even that."""
    with ExitStack() as stack:
        address = ("127.0.0.1", backend.port)
        sockets = [
            stack.enter_context(socket.create_connection(address, timeout=30)) for _ in range(count)
        ]
        for one in sockets:
            one.sendall(said)
        yield sockets


BEGUN = b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"


@pytest.mark.parametrize("said", [b"", b"POST /webh", b"GET / HTTP/1.1\r\nX-A: ", BEGUN])
def test_300_connections_that_never_end_their_request_keep_nobody_waiting(
    project: Project, said: bytes
) -> None:
    with connected(project.backend, 300, said):
        assert project.setup().startswith("v0-")
        assert project.annotate(1, "sports")["label_changes"] == 1
    assert project.backend.is_up()


def test_requests_that_come_a_byte_at_a_time_keep_nobody_waiting(project: Project) -> None:
    over = threading.Event()

    def drip(one: socket.socket) -> None:
        while not over.wait(0.05):
            try:
                one.send(b" ")
            except OSError:
                return  # the server has had enough of it

    with connected(project.backend, 50, BEGUN) as sockets, ThreadPoolExecutor(50) as drippers:
        for one in sockets:
            drippers.submit(drip, one)
        try:
            assert project.setup().startswith("v0-")
            assert project.annotate(1, "sports")["label_changes"] == 1
        finally:
            over.set()


def test_when_connections_run_out_those_there_are_answered_and_others_later(
    tmp_path: Path,
) -> None:
    with Backend(tmp_path) as backend:
        project = Project(backend)
        project.setup()
        limit = resource.prlimit(backend.pid, resource.RLIMIT_NOFILE)
        used = len(list(Path(f"/proc/{backend.pid}/fd").iterdir()))
        resource.prlimit(backend.pid, resource.RLIMIT_NOFILE, (used + 20, limit[1]))
        with connected(backend, 60):
            assert project.setup().startswith("v0-"), "on a connection that is open already"
        resource.prlimit(backend.pid, resource.RLIMIT_NOFILE, limit)
        backend.client.close()
        backend.client = httpx.Client(base_url=backend.url, timeout=30)
        assert project.annotate(1, "sports")["label_changes"] == 1


def test_a_label_whose_sender_did_not_wait_for_the_answer_is_kept(tmp_path: Path) -> None:
    """Label Studio waits for one second."""
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        project = Project(backend)
        project.annotate_many(3)
        body = project.created_body(4, "sports")
        other = sqlite3.connect(tmp_path / "data" / "prelabel.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{backend.url}/webhook", json=body, timeout=1)
        other.execute("ROLLBACK")
        other.close()
        wait_for(lambda: project.post("/webhook", body)["label_changes"] == 0)
        assert project.train()["model_version"] == "v1-4labels"


def test_what_is_told_three_times_at_once_counts_once(project: Project) -> None:
    bodies = [project.created_body(id_, list(TEXTS)[id_ % 3]) for id_ in range(1, 31)]
    with ThreadPoolExecutor(12) as senders:
        answers = list(senders.map(lambda body: project.post("/webhook", body), bodies * 3))
    assert sum(answer["label_changes"] for answer in answers) == 30
    assert project.train()["model_version"].endswith("-30labels")


def test_news_in_any_order_ends_the_same(shared_backend: Backend) -> None:
    for number, order in enumerate(itertools.permutations(range(3))):
        project = Project(shared_backend, id_=7000 + number)
        # With a hint it is known by its labels alone, and by none if they are gone.
        project.label_config = project.label_config.replace('"finance"', '"finance" hint="ledger"')
        project.annotate(1, "sports")
        project.annotate(2, "cooking")
        created = project.created_body(3, "finance")
        text = created["task"]["data"]["text"]
        updated = {**project.created_body(3, "cooking", text), "action": "ANNOTATION_UPDATED"}
        gone = project.event_body("ANNOTATIONS_DELETED", annotations=[{"id": 4}])
        project.annotate(4, "finance")
        for position in order:
            project.post("/webhook", (created, updated, gone)[position])
        assert project.train()["model_version"] == "v1-3labels"
        assert project.details()[0]["labels"] == {"topic": ["cooking", "sports"]}


def test_who_hangs_up_while_a_large_answer_is_written_harms_nobody(project: Project) -> None:
    project.annotate_many(4)
    project.train()
    tasks = [{"id": n, "data": {"text": f"goal match {n}"}} for n in range(5_000)]
    body = {"tasks": tasks, "project": project.key, "label_config": project.label_config}
    content = httpx.Request("POST", project.backend.url, json=body).content
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
    with connected(project.backend, 1, head.encode() + content) as (one,):
        one.recv(100)
    wait_for(lambda: project.backend.n_requests() == 0)
    assert project.labels_of(make_text("sports", 3)) == ["sports"]
