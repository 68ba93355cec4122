from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prelabel.label_config.labels import (
    MOST_STARS,
    find_leaves,
    read_offered,
    read_stars,
    to_path,
    to_value,
)


@pytest.mark.parametrize(
    ("given", "n_stars"),
    [
        ("3", 3),
        ("0", 0),
        ("200", MOST_STARS),
        ("1000", MOST_STARS),
        ("9" * 5000, 0),
        ("-3", 0),
        ("٣", 0),
    ],
)
def test_a_rating_has_as_many_stars_as_it_says_and_none_that_nobody_can_tell_apart(
    given: str, n_stars: int
) -> None:
    labels = read_stars(Element("Rating", maxRating=given))
    assert [label.value for label in labels] == [str(n) for n in range(1, n_stars + 1)]


@given(st.lists(st.text(alphabet=" /\\a", max_size=6), min_size=1, max_size=4).map(tuple))
@example(("Food / Drink", "Tea"))
@example(("a /", "/ b"))
@example(("", "/", "\\/", ""))
def test_levels_come_back_as_they_were_whatever_is_in_them(path: tuple[str, ...]) -> None:
    assert to_path(to_value(path)) == path


def test_a_level_with_a_stroke_is_no_two_levels() -> None:
    values = {to_value(path) for path in (("a / b",), ("a", "b"), ("a \\/ b",), ("a/b",))}
    assert len(values) == 4
    assert {"a / b", "a/b"} < values


def test_leaves_are_above_nothing_whether_or_not_their_root_is_there() -> None:
    assert find_leaves(("a", "a / b", "a / b / c", "d", "e / f")) == {"a / b / c", "d", "e / f"}


def test_of_endless_levels_that_a_task_offers_fifty_are_read() -> None:
    options: object = []
    for level in range(60, 0, -1):
        options = [{"value": f"level {level}", "children": options}]
    offered = read_offered(options, as_paths=True)
    assert [label.path[-1] for label in offered] == [f"level {n}" for n in range(1, 51)]
    assert len(offered[-1].path) == 50
