"""Labels change under a model: in the labeling config, and in what people decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from tests.acceptance.backend import OpenBackend
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.project import call
from tests.acceptance.topics import TOPICS, make_texts
from tests.backend import wait_for

pytestmark = pytest.mark.label_studio

WRONG = {"sports": "cooking", "cooking": "finance", "finance": "sports"}


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


def test_a_renamed_control_says_what_happened_and_learns_anew(
    label_studio: LabelStudio, backend: OpenBackend
) -> None:
    project = label_studio.create_project(make_texts(12), TOPICS, labeled=6)
    connection = project.connect(backend.url)
    connection.start_training()
    connection.wait_for("v1-6labels")
    project.rename_control("subject")
    wait_for(lambda: "does not have: topic." in backend.read_log())
    said = "no control topic any more: what was decided there is kept, and learned again if the"
    assert said in backend.read_log()
    assert "new control subject: it learns from what is decided from now on" in backend.read_log()
    for task in project.tasks:
        project.annotate(task, control="subject")
    connection.start_training()
    connection.wait_for("-12labels")
    project._act("retrieve_tasks_predictions", None)
    newest = connection.model_version
    stored = call(project.http, "GET", "/api/predictions/", params={"project": project.id})
    regions = [item["result"][0] for item in stored if item["model_version"] == newest]
    assert {region["from_name"] for region in regions} == {"subject"}


def test_of_several_annotators_most_decide_and_ground_truth_before_all(
    label_studio: LabelStudio, start_backend: Callable[..., OpenBackend]
) -> None:
    backend = start_backend(START_TRAINING_EACH_N_UPDATES="1000")
    project = label_studio.create_project(make_texts(30), TOPICS)
    connection, tasks = project.connect(backend.url), project.tasks
    first = project.annotate_all(tasks[:12])
    for right_about in (tasks[4:12], []):  # two more people; whom only the last asks is misled
        with label_studio.sign_up(f"{uuid4().hex}@example.com") as http:
            other = replace(project, http=http)
            for task in tasks[:12]:
                truth = project.truth[task]
                other.annotate(task, truth if task in right_about else WRONG[truth])
    for annotation in first[:4]:  # alone against two
        project.set_ground_truth(annotation)
    connection.start_training()
    connection.wait_for("-12labels")
    assert len(backend.annotation_ids(project.key)) == 36
    assert project.accuracy(project.retrieve_predictions()) >= 0.9


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
    annotations = [project.annotate(task, WRONG[project.truth[task]]) for task in tasks[:9]]
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
