from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from prelabel.errors import ModelError, StorageError, UpstreamError
from prelabel.loop.gate import Gate
from prelabel.loop.pruning import Pruned, Pruner
from prelabel.loop.texts import Texts
from prelabel.loop.trainer import Trainer
from prelabel.loop.worker import Worker
from prelabel.models.base import TextModel
from prelabel.storage.database import Database
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.retention import Retention
from prelabel.storage.syncs import SyncStore
from prelabel.storage.versions import VersionStore
from prelabel.types import Job, JobState, ProjectKey
from tests.builders import CONFIG, PROJECT, annotated, at, by_task, examples
from tests.letters import Letters, MadeBy

Sync = Callable[[ProjectKey], str]


class Crashing(Letters):
    """Fails as models of other people may."""

    def fit(self, texts: Sequence[str], labels: Sequence[str], **extras: Any) -> Self:
        raise KeyError(texts[0])


class Refusing(Letters):
    """Fails as our models do."""

    def fit(self, texts: Sequence[str], labels: Sequence[str], **extras: Any) -> Self:
        raise ModelError("Received no vowels", expected="vowels", fix="Add some.")


class Desk:
    """A worker with its stores, and the project's lease."""

    def __init__(self, database: Database, artifacts: Path, no_texts: Texts) -> None:
        self.texts = no_texts
        self.projects, self.jobs = ProjectStore(database), JobStore(database)
        self.labels, self.versions = LabelStore(database), VersionStore(database)
        self.syncs, self.artifacts = SyncStore(database), artifacts
        self.pruner = Pruner(Retention(database), artifacts.parent, keep=2)
        self.projects.see(PROJECT, CONFIG)

    def label(self, *labels: str) -> None:
        self.labels.apply(annotated(*examples(labels)))

    def do(self, *, sync: Sync | None = None, model: type[TextModel] = Letters) -> Job:
        """Do the job that is due, and return what the store says of it then."""
        gate = Gate(artifacts=self.artifacts, model_class=model, threshold=0.01)
        method = MadeBy(model_class=Letters, make=model)
        trainer = Trainer(labels=self.labels, versions=self.versions, artifacts=self.artifacts,
                          method=method, train_every=3, gate=gate,
                          texts=self.texts)  # fmt: skip
        worker = Worker(projects=self.projects, jobs=self.jobs, trainer=trainer, sync=sync,
                        pruner=self.pruner)  # fmt: skip
        job = self.jobs.claim(PROJECT, "me", timedelta(minutes=1))
        assert job is not None
        try:
            worker.do(job, "me")
        finally:
            self.jobs.release(PROJECT, "me")
        finished = self.jobs.get(job.id)
        assert finished is not None
        return finished


@pytest.fixture
def desk(database: Database, no_texts: Texts, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path / "artifacts", no_texts)


def test_a_training_is_recorded_with_its_version(desk: Desk) -> None:
    desk.label("sports", "cooking", "sports")
    job = desk.do()
    assert (job.state, job.model_version) == (JobState.DONE, "v1-3labels")
    assert job.message == "v1-3labels is active: 2 labels learned"
    assert desk.labels.snapshot(PROJECT).trained_changes == 3
    assert desk.jobs.due(3) == []


def test_too_few_labels_are_an_outcome_with_the_counts(desk: Desk) -> None:
    desk.label("sports", "sports", "sports")
    job = desk.do()
    assert (job.state, job.model_version) == (JobState.NOT_YET, None)
    assert "sports: 3" in job.message
    assert desk.jobs.due(3) == []


def test_a_job_that_nobody_needs_any_more_is_done(desk: Desk) -> None:
    job = desk.do()
    assert (job.state, job.message) == (JobState.DONE, "Nothing was due any more")


def test_a_model_that_crashes_fails_its_job_and_shows_no_text(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.label("sports", "cooking", "sports")
    job = desk.do(model=Crashing)
    assert job.state is JobState.FAILED
    assert re.fullmatch(
        r"Training failed: The model failed in fit \(KeyError at test_worker\.py:\d+\)\. "
        r"Expected: an answer\. The whole error .*\. It is tried again in a while\.",
        job.message,
    )
    assert f"Job {job.id} of project {PROJECT} failed" in caplog.text
    assert desk.jobs.due(3) == []


def test_of_an_error_that_nobody_foresaw_its_kind_is_told(desk: Desk) -> None:
    def fail(_: ProjectKey) -> str:
        raise KeyError("secret")

    desk.label("sports", "cooking", "sports")
    desk.projects.request_sync(PROJECT)
    assert desk.do(sync=fail).message == "Training failed (KeyError). It is tried again in a while."


def test_an_error_of_ours_is_told_whole(desk: Desk) -> None:
    desk.label("sports", "cooking", "sports")
    assert (
        "Training failed: Received no vowels. Expected: vowels. Add some. It is"
        in desk.do(model=Refusing).message
    )


def test_a_crash_takes_nothing_from_what_is_served(desk: Desk) -> None:
    desk.label("sports", "cooking", "sports")
    desk.do()
    served = desk.versions.active(PROJECT)
    desk.labels.apply(annotated(*examples(["sports"] * 3, first=10)))
    desk.do(model=Crashing)
    assert desk.versions.active(PROJECT) == served


# Syncs


def test_a_sync_that_is_due_comes_before_the_training(desk: Desk) -> None:
    def pull(project: ProjectKey) -> str:
        sync = desk.syncs.begin(project, CONFIG, newest=at(0))
        desk.syncs.apply(sync, by_task(examples(["sports", "cooking", "sports"])))
        desk.syncs.end(sync, showed_all=True)
        return "3 annotations pulled."

    desk.projects.request_sync(PROJECT)
    job = desk.do(sync=pull)
    assert job.message == "3 annotations pulled. v1-3labels is active: 2 labels learned"
    assert desk.jobs.due(3) == []


def test_a_sync_that_brings_too_little_to_train_is_done(desk: Desk) -> None:
    desk.projects.request_sync(PROJECT)
    job = desk.do(sync=lambda _: "Nothing new.")
    assert (job.state, job.message) == (JobState.DONE, "Nothing new.")


@pytest.mark.parametrize("has_key", [True, False])
def test_nothing_is_pulled_unasked_or_without_a_key(desk: Desk, *, has_key: bool) -> None:
    if not has_key:
        desk.projects.request_sync(PROJECT)
    job = desk.do(sync=(lambda _: "Pulled!") if has_key else None)
    assert job.message == "Nothing was due any more"


def failing(*, retryable: bool) -> Sync:
    def fail(_: ProjectKey) -> str:
        raise UpstreamError("Received 502", expected="200", fix="Wait.", retryable=retryable)

    return fail


@pytest.mark.parametrize("retryable", [True, False])
def test_a_label_studio_that_is_away_does_not_stop_the_training(
    desk: Desk, *, retryable: bool
) -> None:
    desk.label("sports", "cooking", "sports")
    desk.projects.request_sync(PROJECT)
    job = desk.do(sync=failing(retryable=retryable))
    assert (job.state, job.model_version) == (JobState.DONE, "v1-3labels")
    assert job.message.startswith("The labels could not be pulled: Received 502.")
    assert not desk.projects.sync_is_due(PROJECT)


@pytest.mark.parametrize("retryable", [True, False])
def test_a_requested_training_pulls_first_although_a_pull_failed_just_now(
    desk: Desk, *, retryable: bool
) -> None:
    def pull(project: ProjectKey) -> str:
        sync = desk.syncs.begin(project, CONFIG, newest=at(0))
        desk.syncs.apply(sync, by_task(examples(["sports", "cooking"])))
        desk.syncs.end(sync, showed_all=True)
        return "2 annotations pulled."

    desk.projects.request_sync(PROJECT)
    assert desk.do(sync=failing(retryable=retryable)).message.startswith(
        "The labels could not be pulled"
    )
    desk.jobs.request(PROJECT, "Start Training")
    job = desk.do(sync=pull)
    assert job.message == "2 annotations pulled. v1-2labels is active: 2 labels learned"
    (state,) = desk.projects.states()
    assert state.sync_due_at is None, "what was put off is done by now"


def test_a_requested_training_whose_pull_fails_says_so_and_learns_what_there_is(
    desk: Desk,
) -> None:
    desk.label("sports", "cooking")
    desk.jobs.request(PROJECT, "Start Training")
    job = desk.do(sync=failing(retryable=True))
    assert (job.state, job.model_version) == (JobState.DONE, "v1-2labels")
    assert job.message.startswith("The labels could not be pulled: Received 502.")


def test_a_store_that_is_away_leaves_the_job_to_be_taken_up_again(desk: Desk) -> None:
    def pull(_: ProjectKey) -> str:
        raise StorageError("Locked", expected="a database", fix="Wait.")

    desk.projects.request_sync(PROJECT)
    with pytest.raises(StorageError):
        desk.do(sync=pull)
    job = desk.jobs.get(1)
    assert job is not None
    assert job.state is JobState.RUNNING
    assert desk.jobs.due(3) == [PROJECT]


def test_old_versions_are_pruned_before_the_job_counts_as_done(desk: Desk) -> None:
    for number in (2, 4, 6, 8):
        desk.label(*["sports", "cooking"] * number)
        assert desk.do().state is JobState.DONE
    assert [version.number for version in desk.versions.all(PROJECT)] == [4, 3]


def test_a_pruning_that_fails_costs_no_training(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Pruner):
        def prune(self, project: ProjectKey, *, dry_run: bool = False) -> Pruned:
            raise OSError("a disk that is gone")

    desk.pruner = Broken(Retention(Database(Path("x"))), Path("x"), keep=2)
    desk.label("sports", "cooking", "sports")
    assert desk.do().model_version == "v1-3labels"
    assert "is pruned after its next job" in caplog.text
