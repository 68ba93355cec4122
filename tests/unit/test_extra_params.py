from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.errors import MalformedError
from prelabel.protocol.extra_params import read_extra_params
from prelabel.types import ProjectSettings
from tests.strategies import JSON

VALUES = JSON | st.dictionaries(st.sampled_from(["C", "train_every", "min_score"]), JSON)


@pytest.mark.parametrize("nothing", [None, {}, "", "  ", "{}", []])
def test_nothing_leaves_all_to_the_server(nothing: Any) -> None:
    assert read_extra_params(nothing) == ProjectSettings()


def test_settings_are_read_from_an_object_and_from_text() -> None:
    given = {"C": 1, "train_every": 5, "min_score": 0.5}
    wanted = ProjectSettings(C=1.0, train_every=5, min_score=0.5)
    assert read_extra_params(given) == read_extra_params(json.dumps(given)) == wanted
    assert read_extra_params({"C": "auto"}) == ProjectSettings(C="auto")


@pytest.mark.parametrize(
    "wrong",
    [
        {"c": 1}, {"C": 0}, {"C": "best"}, {"C": True}, {"train_every": 0}, {"train_every": 1.5},
        {"min_score": 1.1}, {"min_score": "0.5"}, {"min_score": float("nan")}, [1], "no JSON", 7,
        "\ud800",
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_the_list_of_what_can(wrong: Any) -> None:
    with pytest.raises(MalformedError, match="train_every") as caught:
        read_extra_params(wrong)
    assert "Extra params" in caught.value.fix


@given(VALUES)
def test_any_json_is_read_or_refused(given: Any) -> None:
    try:
        settings = read_extra_params(given)
    except MalformedError:
        return
    assert ProjectSettings.from_mapping(settings.to_mapping()) == settings
