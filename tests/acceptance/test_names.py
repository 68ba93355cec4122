"""A project that nobody has labeled yet: names and texts give the first suggestions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from prelabel.types import FIRST_TEXTS
from tests.acceptance.backend import OpenBackend
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.project import Project
from tests.acceptance.topics import LabeledText
from tests.builders import speaking_texts

pytestmark = pytest.mark.label_studio

NAMES = ("sports", "cooking")

# As in Label Studio's own template; no review says its label.
REMARKS = {
    "Positive": ["wonderful", "delicious, we loved it", "great, I recommend it", "excellent"],
    "Negative": ["terrible", "dirty and slow", "disappointing, never again", "awful"],
    "Neutral": ["okay", "average", "fine, nothing more", "neither here nor there"],
}
SUBJECTS = ["breakfast", "room", "service", "view", "pool", "bar", "sauna", "parking", "tea"]
REVIEWS = [
    LabeledText(f"The {subject} was {remark}.", label)
    for subject, (label, remarks) in product(SUBJECTS, REMARKS.items())
    for remark in remarks
]


@pytest.fixture
def project(label_studio: LabelStudio) -> Project:
    texts = enumerate(speaking_texts(FIRST_TEXTS, NAMES))
    return label_studio.create_project(
        [LabeledText(text, NAMES[number % len(NAMES)]) for number, text in texts], NAMES
    )


def suggestion(project: Project, version: str) -> tuple[int, str]:
    """Return what the next labeler is shown: a task, and the label a version suggests for it."""
    task = project.next_task()
    (shown,) = (item for item in task["predictions"] if item["model_version"] == version)
    (label,) = shown["result"][0]["value"]["choices"]
    assert 0.5 < shown["score"] < 1
    return task["id"], label


def test_a_labeler_sees_a_suggestion_before_anybody_labeled_and_labels_replace_it(
    project: Project, backend: OpenBackend
) -> None:
    connection = project.connect(backend.url)
    connection.wait_for("v1-names")
    task, label = suggestion(project, "v1-names")
    assert label == project.truth[task]
    project.annotate_all(project.tasks[:10])
    connection.wait_for("v2-10labels")
    task, label = suggestion(project, "v2-10labels")
    assert label == project.truth[task]


def test_without_a_key_the_texts_come_with_what_label_studio_asks_for(
    project: Project, start_backend: Callable[..., OpenBackend]
) -> None:
    connection = project.connect(start_backend().url)
    before = project.retrieve_predictions()
    assert {item.model_version.partition("-")[0] for item in before} == {"v0"}
    assert len(before) < FIRST_TEXTS / 5
    connection.wait_for("v1-names")
    task, label = suggestion(project, "v1-names")
    assert label == project.truth[task]


def test_texts_need_not_say_names_that_many_people_give_their_labels(
    label_studio: LabelStudio, backend: OpenBackend
) -> None:
    project = label_studio.create_project(REVIEWS, tuple(REMARKS))
    connection = project.connect(backend.url)
    connection.wait_for("v1-names")
    found = {item.task: item.label for item in project.retrieve_predictions()}
    right = [label == project.truth[task] for task, label in found.items()]
    assert len(right) > 0.9 * len(REVIEWS)
    assert sum(right) > 0.7 * len(right)
