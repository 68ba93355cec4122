"""`prelabel connect` and `prelabel doctor`, each fault made for real and found."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prelabel.label_studio.connections import WANTED_ACTIONS
from tests.acceptance.backend import OpenBackend
from tests.acceptance.commands import Commands
from tests.acceptance.conftest import START_SECONDS, find_environment
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.project import call
from tests.acceptance.topics import TOPICS, make_texts
from tests.backend import free_port, wait_for, without_settings
from tests.label_studio import LEGACY

pytestmark = pytest.mark.label_studio

USER, PASSWORD = "label-studio", "pass:wörd"
AUTH = {"BASIC_AUTH_USER": USER, "BASIC_AUTH_PASS": PASSWORD}
SECRET = "a-secret-of-sixteen-or-more"

StartBackend = Callable[..., OpenBackend]


@pytest.fixture
def commands(label_studio: LabelStudio, api_key: str) -> Commands:
    project = label_studio.create_project(make_texts(12), TOPICS)
    return Commands(label_studio=label_studio, project=project, api_key=api_key)


@pytest.fixture
def connected(commands: Commands, backend: OpenBackend) -> Commands:
    assert commands.run("connect", backend.url).status == 0
    return commands


def assert_found_and_repaired(commands: Commands, fault: str, **settings: str) -> None:
    found = commands.run("doctor", **settings)
    assert fault in found.faults, found.output
    assert found.status == 1
    commands.run("doctor", "--repair", **settings)
    assert fault not in commands.run("doctor", **settings).faults


def test_connect_makes_everything_that_labels_and_suggestions_need(
    commands: Commands, start_backend: StartBackend
) -> None:
    backend = start_backend(**AUTH)
    commands.change_project(show_collab_predictions=False)
    options = ["--title", "Topics", "--extra-params", '{"train_every": 4}']
    connected = commands.run("connect", backend.url, *options, **AUTH)
    assert (connected.status, connected.faults) == (0, []), connected.output
    (connection,) = commands.get("/api/ml/")
    assert (connection["title"], connection["state"]) == ("Topics", "CO")
    (webhook,) = commands.webhooks()
    assert not webhook["send_for_all_actions"]
    assert "ANNOTATION_CREATED" in webhook["actions"]
    assert commands.get(f"/api/projects/{commands.project.id}/")["model_version"] == "Topics"
    # The backend has no key of its own: labels arrive because the webhook is believed.
    commands.project.annotate_all(commands.project.tasks[:4])
    wait_for(lambda: backend.active_version(commands.project.key))
    (shown,) = commands.project.next_task()["predictions"]
    assert shown["model_version"] == "v1-4labels"


def test_an_edited_connection_keeps_its_settings_and_an_emptied_one_has_none(
    commands: Commands, start_backend: StartBackend
) -> None:
    backend = start_backend()
    commands.run("connect", backend.url, "--extra-params", '{"C": 2}')
    (connection,) = commands.get("/api/ml/")
    changes = backend.read_log().count("The settings of project")
    address, http = f"/api/ml/{connection['id']}", commands.label_studio.http
    same = {"url": backend.url, "project": commands.project.id}
    assert http.patch(address, json={**same, "title": "Other"}).is_success
    assert backend.read_log().count("The settings of project") == changes == 1
    assert http.patch(address, json={**same, "extra_params": None}).is_success
    assert "are now none" in backend.read_log()


def test_a_secret_in_the_address_lets_label_studio_in_and_its_webhook(
    commands: Commands, start_backend: StartBackend
) -> None:
    backend = start_backend(PRELABEL_URL_SECRET=SECRET)  # no API key: the webhook is believed
    connection = commands.project.connect(f"{backend.url}/{SECRET}")  # as the form does
    commands.project.annotate_all(commands.project.tasks[:10])
    version = connection.wait_for("v1-10labels")
    assert {item.model_version for item in commands.project.retrieve_predictions()} == {version}
    assert commands.run("doctor", f"{backend.url}/{SECRET}").faults == []
    connected = commands.run("connect", f"{backend.url}/{SECRET}")
    assert (connected.status, connected.faults) == (0, []), connected.output
    assert SECRET not in backend.read_log()


def test_without_the_secret_in_the_address_nobody_gets_in(
    commands: Commands, start_backend: StartBackend
) -> None:
    backend = start_backend(PRELABEL_URL_SECRET=SECRET)
    with pytest.raises(AssertionError, match="/api/ml/"):
        commands.project.connect(backend.url)
    assert backend.client.post("/webhook", json={}).status_code == 401
    found = commands.run("doctor", backend.url)
    assert {"connection-missing", "backend"} <= set(found.faults)
    assert "PRELABEL_URL_SECRET" in found.output


def test_who_connects_a_labeled_project_is_told_how_its_labels_are_learned(
    commands: Commands, backend: OpenBackend
) -> None:
    commands.project.annotate_all(commands.project.tasks[:2])
    told = commands.run("connect", backend.url)
    assert "It has 2 annotations: a server with LABEL_STUDIO_API_KEY pulls them" in told.output
    assert f"prelabel sync --project {commands.project.id}" in told.output


def test_a_connection_that_is_called_what_a_version_is_lets_label_studio_sort_by_its_scores(
    commands: Commands, start_backend: StartBackend, api_key: str
) -> None:
    project = commands.project
    backend = start_backend(LABEL_STUDIO_API_KEY=api_key, START_TRAINING_EACH_N_UPDATES="4")
    connection = project.connect(backend.url)
    project.annotate_all(project.tasks[:4])
    version = connection.wait_for("v1-4labels")
    scores = {item.task: item.score for item in project.retrieve_predictions()}
    assert {score for _, score in project.tasks_by_score()} == {None}
    commands.run("connect", backend.url, "--title", version)
    found = project.tasks_by_score()
    assert dict(found) == pytest.approx(scores)
    assert [score for _, score in found] == sorted(scores.values())
    commands.change_project(sampling="Uncertainty sampling")
    unlabeled = project.tasks[4:]
    assert project.next_task()["id"] == min(unlabeled, key=scores.__getitem__)
    project.annotate_all(unlabeled[:4])
    newer = connection.wait_for("v2-8labels")
    shown = project.next_task()
    assert [item["model_version"] for item in shown["predictions"]] == [newer]
    assert dict(project.tasks_by_score()) == pytest.approx(scores)


def test_connecting_again_changes_nothing(connected: Commands, backend: OpenBackend) -> None:
    connected.run("connect", backend.url, "--title", "v1-10labels")
    before = connected.get("/api/ml/"), connected.webhooks()
    again = connected.run("connect", f"{backend.url}/")
    assert (again.status, again.faults) == (0, [])
    assert [(item["id"], item["title"]) for item in connected.get("/api/ml/")] == [
        (item["id"], "v1-10labels") for item in before[0]
    ]
    assert connected.webhooks() == before[1]


def test_nothing_is_wrong_after_connecting(connected: Commands) -> None:
    found = connected.run("doctor")
    assert (found.status, found.faults) == (0, []), found.output


def test_the_webhook_tells_of_what_is_learned_from_and_of_nothing_else(connected: Commands) -> None:
    (webhook,) = connected.webhooks()
    assert not webhook["send_for_all_actions"]
    assert set(webhook["actions"]) == WANTED_ACTIONS


def test_a_project_without_a_connection_is_told_how_to_make_one(commands: Commands) -> None:
    found = commands.run("doctor")
    assert found.faults == ["connection-missing"]
    assert f"prelabel connect http://…:9090 --project {commands.project.id}" in found.output


@pytest.mark.parametrize(
    ("fault", "fields"),
    [
        ("webhook-inactive", {"is_active": False}),
        ("webhook-without-payload", {"send_payload": False}),
        (
            "webhook-incomplete",
            {"send_for_all_actions": False, "actions": ["TASKS_CREATED"]},
        ),
    ],
)
def test_a_webhook_that_does_not_tell_is_repaired(
    connected: Commands, fault: str, fields: dict[str, object]
) -> None:
    connected.change_webhook(**fields)
    assert_found_and_repaired(connected, fault)


def test_a_missing_webhook_is_made(connected: Commands) -> None:
    (webhook,) = connected.webhooks()
    call(connected.label_studio.http, "DELETE", f"/api/webhooks/{webhook['id']}/")
    assert_found_and_repaired(connected, "webhook-missing")


def test_a_webhook_without_credentials_gets_them(
    commands: Commands, start_backend: StartBackend
) -> None:
    backend = start_backend(**AUTH)
    commands.project.connect(backend.url, USER, PASSWORD)
    assert_found_and_repaired(commands, "webhook-without-credentials", **AUTH)


def test_webhooks_that_outlived_their_connection_are_switched_off(
    connected: Commands, start_backend: StartBackend
) -> None:
    (connection,) = connected.get("/api/ml/")
    moved = {"url": start_backend().url, "project": connected.project.id, "title": "prelabel"}
    call(connected.label_studio.http, "PATCH", f"/api/ml/{connection['id']}", json=moved)
    found = connected.run("doctor")
    assert {"webhook-left-over", "webhook-missing"} <= set(found.faults)
    assert_found_and_repaired(connected, "webhook-left-over")
    assert connected.run("doctor").faults == []


def test_a_webhook_of_a_connection_that_was_deleted_is_switched_off(connected: Commands) -> None:
    (connection,) = connected.get("/api/ml/")
    call(connected.label_studio.http, "DELETE", f"/api/ml/{connection['id']}")
    found = connected.run("doctor")
    assert {"webhook-left-over", "connection-missing"} <= set(found.faults)
    connected.run("doctor", "--repair")
    assert not connected.webhooks()[0]["is_active"]


@pytest.mark.parametrize("offset_seconds", [-120, 3600])
def test_a_clock_that_differs_is_named(connected: Commands, offset_seconds: int) -> None:
    faketime = shutil.which("faketime")
    if faketime is None:
        pytest.skip("No faketime here, which Debian's package of that name installs.")
    command = [faketime, "-f", f"{offset_seconds:+d}s", sys.executable, "-m", "prelabel", "doctor"]
    done = subprocess.run(
        [*command, "--project", str(connected.project.id)],
        env={**without_settings(os.environ), **connected.settings},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    found = re.search(r"clock: Label Studio's clock is ([+-]\d+) s", done.stdout)
    assert found, done.stdout + done.stderr
    assert abs(int(found[1]) + offset_seconds) < 10


def test_predictions_that_are_not_shown_are_switched_on(connected: Commands) -> None:
    connected.change_project(show_collab_predictions=False)
    assert_found_and_repaired(connected, "predictions-off")


@pytest.mark.parametrize("is_wanted", [False, True])
def test_who_can_be_asked_is_asked_whether_to_repair(
    connected: Commands, *, is_wanted: bool
) -> None:
    connected.change_project(show_collab_predictions=False)
    found = connected.run_at_a_keyboard("doctor", typed=("y\n" if is_wanted else "n\n") * 5)
    assert "predictions-off" in found.faults
    assert "Repair it? [y/N]" in found.output
    assert found.status == (0 if is_wanted else 1)
    project = connected.get(f"/api/projects/{connected.project.id}/")
    assert project["show_collab_predictions"] is is_wanted


def test_a_project_that_shows_other_predictions_shows_the_backends(connected: Commands) -> None:
    assert connected.project.import_prediction(connected.project.tasks[0], TOPICS[0]).is_success
    stored = connected.project.predictions()[0].model_version
    connected.change_project(model_version=stored)
    assert_found_and_repaired(connected, "other-predictions")


def test_several_backends_are_named(connected: Commands, start_backend: StartBackend) -> None:
    other = start_backend()
    connected.project.connect(other.url)
    found = connected.run("doctor")
    assert "several-backends" in found.faults
    assert other.url in found.output


def test_a_backend_that_is_down_is_seen_from_both_sides(
    connected: Commands, backend: OpenBackend
) -> None:
    backend.stop()
    assert {"connection-broken", "backend"} <= set(connected.run("doctor").faults)


def test_a_backend_that_asks_for_credentials_since_is_given_them(
    commands: Commands, start_backend: StartBackend
) -> None:
    backend = start_backend()
    commands.run("connect", backend.url)
    backend.stop()
    backend.settings = {**backend.settings, **AUTH}
    backend.start()
    assert "connection-broken" in commands.run("doctor").faults
    assert "backend" in commands.run("doctor").faults, "without the credentials"
    assert_found_and_repaired(commands, "connection-broken", **AUTH)
    assert commands.run("doctor", **AUTH).faults == []


def test_a_project_without_a_usable_control_is_told_what_is_supported(
    connected: Commands,
) -> None:
    config = '<View><Text name="t" value="$text"/><Labels name="l" toName="t"><Label value="a"/>'
    connected.change_project(label_config=f"{config}</Labels></View>")
    found = connected.run("doctor")
    assert "labeling-config" in found.faults
    assert "<Choices>" in found.output


def test_label_studio_shows_why_a_project_cannot_be_connected(
    commands: Commands, backend: OpenBackend
) -> None:
    body = {"project": commands.project.id, "url": backend.url, "title": "prelabel"}
    refused = commands.label_studio.http.post("/api/ml/", json={**body, "extra_params": {"D": 1}})
    assert "Received_the_extra_params_('D':_1)" in refused.text
    assert "a_JSON_object_with_some_of_C" in refused.text
    text = '<View><Text name="t" value="$text"/>'
    control = '<Choices name="c" toName="t" perRegion="true"><Choice value="a"/></Choices></View>'
    commands.change_project(label_config=text + control)
    refused = commands.label_studio.http.post("/api/ml/", json=body)
    assert refused.status_code == 400
    assert "perRegion='true'_asks_about_a_part_of_a_task" in refused.text
    assert "Expected:_XML_with_Choices" in refused.text


def test_a_key_that_is_refused_is_explained(commands: Commands, backend: OpenBackend) -> None:
    for arguments in (["connect", backend.url], ["doctor"]):
        found = commands.run(*arguments, LABEL_STUDIO_API_KEY=LEGACY)
        assert found.status != 0
        assert "legacy token" in found.output
        assert "Personal Access Token" in found.output


def test_a_label_studio_that_is_not_there_is_named(commands: Commands) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    found = commands.run("doctor", url, LABEL_STUDIO_HOST=url)
    assert found.faults == ["label-studio"]
    assert url in found.output


@pytest.fixture
def strict_label_studio(tmp_path: Path) -> Iterator[LabelStudio]:
    """A Label Studio that calls local backends, and then refuses to make their webhook."""
    server = LabelStudio(find_environment(), tmp_path, {"ML_BLOCK_LOCAL_IP": "false"})
    try:
        server.start(START_SECONDS)
        yield server
    finally:
        server.stop()


def test_a_refused_local_address_names_the_variables_and_leaves_nothing_half_made(
    strict_label_studio: LabelStudio, backend: OpenBackend
) -> None:
    project = strict_label_studio.create_project(make_texts(2), TOPICS)
    key = strict_label_studio.personal_access_token()
    commands = Commands(label_studio=strict_label_studio, project=project, api_key=key)
    refused = commands.run("connect", backend.url)
    assert refused.status == 2
    assert "USE_DEFAULT_BANNED_SUBNETS=false" in refused.output
    assert commands.get("/api/ml/") == []
    with pytest.raises(AssertionError, match="403"):
        project.connect(backend.url)  # as a person does, who leaves it half made
    found = commands.run("doctor", "--repair")
    assert "webhook-missing" in found.output
    assert "USE_DEFAULT_BANNED_SUBNETS=false" in found.output  # the repair is refused, too
    strict_label_studio.restart(START_SECONDS, {})
    found = commands.run("doctor")  # who upgraded meets this one
    assert {"connection-broken", "webhook-missing"} <= set(found.faults)
    assert "It answers from here" in found.output
    assert "USE_DEFAULT_BANNED_SUBNETS=false" in found.output
