"""Connect, label, learn, predict: the loop, as a newcomer runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.acceptance.backend import OpenBackend
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.project import Project
from tests.acceptance.topics import TOPICS, make_texts

pytestmark = pytest.mark.label_studio


@pytest.fixture
def project(label_studio: LabelStudio) -> Project:
    return label_studio.create_project(make_texts(60), TOPICS)


def test_ten_labels_train_a_version_that_predicts_every_task_that_is_left(
    project: Project, backend: OpenBackend, record_property: Callable[[str, object], None]
) -> None:
    connection = project.connect(backend.url)
    project.annotate_all(project.tasks[:10])
    version = connection.wait_for("v1-10labels")
    predictions = project.retrieve_predictions()
    assert {item.task for item in predictions} >= set(project.tasks[10:])
    assert {item.model_version for item in predictions} == {version}
    assert all(0 <= item.score <= 1 and item.label in TOPICS for item in predictions)
    held_out = [item for item in predictions if item.task in project.tasks[10:]]
    record_property("accuracy on 50 held-out texts after 10 labels", project.accuracy(held_out))
    assert project.accuracy(held_out) >= 0.9


def test_this_label_studio_refuses_predictions_that_do_not_fit_the_labeling_config(
    project: Project,
) -> None:
    assert project.import_prediction(project.tasks[0], "weather").is_client_error
    assert project.import_prediction(project.tasks[0], "sports").is_success


def test_predictions_refresh_after_more_labels_and_only_then(
    project: Project, backend: OpenBackend
) -> None:
    connection = project.connect(backend.url)
    project.annotate_all(project.tasks[:10])
    connection.wait_for("v1-10labels")
    before = project.retrieve_predictions()
    assert project.retrieve_predictions() == before
    project.annotate_all(project.tasks[10:20])
    version = connection.wait_for("v2-20labels")
    new = project.retrieve_predictions()[len(before) :]
    assert {item.task for item in new} >= set(project.tasks[20:])
    assert {item.model_version for item in new} == {version}
    assert project.retrieve_predictions() == [*before, *new]


def test_the_next_task_a_labeler_sees_carries_a_prediction_of_the_newest_version(
    project: Project, backend: OpenBackend
) -> None:
    connection = project.connect(backend.url)
    assert project.next_task()["predictions"] == []
    project.annotate_all(project.tasks[:10])
    version = connection.wait_for("v1-10labels")
    shown = project.next_task()
    assert [item["model_version"] for item in shown["predictions"]] == [version]
    assert shown["predictions"][0]["result"][0]["value"]["choices"] == [project.truth[shown["id"]]]


def test_a_backend_without_an_api_key_learns_from_webhooks(
    project: Project, start_backend: Callable[..., OpenBackend]
) -> None:
    backend = start_backend()
    connection = project.connect(backend.url)
    project.annotate_all(project.tasks[:10])
    version = connection.wait_for("v1-10labels")
    assert "LABEL_STUDIO_API_KEY is not set" in backend.read_log()
    assert {item.model_version for item in project.retrieve_predictions()} == {version}


def test_two_projects_with_different_labels_never_touch_each_other(
    label_studio: LabelStudio, project: Project, backend: OpenBackend
) -> None:
    people = {"sports": "athlete", "cooking": "chef", "finance": "banker"}
    texts = [replace(item, label=people[item.label]) for item in make_texts(30)]
    other = label_studio.create_project(texts, people.values())
    connections = project.connect(backend.url), other.connect(backend.url)
    for mine, theirs in zip(project.tasks[:10], other.tasks[:10], strict=True):
        project.annotate(mine)
        other.annotate(theirs)
    for each, connection in zip((project, other), connections, strict=True):
        connection.wait_for("v1-10labels")
        predictions = each.retrieve_predictions()
        assert {item.label for item in predictions} == set(each.truth.values())
        assert each.accuracy(predictions) >= 0.9
