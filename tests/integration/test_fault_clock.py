"""A clock that jumps: by libfaketime (Debian: faketime), which tells a process another time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.backend import NEVER_BY_ITSELF, Backend, Project, wait_for

pytestmark = pytest.mark.slow

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@pytest.fixture
def set_clock(tmp_path: Path) -> Callable[[str], None]:
    """Let the server's clock be off by so much from now on."""
    if not LIBRARIES:
        pytest.skip("No libfaketime here; `apt-get install faketime` brings it")
    file = tmp_path / "clock"
    file.write_text("+0")

    def set_(offset: str) -> None:
        file.with_suffix(".new").write_text(offset)
        file.with_suffix(".new").replace(file)

    return set_


def settings(tmp_path: Path) -> dict[str, str]:
    return {
        **NEVER_BY_ITSELF,
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(tmp_path / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }


@pytest.mark.parametrize("offset", ["+400d", "-400d"])
def test_a_clock_that_jumps_loses_no_label_and_stops_no_training(
    tmp_path: Path, set_clock: Callable[[str], None], offset: str
) -> None:
    with Backend(tmp_path, settings(tmp_path)) as backend:
        project = Project(backend)
        project.annotate_many(4)
        assert project.train()["model_version"] == "v1-4labels"
        set_clock(offset)
        project.annotate(5, "sports")
        job = project.train()
        assert job["model_version"] == "v2-5labels"
        assert int(job["created_at"][:4]) in (2025, 2027, 2028), "the clock did jump"
        set_clock("+0")  # and back: leases and pauses stand in the future, or long ago
        project.annotate(6, "sports")
        assert project.train()["model_version"] == "v3-6labels"
        versions = {version["name"] for version in project.details()}
        assert versions == {"v1-4labels", "v2-5labels", "v3-6labels"}


def test_a_clock_that_is_set_back_within_a_training_keeps_the_project_to_one(
    tmp_path: Path, set_clock: Callable[[str], None]
) -> None:
    with Backend(tmp_path, settings(tmp_path)) as backend:
        project = Project(backend)
        project.annotate_many(4)
        project.train()
        with backend.frozen_trainer():
            project.annotate(5, "sports")
            job = project.event("START_TRAINING")["job"]
            wait_for(lambda: project.post("/job_status", {"job": job})["state"] == "running")
            set_clock("-3h")
        assert project.wait_for_version("v1-4labels") == "v2-5labels"
