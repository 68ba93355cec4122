from __future__ import annotations

import gc
import json
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Self

import pytest

from prelabel.errors import StorageError
from prelabel.loop.registry import RETRY_SECONDS, Registry, Served
from prelabel.models import artifact
from prelabel.models.base import Arrays
from prelabel.storage.database import Database
from prelabel.storage.jobs import JobStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.versions import VersionStore
from prelabel.types import ModelVersion, ProjectKey
from tests.builders import CONFIG, PROJECT, TWIN, heads
from tests.letters import Letters, counted_letters, forgetful_letters

Add = Callable[..., ModelVersion]


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


@pytest.fixture
def add(projects: ProjectStore, jobs: JobStore, versions: VersionStore, artifacts: Path) -> Add:
    """Train a version of a project, and activate it."""
    for project in (PROJECT, TWIN):
        projects.see(project, CONFIG)
        jobs.claim(project, "me", timedelta(minutes=1))

    def train(
        *labels: str, project: ProjectKey = PROJECT, withheld: str | None = None
    ) -> ModelVersion:
        name = f"{project}/{len(versions.all())}"
        artifact.save({"topic": Letters().fit(labels, labels)}, artifacts / name, receipt={})
        return versions.add(project, artifact=name, examples=len(labels),
                            heads=heads(*sorted(labels)), fingerprint="f", owner="me",
                            withheld=withheld)  # fmt: skip

    return train


@pytest.fixture
def registry(versions: VersionStore, artifacts: Path) -> Registry:
    return Registry(versions=versions, artifacts=artifacts, model_class=Letters, resident=10)


def served(registry: Registry, project: ProjectKey = PROJECT) -> ModelVersion | None:
    found = registry.serve(project)
    return found.version if found else None


def damage(artifacts: Path, version: ModelVersion) -> None:
    (artifacts / version.artifact / "arrays.safetensors").write_bytes(b"damaged")


def take_store_away(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE versions RENAME TO away")


def test_before_the_first_version_there_is_nothing_to_serve(registry: Registry) -> None:
    assert registry.serve(PROJECT) is None


def test_the_active_version_is_loaded_once_and_stays(registry: Registry, add: Add) -> None:
    version = add("ham", "spam")
    first = registry.serve(PROJECT)
    assert first is not None
    assert first.version == version
    assert tuple(first.models["topic"].classes_) == ("ham", "spam")
    assert registry.serve(PROJECT) is first


def test_a_new_version_is_served_at_once(registry: Registry, add: Add) -> None:
    for labels in (["ham", "spam"], ["a", "b", "c"]):
        version = add(*labels)
        found = registry.serve(PROJECT)
        assert found is not None
        assert (found.version, found.models["topic"].classes_) == (version, tuple(labels))


def test_projects_with_the_same_id_are_served_apart(registry: Registry, add: Add) -> None:
    ours, theirs = add("ham", "spam"), add("a", "b", project=TWIN)
    assert (served(registry), served(registry, TWIN)) == (ours, theirs)


def test_two_registries_agree_at_every_moment(
    registry: Registry, add: Add, database: Database, artifacts: Path
) -> None:
    with Database(database.path) as other_database:
        store = VersionStore(other_database)
        other = Registry(versions=store, artifacts=artifacts, model_class=Letters, resident=10)
        for _ in range(3):
            version = add("ham", "spam")
            assert served(registry) == served(other) == version


def test_a_damaged_version_does_not_give_way_to_one_that_was_withheld(
    registry: Registry, add: Add, artifacts: Path
) -> None:
    good = add("ham", "spam")
    add("ham", "spam", withheld="it is worse")
    damage(artifacts, add("ham", "spam"))
    assert served(registry) == good


def test_a_damaged_version_gives_way_to_the_one_before(
    registry: Registry, add: Add, artifacts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    older, good, bad = (add("ham", "spam") for _ in range(3))
    damage(artifacts, bad)
    assert served(registry) == served(registry) == good
    assert caplog.text.count("v3-2labels of 1.1795447612 is not served") == 1
    assert older != good
    repaired = add("ham", "spam")
    assert served(registry) == repaired


def test_a_version_that_the_class_cannot_load_any_more_is_a_damaged_one(
    versions: VersionStore, artifacts: Path, add: Add, caplog: pytest.LogCaptureFixture
) -> None:
    add("ham", "spam")
    changed = Registry(
        versions=versions, artifacts=artifacts, model_class=forgetful_letters(), resident=10
    )
    assert served(changed) is None
    assert "failed in from_arrays (AttributeError at letters.py:" in caplog.text


def test_a_damaged_version_that_was_put_back_is_served_again(
    versions: VersionStore, add: Add, artifacts: Path
) -> None:
    seconds = [100.0]
    registry = Registry(
        versions=versions, artifacts=artifacts, model_class=Letters, resident=10,
        clock_seconds=lambda: seconds[0],
    )  # fmt: skip
    good, bad = add("ham", "spam"), add("ham", "spam")
    file = artifacts / bad.artifact / "arrays.safetensors"
    whole = file.read_bytes()
    damage(artifacts, bad)
    assert served(registry) == good
    file.write_bytes(whole)
    seconds[0] += RETRY_SECONDS - 1
    assert served(registry) == good, "it is not read at every request"
    seconds[0] += 1
    assert served_at_once(registry) is None, "to read it takes a thread"
    assert served(registry) == bad
    seconds[0] += RETRY_SECONDS
    assert served_at_once(registry) is not None, "what is whole is read once"


def test_when_every_version_is_damaged_nothing_is_served(
    registry: Registry, add: Add, artifacts: Path
) -> None:
    damage(artifacts, add("ham", "spam"))
    assert registry.serve(PROJECT) is None


def test_an_artifact_of_another_number_of_models_is_a_damaged_one(
    registry: Registry, add: Add, artifacts: Path
) -> None:
    first, second = add("ham", "spam"), add("a", "b")
    manifest = artifacts / second.artifact / "manifest.json"
    said = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**said, "heads": []}))
    assert served(registry) == first


def test_a_missing_artifact_is_a_damaged_one(registry: Registry, add: Add, artifacts: Path) -> None:
    good, lost = add("ham", "spam"), add("ham", "spam")
    (artifacts / lost.artifact).rename(artifacts / "elsewhere")
    assert served(registry) == good


def test_while_the_store_is_away_what_is_loaded_is_served(
    registry: Registry, add: Add, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    version = add("ham", "spam")
    registry.serve(PROJECT)
    take_store_away(database)
    assert served(registry) == version
    assert "Serving what is loaded" in caplog.text
    with pytest.raises(StorageError):
        registry.serve(TWIN)


def test_eight_threads_that_ask_at_once_load_a_version_once(
    add: Add, versions: VersionStore, artifacts: Path
) -> None:
    loaded: list[Sequence[str]] = []

    registry = Registry(
        versions=versions, artifacts=artifacts, model_class=slow_letters(loaded), resident=10
    )
    version, barrier = add("ham", "spam"), Barrier(8)

    def ask(_: int) -> ModelVersion | None:
        barrier.wait()
        return served(registry)

    with ThreadPoolExecutor(8) as executor:
        assert set(executor.map(ask, range(8))) == {version}
    assert loaded == [("ham", "spam")]


def test_of_many_projects_only_the_models_used_last_stay_in_memory(
    versions: VersionStore, projects: ProjectStore, jobs: JobStore, artifacts: Path
) -> None:
    alive: weakref.WeakSet[Letters] = weakref.WeakSet()
    registry = Registry(
        versions=versions, artifacts=artifacts, model_class=counted_letters(alive), resident=5
    )
    artifact.save({"topic": Letters().fit("ab", "ab")}, artifacts / "a", receipt={})
    known = [ProjectKey(number, 1) for number in range(1, 21)]
    for project in known:
        projects.see(project, CONFIG)
        jobs.claim(project, "me", timedelta(minutes=1))
        versions.add(project, artifact="a", examples=2, heads=heads("a", "b"), fingerprint="f",
                     owner="me")  # fmt: skip
        assert registry.serve(project)
        first = registry.serve(known[0])  # in use all the time
    gc.collect()
    assert len(alive) == 5
    assert registry.serve(known[0]) is first
    assert served_at_once(registry, known[10]) is None
    assert served(registry, known[10]) is not None


def slow_letters(loaded: list[Sequence[str]]) -> type[Letters]:
    """Return a class of the same name, which the artifact asks for, that notes what it loads."""

    class Slow(Letters):
        @classmethod
        def from_arrays(cls, arrays: Arrays, classes: Sequence[str]) -> Self:
            loaded.append(tuple(classes))
            time.sleep(0.05)
            return super().from_arrays(arrays, classes)

    Slow.__name__ = Letters.__name__
    return Slow


# At once


def served_at_once(registry: Registry, project: ProjectKey = PROJECT) -> Served | None:
    change = registry.last_change()
    assert change is not None
    return registry.served_at_once(project, change)


def test_at_once_is_served_what_is_loaded_and_nothing_else(registry: Registry, add: Add) -> None:
    version = add("ham", "spam")
    assert served_at_once(registry) is None
    assert served(registry) == version
    found = served_at_once(registry)
    assert found
    assert found.version == version
    newer = add("ham", "spam")
    assert served_at_once(registry) is None
    assert served(registry) == newer
    assert served_at_once(registry, TWIN) is None


def test_of_a_store_that_cannot_be_read_no_change_is_known(tmp_path: Path) -> None:
    (tmp_path / "damaged").write_bytes(b"no database" * 1000)
    with Database(tmp_path / "damaged") as damaged:
        versions = VersionStore(damaged)
        registry = Registry(versions=versions, artifacts=tmp_path, model_class=Letters, resident=1)
        assert registry.last_change() is None
