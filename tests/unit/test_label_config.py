from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prelabel.errors import LabelConfigError
from prelabel.label_config import (
    MAX_LABEL_CONFIG_CHARACTERS,
    ControlTag,
    Kind,
    LabelSchema,
    ObjectTag,
    parse_label_config,
)
from prelabel.types import Region
from tests.builders import CONFIG, DATA, config, region
from tests.strategies import TREES

TEXT = '<Text name="text" value="$text"/>'
CHOICES = '<Choices name="topic" toName="text"><Choice value="a"/><Choice value="b"/></Choices>'


def view(*tags: str) -> str:
    return f"<View>{''.join(tags)}</View>"


def control_of(label_config: str) -> ControlTag:
    """Return the only control."""
    (control,) = parse_label_config(label_config).controls
    return control


def values_of(label_config: str) -> list[str]:
    return [label.value for label in control_of(label_config).labels]


def refusal_of(label_config: str) -> LabelConfigError:
    with pytest.raises(LabelConfigError) as caught:
        parse_label_config(label_config)
    return caught.value


# What a config means


def test_the_recorded_config_is_read_whole() -> None:
    control = control_of(json.loads((DATA / "setup.json").read_text())["schema"])
    assert [label.value for label in control.labels] == ["sports", "cooking", "finance"]
    assert (control.name, control.type, control.kind) == ("topic", "choices", Kind.ONE)
    assert control.object_tags == (ObjectTag(name="text", data_key="text"),)


def test_a_config_is_read_once_however_many_projects_there_are() -> None:
    first, again = (
        [parse_label_config(CONFIG.replace("sports", f"sports {n}")) for n in range(300)]
        for _ in range(2)
    )
    assert all(one is other for one, other in zip(first, again, strict=True))


def test_configs_as_large_as_may_be_do_not_pile_up() -> None:
    def large(n: int) -> str:
        return CONFIG.replace("<View>", f"<View><!-- {'x' * 900_000} {n} -->")

    first = parse_label_config(large(0))
    assert parse_label_config(large(0)) is first
    parse_label_config(large(1))
    parse_label_config(large(2))
    assert parse_label_config(large(0)) is not first


def test_styling_and_nesting_around_the_tags_change_nothing() -> None:
    nested = view(
        "<Style>.x { color: red }</Style><Header value='What is it?'/><!-- a comment -->",
        f"<View className='x'><View>{TEXT}</View></View>",
        "<Choices name='topic' toName='text'><View><Choice value='a'/></View>",
        "<View style='x'><Choice value='b'/></View></Choices>",
    )
    assert parse_label_config(nested) == parse_label_config(view(TEXT, CHOICES))


def test_choices_may_come_before_the_text_they_are_about() -> None:
    assert parse_label_config(view(CHOICES, TEXT)) == parse_label_config(view(TEXT, CHOICES))


def test_an_alias_is_what_annotations_carry_and_every_wording_is_a_name() -> None:
    choice = '<Choice value="Sports" alias="sp" hint="all games"/>'
    (label,) = control_of(view(TEXT, f'<Choices name="c" toName="text">{choice}</Choices>')).labels
    assert (label.value, label.names) == ("sp", ("Sports", "sp", "all games"))


def test_the_same_label_twice_and_labels_without_a_value_count_once_and_not_at_all() -> None:
    assert values_of(config("a", "b", "a", "")) == ["a", "b"]


@pytest.mark.parametrize(
    ("unusable", "reason"),
    [
        (CHOICES.replace('"topic"', '"x" perRegion="true"'), "perRegion"),
        (CHOICES.replace('"topic"', '"x" perItem="true"'), "perItem"),
        ('<Taxonomy name="x" toName="text" labeling="true"><Choice value="a"/></Taxonomy>',
         "labeling"),
        (CHOICES.replace('"topic"', '"x" visibleWhen="region-selected"'), "part of a task"),
        (CHOICES.replace('toName="text"', 'toName="elsewhere"').replace("topic", "x"),
         "no such tag"),
        ('<Choices name="x" toName="text"/>', "offers no labels"),
        ('<Taxonomy name="x" toName="text" apiUrl="http://a/"/>', "apiUrl"),
        ('<Rating name="x" toName="text" maxRating="many"/>', "offers no labels"),
        (f'<Repeater on="$i">{CHOICES.replace("topic", "x")}</Repeater>', "each part of a task"),
    ],
)  # fmt: skip
def test_a_control_that_cannot_be_learned_says_why_and_leaves_the_others(
    unusable: str, reason: str
) -> None:
    schema = parse_label_config(view(TEXT, unusable, CHOICES))
    assert [control.name for control in schema.controls] == ["topic"]
    (said,) = schema.unusable
    assert 'name="x"' in said
    assert reason in said
    assert reason in str(refusal_of(view(TEXT, unusable)))


def test_a_control_of_spans_is_no_decision_about_a_text() -> None:
    spans = '<Labels name="spans" toName="text"><Label value="x"/></Labels>'
    schema = parse_label_config(view(TEXT, spans, CHOICES))
    assert [control.name for control in schema.controls] == ["topic"]
    assert "usable control" in str(refusal_of(view(TEXT, spans)))


def test_all_usable_controls_are_there_in_the_order_of_the_config() -> None:
    second = CHOICES.replace('"topic"', '"mood" choice="multiple"')
    stars = '<Rating name="stars" toName="text"/>'
    tree = '<Taxonomy name="tree" toName="text"><Choice value="a"/></Taxonomy>'
    schema = parse_label_config(view(TEXT, CHOICES, second, stars, tree))
    assert [(control.name, control.kind) for control in schema.controls] == [
        ("topic", Kind.ONE), ("mood", Kind.SEVERAL), ("stars", Kind.RATING), ("tree", Kind.SEVERAL),
    ]  # fmt: skip


def test_of_two_controls_of_one_name_the_first_is_taken() -> None:
    assert values_of(view(TEXT, CHOICES, CHOICES.replace('"a"', '"c"'))) == ["a", "b"]


def test_all_texts_that_a_control_is_about_are_read_and_its_regions_name_the_first() -> None:
    choices = CHOICES.replace('toName="text"', 'toName="image, text ,title"')
    title = '<Text name="title" value="$title"/>'
    control = control_of(view('<Image name="image" value="$i"/>', title, TEXT, choices))
    assert control.read_text({"text": "one", "title": "two"}) == "one\n\ntwo"
    assert control.read_text({"title": "two"}) == "two"
    written = control.write_decision(("a",))
    assert written
    assert written.to_name == "text"


@pytest.mark.parametrize(
    "text_tag",
    [
        '<Text name="text" value="a fixed text"/>',
        '<Text name="text" value="$"/>',
        '<Text name="text"/>',
        '<Image name="text" value="$text"/>',
        '<Text xmlns="urn:x" name="text" value="$text"/>',
    ],
)
def test_a_text_that_is_not_in_the_task_cannot_be_labeled(text_tag: str) -> None:
    assert "usable control" in str(refusal_of(view(text_tag, CHOICES)))


def test_tags_without_names_do_not_belong_together() -> None:
    nameless = '<Text value="$text"/><Choices><Choice value="a"/></Choices>'
    assert "usable control" in str(refusal_of(view(nameless)))
    assert "usable control" in str(refusal_of(view(TEXT, CHOICES.replace(' name="topic"', ""))))


def test_a_refusal_says_what_was_there_and_what_would_work() -> None:
    message = str(refusal_of(view(TEXT, '<Labels name="l" toName="text"/>')))
    assert "'Labels', 'Text', 'View'" in message
    assert "<Choices>, <Taxonomy>, <Rating> about <Text>, <HyperText>, <Paragraphs>" in message
    assert "Settings → Labeling Interface" in message


# What must not be read


@pytest.mark.parametrize(
    "hostile",
    [
        '<!DOCTYPE View [<!ENTITY a "aaa"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]><a>&c;</a>',
        '<!DOCTYPE View [<!ENTITY x SYSTEM "file:///etc/passwd">]><View>&x;</View>',
        '<!DOCTYPE View SYSTEM "http://127.0.0.1/x.dtd"><View/>',
        '<!DOCTYPE View [<!ENTITY % p SYSTEM "http://127.0.0.1/"> %p;]><View/>',
        "<!DOCTYPE View><View/>",
    ],
)
def test_document_types_and_entities_are_refused(hostile: str) -> None:
    message = str(refusal_of(hostile))
    assert "cannot be read" in message
    assert "root:" not in message


@pytest.mark.parametrize(
    "not_xml",
    ["", " ", "text", "<View>", "<View></Vie>", "<a/><b/>", "\x00", "<View a='\ud800'/>", "&lt;"],
)
def test_what_is_not_xml_is_refused_with_the_place(not_xml: str) -> None:
    assert "cannot be read" in str(refusal_of(not_xml))


def test_a_declared_encoding_does_not_matter_to_a_text() -> None:
    declared = f'<?xml version="1.0" encoding="utf-16"?>{view(TEXT, CHOICES)}'
    assert values_of(declared) == ["a", "b"]


def test_a_huge_config_is_refused_unread() -> None:
    message = str(refusal_of("<View>" + " " * MAX_LABEL_CONFIG_CHARACTERS + "</View>"))
    assert "1000013 characters" in message


@pytest.mark.parametrize(("depth", "is_read"), [(90, True), (200, False), (70_000, False)])
def test_a_config_is_read_as_deep_as_people_nest(depth: int, is_read: bool) -> None:
    deep = "<View>" * depth + TEXT + CHOICES + "</View>" * depth
    if is_read:
        assert values_of(deep) == ["a", "b"]
    else:
        assert "100 levels deep" in str(refusal_of(deep))


def test_thousands_of_labels_are_labels() -> None:
    names = [f"label {number}" for number in range(5_000)]
    assert values_of(config(*names)) == names


# Reading tasks


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a text", "a text"),
        ("", None),
        (" \n\t", None),
        (7, "7"),
        (0, "0"),
        (1.5, "1.5"),
        (True, "true"),
        (None, None),
        ({"a": "b"}, None),
        ([], None),
        (["one", "two"], "one\ntwo"),
        (["one", 2, None, {"a": 1}, ["three"], ""], "one\n2"),
        ("http://example.com/a", "http://example.com/a"),
        ("upload/1/file.txt", "upload/1/file.txt"),
        ("s3://bucket/key", "s3://bucket/key"),
        (".", "."),
    ],
)
def test_any_value_is_a_text_or_none(value: object, text: str | None) -> None:
    assert control_of(CONFIG).read_text({"text": value}) == text


def test_keys_within_a_value_are_read_as_people_see_them() -> None:
    text = TEXT.replace("$text", "Subject: $mail.title. Body: $text ($mail.title)")
    control = control_of(view(text, CHOICES))
    assert control.read_text({"mail": {"title": "Hi"}, "text": "there"}) == "Hi\n\nthere"
    assert control.read_text({"text": "there"}) == "there"
    assert control.read_text({"Subject": "Hi"}) is None
    written = control.write_decision(("a",))
    assert written
    assert written.to_name == "text"


def test_an_address_stands_alone() -> None:
    text = '<Text name="text" value="http://host/$text" valueType="url"/>'
    assert "names no key" in str(refusal_of(view(text, CHOICES)))


def test_a_missing_key_is_no_text() -> None:
    assert control_of(CONFIG).read_text({"other": "x"}) is None


def test_the_text_of_a_plain_file_is_found() -> None:
    assert control_of(CONFIG).read_text({"$undefined$": "x"}) == "x"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"a": {"b": "inner"}}, "inner"),
        ({"a.b": "flat", "a": {"b": "inner"}}, "flat"),
        ({"a": "no object"}, None),
        ({"a": {"c": 1}}, None),
    ],
)
def test_a_nested_key_is_followed(data: dict[str, Any], text: str | None) -> None:
    nested = control_of(view(TEXT.replace("$text", "$a.b"), CHOICES))
    assert nested.read_text(data) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"a": [{"b": "first"}, {"b": "second"}]}, "second"),
        ({"a": [{"b": "first"}]}, None),
        ({"a": {"1": {"b": "by name"}}}, "by name"),
        ({"a": "no list"}, None),
        ({"a[1].b": "flat", "a": []}, "flat"),
    ],
)
def test_one_of_a_list_is_followed(data: dict[str, Any], text: str | None) -> None:
    listed = control_of(view(TEXT.replace("$text", "$a[1].b"), CHOICES))
    assert listed.read_text(data) == text


@pytest.mark.parametrize(
    ("regions", "label"),
    [
        ([region("sports")], "sports"),
        ([region("cooking", "other"), region("sports")], "sports"),
        ([region("gone"), region("sports")], "sports"),
        ([region("gone")], None),
        ([], None),
    ],
)
def test_the_label_is_the_one_choice_of_this_control(
    regions: list[Region], label: str | None
) -> None:
    assert control_of(CONFIG).read_decision(regions) == (None if label is None else (label,))


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"choices": "elsewhere"},
        {"choices": []},
        {"choices": [1]},
        {"choices": None},
        {"choices": [["sports"]]},
        {"choices": ["sports", "cooking"]},
        {"labels": ["sports"]},
    ],
)
def test_a_value_that_is_not_one_choice_is_no_label(value: dict[str, object]) -> None:
    odd = Region(from_name="topic", to_name="text", type="choices", value=value)
    control = control_of(CONFIG)
    assert control.read_decision([odd]) is None
    assert control.read_decision([odd, region("sports")]) == ("sports",)


# Digests


def test_the_digest_stands_for_the_set_of_labels_whatever_their_order() -> None:
    first, second = parse_label_config(config("a", "b")), parse_label_config(config("b", "a"))
    assert first.digest() == second.digest()
    assert first.digest() != parse_label_config(config("a", "c")).digest()
    assert first.digest() != parse_label_config(config("a,b")).digest()


def test_the_digest_sees_hints_and_what_else_a_prediction_names() -> None:
    plain = parse_label_config(config("a"))
    hinted = parse_label_config(config("a").replace("<Choice ", '<Choice hint="h" '))
    renamed = parse_label_config(config("a", name="other"))
    assert len({schema.digest() for schema in (plain, hinted, renamed)}) == 3
    frames = [schema.controls[0].frame for schema in (plain, hinted, renamed)]
    assert frames[0] == frames[1] != frames[2]


@pytest.mark.parametrize(
    "edit",
    ['required="true"', 'visibleWhen="choice-selected"', 'whenChoiceValue="a"', 'layout="inline"'],
)
def test_the_manner_sees_attributes_that_change_predictions_and_no_others(edit: str) -> None:
    several = config("a").replace("single", "multiple")
    before = parse_label_config(several)
    after = parse_label_config(several.replace("<Choices ", f"<Choices {edit} "))
    is_same = before.controls[0].manner == after.controls[0].manner
    assert before.controls[0].frame == after.controls[0].frame
    assert is_same == (before.digest() == after.digest()) == ("layout" in edit)


def test_the_manner_of_a_tree_sees_which_paths_may_be_chosen() -> None:
    tree = '<Taxonomy name="x" toName="text"><Choice value="a"/></Taxonomy>'
    manners = [
        control_of(view(TEXT, tree.replace("toName", f"{edit} toName"))).manner
        for edit in (
            "",
            'leafsOnly="true"',
            'maxUsages="1"',
            'maxUsages="2"',
            'showFullPath="true"',
        )
    ]
    assert len(set(manners)) == 4
    assert manners[0] == manners[-1]


def test_a_label_that_all_tasks_beside_their_own_have_is_part_of_the_manner() -> None:
    manners = [
        control_of(
            view(TEXT, f'<Choices name="x" toName="text" value="$o">{inner}</Choices>')
        ).manner
        for inner in ("", '<Choice value="a"/>', '<Choice value="b"/>')
    ]
    assert len(set(manners)) == 3


def test_a_rating_has_its_stars_whatever_its_value_says() -> None:
    control = control_of(view(TEXT, '<Rating name="x" toName="text" value="$stars"/>'))
    assert control.options_key is None
    assert len(control.labels) == 5


# Anything


def check_any(label_config: str) -> None:
    try:
        schema = parse_label_config(label_config)
    except LabelConfigError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(schema, LabelSchema)
        assert schema.controls
        for control in schema.controls:
            assert control.name
            assert control.labels or control.options_key is not None
            assert all(control.values)
        assert LabelSchema.from_mapping(schema.to_mapping()) == schema


@given(st.text() | st.text(alphabet="<>/&;!?[]'\"=ViewTxtChoics \x00\ud800é"))
@example("<!---->")
@example("<?xml version='9'?><a/>")
def test_any_text_is_a_schema_or_a_label_config_error(text: str) -> None:
    check_any(text)


@given(TREES)
def test_any_tree_of_tags_is_a_schema_or_a_label_config_error(tree: str) -> None:
    check_any(tree)


def test_tags_are_known_in_any_case_as_the_editor_knows_them() -> None:
    config = view(TEXT, CHOICES)
    lower = config.replace("Choice", "choice").replace("<Text", "<text").replace("View", "view")
    assert lower != config
    assert parse_label_config(lower) == parse_label_config(config)
