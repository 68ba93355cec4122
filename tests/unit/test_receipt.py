from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import pytest

import prelabel
from prelabel.label_config import parse_label_config
from prelabel.loop.lesson import Lesson
from prelabel.loop.receipt import Receipt, write_receipt
from prelabel.models.method import Method
from prelabel.types import Example
from tests.builders import CONFIG
from tests.letters import Letters

EXAMPLE = {"task_id": 1, "text": "a goal", "labels": ("sports",)}


def receipt(
    recipe: Mapping[str, Any] | None = None,
    label_config: str = "d1",
    pool: tuple[str, ...] = ("a goal", "soup"),
    **example: Any,
) -> Receipt:
    second = Example(task_id=2, text="soup", labels=("cooking",))
    examples = [Example(**{**EXAMPLE, **example}), second]
    (control,) = parse_label_config(CONFIG).controls
    method = Method(model_class=Letters)
    lesson = Lesson(control=control, examples=examples, pool=pool, method=method)
    return write_receipt(recipe or {"C": 1.0}, label_config, [lesson])


def test_the_same_again_has_an_equal_receipt_and_fingerprint() -> None:
    assert receipt() == receipt()
    assert receipt().fingerprint == receipt().fingerprint


def test_copies_of_a_text_teach_nothing_new() -> None:
    assert receipt(pool=("a goal", "soup", "a goal")) == receipt()


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": {"C": 2.0}},
        {"label_config": "d2"},
        {"pool": ("soup", "a goal")},
        {"pool": ("a goals", "oup")},
        {"task_id": 3},
        {"text": "a match"},
        {"labels": ("cooking",)},
        {"weight": 0.5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_decides_what_is_learned_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert receipt(**change).fingerprint != receipt().fingerprint


def test_which_control_a_text_is_for_changes_the_pool() -> None:
    (control,) = parse_label_config(CONFIG).controls
    method, both = Method(model_class=Letters), (control, replace(control, name="other"))
    pools = [
        write_receipt({}, "d1", [
            Lesson(control=one, examples=(), pool=pool, method=method)
            for one, pool in zip(both, divided, strict=True)
        ]).pool
        for divided in ((("a goal", "soup"), ("oven",)), (("a goal",), ("soup", "oven")))
    ]  # fmt: skip
    assert pools[0] != pools[1]


def test_a_receipt_is_json_with_the_metrics_and_the_code_and_without_texts() -> None:
    mapping = receipt().to_mapping({"accuracy": 0.9})
    assert json.loads(json.dumps(mapping)) == mapping
    assert mapping["metrics"] == {"accuracy": 0.9}
    assert mapping["code"] == {
        "prelabel": prelabel.__version__,
        **{name: version(name) for name in ("numpy", "scipy", "scikit-learn")},
    }
    assert "goal" not in json.dumps(mapping)
    assert len(mapping["examples"]) == len(mapping["pool"]) == 64


def test_the_versions_of_libraries_are_known_without_importing_them() -> None:
    code = (
        "import sys; from prelabel.loop.receipt import code_versions; code_versions();"
        "print([name for name in ('sklearn', 'scipy', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
