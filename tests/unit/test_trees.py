"""Which paths of a tree are chosen, and that they are measured as they are served."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from prelabel.label_config import ControlTag
from prelabel.loop.decisions import choose_left_out, decide
from tests.unit.test_decisions import SaysSeveral, control_of, decided

CLASSES = ("a", "a / b", "a / c", "d", "d / e")
INNER = (
    '<Choice value="a"><Choice value="b"/><Choice value="c"/></Choice>'
    '<Choice value="d"><Choice value="e"/></Choice>'
)


def taxonomy(attributes: str = "") -> ControlTag:
    return control_of(f'<Taxonomy name="c" toName="text" {attributes}>{INNER}</Taxonomy>')


def nested(attributes: str = "") -> ControlTag:
    several = f'choice="multiple" allowNested="true" {attributes}'
    return control_of(f'<Choices name="c" toName="text" {several}>{INNER}</Choices>')


LEAVES = taxonomy('leafsOnly="true"')
ALL = [
    LEAVES, nested(), taxonomy(), taxonomy('maxUsages="1"'),
    taxonomy('maxUsages="2" leafsOnly="true" required="true"'), nested('required="true"'),
]  # fmt: skip


def chosen_of(control: ControlTag, row: Sequence[float]) -> tuple[str, ...] | None:
    decision = decided(control, SaysSeveral(CLASSES, row))
    return decision and decision[0]


@pytest.mark.parametrize(
    ("most", "chosen"),
    [
        ("1", ("a", "a / c")),
        ("2", ("a", "a / c", "d", "d / e")),
        ("3", CLASSES),
        ("many", CLASSES),
        ("0", ()),
    ],
)
def test_of_more_paths_than_may_be_chosen_the_most_probable_are(
    most: str, chosen: tuple[str, ...]
) -> None:
    control = taxonomy(f'maxUsages="{most}"')
    assert chosen_of(control, [0.9, 0.6, 0.8, 0.9, 0.7]) == chosen
    written = control.write_decision(chosen)
    if most.isdigit() and written:
        assert len(written.value["taxonomy"]) <= int(most)  # type: ignore[arg-type] # a list


@pytest.mark.parametrize("control", [LEAVES, nested()])
def test_what_has_no_chosen_leaf_is_left_out_where_only_leaves_may_be_chosen(
    control: ControlTag,
) -> None:
    assert chosen_of(control, [0.9, 0.4, 0.3, 0.8, 0.7]) == ("d", "d / e")
    assert chosen_of(control, [0.9, 0.4, 0.3, 0.1, 0.1]) == ()
    assert chosen_of(taxonomy(), [0.9, 0.4, 0.3, 0.1, 0.1]) == ("a",)


@pytest.mark.parametrize(
    "control", [taxonomy('leafsOnly="true" required="true"'), nested('required="true"')]
)
def test_the_best_leaf_is_chosen_where_there_is_no_other_and_one_is_required(
    control: ControlTag,
) -> None:
    assert chosen_of(control, [0.9, 0.4, 0.3, 0.2, 0.1]) == ("a", "a / b")
    assert chosen_of(control, [0.2, 0.1, 0.1, 0.4, 0.3]) == ("d", "d / e")
    roots = SaysSeveral(("a", "d"), [0.9, 0.2])
    assert decided(control, roots) is None, "no leaf was learned"


def test_with_a_path_all_above_it_is_chosen() -> None:
    model = SaysSeveral(("a", "a / b"), [0.4, 0.4])
    model.thresholds_ = np.array([0.5, 0.3], np.float32)
    assert decided(taxonomy(), model) == (("a", "a / b"), 0.4)


def test_what_is_a_leaf_a_task_may_say_itself() -> None:
    tag = '<Taxonomy name="c" toName="text" value="$options" leafsOnly="true"/>'
    control, model = control_of(tag), SaysSeveral(("a", "a / b"), [0.9, 0.2])
    assert decided(control, model, frozenset(("a",))) == (("a",), 0.9)
    assert decided(control, model, frozenset(("a", "a / new"))) == ((), 0.1)


def test_of_one_nested_choice_only_a_leaf_is_chosen() -> None:
    single = control_of(f'<Choices name="c" toName="text" allowNested="true">{INNER}</Choices>')
    assert single.ends == {"a / b", "a / c", "d / e"}
    offered = {"options": [{"value": "a", "children": [{"value": "b"}]}]}
    dynamic = control_of('<Choices name="c" toName="text" allowNested="true" value="$options"/>')
    assert dynamic.read_offered(offered) == frozenset(("a / b",))


@pytest.mark.parametrize("control", ALL)
def test_sets_that_are_measured_are_those_that_are_served(control: ControlTag) -> None:
    rows = np.random.default_rng(0).random((200, len(CLASSES)), dtype=np.float32)
    model = SaysSeveral(CLASSES, *rows.tolist())
    found = choose_left_out(control, model, model.rows, [None] * 200)
    sets = [tuple(np.array(CLASSES)[row].tolist()) for row in found]
    decisions = decide(control, model, ["a text"] * 200, [None] * 200)
    assert sets == [decision and decision[0] for decision in decisions]
    written = [control.write_decision(labels) for labels in sets]
    assert [r and control.read_decision([r]) for r in written] == [x or None for x in sets]
