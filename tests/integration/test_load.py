"""Many at once."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.backend import (
    NEVER_BY_ITSELF,
    PATIENCE_SECONDS,
    TEXTS,
    Backend,
    Project,
    make_text,
    wait_for,
)

pytestmark = pytest.mark.slow

CLIENTS, WEBHOOKS, TRAININGS = 16, 200, 3


def post(port: int, path: str, body: object) -> dict[str, Any]:
    """Post on a connection of its own, as Label Studio does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    connection.request("POST", path, json.dumps(body))
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def test_16_clients_predict_while_200_webhooks_arrive_and_three_trainings_run(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    counts: Counter[str] = Counter()
    done, together = threading.Event(), threading.Barrier(CLIENTS + 1)
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        project = Project(backend)
        project.annotate_many(4)
        project.train()
        tasks = [{"id": n, "data": {"text": make_text("sports", n)}} for n in range(1, 6)]
        body = {"tasks": tasks, "project": project.key, "label_config": project.label_config}

        def predict() -> None:
            together.wait()
            while not done.is_set():
                results = post(backend.port, "/predict", body).get("results", [])
                right = len(results) == 5 and len({r["model_version"] for r in results}) == 1
                counts["predictions" if right else "errors"] += 1

        clients = [threading.Thread(target=predict) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        together.wait()
        for number in range(1, WEBHOOKS + 1):
            label = list(TEXTS)[number % 3]
            counts["label changes"] += project.annotate(100 + number, label)["label_changes"]
            if number % (WEBHOOKS // TRAININGS) == 0:
                counts["trainings"] += project.train()["state"] == "done"
        done.set()
        for client in clients:
            client.join()
        version = project.train()["model_version"]
    record_property("load", f"{dict(counts)}, then {version}")
    assert counts["errors"] == 0
    assert counts["predictions"] > CLIENTS
    assert counts["label changes"] == WEBHOOKS
    assert counts["trainings"] == TRAININGS
    assert version.endswith(f"-{WEBHOOKS + 4}labels"), "no label was lost"


def test_large_batches_keep_neither_setup_nor_webhooks_waiting(tmp_path: Path) -> None:
    with Backend(tmp_path) as backend, ThreadPoolExecutor(16) as clients:
        project = Project(backend)
        project.annotate_many(4)
        project.train()
        text = " ".join(make_text("sports", n) for n in range(200))
        tasks = [{"id": n, "data": {"text": f"{text} {n}"}} for n in range(1, 501)]
        body = {"tasks": tasks, "project": project.key, "label_config": project.label_config}
        batches = [clients.submit(post, backend.port, "/predict", body) for _ in range(16)]
        wait_for(lambda: any(batch.done() for batch in batches))
        assert project.setup() == "v1-4labels"
        assert project.annotate(5, "sports")["label_changes"] == 1
        assert not all(batch.done() for batch in batches), "they were answered in between"
        assert {len(batch.result()["results"]) for batch in batches} == {500}


def test_tasks_that_are_not_reached_in_time_are_answered_by_abstentions(tmp_path: Path) -> None:
    with Backend(tmp_path, {"PRELABEL_PREDICT_SECONDS": "0.001"}) as backend:
        project = Project(backend)
        project.annotate_many(4)
        project.train()
        texts = [f"{' '.join(TEXTS['sports'])} {number}" for number in range(2_000)]
        results = project.predict(*texts)  # as many as there are tasks
        assert results[-1] == []
        assert "tasks were not reached in time" in backend.log.read_text()
