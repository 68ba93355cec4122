"""Export, train, predict, import: the loop without a backend, through files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.topics import TOPICS, make_texts
from tests.commands import run
from tests.exports import write

pytestmark = pytest.mark.label_studio


@pytest.mark.parametrize("export_type", ["JSON", "JSON_MIN"])
def test_predictions_learned_from_an_export_are_imported_and_shown(
    label_studio: LabelStudio, tmp_path: Path, export_type: str
) -> None:
    labeled, others = make_texts(42)[:30], make_texts(42)[30:]
    project = label_studio.create_project(labeled, TOPICS, labeled=30)
    export, model, output = tmp_path / "export.json", tmp_path / "model", tmp_path / "p.json"
    export.write_bytes(project.export(export_type))
    tasks = write(tmp_path / "tasks.json", [{"text": item.text} for item in others])
    for command in (
        ("train", str(export), str(model)),
        ("predict", str(tasks), "-o", str(output), "--model", str(model)),
    ):
        result = run(*command)
        assert result.returncode == 0, result.stderr
    project.import_tasks(output)
    found = project.predictions()
    assert all(0 <= item.score <= 1 for item in found)
    assert all(item.model_version.startswith("30labels-") for item in found)
    truth = {item.text: item.label for item in others}
    assert {project.read_text(item.task): item.label for item in found} == truth
