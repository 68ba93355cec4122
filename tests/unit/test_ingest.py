from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import NoResultFound

from prelabel.errors import LabelConfigError, StorageLockedError
from prelabel.loop.ingest import Ingest
from prelabel.loop.pulls import PAUSE_SECONDS, Pulls
from prelabel.loop.texts import Texts
from prelabel.storage.database import Database
from prelabel.storage.fetched import FetchedTexts
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.project_settings import ProjectSettingsStore
from prelabel.storage.projects import ProjectStore
from prelabel.types import Event, EventKind, JobState, ProjectKey, ProjectSettings, Task
from tests.backend import wait_for
from tests.builders import CONFIG, PROJECT, annotated, at, config, deleted, labeled, tasks_deleted

START = Event(kind=EventKind.TRAINING_REQUESTED, project=PROJECT, label_config=CONFIG)
IMPORTED = Event(
    kind=EventKind.TASKS_CREATED, project=PROJECT, created=(Task(id=1, data={"text": "a"}),)
)
NONE = ProjectSettings()
GONE = Event(kind=EventKind.PROJECT_DELETED, project=PROJECT)


@pytest.fixture
def woken() -> list[bool]:
    """Grows each time somebody is woken to train."""
    return []


@pytest.fixture
def make(
    database: Database,
    labels: LabelStore,
    jobs: JobStore,
    no_texts: Texts,
    woken: list[bool],
) -> Callable[..., Ingest]:
    def ingest(*, can_sync: bool = False, pause_seconds: float = PAUSE_SECONDS) -> Ingest:
        projects = ProjectStore(database)
        pulls = Pulls(projects, lambda: woken.append(True), pause_seconds=pause_seconds)
        return Ingest(
            projects=projects,
            settings=ProjectSettingsStore(database),
            labels=labels,
            jobs=jobs,
            texts=no_texts,
            pulls=pulls if can_sync else None,
            wake=lambda: woken.append(True),
        )

    return ingest


@pytest.fixture
def settings(database: Database) -> ProjectSettingsStore:
    return ProjectSettingsStore(database)


@pytest.fixture
def ingest(make: Callable[..., Ingest]) -> Ingest:
    return make()


def edited(label_config: str, minute: float = 1) -> Event:
    return Event(
        kind=EventKind.PROJECT_UPDATED,
        project=PROJECT,
        label_config=label_config,
        project_updated_at=at(minute),
    )


# Projects


def test_a_project_is_greeted_with_what_its_config_means(ingest: Ingest) -> None:
    schema = ingest.register(PROJECT, CONFIG, NONE)
    assert [label.value for label in schema.controls[0].labels] == ["cooking", "sports"]


def test_a_config_that_cannot_be_served_is_refused_and_not_remembered(
    ingest: Ingest, labels: LabelStore
) -> None:
    with pytest.raises(LabelConfigError):
        ingest.register(PROJECT, "<View/>", NONE)
    with pytest.raises(NoResultFound):
        labels.snapshot(PROJECT)


@pytest.mark.parametrize("news", [None, annotated(labeled(1)), edited(CONFIG), deleted(5)])
def test_a_new_project_is_pulled_once_however_it_is_first_heard_of(
    make: Callable[..., Ingest], projects: ProjectStore, woken: list[bool], news: Event | None
) -> None:
    ingest = make(can_sync=True)
    ingest.apply(news) if news else ingest.register(PROJECT, CONFIG, NONE)
    assert projects.sync_is_due(PROJECT)
    assert woken
    projects.sync_failed(PROJECT, is_away=True)
    ingest.register(PROJECT, CONFIG, NONE)
    assert not projects.sync_is_due(PROJECT)


def test_a_new_project_whose_pull_cannot_be_asked_for_is_pulled_later(
    make: Callable[..., Ingest], projects: ProjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StorageLockedError("The database is locked", expected="it free", fix="Wait.")

    ingest = make(can_sync=True, pause_seconds=0.1)
    with monkeypatch.context() as patch:
        patch.setattr(ProjectStore, "request_sync", fail)
        with pytest.raises(StorageLockedError):
            ingest.register(PROJECT, CONFIG, NONE)
    assert wait_for(lambda: projects.sync_is_due(PROJECT))


@pytest.mark.parametrize("can_sync", [True, False])
def test_imported_tasks_are_pulled_in_a_minute_for_the_labels_they_may_have(
    make: Callable[..., Ingest], projects: ProjectStore, *, can_sync: bool
) -> None:
    ingest = make(can_sync=can_sync)
    projects.see(PROJECT, CONFIG)
    ingest.apply(replace(IMPORTED, created=()))
    assert projects.states()[0].sync_due_at is None
    ingest.apply(IMPORTED)
    assert (projects.states()[0].sync_due_at is not None) == can_sync
    assert not projects.sync_is_due(PROJECT)


def test_without_a_key_a_new_project_is_told_what_is_missing(
    ingest: Ingest, projects: ProjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    ingest.register(PROJECT, CONFIG, NONE)
    ingest.register(PROJECT, CONFIG, NONE)
    assert caplog.text.count("LABEL_STUDIO_API_KEY is not set") == 1
    assert not projects.sync_is_due(PROJECT)


def test_a_deleted_project_is_forgotten_and_welcome_back(
    make: Callable[..., Ingest], projects: ProjectStore, jobs: JobStore
) -> None:
    ingest = make(can_sync=True)
    ingest.apply(GONE)
    ingest.apply(annotated(labeled(1)))
    assert jobs.due(10) == [PROJECT]
    assert ingest.apply(GONE).label_changes == 0
    assert jobs.due(1) == []
    ingest.register(PROJECT, CONFIG, NONE)
    assert projects.sync_is_due(PROJECT)


@pytest.mark.parametrize("can_sync", [True, False])
def test_a_deleted_project_of_which_only_the_number_is_told_is_not_forgotten_but_asked_for(
    make: Callable[..., Ingest],
    projects: ProjectStore,
    caplog: pytest.LogCaptureFixture,
    *,
    can_sync: bool,
) -> None:
    other = ProjectKey(PROJECT.id + 1, 5)
    for project in (PROJECT, other):
        projects.see(project, CONFIG)
    ingest = make(can_sync=can_sync)
    ingest.doubt(404)
    assert not caplog.text
    ingest.doubt(PROJECT.id)
    assert f'POST /delete with {{"project": "{PROJECT}"}}' in caplog.text
    pulled = {state.project: state.sync_due_at is not None for state in projects.states()}
    assert pulled == {PROJECT: can_sync, other: False}


def test_a_project_that_comes_back_with_another_config_is_trained_anew(
    ingest: Ingest, jobs: JobStore
) -> None:
    ingest.register(PROJECT, CONFIG, NONE)
    ingest.apply(GONE)
    ingest.register(PROJECT, config("cooking", "art"), NONE)
    assert jobs.due(10) == [PROJECT]


def test_the_fetched_text_of_a_deleted_task_goes_with_it(
    ingest: Ingest, labels: LabelStore, database: Database
) -> None:
    by_address = CONFIG.replace('value="$text"', 'value="$text" valueType="url"')
    ingest.register(PROJECT, by_address, NONE)
    labels.add_texts(PROJECT, [Task(id=1, data={"text": "/a"})])
    fetched = FetchedTexts(database)
    fetched.keep(PROJECT, "/a", "a text")
    ingest.apply(tasks_deleted(2))
    assert fetched.find(PROJECT, ["/a"])
    ingest.apply(tasks_deleted(1))
    assert not fetched.find(PROJECT, ["/a"])


# Labels


def test_label_changes_are_counted_and_wake(ingest: Ingest, woken: list[bool]) -> None:
    event = annotated(labeled(1), labeled(2))
    assert [ingest.apply(event).label_changes for _ in range(2)] == [2, 0]
    assert ingest.apply(deleted(1)).label_changes == 1
    assert len(woken) == 2


def test_skipped_tasks_wake_nobody(ingest: Ingest, woken: list[bool]) -> None:
    assert ingest.apply(annotated(labeled(1, skipped=True))).label_changes == 0
    assert woken == []


# Trainings


def test_start_training_is_a_job_at_once(ingest: Ingest, woken: list[bool]) -> None:
    job = ingest.apply(START).job
    assert job is not None
    assert (job.state, job.must_train, job.reason) == (JobState.QUEUED, True, "Start Training")
    assert woken


def test_start_training_twice_is_one_job(ingest: Ingest) -> None:
    assert ingest.apply(START).job == ingest.apply(START).job


def test_a_training_of_a_project_nobody_told_of_is_a_job_too(ingest: Ingest) -> None:
    assert ingest.request_training(PROJECT, "train").project == PROJECT


# Labeling configs


def test_an_edited_config_trains_anew(ingest: Ingest, jobs: JobStore, woken: list[bool]) -> None:
    ingest.register(PROJECT, CONFIG, NONE)
    ingest.apply(edited(config("cooking", "art")))
    assert jobs.due(10) == [PROJECT]
    job = jobs.get(1)
    assert job is not None
    assert (job.reason, job.must_train, len(woken)) == ("labeling config edited", True, 1)


def test_a_config_that_means_the_same_trains_nothing(
    ingest: Ingest, jobs: JobStore, labels: LabelStore
) -> None:
    ingest.register(PROJECT, CONFIG, NONE)
    styled = CONFIG.replace("<View>", "<View><Style>.x {}</Style>")
    ingest.apply(edited(styled))
    assert jobs.due(10) == []
    assert labels.snapshot(PROJECT).label_config == styled


def test_a_late_config_trains_nothing(ingest: Ingest, jobs: JobStore) -> None:
    ingest.apply(edited(CONFIG, minute=5))
    ingest.apply(edited(config("old"), minute=4))
    ingest.apply(
        replace(annotated(labeled(1)), label_config=config("old"), project_updated_at=at(3))
    )
    assert jobs.due(10) == []


def test_a_config_that_was_broken_and_mended_trains_anew(ingest: Ingest, jobs: JobStore) -> None:
    ingest.apply(edited(CONFIG, minute=1))
    assert jobs.due(10) == []
    ingest.apply(edited("broken", minute=2))
    ingest.apply(edited(CONFIG, minute=3))
    assert jobs.due(10) == [PROJECT]


def test_an_edit_says_in_the_log_what_it_did(
    ingest: Ingest, caplog: pytest.LogCaptureFixture
) -> None:
    ingest.register(PROJECT, CONFIG, NONE)
    with caplog.at_level(logging.INFO):
        ingest.apply(edited(config("cooking", "art")))
    assert '"topic" has lost sports' in caplog.text
    assert '"topic" has got art' in caplog.text


def test_a_config_that_cannot_be_served_any_more_is_said_to_be_so_with_the_reason(
    ingest: Ingest, caplog: pytest.LogCaptureFixture
) -> None:
    ingest.register(PROJECT, CONFIG, NONE)
    with caplog.at_level(logging.INFO):
        ingest.apply(edited("<View><Labels/></View>", minute=1))
        assert "cannot be served any more" in caplog.text
        assert "without a usable control" in caplog.text
        assert "trained anew" not in caplog.text
        ingest.apply(edited(CONFIG, minute=2))
        assert "can be served now" in caplog.text


def test_a_control_that_cannot_be_learned_is_named_once_in_the_log(
    ingest: Ingest, caplog: pytest.LogCaptureFixture
) -> None:
    each = (
        '<Choices name="each" toName="text" perRegion="true"><Choice value="x"/></Choices></View>'
    )
    for _ in range(2):
        ingest.register(PROJECT, CONFIG.replace("</View>", each), NONE)
    assert caplog.text.count('<Choices name="each">: perRegion="true"') == 1


# Settings


def test_another_penalty_asks_for_a_training_and_the_same_does_not(
    ingest: Ingest, jobs: JobStore, projects: ProjectStore
) -> None:
    ingest.register(PROJECT, CONFIG, NONE)
    assert jobs.due(10) == []
    ingest.register(PROJECT, CONFIG, ProjectSettings(C=1.0))
    job = jobs.claim(PROJECT, "me", timedelta(minutes=1))
    assert job
    jobs.finish(job, JobState.DONE, "")
    jobs.release(PROJECT, "me")
    ingest.register(PROJECT, CONFIG, ProjectSettings(C=1.0))
    assert jobs.due(10) == []


def test_an_edit_of_a_connection_that_says_nothing_of_settings_leaves_them(
    make: Callable[..., Ingest], jobs: JobStore, settings: ProjectSettingsStore
) -> None:
    own, (one, other) = ProjectSettings(train_every=2, C=1.0), (make(), make())
    one.register(PROJECT, CONFIG, None)
    other.register(PROJECT, CONFIG, own)
    job = jobs.claim(PROJECT, "me", timedelta(minutes=1))
    assert job
    jobs.finish(job, JobState.DONE, "")
    jobs.release(PROJECT, "me")
    for worker, given in ((one, None), (other, own), (other, None), (one, own), (one, None)):
        worker.register(PROJECT, CONFIG, given)
        assert settings.get(PROJECT) == own
    assert jobs.due(10) == []
    other.register(PROJECT, CONFIG, None)
    assert settings.get(PROJECT) == NONE, "whichever process was told so twice"


def test_settings_that_are_left_out_twice_are_none(
    ingest: Ingest, settings: ProjectSettingsStore
) -> None:
    own = ProjectSettings(train_every=2)
    for given, wanted in ((own, own), (None, own), (None, NONE), (own, own), (NONE, NONE)):
        ingest.register(PROJECT, CONFIG, given)
        assert settings.get(PROJECT) == wanted


def test_a_project_says_after_how_many_labels_it_is_trained(ingest: Ingest, jobs: JobStore) -> None:
    ingest.register(PROJECT, CONFIG, ProjectSettings(train_every=2))
    ingest.apply(annotated(labeled(1, "sports")))
    assert jobs.due(10) == []
    ingest.apply(annotated(labeled(2, "sports")))
    assert jobs.due(10) == [PROJECT]
    ingest.register(PROJECT, CONFIG, NONE)
    assert jobs.due(10) == []
