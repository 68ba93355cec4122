"""Whatever arrives, the answer is right or a clear error; one odd task costs no other."""

from __future__ import annotations

import gzip
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from prelabel.server.app import POSTS
from tests.backend import Backend, Project, label_of, make_text


@pytest.fixture(scope="module")
def trained(shared_backend: Backend) -> Project:
    project = Project(shared_backend)
    project.annotate_many(9)
    project.train()
    return project


@pytest.mark.parametrize("path", sorted(POSTS))
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'"text"', id="string"),
        pytest.param(b"\xff\xfe\x00", id="no utf-8"),
        pytest.param(b"[" * 100_000, id="nested deeply"),
        pytest.param(b'{"project": {"a": 1}, "tasks": 5, "action": []}', id="types"),
        pytest.param(b'{"tasks": NaN}', id="nan"),
        pytest.param(b"a=b&c=d", id="form"),
    ],
)
def test_a_body_that_is_wrong_gets_a_clear_error(
    shared_backend: Backend, path: str, body: bytes
) -> None:
    response = shared_backend.client.post(path, content=body)
    assert response.status_code == 422
    answer = response.json()
    assert set(answer) == {"error", "expected", "fix", "request_id"}
    assert answer["error"].startswith("Received")
    assert answer["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text


@pytest.mark.parametrize("path", sorted(POSTS))
def test_a_packed_body_is_named(shared_backend: Backend, path: str) -> None:
    body, headers = gzip.compress(b'{"project": "1.2"}'), {"Content-Encoding": "gzip"}
    response = shared_backend.client.post(path, content=body, headers=headers)
    assert response.status_code == 415
    assert response.json()["error"] == "Received a body with Content-Encoding: 'gzip'"
    assert response.json()["fix"].startswith("Send it as it is")


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/setup", {"project": "12", "schema": "<View/>"}, "as the project"),
        ("/setup", {"project": "1.2", "schema": "not xml"}, "cannot be read"),
        ("/setup", {"project": "1.2", "schema": "<View><Labels name='a'/></View>"}, "usable"),
        ("/predict", {"project": "1.2", "label_config": "", "tasks": []}, "cannot be read"),
        ("/predict", {"project": None, "label_config": "", "tasks": []}, "$.project"),
        ("/predict", {"project": "1.2", "label_config": "", "tasks": {"0": {}}}, "$.tasks"),
        ("/webhook", {"action": "START_TRAINING", "project": {"id": "x"}}, "$.project"),
        ("/webhook", {"action": "x", "project": {"id": 1, "created_at": 5}}, "created_at"),
        ("/job_status", {"job": "job-99999999"}, "does not exist"),
        ("/job_status", {"job": "9" * 5000}, "does not exist"),
        ("/validate", {"config": "<View/>"}, "usable"),
    ],
)
def test_an_error_says_what_was_wrong(
    shared_backend: Backend, path: str, body: dict[str, Any], said: str
) -> None:
    response = shared_backend.client.post(path, json=body)
    assert response.status_code == (404 if path == "/job_status" else 422)
    assert said in response.json()["error"]


def test_label_studio_is_told_why_a_config_is_refused_where_it_shows_it(
    shared_backend: Backend,
) -> None:
    config = (
        '<View><Text name="t" value="$t"/><Choices name="c" toName="t" perRegion="true"/></View>'
    )
    body = {"project": "1.2", "schema": config}
    answer = shared_backend.client.post(
        "/setup", json=body, headers={"User-Agent": "heartex/1.23.2"}, follow_redirects=True
    )
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("Received a labeling config without a usable control")
    said = str(answer.url)
    assert said.startswith(f"{shared_backend.url}/setup?Received_a_labeling_config_without")
    assert "perRegion='true'_asks_about_a_part_of_a_task" in said
    assert "Expected:_XML_with_Choices,_Taxonomy,_Rating" in said


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ('{"min_score": 2}', "Expected_'float'_at_most_1.0_-_at_'$.min_score'"),
        ('{"C": -1}', "Expected_'float'_at_least_1e-08_-_at_'$.C'"),
    ],
)
def test_label_studio_is_told_which_extra_params_are_refused_in_words_its_page_shows(
    shared_backend: Backend, params: str, shown: str
) -> None:
    body = {"project": "1.2", "schema": Project(shared_backend).label_config}
    answer = shared_backend.client.post(
        "/setup",
        json={**body, "extra_params": params},
        headers={"User-Agent": "heartex/1.23.2"},
        follow_redirects=True,
    )
    assert answer.status_code == 422
    assert shown in str(answer.url)


def test_odd_texts_cost_only_themselves(trained: Project) -> None:
    good = make_text("sports", 3)
    odd = [None, "", " \n\t", {"a": 1}, [], [None], [[["deep"]]]]
    texts = [
        5,
        2.5,
        True,
        ["goal", "match"],
        "x" * 10_000_000,
        "\x00",
        "🙂" * 999,
        "http://x",
        "upload",
    ]
    labels = trained.labels_of(good, *odd, *texts, good)
    assert labels[0] == labels[-1] == "sports"
    assert labels[1 : 1 + len(odd)] == [None] * len(odd)
    assert None not in labels[1 + len(odd) :]


def test_odd_tasks_cost_only_themselves(trained: Project) -> None:
    good = {"id": 1, "data": {"text": make_text("sports", 3)}}
    odd: list[Any] = [{}, {"id": "x"}, {"data": None}, {"data": "text"}, {"id": None, "data": []}]
    odd += [None, 5, 0.5, "text", False, [good]]
    results = trained.predict_tasks([good, *odd, good])
    assert [label_of(result) for result in results] == ["sports", *[None] * len(odd), "sports"]


def test_half_a_surrogate_pair_costs_nothing(trained: Project) -> None:
    body = {
        "project": trained.key,
        "label_config": trained.label_config,
        "tasks": [{"id": 1, "data": {"text": "goal match \ud800 team"}}] * 2,
    }
    response = trained.backend.client.post("/predict", content=json.dumps(body).encode())
    assert [label_of(result) for result in response.json()["results"]] == ["sports", "sports"]
    event = trained.event_body(
        "ANNOTATION_CREATED",
        annotation=trained.annotation(900, "sports"),
        task={"id": 900, "data": {"text": "goal \udfff"}},
    )
    response = trained.backend.client.post("/webhook", content=json.dumps(event).encode())
    assert response.json()["label_changes"] == 1


@pytest.mark.parametrize(
    "action", ["PROJECT_CREATED", "LABEL_LINK_CREATED", "REVIEW_CREATED", "", "é"]
)
def test_an_action_that_concerns_no_label_is_acknowledged_and_ignored(
    project: Project, action: str
) -> None:
    assert project.event(action, tasks=[{"id": 1, "data": {"text": "x"}}])["status"] == "ignored"


def test_odd_annotations_cost_only_themselves(project: Project) -> None:
    odd: list[Any] = [None, 5, "x", [None], [{}], [{"value": 1}], [[]]]
    for number, result in enumerate(odd, 1):
        # Nothing in it can be read, so nothing was chosen: of one label that is no example.
        assert project.annotate(number, None, result=result)["label_changes"] == 1
    project.annotate(20, "sports", completed_by={"email": "a@b"}, updated_at=None)
    project.annotate(21, "finance", ground_truth="yes", updated_at="yesterday")
    assert project.train()["model_version"] == "v1-2labels"


def test_a_project_never_heard_of_gets_an_answer(shared_backend: Backend) -> None:
    stranger = Project(shared_backend, id_=10**17)
    assert stranger.labels_of("about sports", "nothing to go by") == ["sports", None]


@pytest.mark.parametrize(("method", "path"), [("GET", "/predict"), ("POST", "/"), ("GET", "/x")])
def test_a_path_or_method_that_does_not_exist_names_those_that_do(
    shared_backend: Backend, method: str, path: str
) -> None:
    response = shared_backend.client.request(method, path)
    assert response.status_code == 404
    assert "POST /predict" in response.json()["expected"]


def test_a_query_that_is_wrong_gets_a_clear_error(shared_backend: Backend) -> None:
    response = shared_backend.client.get("/versions", params={"project": "12"})
    assert response.status_code == 422
    assert set(response.json()) == {"error", "expected", "fix", "request_id"}
    assert "as the project" in shared_backend.log.read_text()


def test_a_body_that_is_too_large_is_refused_before_it_is_read(tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("small")
    with Backend(folder, {"PRELABEL_MAX_BODY_BYTES": "100000"}) as backend:
        response = backend.client.post("/predict", content=b" " * 100_001)
        assert response.status_code == 413
        assert "100000 bytes" in response.json()["expected"]
        assert backend.client.post("/predict", content=b" " * 99_999).status_code == 422


@pytest.mark.parametrize(
    "junk", [b"\x00\xff" * 500, b"GET /\r\n\r\n", b"POST /predict HTTP/9.9\r\n"]
)
def test_bytes_that_are_no_http_harm_nobody(shared_backend: Backend, junk: bytes) -> None:
    with socket.create_connection(("127.0.0.1", shared_backend.port), timeout=10) as stranger:
        stranger.sendall(junk)
    assert shared_backend.is_up()


def test_who_hangs_up_within_a_body_harms_nobody(shared_backend: Backend) -> None:
    with socket.create_connection(("127.0.0.1", shared_backend.port), timeout=10) as stranger:
        stranger.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n{")
    assert shared_backend.is_up()


def test_a_slash_too_many_leads_to_the_endpoint(project: Project) -> None:
    body = {"project": project.key, "schema": project.label_config}
    answer = project.backend.client.post("/setup/", json=body, follow_redirects=True)
    assert answer.json() == {"model_version": project.setup()}


def test_a_slash_too_many_keeps_what_stands_before_the_path(tmp_path: Path) -> None:
    secret = "a-secret-in-the-path"
    with Backend(tmp_path, {"PRELABEL_URL_SECRET": secret}) as backend:
        answer = backend.client.get(f"/{secret}/versions/", params={"project": "1.5"})
        assert answer.headers["Location"] == "../versions?project=1.5"
        answer = backend.client.get(f"/{secret}/versions/", follow_redirects=True)
        assert (answer.status_code, answer.json()) == (200, {"versions": []})
        assert backend.client.get(f"/{secret}/nothing/").status_code == 404
