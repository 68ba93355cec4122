"""What versions are worth, seen from outside: measured, compared, and the same when made again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.backend import NEVER_BY_ITSELF, Backend, Project, make_text


def gauges(project: Project) -> dict[str, float]:
    return {
        name.split("{")[0]: value
        for name, value in project.backend.figures().items()
        if name.startswith("prelabel_version_")
        and f'project="{project.key}"' in name
        and "timestamp" not in name
    }


def restart(project: Project, **settings: str) -> None:
    project.backend.stop()
    project.backend.settings = {**NEVER_BY_ITSELF, **settings}
    project.backend.start()


def test_a_training_is_measured_and_both_pages_say_how_well_it_did(tmp_path: Path) -> None:
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:  # no version on the way to sixty labels
        project = Project(backend)
        project.annotate_many(60)
        project.train()
        (version,) = project.details()
        assert version["active"]
        assert (version["name"], version["project"]) == ("v1-60labels", project.key)
        assert (version["examples"], version["withheld"]) == (60, None)
        assert version["labels"] == {"topic": ["cooking", "finance", "sports"]}
        metrics = version["metrics"]["topic"]
        assert metrics["accuracy"] > 0.9
        assert metrics["per_label"]["sports"]["support"] == 20
        assert metrics["confusion"]["sports"]["sports"] > 15
        named = ("accuracy", "micro_f1", "macro_f1", "log_loss", "ece")
        expected = {f"prelabel_version_{name}": metrics[name] for name in named}
        of_labels = {"prelabel_version_examples": 60, "prelabel_version_name_texts": 0}
        assert gauges(project) == expected | of_labels
        assert (
            f"v1-60labels of project {project.key}: topic: accuracy"
            in project.backend.log.read_text()
        )


def test_too_few_examples_to_measure_are_served_all_the_same(project: Project) -> None:
    project.annotate_many(4)
    project.train()
    (version,) = project.details()
    assert version["active"]
    assert version["metrics"] is None
    assert gauges(project) == {"prelabel_version_examples": 4, "prelabel_version_name_texts": 0}


@pytest.mark.slow
def test_a_clearly_worse_version_waits_until_the_gate_lets_it_through(tmp_path: Path) -> None:
    with Backend(tmp_path, NEVER_BY_ITSELF) as backend:
        project = Project(backend)
        for id_ in range(1, 61):  # where nothing weighs, the most frequent label wins all
            label = "sports" if id_ % 4 else "cooking"
            project.annotate(id_, label, f"{make_text(label, id_)} {id_}")
        project.train()
        restart(project, LOGISTIC_REGRESSION_C="1e-8")
        job = project.train()
        assert (job["state"], job["model_version"]) == ("done", "v2-60labels")
        assert "v2-60labels is kept but not activated: it is clearly worse" in job["message"]
        worse, active = project.details()
        assert (worse["active"], active["active"]) == (False, True)
        assert worse["withheld"] in job["message"]
        assert worse["metrics"]["topic"]["accuracy"] < active["metrics"]["topic"]["accuracy"]
        assert project.setup() == "v1-60labels"
        assert project.labels_of(make_text("cooking", 3)) == ["cooking"]
        assert (
            gauges(project)["prelabel_version_accuracy"] == active["metrics"]["topic"]["accuracy"]
        )

        restart(project, LOGISTIC_REGRESSION_C="1e-8", PRELABEL_GATE="0")
        assert "it was trained on the same before" in project.train()["message"]
        assert project.setup() == "v2-60labels"
        assert [version["active"] for version in project.details()] == [True, False]


def made(folder: Path, settings: Mapping[str, str]) -> tuple[bytes, dict[str, Any]]:
    """Train 40 labels in fresh processes; return the arrays and the receipt."""
    with Backend(folder, {**NEVER_BY_ITSELF, **settings}) as backend:
        project = Project(backend)
        project.annotate_many(40)
        project.train()
    (arrays,) = folder.rglob("arrays.safetensors")
    return arrays.read_bytes(), json.loads((arrays.parent / "manifest.json").read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize("C", ["10.0", "2.0"])
def test_the_same_labels_and_settings_make_the_same_version_in_any_process(
    tmp_path: Path,
    C: str,  # noqa: N803 - a setting's name
) -> None:
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
    first = made(tmp_path / "one", {"LOGISTIC_REGRESSION_C": C, "PYTHONHASHSEED": "1"})
    assert first == made(tmp_path / "two", {"LOGISTIC_REGRESSION_C": C, "PYTHONHASHSEED": "2"})
    receipt = first[1]["receipt"]
    assert receipt["recipe"]["parameters"]["C"] == float(C)
    assert receipt["metrics"]["topic"]["n_examples"] == 40
