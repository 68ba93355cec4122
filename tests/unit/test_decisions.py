"""From probabilities to decisions, by the kind of the control."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from prelabel.label_config import ControlTag, parse_label_config
from prelabel.loop.decisions import Decision, Offered, choose_left_out, decide
from prelabel.models.multi_label import SklearnMultiLabelClassifier
from tests.letters import Letters


class Says(Letters):
    """A model that says what it is told."""

    def __init__(self, classes: str, *rows: Sequence[float]) -> None:
        self.classes_, self.rows = tuple(classes), np.array(rows, np.float32)

    def predict_proba(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return self.rows[: len(texts)]


class SaysSeveral(SklearnMultiLabelClassifier):
    """The same, for several labels; each is chosen from a half on."""

    def __init__(self, classes: Sequence[str], *rows: Sequence[float]) -> None:
        self.classes_, self.rows = np.array(classes, object), np.array(rows, np.float32)
        self.thresholds_ = np.full(len(classes), 0.5, np.float32)

    def predict_proba(self, texts: Iterable[str]) -> npt.NDArray[np.float32]:
        return self.rows[: len(list(texts))]


def control_of(tag: str) -> ControlTag:
    text = '<Text name="text" value="$text"/>'
    (control,) = parse_label_config(f"<View>{text}{tag}</View>").controls
    return control


def choices(labels: str, attributes: str = "") -> ControlTag:
    inner = "".join(f'<Choice value="{label}"/>' for label in labels)
    return control_of(f'<Choices name="c" toName="text" {attributes}>{inner}</Choices>')


def decided(
    control: ControlTag, model: Says | SaysSeveral, offered: Offered = None
) -> Decision | None:
    (decision,) = decide(control, model, ["a text"], [offered])
    return decision and (decision[0], round(decision[1], 3))


STARS = control_of('<Rating name="c" toName="text" maxRating="5"/>')
DYNAMIC = control_of('<Choices name="c" toName="text" value="$options"/>')
SEVERAL = 'choice="multiple"'
TREE = control_of(
    '<Taxonomy name="c" toName="text"><Choice value="a"><Choice value="b"/></Choice></Taxonomy>'
)


def test_the_most_probable_label_is_chosen() -> None:
    assert decided(choices("ab"), Says("ab", [0.3, 0.7])) == (("b",), 0.7)


def test_a_text_of_a_label_that_is_gone_is_nobodys() -> None:
    assert decided(choices("a"), Says("ab", [0.3, 0.7])) is None


def test_of_what_a_task_offers_the_most_probable_is_chosen_with_its_share() -> None:
    model = Says("abc", [0.2, 0.7, 0.1])
    assert decided(DYNAMIC, model, frozenset("ac")) == (("a",), 0.667)
    assert decided(DYNAMIC, model, frozenset("x")) is None
    assert decided(DYNAMIC, model, frozenset()) is None


@pytest.mark.parametrize(
    ("row", "stars"),
    [
        ([0.4, 0.0, 0.2, 0.0, 0.4], "3"),
        ([0.6, 0.1, 0.1, 0.1, 0.1], "1"),
        ([0.25, 0.25, 0.0, 0.0, 0.5], "2"),  # of two medians the lower
    ],
)
def test_a_rating_is_the_median_not_the_mode(row: list[float], stars: str) -> None:
    decision = decided(STARS, Says("12345", row))
    assert decision
    assert decision[0] == (stars,)


def test_ratings_are_in_the_order_of_numbers() -> None:
    ten = control_of('<Rating name="c" toName="text" maxRating="10"/>')
    model = Says("", [0.34, 0.33, 0.33])
    model.classes_ = ("10", "2", "3")
    assert decided(ten, model) == (("3",), 0.33)


def test_of_several_all_that_reach_their_threshold_are_chosen_and_the_least_sure_counts() -> None:
    control = choices("abc", SEVERAL)
    assert decided(control, SaysSeveral("abc", [0.9, 0.6, 0.3])) == (("a", "b"), 0.6)
    assert decided(control, SaysSeveral("abc", [0.1, 0.2, 0.1])) == ((), 0.8)


def test_where_a_label_is_required_the_most_probable_is_chosen() -> None:
    required = choices("abc", f'{SEVERAL} required="true"')
    assert decided(required, SaysSeveral("abc", [0.1, 0.4, 0.2])) == (("b",), 0.4)


def test_labels_that_are_gone_or_not_offered_are_not_chosen() -> None:
    model = SaysSeveral("ab", [0.9, 0.8])
    assert decided(choices("b", SEVERAL), model) == (("b",), 0.8)
    dynamic = control_of(f'<Choices name="c" toName="text" value="$options" {SEVERAL}/>')
    assert decided(dynamic, model, frozenset("a")) == (("a",), 0.9)
    assert decided(choices("xy", SEVERAL), model) is None


def test_nothing_of_a_tree_is_chosen_without_what_is_above_it() -> None:
    classes = ("a", "a / b")
    assert decided(TREE, SaysSeveral(classes, [0.9, 0.8])) == (classes, 0.8)
    assert decided(TREE, SaysSeveral(classes, [0.3, 0.8])) == ((), 0.7)


def test_a_stroke_in_a_flat_label_makes_it_no_part_of_another() -> None:
    tags = '<Choice value="Food"/><Choice value="Food / Drink"/>'
    flat = control_of(f'<Choices name="c" toName="text" {SEVERAL}>{tags}</Choices>')
    model = SaysSeveral(("Food", "Food / Drink"), [0.1, 0.9])
    assert decided(flat, model) == (("Food / Drink",), 0.9)


def test_dynamic_choices_of_which_no_task_is_known_may_all_be_chosen() -> None:
    dynamic = control_of(f'<Choices name="c" toName="text" value="$options" {SEVERAL}/>')
    assert decided(dynamic, SaysSeveral("ab", [0.9, 0.3])) == (("a",), 0.7)


@pytest.mark.parametrize(
    "control",
    [
        choices("abc", SEVERAL),
        choices("abc", f'{SEVERAL} required="true"'),
        control_of(
            '<Taxonomy name="c" toName="text"><Choice value="a"><Choice value="b"/></Choice>'
            '<Choice value="c"/></Taxonomy>'
        ),
    ],
    ids=["may be empty", "required", "a tree"],
)
def test_sets_of_many_texts_are_those_decided_one_by_one(control: ControlTag) -> None:
    classes = ("a", "a / b", "c") if control.as_paths else ("a", "b", "c")
    rows = np.random.default_rng(0).random((50, 3), dtype=np.float32) ** 2
    model = SaysSeveral(classes, *rows.tolist())
    found = choose_left_out(control, model, model.rows, [None] * 50)
    sets = [tuple(np.array(classes)[row].tolist()) for row in found]
    decisions = decide(control, model, ["a text"] * 50, [None] * 50)
    assert sets == [decision and decision[0] for decision in decisions]


def test_a_label_that_was_not_measured_is_not_chosen() -> None:
    model = SaysSeveral("ab", [0.9, 0.5], [np.nan, 0.4])
    found = choose_left_out(choices("ab", SEVERAL), model, model.rows, [None, None])
    assert found.tolist() == [[True, True], [False, False]]


def test_what_was_left_out_is_decided_by_thresholds_tuned_without_it() -> None:
    model = SaysSeveral("ab", [0.6, 0.6], [0.6, 0.6])
    model.thresholds_out_of_fold_ = np.array([[0.7, 0.5], [0.5, 0.7]], np.float32)
    found = choose_left_out(choices("ab", SEVERAL), model, model.rows, [None, None])
    assert found.tolist() == [[False, True], [True, False]]
