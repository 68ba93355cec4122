"""A Label Studio that is away, slow, or says something else than it should."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.backend import Backend, Project, free_port, make_text, wait_for
from tests.integration.small_label_studio import (
    SmallLabelStudio,
    drips,
    fails,
    hangs_up,
    is_silent,
    says,
    small_label_studio,
)

pytestmark = pytest.mark.slow

AFTER_FIVE = {"START_TRAINING_EACH_N_UPDATES": "5"}


@pytest.fixture(scope="module")
def label_studio() -> Iterator[SmallLabelStudio]:
    with small_label_studio() as server:
        yield server


@pytest.fixture(scope="module")
def backend(
    label_studio: SmallLabelStudio, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    settings = {**label_studio.settings, **AFTER_FIVE}
    with Backend(tmp_path_factory.mktemp("pulling"), settings) as backend:
        yield backend


@pytest.fixture
def project(backend: Backend, label_studio: SmallLabelStudio) -> Iterator[Project]:
    """A project of that Label Studio, which has 12 labels and told of four."""
    project = Project(backend)
    label_studio.holds(project.event_body(""), n_labels=12)
    yield project
    label_studio.fault = None
    label_studio.over.set()
    label_studio.over.clear()


def test_labels_are_pulled_by_themselves_when_a_label_studio_that_was_away_is_back(
    tmp_path: Path,
) -> None:
    port = free_port()
    with small_label_studio(port) as away:
        settings = {**away.settings, **AFTER_FIVE}
    with Backend(tmp_path, settings) as backend:
        project = Project(backend)
        project.annotate_many(4)
        assert project.train()["model_version"] == "v1-4labels"
        assert "could not be pulled" in backend.log.read_text()
        assert project.labels_of(make_text("sports", 1)) == ["sports"]
        with small_label_studio(port) as back:
            back.holds(project.event_body(""), n_labels=12)
            assert project.wait_for_version("v1-4labels") == "v2-12labels"


@pytest.mark.parametrize("fault", [fails(404, b"default backend"), says(b"<html>We are starting")])
def test_labels_are_pulled_by_themselves_where_a_proxy_answered_in_the_place_of_label_studio(
    tmp_path: Path, fault: Callable[[Any], None]
) -> None:
    with small_label_studio() as label_studio:
        label_studio.fault = fault
        with Backend(tmp_path, {**label_studio.settings, **AFTER_FIVE}) as backend:
            project = Project(backend)
            label_studio.holds(project.event_body(""), n_labels=12)
            before = project.setup()
            wait_for(lambda: "could not be pulled" in backend.log.read_text())
            label_studio.fault = None
            assert project.wait_for_version(before) == "v1-12labels"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fails(500), id="500"),
        pytest.param(fails(502, b"<html>Bad Gateway"), id="502"),
        pytest.param(fails(429, Retry_After="1"), id="429"),
        pytest.param(fails(401, {"detail": "Invalid token."}), id="key revoked"),
        pytest.param(fails(403, {"detail": "You do not have permission."}), id="role taken away"),
        pytest.param(fails(404, {"detail": "Not found."}), id="project deleted"),
        pytest.param(fails(302, Location="http://127.0.0.1:9/login"), id="login page"),
        pytest.param(says(b"<html>Sign in"), id="html"),
        pytest.param(says(b'{"id": 1, "cre'), id="cut off"),
        pytest.param(says(b"[" * 100_000), id="nested"),
        pytest.param(says(b'{"id": "x", "tasks": 5}'), id="other types"),
        pytest.param(says(b"\x00\xff" * 1000), id="bytes"),
        pytest.param(hangs_up, id="hangs up"),
    ],
)
def test_a_label_studio_that_fails_stops_no_training_and_is_pulled_from_when_it_is_well(
    project: Project, label_studio: SmallLabelStudio, fault: Callable[[Any], None]
) -> None:
    label_studio.fault = fault
    project.annotate_many(4)
    trained = project.train()
    assert (trained["state"], trained["model_version"]) == ("done", "v1-4labels")
    assert project.labels_of(make_text("sports", 1)) == ["sports"]
    log = project.backend.log.read_text()
    assert f"The labels of project {project.key} could not be pulled" in log
    assert "Traceback" not in log
    label_studio.fault = None
    assert project.train()["model_version"] == "v2-12labels"


@pytest.mark.parametrize("fault", [is_silent, drips])
def test_while_a_label_studio_does_not_come_to_an_end_labels_and_suggestions_go_on(
    tmp_path: Path, fault: Callable[[Any], None]
) -> None:
    with small_label_studio() as slow, Backend(tmp_path, slow.settings) as backend:
        slow.fault = fault
        project = Project(backend)
        project.annotate_many(4)
        project.event("START_TRAINING")
        wait_for(lambda: slow.asked)
        assert project.annotate(5, "sports")["label_changes"] == 1
        assert project.labels_of("about sports") == ["sports"]
        assert backend.stop() == 0


def test_a_project_made_anew_with_an_old_number_shares_nothing_with_the_old_one(
    project: Project, label_studio: SmallLabelStudio
) -> None:
    anew = Project(project.backend, id_=project.id)
    anew.created_at += timedelta(days=100)
    anew.key = f"{anew.id}.{int(anew.created_at.timestamp())}"
    label_studio.holds(anew.event_body(""), n_labels=12)
    project.annotate_many(4)
    assert project.train()["model_version"] == "v1-4labels"
    assert "was created at" in project.backend.log.read_text()
    anew.event("START_TRAINING")
    assert anew.wait_for_version(anew.setup()) == "v1-12labels"
    assert project.setup() == "v1-4labels"


def test_a_labeling_config_that_becomes_unusable_is_told_and_its_labels_are_kept(
    project: Project, label_studio: SmallLabelStudio
) -> None:
    project.event("START_TRAINING")
    assert project.wait_for_version(project.setup()) == "v1-12labels"
    usable, project.label_config = project.label_config, "<View><Labels name='a'/></View>"
    label_studio.holds(project.event_body(""), n_labels=13)
    refused = project.backend.client.post(
        "/setup", json={"project": project.key, "schema": project.label_config}
    )
    assert (refused.status_code, "usable" in refused.text) == (422, True)
    assert project.annotate(13, "sports")["label_changes"] == 1
    assert "usable control" in project.train()["message"]
    project.label_config = usable
    label_studio.holds(project.event_body(""), n_labels=13)
    assert project.setup() == "v1-12labels"
    assert project.train()["model_version"] == "v2-13labels"


def test_when_credentials_are_asked_for_since_labels_are_pulled_until_webhooks_have_them(
    tmp_path: Path, label_studio: SmallLabelStudio
) -> None:
    with Backend(tmp_path, {**label_studio.settings, **AFTER_FIVE}) as backend:
        project = Project(backend)
        label_studio.holds(project.event_body(""), n_labels=6)
        assert project.wait_for_version(project.setup()) == "v1-6labels"
    settings = {"BASIC_AUTH_USER": "ann", "BASIC_AUTH_PASS": "pass"}
    with Backend(tmp_path, {**label_studio.settings, **AFTER_FIVE, **settings}) as guarded:
        project.backend = guarded
        body = {"project": project.key, "schema": project.label_config}
        assert guarded.client.post("/setup", json=body).status_code == 401
        label_studio.holds(project.event_body(""), n_labels=12)
        assert project.annotate(7, "sports") == {"status": "doorbell"}
        guarded.client.auth = ("ann", "pass")
        assert project.wait_for_version("v1-6labels") == "v2-12labels"
