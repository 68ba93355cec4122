"""The compatible names behave as model directories of the reference expect."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from label_studio_ml import model as module
from label_studio_ml.label_interface import OBJECT_TAGS, LabelInterface, parse_config
from label_studio_ml.model import LabelStudioMLBase, predict_fn, update_fn
from label_studio_ml.response import ModelResponse, PredictionValue
from label_studio_ml.utils import (
    InMemoryLRUDictCache,
    compare_nested_structures,
    get_choice,
    get_env,
    get_first_tag_keys,
    get_single_tag_keys,
    is_preload_needed,
    is_skipped,
    match_labels,
)
from prelabel.models.raw import remembering

CONFIG = """
<View>
  <Text name="text" value="$body"/><Image name="image" value="$picture"/>
  <TextArea name="prompt" toName="text"/><TextArea name="note" toName="image"/>
  <Choices name="topic" toName="text">
    <Choice value="Car" predicted_values="auto, truck"/><Choice value="Plane"/>
    <View><Choice value="Boat" alias="ship"/></View>
  </Choices>
</View>
"""


@pytest.fixture
def model() -> LabelStudioMLBase:
    return LabelStudioMLBase("7", CONFIG)


class Fetching(LabelStudioMLBase):
    """Finds every file in one place."""

    place = Path()

    def get_local_path(self, url: str, *_: Any, **__: Any) -> str:
        self.asked = url
        return str(self.place)


def test_a_class_names_its_first_version_itself() -> None:
    class Mine(LabelStudioMLBase):
        INITIAL_MODEL_VERSION = "3.1.4"

    assert (LabelStudioMLBase().model_version, Mine().model_version) == ("0.0.1", "3.1.4")
    assert Mine().bump_model_version() == "3.2.0"


@pytest.mark.parametrize("given", [{"a": [1]}, json.dumps({"a": [1]})])
def test_extra_params_are_read_as_an_object_or_as_text(
    model: LabelStudioMLBase, given: object
) -> None:
    assert model.extra_params == {}
    model.set_extra_params(given)
    assert model.extra_params == {"a": [1]}


def test_what_a_model_sets_is_there_for_the_next_one() -> None:
    with remembering({}):
        LabelStudioMLBase("7", CONFIG).set("seen", {"n": 1})
        again = LabelStudioMLBase("7")
        assert (again.get("seen"), again.has("seen"), again.has("x")) == ({"n": 1}, True, False)
        assert again.parsed_label_config == parse_config(CONFIG)


def test_only_events_of_a_training_reach_fit() -> None:
    class Mine(LabelStudioMLBase):
        def fit(self, event: str, data: dict[str, Any], **params: Any) -> Any:
            return event, data, params

    told = Mine().process_event("ANNOTATION_CREATED", {"a": 1}, 5, {"b": 2})
    assert told == ("ANNOTATION_CREATED", {"a": 1}, {"job_id": 5, "b": 2})
    assert Mine().process_event("PROJECT_UPDATED", {}, 5, {}) is None


@pytest.fixture
def _functions() -> Iterator[None]:
    yield
    module._functions.clear()


@pytest.mark.usefixtures("_functions")
def test_decorated_functions_answer_and_learn_for_a_class_that_does_not() -> None:
    @predict_fn
    def answer(tasks: Any, context: Any, helper: LabelStudioMLBase, **params: Any) -> Any:
        return tasks, context, helper.project_id, params

    @update_fn
    def learn(event: Any, data: Any, helper: LabelStudioMLBase, **params: Any) -> Any:
        return event, data, helper.project_id, params

    model = LabelStudioMLBase("7")
    assert model.predict([{}], {"c": 1}, login=None) == ([{}], {"c": 1}, "7", {"login": None})
    assert model.fit("X", {"d": 1}, more=1) == ("X", {"d": 1}, "7", {"more": 1})


def test_without_functions_there_is_neither_answer_nor_lesson(model: LabelStudioMLBase) -> None:
    assert (model.predict([{}]), model.fit("X", {})) == (None, None)


def test_files_of_label_studio_are_read_in_place_of_their_names(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("inside")
    model = Fetching()
    model.place = file
    data = {"a": "/data/upload/1/x.txt", "b": ["s3://x/y", "a text"], "c": 1, "d": str(file)}
    found = model.preload_task_data({"id": 1}, data)
    assert found is data
    assert data == {"a": "inside", "b": ["inside", "a text"], "c": 1, "d": str(file)}
    assert model.preload_task_data({"id": 1}, "upload/1/x", read_file=False) == str(file)


def test_fetching_a_file_without_the_sdk_says_what_to_install(model: LabelStudioMLBase) -> None:
    with pytest.raises(ImportError, match="pip install label-studio-sdk"):
        model.get_local_path("s3://x/y")


@pytest.mark.parametrize("text", ["http://x.org/a", "/etc/passwd", ".", "s3: two words", "gs:"])
def test_other_texts_are_texts(text: str) -> None:
    assert not is_preload_needed(text)


def test_names_of_a_model_are_mapped_to_labels(model: LabelStudioMLBase) -> None:
    names = ["auto", "truck", "plane", "SHIP", "tree"]
    found = {"auto": "Car", "truck": "Car", "plane": "Plane", "SHIP": "ship"}
    assert model.build_label_map("topic", names) == found


def test_the_first_tags_of_a_kind_are_found_by_kind_and_name(model: LabelStudioMLBase) -> None:
    find = model.get_first_tag_occurence
    assert find("Choices", "Text") == ("topic", "text", "body")
    assert find("TextArea", ("Image", "Text")) == ("prompt", "text", "body")
    assert find("TextArea", ("Image", "Text"), lambda name: name != "prompt")[0] == "note"
    assert find("*", "Image", to_name_filter=lambda name: name == "image")[2] == "picture"
    with pytest.raises(ValueError, match="Labels"):
        find("Labels", "Text")


def test_tags_tell_their_labels_and_make_regions() -> None:
    interface = LabelInterface(CONFIG)
    topic, image = interface.get_control("topic"), interface.get_object("image")
    assert topic.labels == ["Car", "Plane", "ship"]
    assert isinstance(image, OBJECT_TAGS["Image"])
    assert not isinstance(interface.get_object("text"), OBJECT_TAGS["Image"])
    region = {"from_name": "topic", "to_name": "text", "type": "choices"}
    assert topic.label("Car") == {**region, "value": {"choices": ["Car"]}}
    assert interface.get_tag("prompt").label(text=["x"])["value"] == {"text": ["x"]}


def test_a_response_gives_its_version_to_predictions_without_one() -> None:
    own = PredictionValue(result=[], model_version="own")
    response = ModelResponse(predictions=[PredictionValue(result=[]), [own]])
    assert not response.has_model_version()
    response.set_version("2")
    dumped = response.model_dump()["predictions"]
    assert [dumped[0]["model_version"], dumped[1][0]["model_version"]] == ["2", "own"]


def test_the_only_control_is_told_with_its_labels_and_others_are_refused() -> None:
    one = '<View><Text name="t" value="$x"/><Choices name="c" toName="t"><Choice value="a"/></Choices></View>'  # noqa: E501
    assert get_single_tag_keys(parse_config(one), "Choices", "Text") == ("c", "t", "x", ["a"])
    assert get_first_tag_keys(parse_config(CONFIG), "TextArea", "Image")[0] == "note"
    assert get_first_tag_keys(parse_config(CONFIG), "Labels", "Image") == (None, None)
    with pytest.raises(AssertionError, match="3 controls"):
        get_single_tag_keys(parse_config(CONFIG), "Choices", "Text")
    with pytest.raises(AssertionError, match="needs one <Labels>"):
        get_single_tag_keys(parse_config(one), "Labels", "Text")


def test_choices_and_skips_are_read_from_tasks() -> None:
    other = {"value": {"text": ["x"]}}
    task = {"annotations": [{"result": [other, {"value": {"choices": ["a"]}}]}]}
    assert get_choice(task) == "a"
    assert not is_skipped(task)
    assert is_skipped({"annotations": [{"was_cancelled": True}]})
    assert not is_skipped({"annotations": [{"was_cancelled": True}, {}]})
    with pytest.raises(ValueError, match="No annotation"):
        get_choice({"annotations": [{"result": [other]}]})


def test_lines_are_matched_with_the_labels_most_like_them() -> None:
    assert match_labels("sport\npolitic", ["politics", "sports"]) == ["sports", "politics"]


def test_a_cache_keeps_what_was_used_last() -> None:
    cache = InMemoryLRUDictCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert ("b" in cache, cache.get("a"), cache.get("b")) == (False, 1, None)


def test_structures_are_compared_but_for_small_differences() -> None:
    compare_nested_structures({"a": [1.0, "x"]}, {"a": [1.00001, "x"]})
    for other, place in [({"a": [1.1, "x"]}, r"\.a\[0\]"), ({"a": [1.0]}, r"\.a"), ({}, "whole")]:
        with pytest.raises(AssertionError, match=place):
            compare_nested_structures({"a": [1.0, "x"]}, other)


def test_variables_are_found_under_label_studios_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_SOME_FLAG", "Yes")
    assert get_env("SOME_FLAG") == "Yes"
    assert get_env("SOME_FLAG", is_bool=True) is True
    assert get_env("NO_SUCH_FLAG", 5) == 5


@pytest.mark.parametrize("first", ["model", "response"])
def test_what_text_models_import_of_the_sdk_is_there_without_it(first: str) -> None:
    program = (
        f"import label_studio_ml.{first}\n"
        "from label_studio_sdk import Client\n"
        "from label_studio_sdk.label_interface import LabelInterface\n"
        "from label_studio_sdk.label_interface.objects import PredictionValue\n"
        "from label_studio_sdk.label_interface.object_tags import ImageTag, ParagraphsTag\n"
        "from label_studio_sdk.label_interface.control_tags import ControlTag, ObjectTag\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
