"""Labels change under a model: in the labeling config, and in what people decided."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.acceptance.backend import OpenBackend
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.topics import TOPICS, make_texts

pytestmark = pytest.mark.label_studio


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(("athletics", "cooking", "finance"), id="renamed"),
        pytest.param(("art", "cooking", "finance", "sports"), id="added"),
        pytest.param(("finance", "cooking"), id="removed"),
    ],
)
def test_an_edited_label_never_shifts_answers(
    label_studio: LabelStudio, backend: OpenBackend, labels: tuple[str, ...]
) -> None:
    project = label_studio.create_project(make_texts(24), TOPICS, labeled=24)
    connection = project.connect(backend.url)
    connection.wait_for("v1-24labels")
    project.set_labels(labels)
    for _ in ("before it is trained anew", "after"):
        answers = [
            item for item in project.retrieve_predictions() if project.truth[item.task] in labels
        ]
        assert {item.label for item in answers} == set(labels) & set(TOPICS)
        assert project.accuracy(answers) == 1
        examples = sum(label in labels for label in project.truth.values())
        connection.wait_for(f"-{examples}labels")


def test_deleted_and_skipped_annotations_do_not_count(
    label_studio: LabelStudio, start_backend: Callable[..., OpenBackend]
) -> None:
    backend = start_backend()  # no API key: webhooks tell all of it
    project = label_studio.create_project(make_texts(20), TOPICS)
    connection, tasks = project.connect(backend.url), project.tasks
    annotations = project.annotate_all(tasks[:9])
    for task in tasks[9:13]:
        project.skip(task)
    project.delete_annotation(annotations[0])
    project.delete_annotations_of(tasks[1:3])
    project.delete_tasks(tasks[3:4])
    connection.start_training()
    connection.wait_for("-5labels")


def test_a_corrected_annotation_teaches_what_it_says_now(
    label_studio: LabelStudio, start_backend: Callable[..., OpenBackend]
) -> None:
    backend = start_backend(START_TRAINING_EACH_N_UPDATES="18")
    project = label_studio.create_project(make_texts(30), TOPICS)
    connection, tasks = project.connect(backend.url), project.tasks
    wrong = {"sports": "cooking", "cooking": "finance", "finance": "sports"}
    annotations = [project.annotate(task, wrong[project.truth[task]]) for task in tasks[:9]]
    for task, annotation in zip(tasks, annotations, strict=False):
        project.update_annotation(annotation, project.truth[task])
    connection.wait_for("v1-9labels")
    assert project.accuracy(project.retrieve_predictions()) >= 0.9


def test_annotations_made_from_predictions_count(
    label_studio: LabelStudio, start_backend: Callable[..., OpenBackend]
) -> None:
    project = label_studio.create_project(make_texts(20), TOPICS)
    connection = project.connect(start_backend().url)
    project.annotate_all(project.tasks[:10])
    connection.wait_for("v1-10labels")
    project.retrieve_predictions()
    project.annotate_as_predicted(project.tasks[10:])
    connection.wait_for("v2-20labels")
