"""The guide to a model of one's own does what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backend import Backend, Project, without_settings

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "custom-model.md").read_text()
LABELS = (
    '<View><Labels name="label" toName="text"><Label value="LOUD"/></Labels>'
    '<Text name="text" value="$text"/></View>'
)
EXISTING = """
from label_studio_ml.model import LabelStudioMLBase
from label_studio_ml.response import ModelResponse

class Mine(LabelStudioMLBase):
    def predict(self, tasks, context=None, **kwargs):
        return ModelResponse(predictions=[{"result": []} for _ in tasks])
"""


def commands(containing: str) -> list[list[str]]:
    """Return the commands of the block that has a word, without what is said about them."""
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    (block,) = (block for block in blocks if containing in block)
    lines = [line.partition("#")[0].strip() for line in block.strip().splitlines()]
    return [shlex.split(line) for line in lines]


def run(command: list[str], folder: Path) -> None:
    programs = {"python": [sys.executable], "prelabel": [sys.executable, "-m", "prelabel"]}
    subprocess.run(
        [*programs[command[0]], *command[1:]],
        env=without_settings(os.environ), cwd=folder, check=True, timeout=100,
    )  # fmt: skip


@pytest.mark.slow
def test_from_create_to_a_served_model(tmp_path: Path) -> None:
    create, test, start = commands("prelabel create")
    run(create, tmp_path)
    run(test, tmp_path)
    assert start[:3] == ["prelabel", "start", "my_model"]
    with Backend(tmp_path, arguments=[str(tmp_path / start[2]), *start[3:]]) as backend:
        project = Project(backend)
        project.annotate_many(9)
        assert project.train()["model_version"] == "v1-9labels"
        assert project.labels_of("coach match") == ["sports"]


def test_the_class_that_is_shown_marks_words_and_counts_events(tmp_path: Path) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "model.py").write_text(source)
    (tmp_path / "label_config.xml").write_text(LABELS)
    with Backend(tmp_path, arguments=[str(tmp_path), "--check"]) as backend:
        project = Project(backend)
        project.label_config = LABELS
        (found,) = project.predict("do NOT shout")
        value = {"start": 3, "end": 6, "text": "NOT", "labels": ["LOUD"]}
        assert [region["value"] for region in found["result"]] == [value]
        answer = backend.client.post("/webhook", json=project.created_body(1, "x", "HEY"))
        assert answer.json()["job"] == "event-1"


def test_an_existing_directory_is_moved_by_the_command_shown(tmp_path: Path) -> None:
    install, start = commands("dir_with_your_model")
    assert install[:4] == ["pip", "uninstall", "-y", "label-studio-ml"]
    assert start[:2] == ["label-studio-ml", "start"]
    model = tmp_path / start[2]
    model.mkdir()
    (model / "model.py").write_text(EXISTING)
    with Backend(tmp_path, arguments=[str(model), *start[3:]]) as backend:
        assert backend.client.get("/health").json()["model_class"] == "Mine"
        assert Project(backend).setup() == "0.0.1"
    files = sorted(path.name for path in model.iterdir() if path.name != "__pycache__")
    assert files == ["model.py"], "nothing is written into it"
