"""The README's commands do what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from prelabel.label_config import parse_label_config
from tests.acceptance.label_studio import NEWCOMERS_SETTINGS
from tests.backend import PATIENCE_SECONDS, Backend, free_port, wait_for, without_settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with Backend(tmp_path_factory.mktemp("readme")) as backend:
        yield backend


def run(command: str, backend: Backend) -> str:
    there = command.replace("http://localhost:9090", backend.url)
    return subprocess.run(
        ["sh", "-ec", there], capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
    ).stdout


def test_the_prediction_is_the_one_shown(backend: Backend) -> None:
    (command,) = (block for block in blocks("sh") if "/predict" in block)
    assert json.loads(run(command, backend)) == json.loads(blocks("json")[0])


def test_the_commands_that_look_at_the_backend_work(backend: Backend) -> None:
    (looks,) = (block for block in blocks("sh") if "/metrics" in block)
    health, versions, metrics = looks.strip().splitlines()
    shown = health.split("#")[1].strip()
    assert run(health, backend) == shown
    assert json.loads(run(versions, backend)) == {"versions": []}
    assert "prelabel_requests_total" in run(metrics, backend)


@pytest.mark.slow
def test_the_commands_that_need_no_server_give_predictions_to_import(tmp_path: Path) -> None:
    (commands,) = (block for block in blocks("sh") if "prelabel evaluate" in block)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    here = commands.replace(".venv/bin/prelabel", f"'{sys.executable}' -m prelabel")
    said = subprocess.run(
        ["sh", "-ec", here],
        env=without_settings(os.environ),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    ).stdout
    assert "Learning curve" in said
    tasks = json.loads((tmp_path / "predictions.json").read_text())
    assert all(task["predictions"] for task in tasks)


def test_the_two_commands_are_there_and_ci_calls_the_second() -> None:
    for command in ("run", "test"):
        assert f"./{command} " in blocks("sh")[0]
        assert (ROOT / command).stat().st_mode & 0o111
    assert "\n./test\n" in (ROOT / ".ci" / "run").read_text()


def test_run_starts_the_backend(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [ROOT / "run", f"--port={port}", f"--model-dir={tmp_path}"], cwd=tmp_path
    )
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/health"))
    finally:
        process.terminate()
    assert process.wait(PATIENCE_SECONDS) == 0


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def test_the_variables_shown_are_those_the_acceptance_tests_set() -> None:
    for name, value in NEWCOMERS_SETTINGS.items():
        assert f"{name}={value}" in README


def test_the_labeling_config_shown_can_be_served() -> None:
    (control,) = parse_label_config(blocks("xml")[0]).controls
    assert control.values == {"Positive", "Negative"}


def test_every_link_leads_to_a_file_and_to_a_heading_in_it() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
            there = page.parent / target if target else page
            assert there.exists(), f"{page.name}: {target}"
            assert not heading or heading in headings(there), f"{page.name}: {heading}"


def headings(page: Path) -> set[str]:
    """Return the anchors of a page, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    plain = (
        re.sub(r"[^\w\- ]", "", line.lower())
        for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    )
    return {line.replace(" ", "-") for line in plain}


@pytest.mark.slow
def test_the_commands_for_a_model_of_ones_own_serve_one(tmp_path: Path) -> None:
    (commands,) = (block for block in blocks("sh") if "prelabel create" in block)
    create, start = (line.partition("#")[0].split()[1:] for line in commands.strip().splitlines())
    subprocess.run([sys.executable, "-m", "prelabel", *create], cwd=tmp_path, check=True)
    assert start[0] == "start"
    model = str(tmp_path / start[1])
    with Backend(tmp_path, arguments=[model, *start[2:]]) as backend:
        assert backend.client.get("/health").json()["model_class"] == "TextClassifier"
