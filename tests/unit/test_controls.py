"""Control tags: what people decided is read, what is predicted is written to be read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.label_config import ControlTag, parse_label_config
from prelabel.types import Region

TEXT = '<Text name="text" value="$text"/>'
TREE = (
    '<Choice value="Animals" alias="an"><Choice value="Cats"/><Choice value="Dogs"/></Choice>'
    '<Choice value="Plants"/>'
)


def control_of(tag: str) -> ControlTag:
    (control,) = parse_label_config(f"<View>{TEXT}{tag}</View>").controls
    return control


def choices(attributes: str = "", inner: str = '<Choice value="a"/><Choice value="b"/>') -> str:
    return f'<Choices name="x" toName="text" {attributes}>{inner}</Choices>'


SEVERAL = control_of(choices('choice="multiple"'))
REQUIRED = control_of(choices('choice="multiple" required="true"'))
NESTED = control_of(choices(inner=TREE))
PATHS = control_of(choices('allowNested="true"', TREE))
TAXONOMY = control_of(f'<Taxonomy name="x" toName="text">{TREE}</Taxonomy>')
RATING = control_of('<Rating name="x" toName="text" maxRating="3"/>')
DYNAMIC = control_of(choices('value="$options"', ""))


def region(control: ControlTag, value: object) -> Region:
    return Region(from_name="x", to_name="text", type=control.type, value={control.type: value})


@pytest.mark.parametrize(
    ("control", "value", "decision"),
    [
        (SEVERAL, ["b", "a"], ("a", "b")),
        (SEVERAL, ["b", "gone"], ("b",)),
        (NESTED, ["an"], ("an",)),
        (PATHS, [["an", "Cats"]], ("an / Cats",)),
        (TAXONOMY, [["an", "Cats"]], ("an", "an / Cats")),
        (TAXONOMY, [["an", "Cats"], ["Plants"]], ("Plants", "an", "an / Cats")),
        (RATING, 2, ("2",)),
        (RATING, 2.0, ("2",)),
        (SEVERAL, "a", ("a",)),
        (NESTED, "an", ("an",)),
        (SEVERAL, [], ()),
        (DYNAMIC, ["anything"], ("anything",)),
    ],
)
def test_what_people_decided_is_read(
    control: ControlTag, value: object, decision: tuple[str, ...]
) -> None:
    assert control.read_decision([region(control, value)]) == decision


@pytest.mark.parametrize(
    ("control", "value"),
    [
        (SEVERAL, ["gone"]), (REQUIRED, []), (SEVERAL, "c"), (SEVERAL, [["a"]]), (SEVERAL, [5]),
        (NESTED, [["an", "Cats"]]), (NESTED, ["Cats"]),
        (PATHS, ["an"]), (PATHS, "an"), (PATHS, [["an", 5]]), (PATHS, [[]]),
        (PATHS, [["an"], ["Plants"]]),
        (TAXONOMY, ["an"]), (TAXONOMY, [["gone"]]),
        (RATING, 4), (RATING, 0), (RATING, "2"), (RATING, True), (RATING, 1.5), (RATING, [1]),
        (RATING, float("nan")), (RATING, float("inf")), (RATING, 1e300), (RATING, 2.0000001),
        (DYNAMIC, []), (DYNAMIC, ["a", "b"]),
    ],
)  # fmt: skip
def test_anything_else_is_no_decision(control: ControlTag, value: object) -> None:
    assert control.read_decision([region(control, value)]) is None


def test_of_several_labels_imports_may_have_a_region_for_each() -> None:
    each = [region(SEVERAL, ["b"]), region(SEVERAL, "gone"), region(SEVERAL, ["a"])]
    assert SEVERAL.read_decision(each) == ("a", "b")
    assert SEVERAL.read_choice(each) == ("a", "b", "gone")


def test_one_choice_below_another_is_a_label_in_a_path_only() -> None:
    """The editor shows no other, as `tests/data/label_configs.json` says of each."""
    assert NESTED.values == {"an", "Plants"}
    assert PATHS.values == {"an", "an / Cats", "an / Dogs", "Plants"}


@pytest.mark.parametrize("part", [{"start": 0, "end": 4}, {"startOffset": 0}, {"x": 5}])
def test_what_was_said_of_a_part_of_a_task_is_no_decision_about_all_of_it(
    part: dict[str, object],
) -> None:
    whole = region(SEVERAL, ["a"])
    of_part = replace(whole, value={"choices": ["b", "gone"], **part})
    assert SEVERAL.read_decision([of_part]) is None
    assert SEVERAL.read_decision([of_part, whole]) == ("a",)
    assert SEVERAL.find_unknown([of_part]) == frozenset()


def test_no_region_says_that_no_label_applies_where_none_need_be_chosen() -> None:
    assert SEVERAL.read_decision([]) == ()
    assert TAXONOMY.read_decision([]) == ()
    assert REQUIRED.read_decision([]) is None
    assert NESTED.read_decision([]) is None


@pytest.mark.parametrize(
    ("control", "labels", "value"),
    [
        (SEVERAL, ("a", "b"), ["a", "b"]),
        (PATHS, ("an / Cats",), [["an", "Cats"]]),
        (TAXONOMY, ("an", "an / Cats"), [["an", "Cats"]]),
        (TAXONOMY, ("Plants", "an"), [["Plants"], ["an"]]),
        (RATING, ("3",), 3),
    ],
)
def test_what_is_written_is_what_label_studio_stores(
    control: ControlTag, labels: tuple[str, ...], value: object
) -> None:
    written = control.write_decision(labels)
    assert written is not None
    assert written == region(control, value)
    assert control.read_decision([written]) == labels


def test_of_no_labels_no_region_is_written() -> None:
    assert SEVERAL.write_decision(()) is None


@pytest.mark.parametrize(
    ("options", "offered"),
    [
        (["a", "b"], frozenset("ab")),
        ([{"value": "A", "alias": "a"}, {"value": "b", "children": ["c"]}], frozenset("ab")),
        ([5, None, {}, {"value": 7}, ""], frozenset()),
        ("a", frozenset()), (None, frozenset()), ({"value": "a"}, frozenset()),
    ],
)  # fmt: skip
def test_a_task_may_offer_labels_of_its_own(options: object, offered: frozenset[str]) -> None:
    assert DYNAMIC.read_offered({"options": options}) == offered
    assert SEVERAL.read_offered({"options": options}) is None


def test_what_the_config_offers_stands_beside_what_a_task_offers() -> None:
    control = control_of(choices('value="$options"', '<Choice value="None of these"/>'))
    assert control.read_offered({"options": ["a"]}) == frozenset({"a", "None of these"})
    assert control.read_offered({}) == frozenset({"None of these"})


def test_a_path_is_written_with_the_levels_that_the_task_offers() -> None:
    control = control_of(choices('value="$options" allowNested="true" choice="multiple"', ""))
    tree = {"value": "Food / Drink", "children": [{"value": "Tea"}]}
    offered = control.read_offered({"options": [tree]})
    assert offered is not None
    assert control.write_decision(sorted(offered)) == region(control, [["Food / Drink", "Tea"]])
    assert control.read_decision([region(control, [["Food / Drink", "Tea"]])]) == tuple(
        sorted(offered)
    )


def test_what_a_task_offers_may_be_within_a_key() -> None:
    nested = control_of(choices('value="$item.options"', ""))
    assert nested.read_offered({"item": {"options": ["a", "b"]}}) == frozenset("ab")


def shown(when: str) -> ControlTag:
    tag = choices(when).replace('name="x"', 'name="then"')
    schema = parse_label_config(f"<View>{TEXT}{choices()}{tag}</View>")
    return schema.controls[1]


@pytest.mark.parametrize(
    ("when", "chosen", "holds"),
    [
        ('whenTagName="x" whenChoiceValue="a"', {"x": ["a"]}, True),
        ('whenTagName="x" whenChoiceValue="a,b"', {"x": ["b"]}, True),
        ('whenTagName="x" whenChoiceValue="a"', {"x": ["b"], "y": ["a"]}, False),
        ('whenTagName="x"', {"x": ["b"]}, True),
        ('whenTagName="x"', {"x": []}, False),
        ('whenTagName="x"', {}, False),
        ('whenChoiceValue="a"', {"y": ["a"]}, True),
        ("", {"x": ["b"]}, True),
    ],
)
def test_a_control_is_shown_when_another_has_chosen(
    when: str, chosen: Mapping[str, Any], holds: bool
) -> None:
    (condition,) = shown(f'visibleWhen="choice-selected" {when}').conditions
    assert condition.holds(chosen) == holds
    (opposite,) = shown(f'visibleWhen="choice-unselected" {when}').conditions
    assert opposite.holds(chosen) != holds


def test_a_view_that_is_hidden_hides_what_is_in_it() -> None:
    inner = choices().replace('name="x"', 'name="then"')
    view = f'<View visibleWhen="choice-selected" whenTagName="x">{inner}</View>'
    _, then = parse_label_config(f"<View>{TEXT}{choices()}{view}</View>").controls
    assert [condition.control for condition in then.conditions] == ["x"]


def test_a_condition_may_name_a_label_by_its_wording() -> None:
    first = choices(inner='<Choice value="Yes!" alias="y"/><Choice value="no"/>')
    then = choices('visibleWhen="choice-selected" whenChoiceValue="Yes!"').replace('"x"', '"then"')
    _, control = parse_label_config(f"<View>{TEXT}{first}{then}</View>").controls
    assert control.conditions[0].holds({"x": ["y"]})


@given(
    st.sampled_from([SEVERAL, REQUIRED, NESTED, PATHS, TAXONOMY, RATING, DYNAMIC]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from("ab"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=8,
    ),
)
def test_any_value_is_a_decision_that_can_be_written_or_none(
    control: ControlTag, value: object
) -> None:
    found = control.read_decision([region(control, value)])
    control.read_offered({"options": value})
    if found:
        written = control.write_decision(found)
        assert written is not None
        assert control.read_decision([written]) == found


def test_of_a_tree_whose_upper_levels_apply_too_these_are_called_what_is_below_them() -> None:
    called = TAXONOMY.label_names
    assert called["an"][0] == "Animals"
    assert "Cats" in called["an"]
    assert "Cats" in called["an / Cats"]
    assert "Animals" not in called["an / Cats"]
    assert "Cats" not in PATHS.label_names["an"]  # one label is chosen: it is not all above it
