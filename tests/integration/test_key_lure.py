"""The API key goes to the configured Label Studio, whoever asks for it and however."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backend import Backend, Project, wait_for
from tests.label_studio import LEGACY, Reply, Server


@pytest.fixture
def thief() -> Iterator[Server]:
    with Server(lambda _: Reply(status=404)).running() as server:
        yield server


@pytest.fixture
def configured() -> Iterator[Server]:
    with Server(lambda _: Reply(status=404)).running() as server:
        yield server


def lure(backend: Backend, url: str) -> Project:
    """Name another Label Studio wherever a request can name one, and ask for its labels."""
    project = Project(backend)
    body = {"project": project.key, "schema": project.label_config}
    project.post("/setup", body | {"hostname": url, "access_token": "a-strangers-token"})
    headers = {"Host": url.removeprefix("http://"), "X-Forwarded-Host": url, "Referer": url}
    backend.client.post("/setup", json=body, headers=headers)
    project.event("START_TRAINING", hostname=url, url=url)
    wait_for(lambda: "could not be pulled" in backend.log.read_text())
    return project


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_setup_that_names_another_host_does_not_get_the_key(
    tmp_path: Path, configured: Server, thief: Server, name: str
) -> None:
    settings = {"LABEL_STUDIO_HOST": configured.url, "LABEL_STUDIO_API_KEY": LEGACY}
    with Backend(tmp_path, settings) as backend:
        lure(backend, f"http://{name}:{thief.server_port}")
    assert thief.requests == []
    assert {request.authorization for request in configured.requests} == {f"Token {LEGACY}"}


def test_a_redirect_does_not_carry_the_key_elsewhere(
    tmp_path: Path, configured: Server, thief: Server
) -> None:
    # Another name of the same machine is another host.
    elsewhere = f"http://localhost:{thief.server_port}"
    configured.answer = lambda request: Reply(
        status=302, headers={"Location": elsewhere + request.path}
    )
    settings = {"LABEL_STUDIO_HOST": configured.url, "LABEL_STUDIO_API_KEY": LEGACY}
    with Backend(tmp_path, settings) as backend:
        lure(backend, f"http://127.0.0.1:{thief.server_port}")
        assert "redirects to" in backend.log.read_text()
        assert LEGACY not in backend.log.read_text()
    assert thief.requests == []
    assert configured.requests
