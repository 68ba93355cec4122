from __future__ import annotations

import pytest

from prelabel.errors import ConfigError
from prelabel.label_studio.backend import Backend, hide_credentials
from prelabel.label_studio.connections import (
    WANTED_ACTIONS,
    ConnectedProject,
    Connection,
    ConnectionClient,
    Webhook,
)
from prelabel.label_studio.doctor import examine
from tests.builders import CONFIG

URL = "http://127.0.0.1:1"  # nothing listens there


class Calm(ConnectionClient):
    """A Label Studio in which nothing is wrong, but its release and its clock."""

    def __init__(self, release: str = "1.23.2", ahead_seconds: float = 0.0) -> None:
        super().__init__("http://127.0.0.1:1", "0" * 40)
        self._told = release, ahead_seconds

    def version(self) -> tuple[str, float]:
        return self._told

    def project(self, project_id: int) -> ConnectedProject:
        return ConnectedProject(id=project_id, label_config=CONFIG, model_version="prelabel")

    def connections(self, project_id: int) -> list[Connection]:
        return [Connection(id=project_id, url=URL, title="prelabel", state="CO")]

    def webhooks(self, project_id: int) -> list[Webhook]:
        return [Webhook(id=project_id, url=f"{URL}/webhook", actions=sorted(WANTED_ACTIONS))]


def faults(client: ConnectionClient) -> dict[str, str]:
    return {fault.name: fault.found for fault in examine(client, 1, None)}


def test_of_a_calm_label_studio_only_the_silent_backend_is_named() -> None:
    assert faults(Calm()).keys() == {"backend"}


@pytest.mark.parametrize(("ahead", "said"), [(95.0, "+95 s"), (-3600.0, "-3600 s")])
def test_clocks_that_differ_are_named(ahead: float, said: str) -> None:
    assert said in faults(Calm(ahead_seconds=ahead))["clock"]


def test_clocks_may_differ_a_little() -> None:
    assert "clock" not in faults(Calm(ahead_seconds=5.0))


@pytest.mark.parametrize("release", ["1.9.0", "2.0.0", ""])
def test_another_release_than_the_tested_one_is_named(release: str) -> None:
    assert (release or "unknown") in faults(Calm(release))["release"]
    harmless = [fault.name for fault in examine(Calm(release), 1, None) if fault.is_harmless]
    assert harmless == ["release"]


@pytest.mark.parametrize(
    "url", ["localhost:9090", "ftp://host.example", "http://", "http://prelabel:9090", "http://h?q",
            "http://[::1", "http://a.b:99999", "http://a.b:0", "http://ann:secret"]
)  # fmt: skip
def test_an_address_that_cannot_be_a_backends_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Backend(url=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:9090", "https://a.b/c", "http://10.0.0.1:9", "http://[::1]:9090"]
)
def test_an_address_that_may_be_a_backends_is_taken(url: str) -> None:
    assert Backend(url=url).webhook_url == f"{url}/webhook"


def test_credentials_in_an_address_are_not_shown() -> None:
    assert hide_credentials("http://ann:pass@host:9090/a") == "http://host:9090/a"
    assert "pass" not in repr(Backend(url=URL, user="ann", password="pass"))
