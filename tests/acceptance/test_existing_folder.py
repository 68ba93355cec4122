"""A model directory in the shape of the reference's, between a real Label Studio and its user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.acceptance.backend import OpenBackend
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.topics import TOPICS, make_texts

pytestmark = pytest.mark.label_studio

MODEL = """
import json
import os
import label_studio_sdk
from label_studio_ml.model import LabelStudioMLBase
from label_studio_ml.response import ModelResponse


class Texts(LabelStudioMLBase):
    HOST = os.getenv("LABEL_STUDIO_HOST", "http://localhost:8080")
    KEY = os.getenv("LABEL_STUDIO_API_KEY")
    FILE = os.path.join(os.getenv("MODEL_DIR", "."), "texts.json")

    def setup(self):
        self.set("model_version", f"{self.__class__.__name__}-v0.0.1")

    def predict(self, tasks, context=None, **kwargs):
        from_name, to_name, value = self.label_interface.get_first_tag_occurence("Choices", "Text")
        labels = self.label_interface.get_tag(from_name).labels
        known = json.load(open(self.FILE)) if os.path.exists(self.FILE) else {}
        return ModelResponse(predictions=[{
            "result": [{"from_name": from_name, "to_name": to_name, "type": "choices",
                        "value": {"choices": [known.get(task["data"][value], labels[0])]}}],
            "score": 1.0,
        } for task in tasks])

    def fit(self, event, data, **kwargs):
        client = label_studio_sdk.Client(self.HOST, self.KEY)
        tasks = client.get_project(id=data["annotation"]["project"]).get_labeled_tasks()
        known = {
            task["data"]["text"]: annotation["result"][0]["value"]["choices"][0]
            for task in tasks for annotation in task["annotations"]
        }
        with open(self.FILE, "w") as file:
            json.dump(known, file)
"""


def test_an_unchanged_folder_fetches_labels_and_its_predictions_are_shown(
    label_studio: LabelStudio, start_backend: Callable[..., OpenBackend], api_key: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    (tmp_path / "model.py").write_text(MODEL)
    backend = start_backend(directory=tmp_path, LABEL_STUDIO_API_KEY=api_key)
    project = label_studio.create_project(make_texts(6), TOPICS, labeled=5)
    connection = project.connect(backend.url)
    connection.wait_for("Texts-v0.0.1")
    assert connection.start_training() == httpx.codes.OK
    assert connection.wait_for("+1") == "Texts-v0.0.1+1"
    predictions = project.retrieve_predictions()
    assert {found.model_version for found in predictions} == {"Texts-v0.0.1+1"}
    assert project.accuracy(found for found in predictions if found.task in project.tasks[:5]) == 1
    project.annotate(project.tasks[5])
    newest = connection.wait_for("+2")
    predictions = [p for p in project.retrieve_predictions() if p.model_version == newest]
    assert {found.task for found in predictions} == set(project.tasks)
    assert project.accuracy(predictions) == 1
