from __future__ import annotations

from typing import Any

import pytest

from prelabel.errors import ConfigError
from prelabel.models.raw import RawModel
from prelabel.models.signatures import require_signatures
from tests.letters import Letters


def make(base: type, **methods: Any) -> Any:
    return type("Mine", (base,), methods)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            make(Letters, fit=lambda self, texts, labels: self),
            "def fit(self, texts, labels, *, unlabeled=None, label_names=None, sample_weight=None)",
        ),
        (make(Letters, __init__=lambda self, path: None), "Expected: def __init__(self). "),
        (
            make(RawModel, predict=lambda self, tasks, context=None: []),
            "def predict(self, tasks, *, context=None, login=None, password=None)",
        ),
        (make(RawModel, fit=lambda self, event: None), "def fit(self, event, data)"),
    ],
)
def test_a_method_that_cannot_be_called_is_said_with_what_it_has_to_take(
    made: Any, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        require_signatures(made)
    assert said in str(caught.value)
    assert "in the class Mine" in str(caught.value)


@pytest.mark.parametrize(
    "made",
    [
        Letters,
        RawModel,
        make(RawModel, fit=lambda self, *arguments, **others: None),
        make(RawModel, predict=lambda self, tasks, **others: []),
        make(RawModel, predict=staticmethod(lambda tasks, **others: [])),
    ],
)
def test_methods_may_take_what_they_are_called_with_in_other_ways(made: Any) -> None:
    require_signatures(made)
