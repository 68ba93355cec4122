from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from prelabel.label_config.labels import MOST_STARS, read_offered, read_stars


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


def test_of_endless_levels_that_a_task_offers_fifty_are_read() -> None:
    options: object = []
    for level in range(60, 0, -1):
        options = [{"value": f"level {level}", "children": options}]
    offered = read_offered(options, as_paths=False)
    assert [label.value for label in offered] == [f"level {n}" for n in range(1, 51)]
    assert len(offered[-1].path) == 50
