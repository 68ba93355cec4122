from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from label_studio_ml.response import ModelResponse
from label_studio_ml.sdk import PredictionValue
from prelabel.errors import ModelError
from prelabel.models.raw_answer import encode, to_predictions

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


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (np.int64(3), b"3"),
        (np.float64(0.5), b"0.5"),
        (np.array([[1.5, 2.0]]), b"[[1.5,2.0]]"),
        (MappingProxyType({np.int64(1): {None: 2}}), b'{"1":{"None":2}}'),
        (PredictionValue(result=[]), b'{"model_version":null,"score":0.0,"result":[]}'),
        (type("Half", (float,), {})(0.5), b"0.5"),
        (type("Three", (int,), {})(3), b"3"),
        (Path("a/b"), b'"a/b"'),
        ([np.bytes_("é".encode()), (b"one", {b"k": "\ud83d"})], '["é",["one",{"k":"?"}]]'.encode()),
        (np.array([b"one"]), b'["one"]'),
    ],
)
def test_what_json_does_not_know_is_told_in_what_it_knows(value: Any, json: bytes) -> None:
    assert encode({"a": value}) == b'{"a":%s}' % json


@pytest.mark.parametrize("score", [np.float32(0.5), np.array(0.5)])
def test_a_score_may_be_a_number_of_numpy(score: Any) -> None:
    assert to_predictions([{"result": [], "score": score}], 1, "1")[0]["score"] == 0.5


def test_regions_may_be_objects() -> None:
    region = PredictionValue(result=[])
    (found,) = to_predictions([{"result": (region, REGION)}], 1, "1")
    assert found["result"] == [region.model_dump(), REGION]


def test_a_score_above_one_is_one_because_label_studio_refuses_the_batch_for_it() -> None:
    assert to_predictions([{"result": [], "score": 2.0}], 1, "1")[0]["score"] == 1.0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([{"result": []}], "1 predictions for 2 tasks"),
        ([{"result": []}] * 3, "3 predictions for 2 tasks"),
        ("text", "returned 'text'"),
        ({"result": [REGION]}, "returned {'result': "),  # one prediction, not in a list
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
