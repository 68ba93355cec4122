from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from label_studio_ml.response import ModelResponse
from label_studio_ml.sdk import PredictionValue
from prelabel.errors import ModelError
from prelabel.models.raw_answer import to_predictions

REGION = {"from_name": "a", "to_name": "b", "type": "choices", "value": {"choices": ["x"]}}


def test_none_and_an_empty_list_are_abstentions() -> None:
    assert to_predictions(None, 2, "1") == [[], []]
    assert to_predictions(ModelResponse(predictions=[]), 2, "1") == [[], []]


def test_predictions_without_a_version_get_the_models() -> None:
    answer = [{"result": [REGION]}, {"result": [], "model_version": "own"}, None]
    found = to_predictions(answer, 3, "7")
    assert [found[0]["model_version"], found[1]["model_version"], found[2]] == ["7", "own", []]


def test_a_response_of_the_reference_is_read() -> None:
    value = PredictionValue(result=[REGION], score=0.5)
    (found,) = to_predictions(ModelResponse(predictions=[value], model_version="2"), 1, "1")
    assert found == {"result": [REGION], "score": 0.5, "model_version": "2"}


def test_numbers_of_numpy_become_json() -> None:
    (found,) = to_predictions([{"result": [{"n": np.int64(3)}], "score": np.float32(0.5)}], 1, "1")
    assert (found["result"], found["score"]) == ([{"n": 3}], 0.5)


def test_a_score_above_one_is_one_because_label_studio_refuses_the_batch_for_it() -> None:
    assert to_predictions([{"result": [], "score": 2.0}], 1, "1")[0]["score"] == 1.0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([{"result": []}], "1 predictions for 2 tasks"),
        ([{"result": []}] * 3, "3 predictions for 2 tasks"),
        ("text", "returned 'text'"),
        (["x", None], "task 1 of the request is 'x'"),
        ([None, {"score": 1}], "task 2 of the request is"),
        ([None, {"result": ["x"]}], "region 'x'"),
        ([None, {"result": [], "score": float("nan")}], "score nan"),
        ([None, {"result": [], "score": "high"}], "score 'high'"),
    ],
)
def test_anything_else_is_refused_with_what_was_received(answer: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        to_predictions(answer, 2, "1")
