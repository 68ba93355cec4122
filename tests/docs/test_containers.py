"""The container files are right by their own rules; `scripts/test-containers` runs them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from prelabel.settings import Settings, variables

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent


def run(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(PROGRAMS / program), *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", ["Dockerfile", "src/prelabel/cli/templates/Dockerfile.tmpl"])
def test_dockerfiles_are_written_as_they_should_be(file: str) -> None:
    run("hadolint", "--failure-threshold", "warning", file)


@pytest.mark.parametrize("file", ["docker-compose.yml", "docker-compose.label-studio.yml"])
def test_compose_files_follow_their_specification(file: str) -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)


def test_compose_passes_all_settings_on_with_their_documented_defaults() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    passed = dict(re.findall(r"^      (\w+): \$\{\1:-(.*)\}$", text, re.MULTILINE))
    own = {  # in a container, these are others for a reason that the file gives
        "LABEL_STUDIO_HOST": "http://host.docker.internal:8080",
        "PRELABEL_ANONYMOUS": "true",
    }
    defaults = {
        str(name): "" if field.default is None else str(field.default)
        for field in Settings.model_fields.values()
        for name in field.validation_alias.choices  # type: ignore[union-attr] # all are AliasChoices
    }
    fixed = {"MODEL_DIR", "PORT", "PRELABEL_HOST"}  # the container's own; one name is enough:
    assert passed.keys() == variables().keys() - fixed - {"LABEL_STUDIO_URL"}
    assert passed == {name: own.get(name, defaults[name]) for name in passed}
