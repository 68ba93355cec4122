from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pytest

from prelabel.errors import ModelError, NotEnoughLabelsError
from prelabel.label_config import parse_label_config
from prelabel.loop.evaluation import LEAST_PROBABILITY
from prelabel.loop.gate import describe_left_out
from prelabel.loop.lesson import Lesson
from prelabel.models.base import TextModel
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.method import Method
from prelabel.models.multi_label import SklearnMultiLabelClassifier
from prelabel.types import Example
from tests.letters import Letters

ONE = (
    '<Choices name="c" toName="text"><Choice value="a" hint="first"/><Choice value="b"/></Choices>'
)
SEVERAL = ONE.replace('toName="text"', 'toName="text" choice="multiple"')
STARS = '<Rating name="c" toName="text" maxRating="2"/>'
OFFERED = '<Choices name="c" toName="text" value="$options"/>'
TREE = ONE.replace(
    'toName="text">',
    'toName="text" allowNested="true"><Choice value="c"><Choice value="d"/></Choice>',
)
WHERE = ONE.replace(
    'toName="text"', 'toName="text" visibleWhen="choice-unselected" whenTagName="d"'
)


def lesson(
    *decided: str, tag: str = ONE, model_class: type[TextModel] = SklearnTextClassifier,
    texts: Sequence[str] = (), **others: Any,
) -> Lesson:  # fmt: skip
    """Return a lesson of examples with these labels, one letter each."""
    label_config = f'<View><Text name="text" value="$text"/>{tag}{others.pop("beside", "")}</View>'
    (control, *_) = parse_label_config(label_config).controls
    examples = [
        Example(task_id=n, text=f"{labels or 'x'} {n}", labels=tuple(labels), weight=n + 1)
        for n, labels in enumerate(decided)
    ]
    method = Method(model_class=model_class)
    return Lesson(control=control, examples=examples, pool=texts, method=method, **others)


class Telling(Letters):
    """Remembers what it was given."""

    def fit(self, texts: Sequence[str], labels: Sequence[str], **extras: Any) -> Self:
        self.given = texts, labels, extras
        return super().fit(texts, labels)


class TellingOfSeveral(SklearnMultiLabelClassifier):
    """Remembers what it was given, too."""

    def fit(self, texts: Any, labels: Any, **extras: Any) -> Self:
        self.given = texts, labels, extras
        return super().fit(texts, labels, **extras)


class ForSeveral(SklearnTextClassifier):
    """Leaves several labels to that one."""

    several = TellingOfSeveral


class Strange(Letters):
    """Knows labels that nobody gave."""

    def fit(self, texts: Sequence[str], labels: Sequence[str], **extras: Any) -> Self:
        super().fit(texts, labels)
        self.classes_ = ("0", "1")
        return self


def test_each_label_of_an_example_counts() -> None:
    assert lesson("ab", "a", "", tag=SEVERAL).counts == {"a": 2, "b": 1}


def test_equal_texts_of_the_pool_are_one() -> None:
    assert lesson(texts=["x", "y", "x"]).n_texts == 2


@pytest.mark.parametrize(
    ("tag", "beside", "may"),
    [
        (ONE, "", True), (SEVERAL, "", False), (STARS, "", False), (OFFERED, "", False),
        (TREE, "", False),
        (WHERE, ONE.replace('"c"', '"d"'), False),
    ],
)  # fmt: skip
def test_names_alone_may_speak_only_where_each_text_has_one_of_them(
    tag: str, beside: str, *, may: bool
) -> None:
    assert lesson(tag=tag, beside=beside).may_be_named is may


def test_names_alone_do_not_speak_to_a_class_that_learns_from_labels() -> None:
    assert not lesson(model_class=Letters).may_be_named


@pytest.mark.parametrize(
    ("decided", "tag", "model_class", "is_learned"),
    [
        (["a", "b"], ONE, Letters, True),
        (["a", "a"], ONE, Letters, False),
        ([], ONE, Letters, False),
        (["ab", "a"], SEVERAL, SklearnTextClassifier, True),
        (["ab", "a"], SEVERAL, Letters, False),
        (["a", ""], SEVERAL, SklearnTextClassifier, True),
    ],
)
def test_labels_teach_where_two_texts_differ_and_the_class_can_learn_it(
    decided: Sequence[str], tag: str, model_class: type[TextModel], *, is_learned: bool
) -> None:
    found = lesson(*decided, tag=tag, model_class=model_class)
    assert found.is_of_labels is found.can_be_learned is is_learned


@pytest.mark.parametrize(("silence", "can"), [(None, True), ("too few texts", False), ("", False)])
def test_without_labels_it_can_be_learned_only_if_names_speak(
    silence: str | None, can: bool
) -> None:
    found = lesson("a", silence=silence)
    assert (found.is_named, found.can_be_learned) == (can, can)


def test_a_fit_is_given_labels_weights_names_and_the_pool() -> None:
    model = lesson("a", "b", model_class=Telling, texts=["t", "u"]).fit()
    assert isinstance(model, Telling)
    texts, labels, extras = model.given
    assert (texts, labels) == (["a 0", "b 1"], ["a", "b"])
    assert extras == {
        "sample_weight": [1, 2],
        "label_names": {"a": ("a", "first"), "b": ("b",)},
        "unlabeled": ["t", "u"],
    }


def test_so_is_a_fit_of_several_labels() -> None:
    model = lesson("ab", "a", tag=SEVERAL, model_class=ForSeveral, texts=["t", "u"]).fit()
    assert isinstance(model, TellingOfSeveral)
    texts, labels, extras = model.given
    assert (texts, labels) == (["ab 0", "a 1"], [("a", "b"), ("a",)])
    assert extras == {
        "sample_weight": [1, 2],
        "label_names": {"a": ("a", "first"), "b": ("b",)},
        "unlabeled": ["t", "u"],
    }


def test_several_labels_are_learned_by_the_class_for_several() -> None:
    model = lesson("ab", "a", "b", tag=SEVERAL).fit()
    assert isinstance(model, SklearnMultiLabelClassifier)
    assert list(model.classes_) == ["a", "b"]


def test_too_few_labels_are_refused_with_their_counts() -> None:
    with pytest.raises(NotEnoughLabelsError, match="a: 2"):
        lesson("a", "a").fit()


def test_a_model_that_knows_none_of_the_labels_is_refused() -> None:
    with pytest.raises(ModelError, match=r"classes_ are \('0', '1'\)"):
        lesson("a", "b", model_class=Strange).fit()


def test_what_was_learned_is_measured_by_fits_that_had_not_seen_it() -> None:
    enough = lesson(*["a", "b"] * 12, model_class=Letters)
    model = enough.learn()
    found = enough.evaluate(model)
    assert found is not None
    assert (found.n_examples, found.accuracy) == (24, 1)


def test_of_few_texts_nothing_is_measured() -> None:
    few = lesson(*["a", "b"] * 9, model_class=Letters)
    model = few.learn()
    assert model.out_of_fold_ is None
    assert few.evaluate(model) is None


def test_another_lesson_of_the_control_has_other_examples_and_texts() -> None:
    whole = lesson("a", "b", "a", texts=["t"])
    part = whole.of(whole.examples[:1], ["u"])
    assert (len(part.examples), part.pool, part.control) == (1, ["u"], whole.control)


def of_offers(tag: str, *decided: tuple[str, str]) -> Lesson:
    """Return a lesson of tasks that have some of three labels, some of which were chosen."""
    plain = lesson(tag=tag)
    examples = [
        Example(task_id=n, text=f"text {n}", labels=tuple(chosen), offered=frozenset(offered))
        for n, (chosen, offered) in enumerate(decided)
    ]
    return plain.of(examples, ())


def test_of_labels_that_tasks_offer_it_is_measured_which_of_those_is_chosen() -> None:
    of_some = of_offers(OFFERED, ("a", "ab"), ("b", "bc"), ("c", "ac"), ("b", ""))
    model = Letters().fit(["a", "b", "c"], ["a", "b", "c"])
    rows = [[0.3, 0.1, 0.6], [0.6, 0.3, 0.1], [0.6, 0.1, 0.3], [0.1, 0.8, 0.1]]
    model.out_of_fold_ = np.array(rows, np.float32)
    found = of_some.evaluate(model)
    assert found is not None
    assert found.accuracy == 0.5  # of the last, nothing is offered that is known
    sure = [0.3 / 0.4, 0.3 / 0.4, 0.3 / 0.9, LEAST_PROBABILITY]
    assert found.log_loss == pytest.approx(-np.log(sure).mean())
    assert describe_left_out(of_some, model)[:3] == [(0, ("a",)), (1, ("b",)), (2, ("a",))]


def test_of_several_that_tasks_offer_the_others_are_not_known() -> None:
    several = OFFERED.replace("/>", ' choice="multiple"/>')
    of_some = of_offers(several, ("a", "ab"), ("", "bc"))
    model = SklearnMultiLabelClassifier()
    model.classes_, model.thresholds_ = np.array(["a", "b", "c"]), np.full(3, 0.5, np.float32)
    model.out_of_fold_ = np.array([[0.9, 0.2, 0.9], [0.9, 0.1, 0.2]], np.float32)
    found = of_some.evaluate(model)
    assert found is not None
    assert found.accuracy == 1
    assert found.log_loss == pytest.approx(-np.log([0.9, 0.8, 0.9, 0.8]).mean())
    assert describe_left_out(of_some, model) == [(0, ("a",)), (1, ())]
