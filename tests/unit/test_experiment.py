from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
import pytest

from prelabel.label_config import parse_label_config
from prelabel.loop.experiment import DRAWS, Experiment, plan_experiment
from prelabel.loop.lesson import Lesson
from prelabel.models.method import Method
from prelabel.models.multi_label import SklearnMultiLabelClassifier
from prelabel.types import Example
from tests.builders import config
from tests.letters import Letters


def make(labels: Iterable[str], *, texts: int = 10**6) -> list[Example]:
    words = {"a": "aaa", "b": "bbb", "c": "ccc"}
    return [
        Example(task_id=n, text=f"{words[label]} {n % texts}", labels=(label,))
        for n, label in enumerate(labels)
    ]


def plan(examples: Sequence[Example]) -> Experiment:
    experiment = plan_experiment(examples)
    assert experiment
    return experiment


def test_one_in_five_is_left_out_evenly_of_all_labels() -> None:
    experiment = plan(make("a" * 100 + "b" * 50))
    assert Counter(example.label for example in experiment.test) == {"a": 20, "b": 10}
    assert len(experiment.trials[-1]) == 120


def test_no_text_left_out_is_learned() -> None:
    experiment = plan(make("ab" * 100, texts=60))
    hidden = {example.text for example in experiment.test}
    assert not hidden & {example.text for trial in experiment.trials for example in trial}
    assert len(experiment.test) + len(experiment.trials[-1]) == 200
    assert len(experiment.hidden) == 12, "of equal texts all or none"


def test_budgets_are_round_numbers_then_the_half_and_all() -> None:
    counts = Counter(len(trial) for trial in plan(make("ab" * 300)).trials)
    assert counts == {20: DRAWS, 50: DRAWS, 100: DRAWS, 240: DRAWS, 480: 1}
    assert len({len(trial) for trial in plan(make("ab" * 30)).trials}) == 2


def test_a_draw_has_two_labels_however_rare_one_is_and_no_example_twice() -> None:
    for trial in plan(make("a" * 400 + "bb")).trials:
        assert len({example.label for example in trial}) == 2
        assert len({example.task_id for example in trial}) == len(trial)


def test_decisions_are_told_apart_that_read_alike() -> None:
    sets = [("a, b",), ("a", "b")]
    examples = [Example(task_id=n, text=str(n), labels=sets[n % 2]) for n in range(60)]
    for trial in plan(examples).trials:
        assert len({example.labels for example in trial}) == 2


def test_the_same_examples_give_the_same_plan() -> None:
    assert plan(make("ab" * 50)) == plan(make("ab" * 50))


@pytest.mark.parametrize(
    "examples",
    [make("ab" * 24), make("a" * 60), make("a" * 57 + "b"), make("ab" * 30, texts=2)],
    ids=["too few", "one label", "one label learned", "two texts"],
)
def test_where_too_little_can_be_left_out_there_is_no_experiment(examples: list[Example]) -> None:
    assert plan_experiment(examples) is None


def test_each_trial_is_fitted_without_a_glimpse_of_the_test() -> None:
    given: list[dict[str, Any]] = []

    class Curious(Letters):
        def fit(self, texts: Sequence[str], labels: Sequence[str], **extras: Any) -> Self:
            given.append(extras)
            return super().fit(texts, labels)

    examples = make("ab" * 50)
    experiment = plan(examples)
    texts = [*(example.text for example in examples), "unlabeled"]
    (control,) = parse_label_config(config("a", "b")).controls
    method = Method(model_class=Curious)
    lesson = Lesson(control=control, examples=examples, pool=texts, method=method)
    trials = list(experiment.run(lesson))
    assert [trial.n_examples for trial in trials] == [len(trial) for trial in experiment.trials]
    assert {trial.accuracy for trial in trials} == {1.0}
    hidden = {example.text for example in experiment.test}
    assert given[0]["unlabeled"] == [text for text in texts if text not in hidden]
    assert given[0]["label_names"] == {"a": ("a",), "b": ("b",)}
    assert given[0]["sample_weight"] == [1.0] * 20


def test_of_several_labels_those_count_that_are_right() -> None:
    class Always(SklearnMultiLabelClassifier):
        def predict_proba(self, texts: Iterable[str]) -> Any:
            return np.tile(np.array([1, 1, 0], np.float32), (len(list(texts)), 1))

    class Learner(Letters):
        several = Always

    sets = [("a",), ("a", "b", "c"), ("a", "b")]
    examples = [Example(task_id=n, text=f"text {n}", labels=sets[n % 3]) for n in range(60)]
    (control,) = parse_label_config(config("a", "b", "c").replace("single", "multiple")).controls
    method = Method(model_class=Learner)
    lesson = Lesson(control=control, examples=examples, pool=(), method=method)
    trial = next(plan(examples).run(lesson))
    assert trial.accuracy == pytest.approx((1 / 2 + 2 / 3 + 1) / 3)


def test_a_trial_chooses_of_what_each_task_offers_as_predictions_do() -> None:
    class AlwaysC(Letters):
        def predict_proba(self, texts: Sequence[str]) -> Any:
            return np.tile(np.array([0.3, 0.2, 0.5], np.float32), (len(texts), 1))

    examples = [
        Example(task_id=n, text=f"text {n}", labels=tuple("abc"[n % 3]), offered=frozenset("ab"))
        for n in range(60)
    ]
    dynamic = '<View><Text name="t" value="$t"/><Choices name="c" toName="t" value="$o"/></View>'
    (control,) = parse_label_config(dynamic).controls
    experiment = plan(examples)
    lesson = Lesson(control=control, examples=examples, pool=(), method=Method(model_class=AlwaysC))
    right = np.mean([example.labels == ("a",) for example in experiment.test])
    assert {trial.accuracy for trial in experiment.run(lesson)} == {right}
