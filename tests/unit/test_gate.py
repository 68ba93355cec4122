from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prelabel.label_config import parse_label_config
from prelabel.loop.gate import LEFT_OUT, Gate, describe_left_out
from prelabel.loop.lesson import Lesson
from prelabel.models import artifact
from prelabel.models.method import Method
from prelabel.types import Example, ModelVersion
from tests.builders import PROJECT, config, heads
from tests.letters import Letters, forgetful_letters

TASKS = range(1, 31)
RIGHT = dict.fromkeys(TASKS, "sports")
WRONG = dict.fromkeys(TASKS, "cooking")


def people(decided: Mapping[int, str] = RIGHT) -> list[Example]:
    return [
        Example(task_id=task, text=f"text {task}", labels=(label,))
        for task, label in decided.items()
    ]


def lesson(examples: Sequence[Example], *, name: str = "topic") -> Lesson:
    (control,) = parse_label_config(config("sports", "cooking", name=name)).controls
    return Lesson(control=control, examples=examples, pool=(), method=Method(model_class=Letters))


FRAME = lesson([]).control.frame


def write(left_out: Mapping[str, Mapping[int, str]]) -> bytes:
    content = {name: [(task, [label]) for task, label in found.items()]
               for name, found in left_out.items()}  # fmt: skip
    return json.dumps(content).encode()


def store(folder: Path, name: str, left_out: bytes | Mapping[int, str]) -> ModelVersion:
    """Store a version that predicted these labels when it did not see the tasks' texts."""
    given = left_out if isinstance(left_out, bytes) else write({"topic": left_out})
    model = Letters().fit(["a", "b"], ["cooking", "sports"])
    artifact.save({"topic": model}, folder / name, receipt={}, beside={LEFT_OUT: {}})
    (folder / name / LEFT_OUT).write_bytes(given)
    return ModelVersion(project=PROJECT, number=1, artifact=name, examples=9, fingerprint="",
                        heads=heads(*model.classes_, frame=FRAME),
                        created_at=datetime.now(UTC))  # fmt: skip


def judge(folder: Path, *, examples: Sequence[Example], active: ModelVersion,
          threshold: float = 0.01) -> str | None:  # fmt: skip
    gate = Gate(artifacts=folder, model_class=Letters, threshold=threshold)
    return gate.judge("new", active, lessons=[lesson(examples)])


def test_a_clearly_worse_version_is_refused_with_the_counts(tmp_path: Path) -> None:
    active = store(tmp_path, "active", {**RIGHT, 1: "cooking", 2: "cooking"})
    store(tmp_path, "new", {**WRONG, 1: "sports", 99: "sports"})
    assert judge(tmp_path, examples=people(), active=active) == (
        "it is clearly worse than v1-9labels: of 30 texts that both can be judged by, "
        "it alone is wrong about 28, and v1-9labels alone about 1"
    )


def test_a_text_counts_once_however_often_it_was_labeled(tmp_path: Path) -> None:
    active, _ = store(tmp_path, "active", RIGHT), store(tmp_path, "new", WRONG)
    repeated = [replace(example, text="see you") for example in people()[:24]]
    assert judge(tmp_path, examples=repeated, active=active) is None
    found = judge(tmp_path, examples=[*repeated, *people()[24:]], active=active)
    assert found
    assert "of 7 texts that both can be judged by, it alone is wrong about 7" in found


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


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[", b"7", b"[1]", b'["abc"]', b"[[[], 1]]", b"\xff", b'{"topic": 5}',
        b'{"topic": [[1, 2, 3]]}', b"{}",
    ],
)  # fmt: skip
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


def test_an_active_version_that_the_class_cannot_load_any_more_refuses_nothing(
    tmp_path: Path,
) -> None:
    active = store(tmp_path, "active", RIGHT)
    store(tmp_path, "new", WRONG)
    gate = Gate(artifacts=tmp_path, model_class=forgetful_letters(), threshold=0.01)
    assert gate.judge("new", active, lessons=[lesson(people())]) is None


@pytest.mark.parametrize("other", [{"frame": "other"}, {"manner": "several"}])
def test_versions_that_answer_different_questions_are_not_compared(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    active = store(tmp_path, "active", RIGHT)
    store(tmp_path, "new", WRONG)
    (head,) = active.heads
    changed = replace(active, heads=(replace(head, **other),))
    assert judge(tmp_path, examples=people(), active=changed) is None


@pytest.mark.parametrize("label", ["money", "cooking"])
def test_a_label_that_the_active_version_had_no_texts_of_speaks_for_one_that_has(
    tmp_path: Path, label: str
) -> None:
    # "money" was out of the labeling config; "cooking" was in it, and known by its name alone.
    returned = dict.fromkeys(range(31, 51), label)
    some_wrong = {**RIGHT, **dict.fromkeys(range(1, 11), label)}
    decided = people({**RIGHT, **returned})
    for found, is_let_through in ((returned, True), (dict.fromkeys(returned, "sports"), False)):
        folder = tmp_path / str(is_let_through)
        active, _ = store(folder, "active", RIGHT), store(folder, "new", {**some_wrong, **found})
        assert (judge(folder, examples=decided, active=active) is None) == is_let_through


def test_the_first_version_has_nobody_to_be_worse_than(tmp_path: Path) -> None:
    gate = Gate(artifacts=tmp_path, model_class=Letters, threshold=1)
    assert gate.judge("new", None, lessons=[lesson(people())]) is None


def test_what_is_stored_is_the_most_probable_label_of_each_measured_example() -> None:
    model = Letters().fit(["a", "b"], ["cooking", "sports"])
    assert describe_left_out(lesson(people()), model) == []
    model.out_of_fold_ = np.array([[0.7, 0.3], [np.nan, np.nan], [0.2, 0.8]], np.float32)
    of_three = lesson(people({4: "x", 5: "x", 6: "x"}))
    assert describe_left_out(of_three, model) == [(4, ("cooking",)), (6, ("sports",))]


def test_of_ratings_the_middle_one_is_stored_and_measured_as_it_is_served() -> None:
    model = Letters().fit(["a", "b", "c"], ["1", "2", "3"])
    model.out_of_fold_ = np.array([[0.4, 0.3, 0.3], [0.1, 0.2, 0.7]], np.float32)
    (control,) = parse_label_config(
        '<View><Text name="text" value="$text"/><Rating name="stars" toName="text"/></View>'
    ).controls
    of_stars = Lesson(
        control=control,
        examples=people({1: "2", 2: "3"}),
        pool=(),
        method=Method(model_class=Letters),
    )
    assert describe_left_out(of_stars, model) == [(1, ("2",)), (2, ("3",))]
    evaluation = of_stars.evaluate(model)
    assert evaluation is not None
    assert evaluation.accuracy == 1


def test_what_the_first_release_stored_of_a_single_control_is_compared(tmp_path: Path) -> None:
    active = store(tmp_path, "active", json.dumps(list(RIGHT.items())).encode())
    store(tmp_path, "new", WRONG)
    assert judge(tmp_path, examples=people(), active=active) is not None


@pytest.fixture
def active_of_two(tmp_path: Path) -> ModelVersion:
    """A version of two controls, which was right about all."""
    active = store(tmp_path, "active", write({"topic": RIGHT, "mood": RIGHT}))
    return replace(
        active,
        heads=tuple(
            replace(active.heads[0], control=one.name, frame=one.control.frame)
            for one in (lesson([]), lesson([], name="mood"))
        ),
    )


def test_each_control_is_judged_by_itself_and_named(
    tmp_path: Path, active_of_two: ModelVersion
) -> None:
    store(tmp_path, "new", write({"topic": RIGHT, "mood": WRONG}))
    gate = Gate(artifacts=tmp_path, model_class=Letters, threshold=0.01)
    both = [lesson(people()), lesson(people(), name="mood")]
    found = gate.judge("new", active_of_two, lessons=both)
    assert found is not None
    assert found.startswith('about "mood" it is clearly worse than v1-9labels')
    assert gate.judge("new", active_of_two, lessons=[lesson(people())]) is None


@pytest.mark.parametrize(("threshold", "refused"), [(0.24, False), (0.26, True)])
def test_each_control_has_its_share_of_the_threshold(
    tmp_path: Path, active_of_two: ModelVersion, threshold: float, refused: bool
) -> None:
    worse = {**RIGHT, 1: "cooking", 2: "cooking", 3: "cooking"}  # 1 / 8
    store(tmp_path, "new", write({"topic": RIGHT, "mood": worse}))
    gate = Gate(artifacts=tmp_path, model_class=Letters, threshold=threshold)
    both = [lesson(people()), lesson(people(), name="mood")]
    assert (gate.judge("new", active_of_two, lessons=both) is not None) == refused


def judge_sets(
    folder: Path,
    before: Sequence[str],
    found: Sequence[str],
    right: tuple[str, ...] = ("money", "sports"),
) -> str | None:
    """Return what is said of a version that found these, where money and sports are right."""
    label_config = config("sports", "cooking", "money").replace("single", "multiple")
    (control,) = parse_label_config(label_config).controls
    examples = [Example(task_id=n, text=f"text {n}", labels=right) for n in range(len(found))]
    of_sets = replace(lesson(examples), control=control)
    stored = [
        json.dumps({"topic": [[n, labels.split()] for n, labels in enumerate(chosen)]}).encode()
        for chosen in (before, found)
    ]
    active, _ = store(folder, "active", stored[0]), store(folder, "new", stored[1])
    (head,) = active.heads
    active = replace(active, heads=(replace(head, frame=control.frame),))
    gate = Gate(artifacts=folder, model_class=Letters, threshold=0.01)
    return gate.judge("new", active, lessons=[of_sets])


def test_of_several_labels_a_version_that_loses_some_is_refused_though_none_were_all_right(
    tmp_path: Path,
) -> None:
    before, found = ["sports"] * 30, ["sports cooking"] * 12 + ["sports"] * 18
    assert judge_sets(tmp_path / "1", before, found) == (
        "it is clearly worse than v1-9labels: of 30 texts that both can be judged by, "
        "it is less right about 12, and v1-9labels about 0"
    )
    assert judge_sets(tmp_path / "2", found, before) is None


def test_of_several_labels_a_large_gain_outweighs_small_losses(tmp_path: Path) -> None:
    before = ["sports"] * 12 + ["cooking"] * 6
    found = ["sports cooking"] * 12 + ["money sports"] * 6
    assert judge_sets(tmp_path / "1", before, found) is None
    assert judge_sets(tmp_path / "2", before[:12], found[:12]) is not None


def test_texts_that_no_label_applies_to_speak_for_a_version_that_gave_them_none(
    tmp_path: Path,
) -> None:
    nothing, something = [""] * 30, ["sports"] * 30
    assert judge_sets(tmp_path / "1", nothing, something, right=()) is not None
    assert judge_sets(tmp_path / "2", something, nothing, right=()) is None
