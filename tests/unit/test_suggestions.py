from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from prelabel.label_config import parse_label_config
from prelabel.loop.suggestions import REMEMBERED, Suggester
from prelabel.types import Prediction
from tests.builders import config


def repeat(texts: Sequence[str], _offered: Any) -> Any:
    """Decide that a text's label is the text."""
    return [((text,), 0.5) for text in texts]


@pytest.fixture
def suggester() -> Suggester:
    schema = parse_label_config(config("a"))
    return Suggester(schema, {schema.controls[0].name: repeat}, model_version="v")


def suggest(suggester: Suggester, *texts: str) -> list[Prediction]:
    found = [one for one in suggester.suggest([{"text": text} for text in texts]) if one]
    assert len(found) == len(texts)
    return found


def test_what_labels_amount_to_is_worked_out_once(suggester: Suggester) -> None:
    first, other, again = suggest(suggester, "a", "b", "a")
    assert again.regions is first.regions
    assert other.regions != first.regions


def test_however_many_labels_there_are_only_so_many_are_remembered(suggester: Suggester) -> None:
    (first,) = suggest(suggester, "a")
    suggest(suggester, *(f"label {number}" for number in range(REMEMBERED)))
    (again,) = suggest(suggester, "a")
    assert again.regions is not first.regions, "it was forgotten"
    assert again == first
