"""What is shown of what was chosen: as the editor of Label Studio 1.23.2 judges it."""

from __future__ import annotations

import pytest

from prelabel.label_config import find_shown, parse_label_config
from prelabel.label_config.visibility import name_labels

AB = '<Choice value="a"/><Choice value="b"/>'
TREE = (
    '<Choice value="Animals"><Choice value="Cats"/><Choice value="Other"/></Choice>'
    '<Choice value="Plants"><Choice value="Other" alias="o"/></Choice>'
)


def choices(name: str, attributes: str = "", inner: str = AB) -> str:
    return f'<Choices name="{name}" toName="text" {attributes}>{inner}</Choices>'


def when(tag: str, values: str = "", *, chosen: bool = True) -> str:
    asked = "choice-selected" if chosen else "choice-unselected"
    named = f'visibleWhen="{asked}" whenTagName="{tag}"'
    return f'{named} whenChoiceValue="{values}"' if values else named


def shown(*tags: str, **chosen: tuple[str, ...]) -> set[str]:
    """Return the names of the controls that are shown, of those that have chosen something."""
    texts = '<Text name="text" value="$text"/>'
    schema = parse_label_config(f"<View>{texts}{''.join(tags)}</View>")
    return set(find_shown(schema.controls, chosen))


def test_two_questions_with_the_same_wording_and_other_aliases_are_two() -> None:
    yes_or_no = '<Choice value="Yes" alias="{0}_y"/><Choice value="No" alias="{0}_n"/>'
    first, second = (choices(q, inner=yes_or_no.format(q)) for q in ("p", "q"))
    whys = choices("why_p", when("p", "Yes")), choices("why_q", when("q", "Yes"))
    answers = {"why_p": ("a",), "why_q": ("a",)}
    both = shown(first, second, *whys, p=("p_y",), q=("q_y",), **answers)
    assert both == {"p", "q", "why_p", "why_q"}
    assert shown(first, second, *whys, p=("p_y",), q=("q_n",), **answers) == {"p", "q", "why_p"}


def test_any_of_several_answers_shows_it_without_a_space_after_the_comma() -> None:
    then = choices("then", when("x", "a,b"))
    assert "then" in shown(choices("x"), then, x=("b",), then=("a",))
    spaced = choices("then", when("x", "a, b"))
    assert "then" not in shown(choices("x"), spaced, x=("b",), then=("a",))


@pytest.mark.parametrize(
    ("value", "chosen", "is_shown"),
    [
        ("Cats", ("Animals", "Animals / Cats"), True),
        ("Animals", ("Animals", "Animals / Cats"), False),
        ("Animals", ("Animals",), True),
        ("Other", ("Animals", "Animals / Other"), True),
        ("Other", ("Plants", "Plants / o"), False),  # the first that is called so counts
        ("o", ("Plants", "Plants / o"), True),
    ],
)
def test_of_a_taxonomy_the_last_level_counts(
    value: str, chosen: tuple[str, ...], *, is_shown: bool
) -> None:
    tree = f'<Taxonomy name="x" toName="text">{TREE}</Taxonomy>'
    found = shown(tree, choices("then", when("x", value)), x=chosen, then=("a",))
    assert ("then" in found) == is_shown


def test_of_a_tree_that_a_task_offers_the_last_level_counts_too() -> None:
    tree = '<Taxonomy name="x" toName="text" value="$options"/>'
    then = choices("then", when("x", "Cats"))
    assert "then" in shown(tree, then, x=("Animals", "Animals / Cats"), then=("a",))
    assert "then" not in shown(tree, then, x=("Cats", "Cats / Old"), then=("a",))


def test_what_a_hidden_control_has_chosen_is_not_chosen() -> None:
    hidden = choices("x", when("q", "a"))
    then, other = choices("then", when("x", "a", chosen=False)), choices("other", when("x", "a"))
    answers = {"x": ("a",), "then": ("a",), "other": ("a",)}
    for tags in ((choices("q"), hidden, then, other), (other, then, hidden, choices("q"))):
        assert shown(*tags, q=("b",), **answers) == {"q", "then"}
        assert shown(*tags, q=("a",), **answers) == {"q", "x", "other"}


def test_conditions_in_a_circle_come_to_an_end() -> None:
    first, second = choices("x", when("y", "a")), choices("y", when("x", "a"))
    assert shown(first, second, x=("a",), y=("a",)) == {"x", "y"}
    assert shown(first, second, x=("a",), y=("b",)) == set()
    contrary = choices("x", when("x", chosen=False))
    assert shown(contrary, x=("a",)) == set()


def test_without_visible_when_one_answer_is_asked_of_any_choices_by_its_alias() -> None:
    question = choices("x", inner='<Choice value="Yes" alias="y"/><Choice value="No"/>')
    for value, given, is_shown in (("y", "y", True), ("Yes", "y", False), ("No", "y", False)):
        then = choices("then", f'whenTagName="elsewhere" whenChoiceValue="{value}"')
        assert ("then" in shown(question, then, x=(given,), then=("a",))) == is_shown


def test_without_a_tags_name_choices_are_asked_and_whatever_is_chosen_hides() -> None:
    tree = f'<Taxonomy name="t" toName="text">{TREE}</Taxonomy>'
    then = choices("then", 'visibleWhen="choice-selected" whenChoiceValue="Cats"')
    assert "then" not in shown(tree, then, t=("Animals", "Animals / Cats"), then=("a",))
    unless = choices("then", 'visibleWhen="choice-unselected" whenChoiceValue="a"')
    assert "then" not in shown(choices("x"), unless, x=("b",), then=("b",))


def test_stars_are_hidden_by_a_view_only_and_show_nothing() -> None:
    stars = '<Rating name="x" toName="text" visibleWhen="choice-selected" whenTagName="q"/>'
    assert shown(stars, x=("5",)) == {"x"}
    assert shown(f"<View {when('q')}>{stars}</View>", x=("5",)) == set()
    assert shown(stars, choices("then", when("x", "5")), x=("5",), then=("a",)) == {"x"}


def test_what_no_condition_asks_about_stays_as_it_is() -> None:
    controls = parse_label_config(
        f'<View><Text name="text" value="$text"/>{choices("x")}</View>'
    ).controls
    assert name_labels(controls)[0] is controls[0]
