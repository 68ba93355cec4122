from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prelabel.errors import LabelConfigError
from prelabel.label_config import MAX_LABEL_CONFIG_CHARACTERS, LabelSchema, parse_label_config
from prelabel.types import Region
from tests.builders import CONFIG, DATA, config, labeled, region

TEXT = '<Text name="text" value="$text"/>'
CHOICES = '<Choices name="topic" toName="text"><Choice value="a"/><Choice value="b"/></Choices>'


def view(*tags: str) -> str:
    return f"<View>{''.join(tags)}</View>"


def values_of(label_config: str) -> list[str]:
    return [label.value for label in parse_label_config(label_config).labels]


def refusal_of(label_config: str) -> LabelConfigError:
    with pytest.raises(LabelConfigError) as caught:
        parse_label_config(label_config)
    return caught.value


# What a config means


def test_the_recorded_config_is_read_whole() -> None:
    schema = parse_label_config(json.loads((DATA / "setup.json").read_text())["schema"])
    assert [label.value for label in schema.labels] == ["sports", "cooking", "finance"]
    assert (schema.control.name, schema.control.type) == ("topic", "choices")
    assert (schema.control.object_tag.name, schema.control.object_tag.data_key) == ("text", "text")


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
    (label,) = parse_label_config(
        view(TEXT, f'<Choices name="c" toName="text">{choice}</Choices>')
    ).labels
    assert (label.value, label.names) == ("sp", ("Sports", "sp", "all games"))


def test_the_same_label_twice_and_labels_without_a_value_count_once_and_not_at_all() -> None:
    assert values_of(config("a", "b", "a", "")) == ["a", "b"]


@pytest.mark.parametrize(
    "unusable",
    [
        CHOICES.replace('"topic"', '"many" choice="multiple"'),
        CHOICES.replace('"topic"', '"each" perRegion="true"'),
        CHOICES.replace('"topic"', '"item" perItem="true"'),
        CHOICES.replace('toName="text"', 'toName="elsewhere"'),
        '<Choices name="none" toName="text"/>',
        '<Labels name="spans" toName="text"><Label value="x"/></Labels>',
    ],
)
def test_the_first_usable_control_is_the_one(unusable: str) -> None:
    assert parse_label_config(view(TEXT, unusable, CHOICES)).control.name == "topic"
    assert "usable control" in str(refusal_of(view(TEXT, unusable)))


def test_of_two_usable_controls_the_first_is_taken() -> None:
    second = CHOICES.replace('"topic"', '"second"')
    assert parse_label_config(view(TEXT, CHOICES, second)).control.name == "topic"


def test_of_several_targets_the_first_that_is_a_text_is_read() -> None:
    choices = CHOICES.replace('toName="text"', 'toName="image, text ,other"')
    other = '<Text name="other" value="$more"/>'
    schema = parse_label_config(view('<Image name="image" value="$i"/>', other, TEXT, choices))
    assert schema.control.object_tag.name == "text"


@pytest.mark.parametrize(
    "text_tag",
    [
        '<Text name="text" value="$text" valueType="url"/>',
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
    assert '<Choices choice="single">' in message
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


def test_a_very_deep_config_is_read_like_a_flat_one() -> None:
    deep = "<View>" * 70_000 + TEXT + CHOICES + "</View>" * 70_000
    assert values_of(deep) == ["a", "b"]


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
        (True, None),
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
    assert parse_label_config(CONFIG).read_text({"text": value}) == text


def test_a_missing_key_is_no_text() -> None:
    assert parse_label_config(CONFIG).read_text({"other": "x"}) is None


def test_the_text_of_a_plain_file_is_found() -> None:
    assert parse_label_config(CONFIG).read_text({"$undefined$": "x"}) == "x"


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
    nested = parse_label_config(view(TEXT.replace("$text", "$a.b"), CHOICES))
    assert nested.read_text(data) == text


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
    assert parse_label_config(CONFIG).control.read_label(regions) == label


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"choices": "sports"},
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
    control = parse_label_config(CONFIG).control
    assert control.read_label([odd]) is None
    assert control.read_label([odd, region("sports")]) == "sports"


def test_a_written_label_is_read_again() -> None:
    control = parse_label_config(CONFIG).control
    assert control.read_label([control.write_label("sports")]) == "sports"


def test_an_annotation_says_a_label_unless_skipped_or_empty() -> None:
    schema = parse_label_config(CONFIG)
    assert schema.read_label(labeled(1, "sports")[1]) == "sports"
    assert schema.read_label(labeled(1, "sports", skipped=True)[1]) is None
    assert schema.read_label(labeled(1, None)[1]) is None


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
    assert plain.frame == hinted.frame != renamed.frame


# Anything


def check_any(label_config: str) -> None:
    try:
        schema = parse_label_config(label_config)
    except LabelConfigError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(schema, LabelSchema)
        assert schema.labels
        assert all(schema.control.values)
        assert schema.control.name


@given(st.text() | st.text(alphabet="<>/&;!?[]'\"=ViewTxtChoics \x00\ud800é"))
@example("<!---->")
@example("<?xml version='9'?><a/>")
def test_any_text_is_a_schema_or_a_label_config_error(text: str) -> None:
    check_any(text)


ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["name", "toName", "value", "valueType", "alias", "hint", "choice", "perRegion", "perItem"]
    ),
    st.sampled_from(["", "a", "b", "a,b", "$", "$a", "$a.b", "text", "url", "single", "multiple"])
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=4),
)
TAGS = st.sampled_from(["View", "Text", "Choices", "Choice", "Labels", "Label", "Image", "ns:x"])


def write_tag(name: str, attributes: dict[str, str], inner: str) -> str:
    words = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{words}>{inner}</{name}>"


TREES = st.recursive(
    st.builds(write_tag, TAGS, ATTRIBUTES, st.just("")),
    lambda inner: st.builds(write_tag, TAGS, ATTRIBUTES, st.lists(inner).map("".join)),
    max_leaves=12,
)


@settings(max_examples=60)
@given(TREES)
def test_any_tree_of_tags_is_a_schema_or_a_label_config_error(tree: str) -> None:
    check_any(tree)
