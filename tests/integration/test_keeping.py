"""An operator's commands on the data folder of a server that goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backend import NEVER_BY_ITSELF, TEXTS, Backend, Project, make_text
from tests.commands import run


@pytest.mark.slow
def test_roll_back_is_one_command_and_a_training_does_not_undo_it(tmp_path: Path) -> None:
    data = ("--model-dir", str(tmp_path / "data"))
    with Backend(tmp_path, NEVER_BY_ITSELF | {"WORKERS": "2"}) as backend:
        project = Project(backend)
        for count in (4, 5):
            project.annotate_many(count)
            project.train()
        assert project.setup() == "v2-5labels"
        done = run("rollback", "--project", str(project.id), *data)
        assert (done.returncode, done.stderr) == (0, "")
        assert "v1-4labels of project" in done.stdout
        assert {project.setup() for _ in range(8)} == {"v1-4labels"}
        (answer,) = project.predict(make_text("sports", 1))
        assert answer["model_version"] == "v1-4labels"
        assert "v2-5labels was rolled back" in project.train()["message"]
        assert project.setup() == "v1-4labels"
        assert [version["withdrawn_at"] is None for version in project.details()] == [False, True]
        project.annotate(6, "cooking")
        assert project.train()["model_version"] == "v3-6labels"
        run("rollback", "--project", project.key, "--to", "v2-5labels", *data)
        assert project.setup() == "v2-5labels"


def says(data: Path, word: str) -> bool:
    """Whether a word is anywhere in a database's files."""
    return any(word.encode() in file.read_bytes() for file in data.glob("prelabel.sqlite3*"))


@pytest.mark.slow
def test_a_server_prunes_its_versions_by_itself_and_the_command_says_what_it_frees(
    tmp_path: Path,
) -> None:
    data = ("--model-dir", str(tmp_path / "data"))
    with Backend(tmp_path, NEVER_BY_ITSELF | {"PRELABEL_KEEP_VERSIONS": "3"}) as backend:
        project = Project(backend)
        for count in range(4, 10):
            project.annotate_many(count)
            project.train()
        kept = ["v6-9labels", "v5-8labels", "v4-7labels"]
        assert [version["name"] for version in project.details()] == kept
        assert len(list((tmp_path / "data").rglob("*.safetensors"))) == 3
        told = run("prune", "--keep", "2", "--dry-run", *data).stdout
        assert told.startswith("Would remove 1 versions")
        assert run("prune", "--keep", "2", *data).stdout == told.replace("Would remove", "Removed")
        assert project.setup() == "v6-9labels"
        assert says(tmp_path / "data", TEXTS["cooking"][0])
        backend.client.post("/delete", json={"project": project.key})
        assert "1 forgotten projects" in run("prune", "--forgotten-days", "0", *data).stdout
        assert not says(tmp_path / "data", TEXTS["cooking"][0]), "erased while the server runs"
        assert list((tmp_path / "data").rglob("*.safetensors")) == []
        assert project.setup().startswith("v0-names")


def test_a_project_that_is_not_known_is_refused_with_those_that_are(tmp_path: Path) -> None:
    data = ("--model-dir", str(tmp_path / "data"))
    with Backend(tmp_path) as backend:
        project = Project(backend, id_=7)
        project.setup()
        refused = run("rollback", "--project", "8", *data)
        assert (refused.returncode, project.key in refused.stderr) == (2, True)
        assert "Traceback" not in refused.stderr


def test_more_days_than_the_calendar_has_are_refused() -> None:
    refused = run("prune", "--forgotten-days", "1000000")
    assert refused.returncode == 2
    assert "is not in the range" in refused.stderr


def test_an_unset_variable_rolls_nothing_back(tmp_path: Path) -> None:
    result = run("rollback", "--project", "1", "--to", "", f"--model-dir={tmp_path}")
    assert result.returncode == 2
    assert "empty --to" in result.stderr


def test_more_versions_than_can_be_kept_are_refused() -> None:
    result = run("prune", "--keep", "9" * 23)
    assert result.returncode == 2
    assert "10000" in result.stderr
