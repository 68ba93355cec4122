"""Object tags: the text of a task, as people read it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.errors import LabelConfigError
from prelabel.label_config import ControlTag, parse_label_config


def about(tag: str) -> ControlTag:
    choices = '<Choices name="c" toName="x"><Choice value="a"/></Choices>'
    (control,) = parse_label_config(f"<View>{tag}{choices}</View>").controls
    return control


HTML = about('<HyperText name="x" value="$html"/>')
TALK = about('<Paragraphs name="x" value="$talk" nameKey="who" textKey="said"/>')


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


def test_a_text_to_fetch_is_refused_with_the_reason() -> None:
    with pytest.raises(LabelConfigError, match="its text is not in the task"):
        about('<Paragraphs name="x" value="$talk" valueType="url"/>')


@given(st.text() | st.text(alphabet="<>/&;!-[]\"'ab \x00\ud800"))
def test_any_markup_has_a_text_or_none(markup: str) -> None:
    HTML.read_text({"html": markup})


@pytest.mark.parametrize("piece", ["<", "<a ", "<!--", "&", "<div>", "</p>", "<![CDATA["])
def test_hostile_markup_costs_no_more_than_its_length(piece: str) -> None:
    def spend(n: int) -> float:
        started = time.process_time()
        HTML.read_text({"html": piece * n})
        return time.process_time() - started

    spend(100)
    assert spend(80_000) < 5
