"""The API key goes to the configured Label Studio, whoever asks for it and however."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.backend import Backend, Project, wait_for

KEY = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Host:
    """A server that remembers who came, and sends everybody on if told where to."""

    sends_on_to: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked.append((self.path, self.headers.get("Authorization")))
                self.send_response(302 if host.sends_on_to else 404)
                if host.sends_on_to:
                    self.send_header("Location", host.sends_on_to + self.path)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET  # noqa: N815 (the standard library's name)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def port(self) -> int:
        return self.server.server_port


@pytest.fixture
def thief() -> Iterator[Host]:
    host = Host()
    yield host
    host.server.shutdown()
    host.server.server_close()


@pytest.fixture
def configured() -> Iterator[Host]:
    host = Host()
    yield host
    host.server.shutdown()
    host.server.server_close()


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
    tmp_path: Path, configured: Host, thief: Host, name: str
) -> None:
    settings = {
        "LABEL_STUDIO_HOST": f"http://127.0.0.1:{configured.port}", "LABEL_STUDIO_API_KEY": KEY,
    }  # fmt: skip
    with Backend(tmp_path, settings) as backend:
        lure(backend, f"http://{name}:{thief.port}")
    assert thief.asked == []
    assert {key for _, key in configured.asked} == {f"Token {KEY}"}


def test_a_redirect_does_not_carry_the_key_elsewhere(
    tmp_path: Path, configured: Host, thief: Host
) -> None:
    # Another name of the same machine is another host.
    configured.sends_on_to = f"http://localhost:{thief.port}"
    settings = {
        "LABEL_STUDIO_HOST": f"http://127.0.0.1:{configured.port}", "LABEL_STUDIO_API_KEY": KEY,
    }  # fmt: skip
    with Backend(tmp_path, settings) as backend:
        lure(backend, f"http://127.0.0.1:{thief.port}")
        assert "redirects to" in backend.log.read_text()
        assert KEY not in backend.log.read_text()
    assert thief.asked == []
    assert configured.asked
