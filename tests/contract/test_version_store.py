from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from prelabel.errors import LeaseLostError
from prelabel.storage.database import Database
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.versions import VersionStore
from prelabel.types import ModelVersion, ProjectKey
from tests.builders import CONFIG, PROJECT, TWIN

COPY = ProjectKey(2, 1795447700)


@pytest.fixture(autouse=True)
def _two_projects(projects: ProjectStore, jobs: JobStore) -> None:
    for project in (PROJECT, TWIN):
        projects.see(project, CONFIG)
        jobs.claim(project, "me", timedelta(minutes=1))


def add(versions: VersionStore, project: ProjectKey = PROJECT, examples: int = 2) -> ModelVersion:
    return versions.add(
        project,
        artifact=f"{project}/{examples}",
        examples=examples,
        labels=("ham", "spam"),
        frame="frame",
        fingerprint="f",
        owner="me",
    )


def test_before_the_first_version_there_is_none(versions: VersionStore) -> None:
    assert versions.active(PROJECT) is None
    assert versions.active(ProjectKey(404, 1)) is None
    assert versions.all() == []


def test_an_added_version_is_active_and_read_again_whole(versions: VersionStore) -> None:
    version = add(versions, examples=120)
    assert versions.active(PROJECT) == version
    assert version.name == "v1-120labels"
    assert version.labels == ("ham", "spam")


def test_versions_are_counted_by_project_and_listed_newest_first(versions: VersionStore) -> None:
    first, second, other = add(versions), add(versions), add(versions, TWIN)
    assert [version.number for version in (first, second, other)] == [1, 2, 1]
    assert versions.all(PROJECT) == [second, first]
    assert versions.all() == [other, second, first]
    assert (versions.active(PROJECT), versions.active(TWIN)) == (second, other)


@pytest.mark.parametrize("project", [COPY, PROJECT])
def test_nobody_without_the_lease_adds_a_version(
    versions: VersionStore, jobs: JobStore, project: ProjectKey
) -> None:
    jobs.release(PROJECT, "me")
    with pytest.raises(LeaseLostError, match="was lost"):
        add(versions, project)
    assert versions.all() == []


def test_versions_added_at_once_have_different_numbers(versions: VersionStore) -> None:
    barrier = Barrier(8)

    def add_one(_: int) -> int:
        barrier.wait()
        return add(versions).number

    with ThreadPoolExecutor(8) as executor:
        assert sorted(executor.map(add_one, range(8))) == list(range(1, 9))


def test_versions_survive_reopening(versions: VersionStore, database: Database) -> None:
    version = add(versions)
    database.close()
    with Database(database.path) as again:
        again.migrate()
        assert VersionStore(again).active(PROJECT) == version


def test_a_second_process_sees_the_new_version_at_once(
    versions: VersionStore, database: Database
) -> None:
    with Database(database.path) as other:
        add(versions)
        assert VersionStore(other).active(PROJECT) == versions.active(PROJECT)
        version = add(versions)
        assert VersionStore(other).active(PROJECT) == version


# Copies


def test_a_copy_serves_the_same_artifact(versions: VersionStore, projects: ProjectStore) -> None:
    add(versions)
    original = add(versions, examples=7)
    projects.see(COPY, CONFIG)
    copied = versions.copy(PROJECT, COPY)
    assert copied is not None
    assert (copied.project, copied.name, copied.artifact) == (
        COPY,
        original.name,
        original.artifact,
    )
    assert versions.active(COPY) == copied
    assert versions.active(PROJECT) == original


def test_a_copy_goes_on_counting(versions: VersionStore, jobs: JobStore) -> None:
    add(versions)
    add(versions)
    versions.copy(PROJECT, TWIN)
    assert add(versions, TWIN).number == 3


def test_nothing_is_copied_from_nothing_or_over_something(versions: VersionStore) -> None:
    assert versions.copy(PROJECT, COPY) is None
    add(versions)
    kept = add(versions, TWIN)
    assert versions.copy(PROJECT, TWIN) is None
    assert versions.active(TWIN) == kept


def test_a_project_not_yet_seen_can_be_copied_to_and_is_new_still(
    versions: VersionStore, projects: ProjectStore, labels: LabelStore
) -> None:
    version = add(versions)
    copied = versions.copy(PROJECT, COPY)
    assert copied is not None
    assert copied.name == version.name
    assert projects.see(COPY, CONFIG).is_new
    assert versions.active(COPY) == copied
    assert labels.snapshot(COPY).annotated == ()


def test_copies_at_once_are_one(versions: VersionStore) -> None:
    add(versions)
    barrier = Barrier(4)

    def copy(_: int) -> ModelVersion | None:
        barrier.wait()
        return versions.copy(PROJECT, TWIN)

    with ThreadPoolExecutor(4) as executor:
        assert sum(version is not None for version in executor.map(copy, range(4))) == 1
    assert len(versions.all(TWIN)) == 1
