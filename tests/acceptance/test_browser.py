"""The five minutes of a newcomer, by hand: in Label Studio's own pages, in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from prelabel.protocol.values import write_regions
from tests.acceptance.backend import OpenBackend
from tests.acceptance.browser import Labeler, open_page
from tests.acceptance.conftest import PAGE
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.project import Project, call
from tests.acceptance.test_label_configs import create_project, read_annotated
from tests.acceptance.topics import TOPICS, make_texts
from tests.backend import wait_for
from tests.label_configs import read_table

pytestmark = pytest.mark.label_studio

TRUTH = {item.text: item.label for item in make_texts(30)}


@pytest.fixture
def project(label_studio: LabelStudio) -> Project:
    return label_studio.create_project(make_texts(30), TOPICS)


@pytest.fixture
def labeler(request: pytest.FixtureRequest, label_studio: LabelStudio) -> Iterator[Labeler]:
    with open_page() as page:
        request.node.stash[PAGE] = page
        yield Labeler(page, label_studio)


def wait_for_version(backend: OpenBackend, project: Project, name: str) -> None:
    def is_active() -> bool:
        version = backend.active_version(project.key)
        return version is not None and version.name == name

    wait_for(is_active, pause_seconds=0.2)


def test_a_newcomer_connects_it_labels_ten_texts_and_finds_the_next_one_ticked(
    labeler: Labeler, project: Project, backend: OpenBackend
) -> None:
    labeler.connect(project, backend.url)
    labeler.expect_text("Connected")
    labeler.label(project, TRUTH, 10)
    wait_for_version(backend, project, "v1-10labels")
    labeler.open_next_task(project)
    labeler.expect_ticked(TRUTH[labeler.read_text()])


def test_start_training_in_the_menu_of_the_model_learns_and_predictions_fill_the_data_manager(
    label_studio: LabelStudio, labeler: Labeler, backend: OpenBackend
) -> None:
    project = label_studio.create_project(make_texts(30), TOPICS, labeled=6)
    labeler.connect(project, backend.url)
    labeler.expect_text("Connected")
    labeler.start_training(project)
    wait_for_version(backend, project, "v1-6labels")
    labeler.retrieve_predictions(project)
    labeler.expect_text("Predictions: 30")


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("taxonomy of leaves, one at most", "cooking"),
        ("two questions with the same answers under other aliases", "tennis"),
    ],
)
def test_what_is_suggested_is_submitted_as_it_is(
    label_studio: LabelStudio, labeler: Labeler, backend: OpenBackend, name: str, topic: str
) -> None:
    (row,) = (row for row in read_table() if row.name == name)
    project = create_project(label_studio, row)
    labeler.connect(project, backend.url)
    wait_for_version(backend, project, f"v1-{len(row.make_tasks())}labels")
    path = f"/api/projects/{project.id}/import"
    call(project.http, "POST", path, json=[{"data": row.make_data(topic, 99)}])
    labeler.open_next_task(project)
    labeler.submit()
    made = wait_for(lambda: read_annotated(project)[len(row.make_tasks()) :], pause_seconds=0.2)
    (decided,) = (write_regions(annotation.regions) for _, annotation in made)
    assert decided == row.predicted[topic]


def test_who_connects_it_without_its_password_reads_on_the_page_what_is_missing(
    labeler: Labeler, project: Project, start_backend: Callable[..., OpenBackend]
) -> None:
    backend = start_backend(BASIC_AUTH_USER="label-studio", BASIC_AUTH_PASS="pass:wörd")
    labeler.connect(project, backend.url)
    labeler.expect_text(re.compile("Received_no_credentials.*BASIC_AUTH_USER_and__PASS"))
