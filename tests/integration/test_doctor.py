"""What `prelabel doctor` says of a Label Studio that no test can install."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from prelabel.label_studio.connections import WANTED_ACTIONS
from tests.backend import Backend, Project
from tests.commands import run
from tests.integration.small_label_studio import SmallLabelStudio


@pytest.fixture
def older_label_studio(shared_backend: Backend) -> Iterator[SmallLabelStudio]:
    """All is well in it, but it is of another release."""
    project, url = Project(shared_backend, id_=7), shared_backend.url
    answers: dict[str, object] = {
        "/api/version/": {"release": "1.9.0"},
        "/api/projects/7/": {"id": 7, "label_config": project.label_config, "model_version": "x"},
        "/api/ml/": [{"id": 1, "url": url, "title": "x", "state": "CO"}],
        "/api/webhooks/": [{"id": 1, "url": f"{url}/webhook", "actions": sorted(WANTED_ACTIONS)}],
    }
    server = SmallLabelStudio()
    server.fault = lambda request: request.answer(answers[urlsplit(request.path).path])
    yield server
    server.stop()


def test_another_release_alone_is_told_and_is_no_failure(
    older_label_studio: SmallLabelStudio,
) -> None:
    told = run("doctor", "--project", "7", env=older_label_studio.settings)
    assert told.stdout.startswith("! release: Label Studio is of release 1.9.0"), told.stderr
    assert told.stdout.endswith("✓ No fault found.\n")
    assert told.returncode == 0
