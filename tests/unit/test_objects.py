"""Object tags: the text of a task, as people read it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.errors import LabelConfigError
from prelabel.label_config import FETCHED_KEY, ControlTag, parse_label_config


def about(tag: str) -> ControlTag:
    choices = '<Choices name="c" toName="x"><Choice value="a"/></Choices>'
    (control,) = parse_label_config(f"<View>{tag}{choices}</View>").controls
    return control


HTML = about('<HyperText name="x" value="$html"/>')
TALK = about('<Paragraphs name="x" value="$talk" nameKey="who" textKey="said"/>')


def test_the_frame_names_the_keys_of_a_dialogue_where_they_are_not_the_usual_ones() -> None:
    usual = about('<Paragraphs name="x" value="$talk"/>')
    told = about('<Paragraphs name="x" value="$talk" nameKey="author" textKey="text"/>')
    other = about('<Paragraphs name="x" value="$talk" textKey="said"/>')
    assert usual.frame == told.frame
    assert len({usual.frame, other.frame, TALK.frame}) == 3


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Late &amp; <b>cold</b></p>", "Late & cold"),
        ("<td>one</td><td>two</td>", "one two"),
        ("<script>alert(1)</script>good<style>p{}</style>", "good"),
        ("no markup", "no markup"),
        ("a < b", "a < b"),
        ("<p></p>", None),
        (None, None),
        (7, "7"),
    ],
)
def test_markup_is_not_text(markup: object, text: str | None) -> None:
    found = HTML.read_text({"html": markup})
    assert (found and " ".join(found.split())) == text


def test_a_dialogue_is_what_was_said_and_by_whom() -> None:
    talk = [
        {"who": "Ann", "said": "Hello"}, {"said": "Hi"}, {"who": "Bob"}, "Bye", 5, None,
        {"said": 1},
    ]  # fmt: skip
    assert TALK.read_text({"talk": talk}) == "Ann: Hello\nHi\nBye\n5\n1"
    assert TALK.read_text({"talk": []}) is None


def fetched(url: str, text: str) -> dict[str, object]:
    return {"at": url, FETCHED_KEY: {url: text}}


@pytest.mark.parametrize("spelling", ["valueType", "valuetype"])
def test_a_text_that_is_elsewhere_is_what_was_fetched(spelling: str) -> None:
    control = about(f'<Text name="x" value="$at" {spelling}="url"/>')
    assert control.read_text(fetched("/data/upload/1/a.txt", "a long text")) == "a long text"
    assert control.read_text({"at": "/data/upload/1/a.txt"}) is None
    assert control.read_text({"at": " /b ", FETCHED_KEY: {"/b": "spaces go"}}) == "spaces go"


@pytest.mark.parametrize("value", ["http://host/a.txt", "s3://bucket/a", "/data/upload/1/a.txt"])
def test_a_text_that_looks_like_an_address_is_text(value: str) -> None:
    control = about('<Text name="x" value="$at"/>')
    assert control.read_text(fetched(value, "not this")) == value
    assert control.object_tags[0].find_url({"at": value}) is None


def test_nothing_is_read_of_two_texts_before_both_are_there() -> None:
    tags = '<Text name="x" value="$at" valueType="url"/><Text name="y" value="$text"/>'
    choices = '<Choices name="c" toName="y,x"><Choice value="a"/></Choices>'
    (control,) = parse_label_config(f"<View>{tags}{choices}</View>").controls
    beside = {"text": "beside"}
    assert control.read_text({**beside, "at": "/a"}) is None
    assert control.read_text({**beside, **fetched("/a", "far")}) == "beside\n\nfar"
    assert control.read_text({**beside, **fetched("/a", "")}) == "beside"
    assert control.read_text({**beside, "at": None}) == "beside"


def test_markup_and_dialogues_that_were_fetched_are_read_as_those_in_tasks() -> None:
    page = about('<HyperText name="x" value="$at" valueType="url"/>')
    assert page.read_text(fetched("u", "<p>Late &amp; <b>cold</b></p>")) == "Late & cold"
    talk = about('<Paragraphs name="x" value="$at" valueType="url"/>')
    said = '[{"author": "Ann", "text": "Hello"}, {"text": "Hi"}]'
    assert talk.read_text(fetched("u", said)) == "Ann: Hello\nHi"
    for odd in ("", "no JSON", "[" * 100_000, "7", '{"a": 1}'):
        assert talk.read_text(fetched("u", odd)) in (None, "7")


@pytest.mark.parametrize("value", [None, 7, "", "  ", ["u"], {"u": "u"}])
def test_what_is_no_address_is_none(value: object) -> None:
    tag = about('<Text name="x" value="$at" valueType="url"/>').object_tags[0]
    assert tag.find_url({"at": value}) is None


def test_an_unknown_value_type_is_refused_with_the_reason() -> None:
    with pytest.raises(LabelConfigError, match="its valueType is 'file', not text, json or url"):
        about('<Text name="x" value="$at" valueType="file"/>')


@given(st.text() | st.text(alphabet="<>/&;!-[]\"'ab \x00\ud800"))
def test_any_markup_has_a_text_or_none(markup: str) -> None:
    HTML.read_text({"html": markup})


@pytest.mark.parametrize("piece", ["<", "<a ", "<!--", "&", "</p>", "<![CDATA["])
def test_hostile_markup_is_read_to_its_end(piece: str) -> None:
    """Where it took the square of its length, this would not end within pytest's timeout."""
    text = HTML.read_text({"html": piece * 80_000 + "-->end"})
    assert text
    assert text.endswith("end")


@pytest.mark.parametrize("levels", [255, 2_000])
def test_markup_is_read_as_deep_as_mails_quote_each_other(levels: int) -> None:
    deep = f"before {'<blockquote>' * levels}said{'</blockquote>' * levels} after"
    assert HTML.read_text({"html": deep}) == "before said after"


@pytest.mark.parametrize(
    ("encoding", "written", "text"),
    [
        ("base64", "aGVsbG8=", "hello"),
        ("base64", " aGVs\nbG8 ", "hello"),
        ("base64", "w7w=", "\u00c3\u00bc"),
        ("base64unicode", "w7w=", "\u00fc"),
        ("base64unicode", "/w==", None),
        ("base64", "not base64!", None),
        ("base64", 7, None),
        ("none", "aGVsbG8=", "aGVsbG8="),
    ],
)
def test_what_is_written_in_base64_is_read_as_the_editor_shows_it(
    encoding: str, written: object, text: str | None
) -> None:
    control = about(f'<Text name="x" value="$t" encoding="{encoding}"/>')
    assert control.read_text({"t": written}) == text
    assert (encoding in control.frame) == (encoding != "none")


def test_markup_in_base64_has_its_words_read_and_a_dialogue_has_no_encoding() -> None:
    page = about('<HyperText name="x" value="$t" encoding="base64"/>')
    assert page.read_text({"t": "PGI+aGk8L2I+"}) == "hi"
    talk = about('<Paragraphs name="x" value="$t" encoding="base64"/>')
    assert talk.read_text({"t": [{"text": "aGVsbG8="}]}) == "aGVsbG8="


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ('value="$t" encoding="rot13"', "its encoding is 'rot13', not none, base64"),
        ('value="To: $t" encoding="base64"', "names no key of a task's data"),
    ],
)
def test_an_encoding_that_cannot_be_read_is_refused_with_the_reason(
    attributes: str, reason: str
) -> None:
    with pytest.raises(LabelConfigError, match=reason):
        about(f'<Text name="x" {attributes}/>')


def test_markup_that_is_nested_without_end_has_no_text() -> None:
    assert HTML.read_text({"html": "<div>" * 80_000 + "end"}) is None
