"""Label Studio where people really have it: under a path, behind a certificate of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.backend import OpenBackend
from tests.acceptance.commands import Commands
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.proxy import Proxy, make_certificate
from tests.acceptance.topics import TOPICS, make_texts
from tests.backend import wait_for

pytestmark = pytest.mark.label_studio

StartBackend = Callable[..., OpenBackend]


@pytest.fixture
def proxy(label_studio: LabelStudio, tmp_path: Path) -> Iterator[Proxy]:
    certificate, _ = make_certificate(tmp_path)
    with Proxy(target=label_studio.url, prefix="/annotate/here", certificate=certificate) as proxy:
        yield proxy


def test_everything_works_under_a_path_behind_a_certificate_of_ones_own(
    label_studio: LabelStudio,
    start_backend: StartBackend,
    api_key: str,
    proxy: Proxy,
    tmp_path: Path,
) -> None:
    settings = {"LABEL_STUDIO_HOST": proxy.url, "PRELABEL_CA_FILE": str(tmp_path / "authority.pem")}
    backend = start_backend(LABEL_STUDIO_API_KEY=api_key, **settings)
    project = label_studio.create_project(make_texts(8), TOPICS, labeled=6)
    commands = Commands(label_studio=label_studio, project=project, api_key=api_key)
    connected = commands.run("connect", backend.url, **settings)
    assert (connected.status, connected.faults) == (0, []), connected.output
    assert commands.run("doctor", **settings).faults == []
    wait_for(lambda: len(backend.annotation_ids(project.key)) == 6)
    synced = commands.run("sync", "--full", MODEL_DIR=str(tmp_path / "other"), **settings)
    assert "6 annotations of 6 tasks" in synced.output
    assert "/annotate/here/api/token/refresh" in [path for path, _ in proxy.asked]
    assert {path[:19] for path, _ in proxy.asked} == {"/annotate/here/api/"}


def test_a_certificate_that_nobody_knows_names_the_setting_wherever_it_is_met(
    label_studio: LabelStudio, start_backend: StartBackend, api_key: str, proxy: Proxy
) -> None:
    backend = start_backend(LABEL_STUDIO_API_KEY=api_key, LABEL_STUDIO_HOST=proxy.url)
    project = label_studio.create_project(make_texts(4), TOPICS)
    project.connect(backend.url)
    wait_for(lambda: "could not be pulled" in backend.read_log())
    assert "Set PRELABEL_CA_FILE" in backend.read_log()
    commands = Commands(label_studio=label_studio, project=project, api_key=api_key)
    doctor = commands.run("doctor", backend.url, LABEL_STUDIO_HOST=proxy.url)
    assert doctor.faults == ["label-studio"]
    assert "Set PRELABEL_CA_FILE" in doctor.output
    assert proxy.asked == [], "nothing is sent, no key in particular"
