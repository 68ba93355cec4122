"""Start Training: all labels there are, at once, however few; also where no webhook tells them."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.acceptance.backend import OpenBackend
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.project import Project
from tests.acceptance.topics import TOPICS, make_texts
from tests.backend import wait_for

pytestmark = pytest.mark.label_studio

USER, PASSWORD = "label-studio", "pass:wörd"


@pytest.fixture
def imported(label_studio: LabelStudio) -> Project:
    """Six annotations that came with their tasks: Label Studio tells no backend of them."""
    return label_studio.create_project(make_texts(6), TOPICS, labeled=6)


def test_start_training_learns_labels_made_before_the_backend_came(
    imported: Project, backend: OpenBackend
) -> None:
    connection = imported.connect(backend.url)
    assert connection.model_version.startswith("v0-")
    assert connection.start_training() == httpx.codes.OK
    assert connection.state != "ER"
    version = connection.wait_for("v1-6labels")
    assert backend.count_texts(imported.key) == len(imported.tasks), "of unlabeled tasks, too"
    assert {item.model_version for item in imported.retrieve_predictions()} == {version}


def test_a_legacy_token_pulls_labels_where_the_organization_allows_it(
    label_studio: LabelStudio, imported: Project, start_backend: Callable[..., OpenBackend]
) -> None:
    with label_studio.legacy_token() as token:
        connection = imported.connect(start_backend(LABEL_STUDIO_API_KEY=token).url)
        connection.start_training()
        connection.wait_for("v1-6labels")


def test_start_training_with_one_label_is_no_error_and_says_what_is_missing(
    label_studio: LabelStudio, backend: OpenBackend
) -> None:
    project = label_studio.create_project(make_texts(6), TOPICS)
    connection = project.connect(backend.url)
    project.annotate(project.tasks[0])
    assert connection.start_training() == httpx.codes.OK
    assert connection.state != "ER"
    wait_for(lambda: "sports" in backend.read_log())
    assert connection.model_version.startswith("v0-")


def test_with_basic_authentication_start_training_learns_and_predictions_come(
    imported: Project, start_backend: Callable[..., OpenBackend], api_key: str
) -> None:
    auth = {"BASIC_AUTH_USER": USER, "BASIC_AUTH_PASS": PASSWORD}
    backend = start_backend(LABEL_STUDIO_API_KEY=api_key, **auth)
    connection = imported.connect(backend.url, USER, PASSWORD)
    connection.start_training()
    assert connection.state != "ER"
    version = connection.wait_for("v1-6labels")
    assert backend.count_texts(imported.key) == len(imported.tasks), "of unlabeled tasks, too"
    assert {item.model_version for item in imported.retrieve_predictions()} == {version}


def test_with_basic_authentication_labels_are_learned_as_they_are_made(
    label_studio: LabelStudio, start_backend: Callable[..., OpenBackend], api_key: str
) -> None:
    auth = {"BASIC_AUTH_USER": USER, "BASIC_AUTH_PASS": PASSWORD}
    backend = start_backend(LABEL_STUDIO_API_KEY=api_key, START_TRAINING_EACH_N_UPDATES="6", **auth)
    project = label_studio.create_project(make_texts(8), TOPICS)
    connection = project.connect(backend.url, USER, PASSWORD)
    project.annotate_all(project.tasks[:6])
    connection.wait_for("v1-6labels")


def test_a_wrong_password_is_refused_while_connecting(
    imported: Project, start_backend: Callable[..., OpenBackend]
) -> None:
    backend = start_backend(BASIC_AUTH_USER=USER, BASIC_AUTH_PASS=PASSWORD)
    with pytest.raises(AssertionError, match="401"):
        imported.connect(backend.url, USER, "wrong")
