"""A directory made by `prelabel create` works at once."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backend import PATIENCE_SECONDS, Backend, Project
from tests.commands import run


def own_test(folder: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(folder)],
        cwd=folder, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_a_fresh_directorys_test_passes_and_start_serves_it(tmp_path: Path) -> None:
    assert run("create", "my_model", f"--root-dir={tmp_path}").returncode == 0
    folder = tmp_path / "my_model"
    own_test(folder)
    settings = {"START_TRAINING_EACH_N_UPDATES": "6"}
    with Backend(tmp_path, settings, [str(folder), "--check"]) as backend:
        assert backend.client.get("/health").json()["model_class"] == "TextClassifier"
        project = Project(backend)
        untrained = project.setup()
        project.annotate_many(6)
        assert project.wait_for_version(untrained) == "v1-6labels"
        assert project.labels_of("goal match team coach") == ["sports"]


def test_a_class_of_ones_own_becomes_the_directorys_model(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        "from prelabel.models.raw import RawModel\nclass A(RawModel): ...\nclass B(RawModel): ...\n"
    )
    folder = tmp_path / "made"
    refused = run("init", str(folder), "--from", str(script))
    assert (refused.returncode, "A, B" in refused.stderr) == (2, True)
    assert run("init", str(folder), "--from", f"{script}:B").returncode == 0
    own_test(folder)


def test_a_name_that_is_empty_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    refused = run("create", "", f"--root-dir={tmp_path}")
    assert (refused.returncode, [*tmp_path.iterdir()]) == (2, [])
    assert "Received no name as DIRECTORY" in refused.stderr


def test_what_a_class_imports_from_beside_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "words.py").touch()
    (tmp_path / "tools").mkdir()
    script = tmp_path / "mine.py"
    script.write_text(
        "import json, tools.deep\nfrom words import WORD\nimport numpy\n"
        "from prelabel.models.raw import RawModel\nclass Mine(RawModel): ...\n"
    )
    said = run("create", str(tmp_path / "made"), "--from", str(script)).stdout
    assert "Copy into it what model.py imports:  tools words.py\n" in said


def test_the_command_that_is_shown_can_be_typed_whatever_the_name(tmp_path: Path) -> None:
    said = run("create", "my model", f"--root-dir={tmp_path}").stdout
    (shown,) = (line for line in said.splitlines() if line.startswith("Serve it:"))
    assert shlex.split(shown)[-3:] == ["prelabel", "start", str(tmp_path / "my model")]


def test_files_are_written_over_only_by_force(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    assert run("create", str(folder)).returncode == 0
    refused = run("create", str(folder))
    assert (refused.returncode, "--force" in refused.stderr) == (2, True)
    assert run("create", str(folder), "--force").returncode == 0
