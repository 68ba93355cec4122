from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from prelabel.loop.gate import LEFT_OUT, Gate, write_left_out
from prelabel.models import artifact
from prelabel.types import Example, ModelVersion
from tests.builders import PROJECT
from tests.letters import Letters

TASKS = range(1, 31)
RIGHT = dict.fromkeys(TASKS, "sports")
WRONG = dict.fromkeys(TASKS, "cooking")


def people(decided: Mapping[int, str] = RIGHT) -> list[Example]:
    return [Example(task_id=task, text="", label=label) for task, label in decided.items()]


def store(folder: Path, name: str, left_out: bytes | Mapping[int, str]) -> ModelVersion:
    """Store a version that predicted these labels when it did not see the tasks' texts."""
    given = left_out if isinstance(left_out, bytes) else json.dumps(list(left_out.items())).encode()
    model = Letters().fit(["a", "b"], ["cooking", "sports"])
    artifact.save(model, folder / name, receipt={}, beside={LEFT_OUT: given})
    return ModelVersion(project=PROJECT, number=1, artifact=name, examples=9, labels=model.classes_,
                        frame="f", fingerprint="", created_at=datetime.now(UTC))  # fmt: skip


def judge(folder: Path, *, examples: Sequence[Example], active: ModelVersion,
          threshold: float = 0.01, frame: str = "f") -> str | None:  # fmt: skip
    gate = Gate(artifacts=folder, model_class=Letters, threshold=threshold)
    return gate.judge("new", active, frame=frame, examples=examples)


def test_a_clearly_worse_version_is_refused_with_the_counts(tmp_path: Path) -> None:
    active = store(tmp_path, "active", {**RIGHT, 1: "cooking", 2: "cooking"})
    store(tmp_path, "new", {**WRONG, 1: "sports", 99: "sports"})
    assert judge(tmp_path, examples=people(), active=active) == (
        "it is clearly worse than v1-9labels: of 30 examples that both were measured on, "
        "it alone is wrong about 28, and v1-9labels alone about 1"
    )


@pytest.mark.parametrize("predicted", [RIGHT, {**RIGHT, 1: "cooking"}, {1: "cooking"}, {}])
def test_what_may_be_chance_is_let_through(tmp_path: Path, predicted: Mapping[int, str]) -> None:
    active = store(tmp_path, "active", RIGHT)
    store(tmp_path, "new", predicted)
    assert judge(tmp_path, examples=people(), active=active) is None


@pytest.mark.parametrize(("threshold", "refused"), [(0, False), (0.1, False), (0.13, True)])
def test_the_threshold_is_the_probability_of_chance(
    tmp_path: Path, threshold: float, refused: bool
) -> None:
    active = store(tmp_path, "active", RIGHT)
    store(tmp_path, "new", {**RIGHT, 1: "cooking", 2: "cooking", 3: "cooking"})  # 1 / 8
    found = judge(tmp_path, examples=people(), active=active, threshold=threshold)
    assert (found is not None) == refused


def test_both_are_judged_by_what_people_say_now(tmp_path: Path) -> None:
    active = store(tmp_path, "active", RIGHT)
    store(tmp_path, "new", WRONG)
    assert judge(tmp_path, examples=people(WRONG), active=active) is None
    assert judge(tmp_path, examples=people(), active=active) is not None


def test_examples_that_are_gone_do_not_count(tmp_path: Path) -> None:
    active = store(tmp_path, "active", RIGHT)
    store(tmp_path, "new", WRONG)
    assert judge(tmp_path, examples=people({1: "sports", 2: "sports"}), active=active) is None


@pytest.mark.parametrize("content", [b"", b"[", b"7", b"[1]", b'["abc"]', b"[[[], 1]]", b"\xff"])
def test_an_active_version_of_which_nothing_is_known_refuses_nothing(
    tmp_path: Path, content: bytes
) -> None:
    active = store(tmp_path, "active", content)
    store(tmp_path, "new", WRONG)
    assert judge(tmp_path, examples=people(), active=active) is None


@pytest.mark.parametrize("file", [LEFT_OUT, "arrays.safetensors", "manifest.json"])
def test_an_active_version_that_lost_a_file_refuses_nothing(tmp_path: Path, file: str) -> None:
    active = store(tmp_path, "active", RIGHT)
    store(tmp_path, "new", WRONG)
    (tmp_path / "active" / file).unlink()
    assert judge(tmp_path, examples=people(), active=active) is None


def test_versions_that_answer_different_questions_are_not_compared(tmp_path: Path) -> None:
    active = store(tmp_path, "active", RIGHT)
    store(tmp_path, "new", WRONG)
    assert judge(tmp_path, examples=people(), active=active, frame="other") is None


def test_the_first_version_has_nobody_to_be_worse_than(tmp_path: Path) -> None:
    gate = Gate(artifacts=tmp_path, model_class=Letters, threshold=1)
    assert gate.judge("new", None, frame="f", examples=people()) is None


def test_what_is_stored_is_the_most_probable_label_of_each_measured_example() -> None:
    model = Letters().fit(["a", "b"], ["cooking", "sports"])
    assert write_left_out(model, people()) == b"[]"
    model.out_of_fold_ = np.array([[0.7, 0.3], [np.nan, np.nan], [0.2, 0.8]], np.float32)
    stored = json.loads(write_left_out(model, people({4: "x", 5: "x", 6: "x"})))
    assert stored == [[4, "cooking"], [6, "sports"]]
