from __future__ import annotations

from pathlib import Path

from prelabel.custom.local import open_local_service
from prelabel.custom.processes import KNOWN
from prelabel.models.raw import RawModel
from prelabel.settings import load_settings
from prelabel.storage.model_state import ModelState
from prelabel.types import ProjectKey
from tests.builders import PROJECT


def test_versions_of_any_number_of_projects_are_told_and_a_bounded_one_remembered(
    tmp_path: Path,
) -> None:
    service = open_local_service(load_settings(model_dir=tmp_path), RawModel)
    service.projects.see(PROJECT)
    ModelState(service.database, PROJECT)["model_version"] = "mine-1"
    assert service.model_version(PROJECT) == "mine-1"
    for number in range(KNOWN + 5):
        assert service.model_version(ProjectKey(number, 1)) is None
    assert len(service._states) == KNOWN
    assert service.model_version(PROJECT) == "mine-1"
    service.stop()
