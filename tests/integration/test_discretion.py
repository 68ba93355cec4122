"""A whole run at DEBUG leaves neither a text nor a token nor a password in the log."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.backend import Backend, Project, wait_for
from tests.label_studio import LEGACY

PASSWORD = "a-secret-password"
URL_SECRET = "a-secret-of-the-address"
TEXT = "a private text about oatmeal"
SECRETS = [LEGACY, PASSWORD, URL_SECRET, "oatmeal"]


class Indiscreet(BaseHTTPRequestHandler):
    """A Label Studio that is broken, and repeats in its errors what it was sent."""

    def do_GET(self) -> None:
        content = f"{self.headers} {TEXT} {self.path}".encode()
        self.send_response(502 if "/tasks" in self.path else 400)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing in the tests' output."""


@pytest.fixture
def label_studio_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Indiscreet) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def settings(label_studio_url: str) -> dict[str, str]:
    return {
        "LABEL_STUDIO_HOST": label_studio_url, "LABEL_STUDIO_API_KEY": LEGACY, "LOG_LEVEL": "DEBUG",
        "BASIC_AUTH_USER": "ann", "BASIC_AUTH_PASS": PASSWORD, "PRELABEL_URL_SECRET": URL_SECRET,
        "NO_PROXY": "*", "START_TRAINING_EACH_N_UPDATES": "1000",
    }  # fmt: skip


def found_in(log: str) -> list[str]:
    assert '"level":"DEBUG"' in log
    return [secret for secret in SECRETS if secret in log]


def test_of_a_run_with_everything_that_is_secret_nothing_reaches_the_log(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    with Backend(tmp_path, settings) as backend:
        backend.client.auth = ("ann", PASSWORD)
        project = Project(backend)
        body = {"project": project.key, "schema": project.label_config, "access_token": LEGACY}
        project.post("/setup", body)
        for number in range(1, 5):
            project.annotate(number, ["sports", "cooking"][number % 2], f"{TEXT} {number}")
        assert project.train()["model_version"] == "v1-4labels"
        project.predict(TEXT, None, {"a": TEXT}, [TEXT])
        for path in ("/predict", "/setup", "/webhook", f"/{TEXT}", f"/{URL_SECRET}x/predict"):
            content = (
                f'{{"tasks": "{TEXT}", "project": "{LEGACY}", "action": ["{PASSWORD}"]'.encode()
            )
            backend.client.post(path, content=content)
        with httpx.Client(base_url=backend.url) as stranger:
            stranger.post("/webhook", json=project.created_body(9, "sports", TEXT))
            stranger.get("/versions", headers={"Authorization": f"Bearer {PASSWORD}"})
            stranger.get(f"/{URL_SECRET}/health", params={"token": LEGACY})
            stranger.get("/health", headers={"X-Request-ID": f"{PASSWORD} and more"})
        assert backend.stop() == 0
        log = backend.log.read_text()
        assert "could not be pulled" in log
        assert '"request_id":"job-1"' in log
        assert found_in(log) == []


MODEL = """
from prelabel.models.raw import RawModel

class Quiet(RawModel):
    def predict(self, tasks, context=None, **params):
        if not tasks[0]["data"]:
            raise ValueError("no data")
        return [{"result": [], "score": 0.5} for _ in tasks]

    def fit(self, event, data):
        self.set("seen", data)
        raise KeyError("missing")
"""


def test_of_a_run_of_a_class_of_ones_own_nothing_reaches_the_log(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.py").write_text(MODEL)
    with Backend(tmp_path, settings, [str(folder)]) as backend:
        backend.client.auth = ("ann", PASSWORD)
        project = Project(backend)
        project.setup()
        project.predict(TEXT)
        ready = backend.client.get("/readyz").json()
        assert ready == {"status": "READY", "projects": 1, "damaged": []}
        broken = {"tasks": [{"data": {}}], "project": project.key, "text": TEXT}
        assert backend.client.post("/predict", json=broken).status_code == 500
        told = backend.client.post("/webhook", json=project.created_body(1, "sports", TEXT))
        job = {"job": told.json()["job"]}
        wait_for(lambda: project.post("/job_status", job)["state"] == "failed")
        httpx.get(f"{backend.url}/versions", headers={"Authorization": f"Bearer {PASSWORD}"})
        assert backend.stop() == 0
        log = backend.log.read_text()
        assert "KeyError" in log, "its own errors are told"
        assert found_in(log) == []
