from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prelabel.cli.findings import Finding, describe
from prelabel.label_config import parse_label_config
from prelabel.loop.evaluation import evaluate
from prelabel.loop.lesson import Lesson
from prelabel.models.method import Method
from prelabel.types import Example
from tests.builders import config
from tests.letters import Letters

STARS = '<View><Text name="t" value="$t"/><Rating name="stars" toName="t"/></View>'


def describe_labels(
    labels: Sequence[str], label_config: str, *, texts: int = 10**6, pool: Sequence[str] = ()
) -> str:
    """Return what is said of so many labels, each predicted to be the first one."""
    (control,) = parse_label_config(label_config).controls
    examples = [
        Example(task_id=n, text=f"text {n % texts}", labels=tuple(label.split()))
        for n, label in enumerate(labels)
    ]
    lesson = Lesson(
        control=control, examples=examples, pool=pool, method=Method(model_class=Letters)
    )
    classes = sorted(set(labels))
    always = np.tile(np.eye(len(classes))[classes.index(labels[0])], (len(labels), 1))
    evaluation = evaluate(labels, classes, always, always.argmax(axis=1))
    return describe([Finding(lesson=lesson, evaluation=evaluation, curve=None)])


def test_what_the_most_frequent_label_would_have_stands_beside_the_accuracy() -> None:
    said = describe_labels("aaab", config("a", "b"))
    assert 'Always "a" would have an accuracy of 0.750.\n' in said
    several = config("a", "b").replace("single", "multiple")
    assert 'Always "a", "b" would have an accuracy of 0.500.' in describe_labels(
        ["a b", "a b", "", "a"], several
    )
    assert "Always no label would" in describe_labels(["", "", "a"], several)


def test_equal_texts_of_different_labels_bound_the_accuracy() -> None:
    said = describe_labels("abab" + "ba", config("a", "b"), texts=2)
    assert "Equal texts have different labels: no model can have an accuracy above 0.667." in said
    assert "Equal texts" not in describe_labels("abab", config("a", "b"), texts=2)


def test_labels_of_a_single_example_say_that_there_are_more() -> None:
    said = describe_labels("aabc", config("a", "b", "c"))
    assert (
        "2 labels of a single example: of new texts, about 50% have labels that none of these has."
    ) in said
    assert "1 label of a single example" in describe_labels("aab", config("a", "b"))
    assert "single example" not in describe_labels("aabb", config("a", "b"))


def test_stars_are_measured_by_how_far_they_are_off() -> None:
    assert "Off by 1.50 stars on average." in describe_labels("3155", STARS)
    assert "stars" not in describe_labels("ab", config("a", "b"))


def test_one_is_no_plural() -> None:
    pool = ["text 0", "text 1", "text 2"]
    assert "and 1 text without a label." in describe_labels("ab", config("a", "b"), pool=pool)
