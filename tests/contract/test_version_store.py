from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import Connection

from prelabel.errors import LeaseLostError
from prelabel.storage.database import Database
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.versions import VersionStore
from prelabel.types import ModelVersion, ProjectKey
from tests.builders import CONFIG, PROJECT, TWIN, heads

COPY = ProjectKey(2, 1795447700)


@pytest.fixture(autouse=True)
def _two_projects(projects: ProjectStore, jobs: JobStore) -> None:
    for project in (PROJECT, TWIN):
        projects.see(project, CONFIG)
        jobs.claim(project, "me", timedelta(minutes=1))


def add(
    versions: VersionStore,
    project: ProjectKey = PROJECT,
    examples: int = 2,
    fingerprint: str = "f",
    withheld: str | None = None,
) -> ModelVersion:
    return versions.add(
        project,
        artifact=f"{project}/{examples}",
        examples=examples,
        heads=heads("ham", "spam"),
        fingerprint=fingerprint,
        owner="me",
        metrics={"accuracy": 0.5, "confusion": {"ham": {"spam": 1}}},
        withheld=withheld,
    )


def test_before_the_first_version_there_is_none(versions: VersionStore) -> None:
    assert versions.active(PROJECT) is None
    assert versions.active(ProjectKey(404, 1)) is None
    assert versions.all() == []


def test_an_added_version_is_active_and_read_again_whole(versions: VersionStore) -> None:
    version = add(versions, examples=120)
    assert versions.active(PROJECT) == version
    assert version.name == "v1-120labels"
    assert version.heads == heads("ham", "spam")


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


def test_a_version_that_measured_nothing_has_no_metrics(
    versions: VersionStore, database: Database
) -> None:
    version = versions.add(PROJECT, artifact="a", examples=1, heads=(), fingerprint="f", owner="me")
    assert version.metrics is None
    assert versions.active(PROJECT) == version
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT metrics FROM versions").scalar() is None


def test_versions_of_the_release_that_measured_nothing_are_kept(
    versions: VersionStore, database: Database
) -> None:
    version = add(versions)
    with database.write() as connection:
        for column in ("metrics", "withheld"):
            connection.exec_driver_sql(f"ALTER TABLE versions DROP COLUMN {column}")
        _forget_heads(connection)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    database.migrate()
    expected = replace(version, metrics=None, heads=heads("ham", "spam", frame=FRAME))
    assert versions.active(PROJECT) == expected


def test_versions_of_the_release_that_knew_one_control_are_kept(
    versions: VersionStore, database: Database
) -> None:
    version = add(versions)
    with database.write() as connection:
        _forget_heads(connection)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")
    database.migrate()
    measured = {"topic": version.metrics}
    expected = replace(version, metrics=measured, heads=heads("ham", "spam", frame=FRAME))
    assert versions.active(PROJECT) == expected


FRAME = "('topic', 'choices', 'text', 'text')"


def _forget_heads(connection: Connection) -> None:
    """Bring the tables to the form they had when versions had a single control."""
    for table in ("model_events", "model_state", "fetched_texts"):
        connection.exec_driver_sql(f"DROP TABLE {table}")
    of_syncs = ("sync_after_id", "sync_since", "sync_until", "synced_until", "sync_difference")
    since = {
        "projects": (
            "settings",
            "settings_left_out",
            *of_syncs,
            "pool_level",
            "texts",
            "texts_due",
            "fetch_due_at",
            "sync_refusals",
            "sync_again_at",
        ),
        "tasks": ("level",),
        "versions": ("withdrawn_at", "heads"),
    }
    for table, columns in since.items():
        for column in columns:
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
    for column in ("labels JSON", "frame TEXT"):
        connection.exec_driver_sql(f"ALTER TABLE versions ADD COLUMN {column}")
    connection.exec_driver_sql(
        "UPDATE versions SET labels = ?, frame = ?", ('["ham", "spam"]', FRAME)
    )


def test_what_a_head_learned_from_names_is_kept(versions: VersionStore) -> None:
    (head,) = heads("ham", "spam")
    named = replace(head, name_texts=1200, manner="as trained")
    version = versions.add(
        PROJECT, artifact="a", examples=0, heads=(named,), fingerprint="f", owner="me"
    )
    assert versions.all() == [version]
    assert (version.name, versions.all()[0].heads) == ("v1-names", (named,))


# Versions that are kept but not activated


def test_a_version_that_is_withheld_is_kept_and_the_active_one_stays(
    versions: VersionStore,
) -> None:
    active, withheld = add(versions), add(versions, withheld="it is worse")
    assert versions.active(PROJECT) == active
    assert versions.all(PROJECT) == [withheld, active]
    assert withheld.withheld == "it is worse"


def test_any_stored_version_can_be_activated_and_nothing_withholds_it_then(
    versions: VersionStore,
) -> None:
    first, second = add(versions), add(versions, withheld="it is worse")
    other = add(versions, TWIN)
    assert versions.activate(second, owner="me") == versions.active(PROJECT)
    assert versions.active(PROJECT) == replace(second, withheld=None)
    assert versions.activate(first, owner="me") == versions.active(PROJECT) == first
    assert versions.active(TWIN) == other


def test_nobody_without_the_lease_activates_a_version(
    versions: VersionStore, jobs: JobStore
) -> None:
    active, withheld = add(versions), add(versions, withheld="it is worse")
    jobs.release(PROJECT, "me")
    with pytest.raises(LeaseLostError, match="was lost"):
        versions.activate(withheld, owner="me")
    assert versions.active(PROJECT) == active
    assert versions.all(PROJECT)[0] == withheld


def test_the_newest_version_of_a_fingerprint_is_found_in_its_project(
    versions: VersionStore,
) -> None:
    add(versions, fingerprint="a")
    newest = add(versions, fingerprint="a", withheld="it is worse")
    add(versions, fingerprint="b")
    add(versions, TWIN, fingerprint="c")
    assert versions.find(PROJECT, "a") == newest
    assert versions.find(PROJECT, "c") is None


def test_what_is_active_is_listed_without_forgotten_projects(
    versions: VersionStore, projects: ProjectStore
) -> None:
    assert versions.all_active() == []
    add(versions)
    mine, other = add(versions), add(versions, TWIN)
    add(versions, withheld="it is worse")
    assert versions.all_active() == [other, mine]
    projects.forget(TWIN)
    assert versions.all_active() == [mine]


# Rolled back


def test_what_is_rolled_back_to_is_active_and_all_newer_ones_are_withdrawn(
    versions: VersionStore, database: Database
) -> None:
    first, second, third, fourth = (
        add(versions, withheld=why) for why in (None, "worse", None, None)
    )
    other = add(versions, TWIN)
    with Database(database.path) as serving:
        store = VersionStore(serving)
        assert store.active(PROJECT) == fourth
        assert versions.roll_back(second) == replace(second, withheld=None)
        assert store.active(PROJECT) == replace(second, withheld=None)
    assert [v.number for v in versions.all(PROJECT) if v.withheld or v.withdrawn_at] == [4, 3]
    assert versions.active(TWIN) == other
    assert versions.roll_back(third) == third
    assert [v.number for v in versions.all(PROJECT) if v.withdrawn_at] == [4]
    assert add(versions).number == 5
    assert first.number == 1


def test_what_may_stand_in_for_a_version_is_older_and_neither_withheld_nor_rolled_back(
    versions: VersionStore,
) -> None:
    add(versions, TWIN)
    first, second, _ = add(versions), add(versions), add(versions)
    versions.roll_back(second)
    add(versions, withheld="worse")
    last = add(versions)
    assert versions.before(last) == [second, first]
    assert versions.before(second) == [first]
    assert versions.before(first) == []


def test_a_version_that_is_gone_is_not_rolled_back_to(versions: VersionStore) -> None:
    active = add(versions)
    assert versions.roll_back(replace(active, number=7)) is None
    assert versions.active(PROJECT) == active


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
