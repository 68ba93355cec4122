from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from prelabel.errors import ConfigError
from prelabel.loop.rollback import Rollback
from prelabel.models import artifact
from prelabel.storage.jobs import JobStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.versions import VersionStore
from prelabel.types import ModelVersion
from tests.builders import CONFIG, PROJECT, heads
from tests.letters import Letters


@pytest.fixture
def made(
    projects: ProjectStore, jobs: JobStore, versions: VersionStore, tmp_path: Path
) -> list[ModelVersion]:
    """Four versions, of which the third is withheld."""
    projects.see(PROJECT, CONFIG)
    jobs.claim(PROJECT, "me", timedelta(minutes=1))
    for number in range(1, 5):
        model = Letters().fit(["ham", "spam"], ["ham", "spam"])
        artifact.save({"topic": model}, tmp_path / f"a{number}", receipt={})
        versions.add(
            PROJECT,
            artifact=f"a{number}",
            examples=number,
            heads=heads("ham", "spam"),
            fingerprint="f",
            owner="me",
            withheld="worse" if number == 3 else None,
        )
    return versions.all(PROJECT)[::-1]


@pytest.fixture
def rollback(versions: VersionStore, tmp_path: Path) -> Rollback:
    return Rollback(versions, tmp_path)


def test_without_a_name_the_one_that_was_active_before_is_taken(
    rollback: Rollback, made: list[ModelVersion], versions: VersionStore
) -> None:
    done = rollback.roll_back(PROJECT)
    assert versions.active(PROJECT) == done.active == made[1]
    assert [version.name for version in done.withdrawn] == ["v4-4labels", "v3-3labels"]
    assert rollback.roll_back(PROJECT).active == made[0]


@pytest.mark.parametrize("name", ["v3-3labels", "v3", "3"])
def test_any_stored_version_can_be_named(
    rollback: Rollback, made: list[ModelVersion], name: str
) -> None:
    assert rollback.roll_back(PROJECT, name).active.number == made[2].number


def test_a_withdrawn_version_can_be_brought_back(
    rollback: Rollback, made: list[ModelVersion], versions: VersionStore
) -> None:
    rollback.roll_back(PROJECT, "v1")
    assert rollback.roll_back(PROJECT, "v4-4labels").active == made[3] == versions.active(PROJECT)


def test_a_version_whose_artifact_is_damaged_is_passed_over(
    rollback: Rollback, made: list[ModelVersion], tmp_path: Path
) -> None:
    (tmp_path / made[1].artifact / "manifest.json").write_bytes(b"{")
    assert rollback.roll_back(PROJECT).active == made[0]
    with pytest.raises(ConfigError, match="has no version v2"):
        rollback.roll_back(PROJECT, "v2")


@pytest.mark.parametrize("name", ["v9", "v3-7labels", "x", "v0-names-636c6c", "9" * 30])
def test_a_version_that_there_is_not_is_refused_with_those_that_there_are(
    rollback: Rollback, made: list[ModelVersion], versions: VersionStore, name: str
) -> None:
    with pytest.raises(ConfigError, match="one of v4-4labels, v3-3labels"):
        rollback.roll_back(PROJECT, name)
    assert versions.active(PROJECT) == made[3]


def test_before_the_first_there_is_none(rollback: Rollback, made: list[ModelVersion]) -> None:
    rollback.roll_back(PROJECT, made[0].name)
    with pytest.raises(ConfigError, match="before the active one"):
        rollback.roll_back(PROJECT)
