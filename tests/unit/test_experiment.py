from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
import pytest

from prelabel.label_config import parse_label_config
from prelabel.loop.experiment import DRAWS, Trial, plan_experiment
from prelabel.loop.lesson import Lesson
from prelabel.models.method import Method
from prelabel.models.multi_label import SklearnMultiLabelClassifier
from prelabel.types import Example
from tests.builders import config
from tests.letters import Letters, make_examples


def plan(examples: Sequence[Example]) -> list[Trial]:
    trials = plan_experiment(examples)
    assert trials
    return trials


def lesson_of(examples: Sequence[Example], label_config: str, model_class: Any) -> Lesson:
    (control,) = parse_label_config(label_config).controls
    method = Method(model_class=model_class)
    return Lesson(control=control, examples=examples, pool=(), method=method)


def test_one_in_five_is_left_out_evenly_of_all_labels() -> None:
    for trial in plan(make_examples("a" * 100 + "b" * 50)):
        assert Counter(example.label for example in trial.test) == {"a": 20, "b": 10}
    assert len(trial.examples) == 120


def test_no_text_left_out_is_learned() -> None:
    for trial in plan(make_examples("ab" * 100, texts=60)):
        assert not {x.text for x in trial.test} & {x.text for x in trial.examples}


def test_each_draw_leaves_out_other_texts_and_each_budget_the_same() -> None:
    left_out = defaultdict(list)
    for trial in plan(make_examples("ab" * 100)):
        left_out[len(trial.examples)].append({x.text for x in trial.test})
    of_draws, *others = left_out.values()
    assert len(set.union(*of_draws)) == DRAWS * 40
    assert others == [of_draws] * len(others)


def test_budgets_are_round_numbers_then_the_half_and_all() -> None:
    counts = Counter(len(trial.examples) for trial in plan(make_examples("ab" * 300)))
    assert counts == dict.fromkeys((20, 50, 100, 240, 480), DRAWS)
    assert len({len(trial.examples) for trial in plan(make_examples("ab" * 30))}) == 2


def test_a_draw_has_two_labels_however_rare_one_is_and_no_example_twice() -> None:
    for examples in (make_examples("a" * 400 + "bb"), make_examples("a" * 400 + "b")):
        for trial in plan(examples):
            assert len({example.label for example in trial.examples}) == 2
            assert len({example.task_id for example in trial.examples}) == len(trial.examples)


def test_decisions_are_told_apart_that_read_alike() -> None:
    sets = [("a, b",), ("a", "b")]
    examples = [Example(task_id=n, text=str(n), labels=sets[n % 2]) for n in range(60)]
    for trial in plan(examples):
        assert len({example.labels for example in trial.examples}) == 2


def test_the_same_examples_give_the_same_plan() -> None:
    assert plan(make_examples("ab" * 50)) == plan(make_examples("ab" * 50))


@pytest.mark.parametrize(
    "examples",
    [make_examples("ab" * 24), make_examples("a" * 60), make_examples("ab" * 90, texts=48)],
    ids=["too few", "one label", "too few texts"],
)
def test_where_too_little_can_be_left_out_there_are_no_trials(examples: list[Example]) -> None:
    assert plan_experiment(examples) == []


def test_each_trial_is_fitted_without_a_glimpse_of_the_test() -> None:
    given: list[dict[str, Any]] = []

    class Curious(Letters):
        def fit(self, texts: Sequence[str], labels: Sequence[str], **extras: Any) -> Self:
            given.append(extras)
            return super().fit(texts, labels)

    examples = make_examples("ab" * 50)
    texts = [*(example.text for example in examples), "unlabeled"]
    lesson = lesson_of(examples, config("a", "b"), Curious).of(examples, texts)
    for trial in plan(examples):
        outcome = trial.run(lesson)
        hidden = {example.text for example in trial.test}
        assert outcome.n_examples == len(trial.examples)
        assert outcome.counts == dict.fromkeys(hidden, (1.0, 1.0))
        assert given[-1]["unlabeled"] == [text for text in texts if text not in hidden]
        assert given[-1]["label_names"] == {"a": ("a",), "b": ("b",)}
        assert given[-1]["sample_weight"] == [1.0] * len(trial.examples)


def test_a_text_counts_once_however_often_it_was_labeled() -> None:
    test = (*make_examples("aaab", texts=1), *make_examples("b", texts=1))
    trial = Trial(examples=tuple(make_examples("ab")), test=test)
    outcome = trial.run(lesson_of(make_examples("ab"), config("a", "b"), Letters))
    assert outcome.counts == {"aaa 0": (1, 1), "bbb 0": (1, 1)}


def test_of_several_labels_those_count_that_are_right() -> None:
    class Always(SklearnMultiLabelClassifier):
        def predict_proba(self, texts: Iterable[str]) -> Any:
            return np.tile(np.array([1, 1, 0], np.float32), (len(list(texts)), 1))

    class Learner(Letters):
        several = Always

    sets = [("a",), ("a", "b", "c"), ("a", "b")]
    examples = [Example(task_id=n, text=f"text {n}", labels=sets[n % 3]) for n in range(60)]
    several = config("a", "b", "c").replace("single", "multiple")
    outcome = plan(examples)[0].run(lesson_of(examples, several, Learner))
    assert set(outcome.counts.values()) == {(1, 1.5), (2, 2.5), (2, 2)}


def test_a_trial_chooses_of_what_each_task_offers_as_predictions_do() -> None:
    class AlwaysC(Letters):
        def predict_proba(self, texts: Sequence[str]) -> Any:
            return np.tile(np.array([0.3, 0.2, 0.5], np.float32), (len(texts), 1))

    examples = [
        Example(task_id=n, text=f"text {n}", labels=tuple("abc"[n % 3]), offered=frozenset("ab"))
        for n in range(60)
    ]
    dynamic = '<View><Text name="t" value="$t"/><Choices name="c" toName="t" value="$o"/></View>'
    trial = plan(examples)[0]
    right = {example.text: (float(example.labels == ("a",)), 1.0) for example in trial.test}
    assert trial.run(lesson_of(examples, dynamic, AlwaysC)).counts == right
