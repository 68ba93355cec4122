"""The backend dies in the middle of everything: what it acknowledged is there, and it goes on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.backend import OpenBackend
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.topics import TOPICS, make_texts
from tests.backend import wait_for

pytestmark = pytest.mark.label_studio


def test_a_backend_killed_while_training_and_in_a_burst_loses_nothing(
    label_studio: LabelStudio,
    start_backend: Callable[..., OpenBackend],
    api_key: str,
    record_property: Callable[[str, object], None],
) -> None:
    backend = start_backend(LABEL_STUDIO_API_KEY=api_key, START_TRAINING_EACH_N_UPDATES="5")
    texts = make_texts(340, noise_words=100)
    project = label_studio.create_project(texts, TOPICS, labeled=300)
    connection = project.connect(backend.url)
    connection.wait_for("v1-300labels")
    with ThreadPoolExecutor(4) as labelers:
        calls = [labelers.submit(project.annotate, task) for task in project.tasks[300:]]
        job = wait_for(backend.running_job)
        wait_for(lambda: backend.running_job() not in (job, None))
        acknowledged = {call.result() for call in calls if call.done()}
        backend.kill()
    assert backend.running_job() is not None
    stored, version = backend.annotation_ids(project.key), backend.active_version(project.key)
    lost = acknowledged - stored
    record_property("labels acknowledged before the kill", len(acknowledged))
    record_property("of them lost", len(lost))
    assert not lost
    backend.start()
    assert version is not None
    assert connection.model_version == version.name
    connection.wait_for("-340labels")


def test_a_label_removed_while_the_backend_was_down_is_unlearned_at_its_start(
    label_studio: LabelStudio, start_backend: Callable[..., OpenBackend], api_key: str
) -> None:
    backend = start_backend(LABEL_STUDIO_API_KEY=api_key)
    project = label_studio.create_project(make_texts(40), TOPICS, labeled=30)
    connection = project.connect(backend.url)
    connection.wait_for("v1-30labels")
    backend.stop()
    left = [*TOPICS][:-1]
    project.set_labels(left)
    backend.start()
    connection.wait_for("-20labels")
    assert {item.label for item in project.retrieve_predictions()} <= {*left}
