from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from prelabel.loop.pruning import SETTLED_SECONDS, Pruned, Pruner
from prelabel.models import artifact
from prelabel.storage.database import Database
from prelabel.storage.fetched import FetchedTexts
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.retention import KEPT_JOBS, Retention
from prelabel.storage.tables import fetched_text_table
from prelabel.storage.versions import VersionStore
from prelabel.types import JobState, ModelVersion, ProjectKey, Task
from tests.builders import CONFIG, PROJECT, TWIN, annotated, examples, heads
from tests.letters import Letters

BY_ADDRESS = (
    '<View><Text name="t" value="$at" valueType="url"/>'
    '<Choices name="c" toName="t"><Choice value="a"/></Choices></View>'
)
Add = Callable[..., ModelVersion]
LEASE = timedelta(minutes=1)
LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def add(projects: ProjectStore, jobs: JobStore, versions: VersionStore, tmp_path: Path) -> Add:
    for project in (PROJECT, TWIN):
        projects.see(project, CONFIG)
        jobs.claim(project, "me", LEASE)

    def train(project: ProjectKey = PROJECT, withheld: str | None = None) -> ModelVersion:
        name = f"{project}/{len(versions.all())}-{time.monotonic_ns()}"
        model = Letters().fit(["ham", "spam"], ["ham", "spam"])
        artifact.save({"topic": model}, tmp_path / "artifacts" / name, receipt={})
        return versions.add(project, artifact=name, examples=2, heads=heads("ham", "spam"),
                            fingerprint="f", owner="me", withheld=withheld)  # fmt: skip

    return train


@pytest.fixture
def pruner(database: Database, tmp_path: Path) -> Pruner:
    return Pruner(Retention(database), tmp_path, keep=3)


def numbers(versions: VersionStore) -> list[int]:
    return [version.number for version in versions.all(PROJECT)]


def stored(tmp_path: Path) -> set[str]:
    return {str(f.parent.relative_to(tmp_path / "artifacts")) for f in tmp_path.rglob("manifest.*")}


def test_the_newest_versions_stay_and_the_others_go_with_their_artifacts(
    add: Add, pruner: Pruner, versions: VersionStore, tmp_path: Path
) -> None:
    made = [add() for _ in range(6)]
    other = add(TWIN)
    found = pruner.prune(PROJECT)
    assert (found.versions, found.folders) == (3, 3)
    assert found.size_bytes > 0
    assert numbers(versions) == [6, 5, 4]
    assert stored(tmp_path) == {v.artifact for v in (*made[3:], other)}
    assert pruner.prune(PROJECT) == Pruned()


def test_the_active_version_stays_however_old_and_so_does_the_one_to_go_back_to(
    add: Add, pruner: Pruner, versions: VersionStore
) -> None:
    for withheld in (None, None, "worse", None, *["worse"] * 5):
        add(withheld=withheld)
    pruner.prune(PROJECT)
    assert numbers(versions) == [9, 8, 7, 4, 2]


def test_fetched_texts_go_that_no_task_has_and_those_of_tasks_stay_through_edits_of_the_config(
    pruner: Pruner, projects: ProjectStore, labels: LabelStore, database: Database
) -> None:
    fetched = FetchedTexts(database)
    projects.see(PROJECT, BY_ADDRESS)
    labels.add_texts(PROJECT, [Task(id=1, data={"at": "/a"})])
    for url in ("/a", "/b"):
        fetched.keep(PROJECT, url, "a text")
    with database.write() as connection:
        connection.execute(update(fetched_text_table).values(tried_at=None))
    projects.see(PROJECT, CONFIG)
    for dry_run in (True, False):
        assert pruner.prune(PROJECT, dry_run=dry_run) == Pruned(texts=1)
    projects.see(PROJECT, "<View/>")
    assert pruner.prune(PROJECT) == Pruned()
    assert set(fetched.find(PROJECT, ["/a", "/b"])) == {"/a"}


def test_an_artifact_that_a_copied_project_serves_stays(
    add: Add, pruner: Pruner, versions: VersionStore, tmp_path: Path
) -> None:
    copied = add()
    versions.copy(PROJECT, ProjectKey(2, 2))
    for _ in range(5):
        add()
    pruner.prune(PROJECT)
    assert numbers(versions) == [6, 5, 4]
    assert copied.artifact in stored(tmp_path)


def test_what_a_crash_left_goes_once_it_is_old_enough_to_be_nobodys(
    add: Add, pruner: Pruner, tmp_path: Path
) -> None:
    kept = add()
    left = [tmp_path / "artifacts" / str(PROJECT) / name for name in (".x.tmp", "orphan")]
    for folder in left:
        folder.mkdir()
        (folder / "arrays.safetensors").write_bytes(b"half")
    assert pruner.prune(PROJECT) == Pruned()
    before = time.time() - SETTLED_SECONDS - 60
    for folder in (*left, tmp_path / "artifacts" / kept.artifact):
        os.utime(folder, (before, before))
    assert pruner.prune(PROJECT, dry_run=True) == Pruned(folders=2, size_bytes=8)
    assert pruner.prune(PROJECT) == Pruned(folders=2, size_bytes=8)
    assert stored(tmp_path) == {kept.artifact}


def test_of_finished_jobs_the_newest_stay_and_open_ones_all(
    add: Add, pruner: Pruner, jobs: JobStore
) -> None:
    add()
    jobs.release(PROJECT, "me")
    for _ in range(KEPT_JOBS + 5):
        job = jobs.claim(PROJECT, "me", LEASE)
        assert job
        jobs.finish(job, JobState.DONE, "done")
        jobs.release(PROJECT, "me")
    waiting = jobs.request(PROJECT, "Start Training")
    assert pruner.prune(PROJECT).jobs == 5
    assert jobs.get(waiting.id) == waiting
    assert jobs.get(waiting.id - KEPT_JOBS)
    assert jobs.get(waiting.id - KEPT_JOBS - 1) is None


def test_a_forgotten_project_is_erased_and_no_other(
    add: Add, pruner: Pruner, versions: VersionStore, database: Database, tmp_path: Path
) -> None:
    projects, labels = ProjectStore(database), LabelStore(database)
    kept = add(TWIN)
    add()
    JobStore(database).release(PROJECT, "me")
    labels.apply(annotated(*examples(["sports"] * 30)))
    files = tmp_path / "models" / str(PROJECT)
    files.mkdir(parents=True)
    projects.forget(PROJECT)
    assert pruner.prune_all(LATER - timedelta(days=2)).projects == 0
    told = pruner.prune_all(LATER, dry_run=True)
    assert (told.projects, told.folders) == (1, 2)
    assert projects.see(PROJECT).is_new
    assert labels.count_texts(PROJECT) == 30
    projects.forget(PROJECT)
    assert pruner.prune_all(LATER) == told
    assert not files.exists()
    assert not (tmp_path / "artifacts" / str(PROJECT)).exists()
    assert projects.see(PROJECT).label_config is None
    assert labels.count_texts(PROJECT) == 0
    assert versions.all() == [kept]


def test_a_forgotten_project_that_a_job_is_at_work_on_is_erased_after_it(
    jobs: JobStore, pruner: Pruner, projects: ProjectStore
) -> None:
    projects.see(PROJECT)
    jobs.request(PROJECT, "test")
    assert jobs.claim(PROJECT, "trainer", timedelta(minutes=1))
    projects.forget(PROJECT)
    assert pruner.prune_all(LATER).projects == 0
    jobs.release(PROJECT, "trainer")
    assert pruner.prune_all(LATER).projects == 1


def test_a_project_that_is_seen_again_meanwhile_is_not_erased(
    add: Add, database: Database, projects: ProjectStore, versions: VersionStore
) -> None:
    version = add()
    assert not Retention(database).erase(PROJECT, LATER)
    assert versions.all(PROJECT) == [version]
    assert projects.is_known(PROJECT)


def test_a_dry_run_tells_what_pruning_would_do_and_does_nothing(
    add: Add, pruner: Pruner, versions: VersionStore, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level("INFO")
    for _ in range(6):
        add()
    before = stored(tmp_path)
    told = pruner.prune_all(LATER, dry_run=True)
    assert "Pruned" not in caplog.text
    assert stored(tmp_path) == before
    assert len(numbers(versions)) == 6
    assert pruner.prune_all(LATER) == told
    assert f"Pruned project {PROJECT}" in caplog.text
