"""Every endpoint answers what Label Studio reads, in every release that calls it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from prelabel.server.app import DOORBELL_BYTES
from tests.backend import Backend, Project, make_text, wait_for


def test_root_answers_exactly_that_it_is_up(shared_backend: Backend) -> None:
    assert shared_backend.client.get("/").content == b'{"status":"UP"}'


def test_health_names_the_model_class(shared_backend: Backend) -> None:
    answer = shared_backend.client.get("/health").json()
    assert answer == {"status": "UP", "model_class": "SklearnTextClassifier"}


def test_versions_are_listed_newest_first(project: Project) -> None:
    project.annotate_many(4)
    project.train()
    project.annotate(5, "sports")
    project.train()
    of_project = project.backend.client.get("/versions", params={"project": project.key}).json()
    assert of_project["versions"] == ["v2-5labels", "v1-4labels"]
    assert [version["name"] for version in of_project["details"]] == of_project["versions"]
    everything = project.backend.client.get("/versions").json()
    assert list(everything) == ["versions"]
    assert set(of_project["versions"]) <= set(everything["versions"])


def test_old_releases_train_and_ask_for_the_job(project: Project) -> None:
    project.annotate_many(4)
    job = project.post("/train", {"project": project.key, "annotations": []})["job"]
    assert project.wait_for_version(project.setup()) == "v1-4labels"
    wait_for(lambda: project.post("/job_status", {"job": job})["job_status"] == "finished")


def test_old_releases_ask_whether_a_config_can_be_served(project: Project) -> None:
    assert project.post("/validate", {"config": project.label_config}) == {"status": "ok"}


def test_a_duplicated_project_starts_with_the_originals_version(project: Project) -> None:
    project.annotate_many(4)
    project.train()
    copy = Project(project.backend)
    copy.setup()
    copy.post("/duplicate_model", {"project_src": project.key, "project_dst": copy.key})
    assert copy.setup() == "v1-4labels"
    copy.annotate_many(6)
    assert copy.train()["model_version"] == "v2-6labels"
    assert project.setup() == "v1-4labels"


def test_a_deleted_connection_keeps_its_labels_for_when_it_is_made_again(project: Project) -> None:
    project.annotate_many(4)
    project.train()
    assert project.post("/delete", {"project": project.key}) == {"status": "ok"}
    assert project.setup() == "v1-4labels"


def test_a_deleted_project_is_acknowledged(project: Project) -> None:
    assert project.event("PROJECT_DELETED")["status"] == "ok"


def test_a_deleted_project_of_which_only_the_number_is_told_is_kept(project: Project) -> None:
    project.annotate_many(2)
    body = {"action": "PROJECT_DELETED", "project": {"id": project.id}}
    ignored = {"status": "ignored", "action": "PROJECT_DELETED"}
    assert project.post("/webhook", body) == ignored
    assert project.key in project.backend.client.get("/metrics").text, "it is not forgotten"


def test_pressing_start_training_twice_makes_one_job(project: Project) -> None:
    project.annotate_many(4)
    project.train()
    with project.backend.frozen_trainer():
        jobs = [project.event("START_TRAINING")["job"] for _ in range(9)]
    assert len(set(jobs)) <= 2, "one running, one waiting"


def test_metrics_count_what_happened(project: Project) -> None:
    figures = project.backend.figures
    before = figures()
    project.annotate_many(4)
    project.train()
    project.predict("goal", "")
    done = 'prelabel_jobs_total{state="done"}'
    wait_for(lambda: figures().get(done, 0) > before.get(done, 0))
    after = figures()
    described = project.backend.client.get("/metrics").headers["content-type"]
    assert described.startswith("text/plain; version=")
    counted = {name: after[name] - before.get(name, 0) for name in after}
    assert counted["prelabel_predictions_total"] == 1
    assert counted["prelabel_abstentions_total"] == 1
    assert counted["prelabel_label_changes_total"] == 4
    assert counted['prelabel_requests_total{route="/webhook",status="200"}'] == 5


def test_a_request_id_comes_back_and_a_strange_one_is_replaced(shared_backend: Backend) -> None:
    headers = {"X-Request-ID": "abc-123"}
    assert shared_backend.client.get("/", headers=headers).headers["x-request-id"] == "abc-123"
    headers = {"X-Request-ID": "a b\tc" * 99}
    assert " " not in shared_backend.client.get("/", headers=headers).headers["x-request-id"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Backend(
        tmp_path_factory.mktemp("guarded"),
        {"BASIC_AUTH_USER": "ann", "BASIC_AUTH_PASS": "pässword"},
    ) as backend:
        yield backend.url


def test_with_credentials_set_only_health_is_open(guarded: str) -> None:
    with httpx.Client(base_url=guarded) as client:
        assert [client.get(path).status_code for path in ("/", "/health", "/livez")] == [200] * 3
        assert [client.get(path).status_code for path in ("/versions", "/metrics", "/readyz")] == [
            401
        ] * 3
        assert client.post("/webhook", json={}).status_code == 401
        answer = client.post("/predict", json={})
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert "http://user:password@host:9090" in answer.json()["fix"]
        right = base64.b64encode("ann:pässword".encode())
        assert client.get("/versions", headers={b"Authorization": b"Basic " + right}).is_success


def test_a_secret_in_the_path_lets_label_studio_and_its_webhooks_in(tmp_path: Path) -> None:
    secret = "a-secret_of-many-letters"
    with Backend(tmp_path, {"PRELABEL_URL_SECRET": secret, "LOG_LEVEL": "DEBUG"}) as backend:
        project = Project(backend)
        body = project.created_body(1, "sports")
        for path in ("/webhook", f"/{secret}x/webhook", f"/{secret[:-1]}/webhook", f"/{secret}"):
            answer = backend.client.post(path, json=body)
            assert answer.status_code in {401, 404, 405}
        assert backend.client.get("/health").is_success
        backend.client.base_url = f"{backend.url}/{secret}"
        assert backend.client.get("/health").is_success
        assert project.setup().startswith("v0-")
        assert backend.client.post("/webhook", json=body).json()["label_changes"] == 1
        assert secret not in backend.log.read_text()
        assert secret[:-1] not in backend.log.read_text()


def test_a_bearer_token_lets_programs_in_beside_label_studios_credentials(tmp_path: Path) -> None:
    token = "prometheus-0123456789"
    settings = {"BASIC_AUTH_USER": "ann", "BASIC_AUTH_PASS": "pass", "PRELABEL_TOKEN": token}
    with Backend(tmp_path, settings | {"LOG_LEVEL": "DEBUG"}) as backend:
        bearer = {"Authorization": f"Bearer {token}"}
        assert backend.client.get("/metrics", headers=bearer).is_success
        assert backend.client.get("/metrics", auth=("ann", "pass")).is_success
        refused = backend.client.get("/metrics", headers={"Authorization": f"Bearer {token}x"})
        assert refused.status_code == 401
        assert "Bearer" in refused.headers["www-authenticate"]
        assert token not in backend.log.read_text()


def test_answers_are_neither_kept_nor_taken_for_pages(shared_backend: Backend) -> None:
    headers = shared_backend.client.get("/health").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")


def test_readiness_names_versions_that_cannot_be_served(tmp_path: Path) -> None:
    with Backend(tmp_path) as backend:
        project = Project(backend)
        project.annotate_many(4)
        project.train()
        ready = backend.client.get("/readyz").json()
        assert ready == {"status": "READY", "projects": 1, "damaged": []}
        for manifest in (tmp_path / "data" / "artifacts").rglob("manifest.json"):
            manifest.write_text("{")
        damaged = backend.client.get("/readyz").json()["damaged"]
        assert damaged == [{"project": project.key, "model_version": "v1-4labels"}]


def test_with_an_api_key_a_webhook_without_credentials_is_a_doorbell_and_not_believed(
    tmp_path: Path,
) -> None:
    settings = {
        "BASIC_AUTH_USER": "ann", "BASIC_AUTH_PASS": "pass", "LABEL_STUDIO_API_KEY": "0" * 40,
        "LABEL_STUDIO_HOST": "http://127.0.0.1:9",
    }  # fmt: skip
    with Backend(tmp_path, settings) as backend:
        backend.client.auth = ("ann", "pass")
        project = Project(backend)
        project.setup()
        body = project.created_body(1, "sports")
        gone = {"action": "PROJECT_DELETED", "project": {"id": project.id}}
        with httpx.Client(base_url=backend.url) as stranger:
            assert stranger.post("/webhook", json=gone).json() == {"status": "doorbell"}
            assert stranger.post("/webhook", json=body).json() == {"status": "doorbell"}
            assert stranger.post("/webhook", content=b"[").status_code == 422
            too_large = b" " * (DOORBELL_BYTES + 1)
            assert stranger.post("/webhook", content=too_large).status_code == 503
            assert stranger.post("/webhook", auth=("ann", "x"), json=body).status_code == 401
            assert stranger.post("/train", json={"project": project.key}).status_code == 401
        assert backend.client.post("/webhook", json=body).json()["label_changes"] == 1


def test_a_small_request_is_answered_as_one_that_goes_a_longer_way(project: Project) -> None:
    project.annotate_many(4)
    project.train()
    tasks = [{"id": 1, "data": {"text": make_text("sports", 3)}}, {"id": 2, "data": {}}]
    body = {"tasks": tasks, "project": project.key, "label_config": project.label_config}
    content = json.dumps(body).encode()
    own = {"Content-Type": "application/json", "X-Request-ID": "asked-twice"}
    answers = [
        project.backend.client.post("/predict", content=sent, headers=own)
        for sent in (content, iter([content]))  # of a known length, and in chunks
    ]
    assert answers[0].json()["results"][0]["model_version"] == "v1-4labels"
    assert answers[0].content == answers[1].content
    heads = [{**answer.headers, "date": ""} for answer in answers]
    assert heads[0] == heads[1]
    assert heads[0]["x-request-id"] == "asked-twice"
