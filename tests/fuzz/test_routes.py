"""Every route gets every kind of body, header and path; what it stores can be read again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from prelabel.bootstrap import Service, open_service
from prelabel.custom.session import read_json
from prelabel.errors import PrelabelError
from prelabel.label_config import parse_label_config
from prelabel.loop.course import read_course
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.method import Method
from prelabel.server.app import GETS, POSTS, create_app
from prelabel.server.whose import read_project
from prelabel.settings import load_settings
from prelabel.storage.labels import LabelStore
from prelabel.types import ProjectKey
from tests.builders import CONFIG
from tests.fuzz.conftest import count
from tests.fuzz.inputs import LABEL_CONFIGS, anything, edited, near, odd_text

KEY = ProjectKey(1, 1795447612)
TASK = {"id": 1, "data": {"text": "goal match"}, "updated_at": "2026-11-23T15:26:58Z"}
PROJECT = {
    "id": 1, "created_at": "2026-11-23T15:26:52.405302Z", "updated_at": "2026-11-23T15:26:58Z",
    "label_config": CONFIG,
}  # fmt: skip
REGION = {
    "from_name": "topic", "to_name": "text", "type": "choices", "value": {"choices": ["sports"]},
}  # fmt: skip
ANNOTATION = {
    "id": 1, "result": [REGION], "updated_at": "2026-11-23T15:26:59Z", "was_cancelled": False,
    "ground_truth": False, "completed_by": 1,
}  # fmt: skip
ACTIONS = [
    "ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_UPDATED",
    "ANNOTATION_DELETED", "ANNOTATIONS_DELETED", "TASKS_CREATED", "TASKS_DELETED",
    "PROJECT_UPDATED", "PROJECT_DELETED",
]  # fmt: skip
EVENT = {
    "action": "ANNOTATION_CREATED", "project": PROJECT, "annotation": ANNOTATION, "task": TASK,
    "annotations": [ANNOTATION], "tasks": [TASK],
}  # fmt: skip
BODIES: dict[str, dict[str, Any]] = {
    "/setup": {"project": str(KEY), "schema": CONFIG, "extra_params": {"train_every": 5}},
    "/predict": {"project": str(KEY), "label_config": CONFIG, "tasks": [TASK]},
    "/webhook": EVENT,
    "/train": {"project": str(KEY)},
    "/job_status": {"job": "job-1"},
    "/delete": {"project": str(KEY)},
    "/duplicate_model": {"project_src": str(KEY), "project_dst": "2.1795447612"},
    "/validate": {"config": CONFIG},
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("routes")
    service = open_service(load_settings(model_dir=folder, start_training_each_n_updates=10**9))
    service.scheduler.stop()  # what is asked for is not trained here
    yield service
    service.database.close()


@pytest.fixture(scope="module")
def client(service: Service) -> TestClient:
    return TestClient(create_app(service), raise_server_exceptions=True)


def ask(client: TestClient, path: str, body: bytes) -> Any:
    """Post a body; whatever it is, the answer is of the form that is documented."""
    count(f"POST {path}")
    response = client.post(path, content=body)
    answer = response.json()
    if response.status_code == 200:
        return answer
    assert response.status_code in (404, 422), answer
    assert set(answer) == {"error", "expected", "fix", "request_id"}
    assert len(response.content) < 5_000
    return None


bodies = st.sampled_from(sorted(BODIES)).flatmap(
    lambda path: st.tuples(
        st.just(path),
        near(BODIES[path]).map(lambda value: json.dumps(value).encode())
        | edited([json.dumps(BODIES[path]).encode()])
        | anything.map(lambda value: json.dumps(value).encode())
        | st.binary(max_size=40),
    )
)


@given(bodies)
def test_any_body_is_answered_on_any_route(client: TestClient, sent: tuple[str, bytes]) -> None:
    path, body = sent
    ask(client, path, body)


@given(
    near([TASK, TASK]), st.sampled_from(LABEL_CONFIGS), st.sampled_from([str(KEY), "5.1795447612"])
)
def test_any_tasks_get_an_entry_each_with_a_finite_score(
    client: TestClient, tasks: object, config: str, project: str
) -> None:
    body = {"project": project, "label_config": config, "tasks": tasks}
    answer = ask(client, "/predict", json.dumps(body).encode())
    if answer is not None:
        assert isinstance(tasks, list)
        assert len(answer["results"]) == len(tasks)
        scores = [result["score"] for result in answer["results"] if result]
        assert all(math.isfinite(score) and 0 <= score <= 1 for score in scores)


event = st.builds(
    lambda body, action: {**body, "action": action} if isinstance(body, dict) else body,
    near(EVENT),
    st.sampled_from(ACTIONS),
)


@given(st.lists(event, min_size=1, max_size=4))
def test_what_webhooks_store_can_be_read_and_learned(
    client: TestClient, service: Service, events: list[object]
) -> None:
    for body in events:
        ask(client, "/webhook", json.dumps(body).encode())
    store = LabelStore(service.database)
    snapshot = store.snapshot(KEY)
    method = Method(model_class=SklearnTextClassifier)
    for config in LABEL_CONFIGS:
        course = read_course(parse_label_config(config), snapshot.annotated, snapshot.data, method)
        assert course.write_receipt().fingerprint


segment = st.text(st.characters(codec="utf-8", exclude_characters="?#"), max_size=20) | odd_text


@given(st.sampled_from([*GETS, *POSTS, "/x"]), segment, st.sampled_from(["GET", "HEAD", "PUT"]))
def test_any_path_and_query_is_answered(
    client: TestClient, path: str, rest: str, method: str
) -> None:
    count("path and query")
    safe = rest.encode("utf-8", "replace").decode()
    for url in (f"{path}/{safe}", f"{path}?project={safe}"):
        response = client.request(method, quote(url, safe="/?="))
        assert response.status_code in (200, 307, 404, 422), response.text


@given(
    st.sampled_from(["authorization", "x-request-id", "content-type", "content-encoding", "host",
                     "x-forwarded-for", "accept", "cookie"]),
    st.binary(max_size=60).filter(lambda value: not set(value) & set(b"\r\n\0")),
)  # fmt: skip
def test_any_header_is_answered(client: TestClient, name: str, value: bytes) -> None:
    count("header")
    response = client.get("/versions", headers=[(name.encode(), value)])
    assert response.status_code == 200
    assert len(response.headers["x-request-id"]) <= 64


@given(near({"project": str(KEY), "tasks": [TASK]}) | near(EVENT) | anything)
def test_any_body_for_a_class_of_ones_own_is_read_or_refused(body: object) -> None:
    count("bodies for classes of one's own")
    for reader in (read_project, read_json):
        try:
            reader(json.dumps(body).encode())
        except PrelabelError:
            continue
