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


def test_a_made_directory_builds_on_the_image_that_compose_makes_and_on_no_index() -> None:
    templates = ROOT / "src" / "prelabel" / "cli" / "templates"
    compose = (ROOT / "docker-compose.yml").read_text()
    (image,) = re.findall(r"^    image: (\S+)$", compose, re.MULTILINE)
    assert f"ARG PRELABEL={image}\n" in (templates / "Dockerfile.tmpl").read_text()
    wanted = (templates / "requirements.txt.tmpl").read_text().splitlines()
    assert [line for line in wanted if not line.startswith("#")] == []


@pytest.mark.parametrize(
    "file", ["docker-compose.yml", "src/prelabel/cli/templates/docker-compose.yml.tmpl"]
)
def test_compose_publishes_on_this_machine_only_unless_told_otherwise(file: str) -> None:
    published = re.findall(r'^ +- "(.*):9090:9090"$', (ROOT / file).read_text(), re.MULTILINE)
    assert published == ["${PUBLISH_ADDRESS:-127.0.0.1}"]
