"""Model directories in the shape of the reference's start unchanged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.backend import PATIENCE_SECONDS, Backend, Project, wait_for

pytestmark = pytest.mark.slow

SDK_FIRST = "import label_studio_sdk\n"
HEAD = f"""
import os, pickle, re
{SDK_FIRST}from typing import Dict, List, Optional
from label_studio_ml.model import LabelStudioMLBase
from label_studio_ml.response import ModelResponse
from label_studio_ml.utils import DATA_UNDEFINED_NAME
from label_studio_sdk.label_interface.objects import PredictionValue

_model = None

class Mine(LabelStudioMLBase):
    def setup(self):
        self.set("model_version", f"{{self.__class__.__name__}}-v0.0.1")
"""

GENERATED = """
    def predict(self, tasks: List[Dict], context: Optional[Dict] = None, **kwargs) -> ModelResponse:
        print(self.project_id, self.label_config, self.parsed_label_config, self.extra_params)
        return ModelResponse(predictions=[])

    def fit(self, event, data, **kwargs):
        self.set("my_data", "new")
        self.set("model_version", "my_new_model_version")
"""

SKLEARN = """
    def get_model(self):
        global _model
        path = os.path.join(os.getenv("MODEL_DIR", "."), "model.pkl")
        if _model is None and os.path.exists(path):
            with open(path, "rb") as f:
                _model = pickle.load(f)
        return _model or {}

    def predict(self, tasks, context=None, **kwargs):
        from_name, to_name, value = self.label_interface.get_first_tag_occurence("Choices", "Text")
        labels = sorted(self.label_interface.get_tag(from_name).labels)
        predictions = []
        for task in tasks:
            data = task["data"]
            text = self.preload_task_data(task, data.get(value) or data.get(DATA_UNDEFINED_NAME))
            label = self.get_model().get(text.split()[0], labels[0])
            predictions.append({"result": [{"from_name": from_name, "to_name": to_name,
                "type": "choices", "value": {"choices": [label]}}], "score": 0.5,
                "model_version": self.get("model_version")})
        return ModelResponse(predictions=predictions, model_version=self.get("model_version"))

    def fit(self, event, data, **kwargs):
        global _model
        project_id = data["annotation"]["project"]
        if "task" not in data:
            return
        learned = dict(self.get_model())
        label = data["annotation"]["result"][0]["value"]["choices"][0]
        learned[data["task"]["data"]["text"].split()[0]] = label
        with open(os.path.join(os.getenv("MODEL_DIR", "."), "model.pkl"), "wb") as f:
            pickle.dump(learned, f)
        _model = None
"""

SUBSTRING = """
    def predict(self, tasks, context=None, **kwargs):
        if not context:
            return ModelResponse(predictions=[])
        from_name, to_name, value = self.label_interface.get_first_tag_occurence("Labels", "Text")
        given = next(r for r in context.get("result") if r["from_name"] == from_name)["value"]
        predictions = []
        for task in tasks:
            text = self.preload_task_data(task, task["data"].get(value))
            found = [{"from_name": from_name, "to_name": to_name, "type": "labels", "score": 1.0,
                "value": {"start": m.start(), "end": m.end(), "text": m[0],
                    "labels": given["labels"]}}
                for m in re.finditer(re.escape(given["text"]), text)]
            version = self.get("model_version")
            predictions.append(PredictionValue(result=found, score=0.8, model_version=version))
        return ModelResponse(predictions=predictions, model_version=self.get("model_version"))
"""

ENTITIES = """
    def predict(self, tasks, context=None, **kwargs):
        from_name, to_name, value = self.label_interface.get_first_tag_occurence("Labels", "Text")
        predictions = []
        for task in tasks:
            text = self.preload_task_data(task, task["data"][value])
            found = [{"from_name": from_name, "to_name": to_name, "type": "labels",
                "value": {"start": m.start(), "end": m.end(), "text": m[0], "labels": ["NAME"]}}
                for m in re.finditer("[A-Z][a-z]+", text)]
            version = self.get("model_version")
            predictions.append(PredictionValue(result=found, model_version=version))
        return ModelResponse(predictions=predictions, model_version=self.get("model_version"))
"""

WRITER = """
    MAX_LENGTH = int(os.getenv("MAX_LENGTH", 50))

    def predict(self, tasks, context=None, **kwargs):
        from_name, to_name, value = self.label_interface.get_first_tag_occurence("TextArea", "Text")
        predictions = []
        for task in tasks:
            text = self.preload_task_data(task, task["data"][value])
            predictions.append({"result": [{"from_name": from_name, "to_name": to_name,
                "type": "textarea", "value": {"text": [text[::-1][:self.MAX_LENGTH]]}}],
                "model_version": self.get("model_version")})
        return ModelResponse(predictions=predictions, model_version=self.get("model_version"))
"""

CHOICES = (
    '<View><Text name="text" value="$text"/><Choices name="topic" toName="text">'
    '<Choice value="cooking"/><Choice value="sports"/></Choices></View>'
)
LABELS = (
    '<View><Labels name="label" toName="text"><Label value="NAME"/></Labels>'
    '<Text name="text" value="$text"/></View>'
)
AREA = '<View><Text name="text" value="$text"/><TextArea name="a" toName="text"/></View>'
DRAWN = {"result": [{"from_name": "label", "value": {"text": "Ann", "labels": ["NAME"]}}]}

FOLDERS = [
    (GENERATED, CHOICES, {}, None),
    (SKLEARN, CHOICES, {}, {"choices": ["cooking"]}),
    (SUBSTRING, LABELS, DRAWN, {"start": 0, "end": 3, "text": "Ann", "labels": ["NAME"]}),
    (ENTITIES, LABELS, {}, {"start": 0, "end": 3, "text": "Ann", "labels": ["NAME"]}),
    (WRITER, AREA, {}, {"text": ["gnis nnA"]}),
]
NAMES = ["generated", "sklearn", "substring", "entities", "writer"]


@pytest.mark.parametrize(("body", "config", "context", "value"), FOLDERS, ids=NAMES)
def test_a_folder_starts_unchanged_and_answers(
    tmp_path: Path, body: str, config: str, context: object, value: object
) -> None:
    (tmp_path / "model.py").write_text(HEAD + body)
    with Backend(tmp_path, arguments=[str(tmp_path)]) as backend:
        project = Project(backend)
        project.label_config = config
        assert backend.client.get("/health").json() == {"status": "UP", "model_class": "Mine"}
        assert project.setup() == "Mine-v0.0.1"
        tasks = [{"id": 1, "data": {"text": "Ann sing"}}]
        params = {"login": None, "password": None, "context": context}
        asked = {
            "tasks": tasks, "label_config": config, "project": project.key, "params": params,
        }  # fmt: skip
        (found,) = project.post("/predict", asked)["results"]
        assert (found["result"][0]["value"] if found else None) == value
        event = project.event_body("START_TRAINING")
        assert backend.client.post("/webhook", json=event).status_code == 201
        where = {"project": project.key}
        wait_for(
            lambda: backend.client.get("/versions", params=where).json()["events"][0]["finished_at"]
        )
        assert backend.client.get("/versions", params=where).json()["events"][0]["message"] == ""


def test_a_labeling_config_that_is_none_is_the_callers_mistake(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(HEAD.replace(SDK_FIRST, "") + SKLEARN)
    with Backend(tmp_path, arguments=[str(tmp_path)]) as backend:
        for path, key in (("/setup", "schema"), ("/predict", "label_config")):
            body = {"project": "1.2", key: "<View", "tasks": [{"data": {"text": "x"}}]}
            answer = backend.client.post(path, json=body)
            assert answer.status_code == 422, answer.text
            assert "Received a labeling config that cannot be read" in answer.json()["error"]


def test_what_an_unchanged_folder_learns_is_served_as_a_new_version(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(HEAD + SKLEARN)
    with Backend(tmp_path, arguments=[str(tmp_path)]) as backend:
        project = Project(backend)
        project.label_config = CHOICES
        before = project.setup()
        event = project.created_body(1, "sports", "goal match", project=1)
        backend.client.post("/webhook", json=event)
        after = project.wait_for_version(before)
        assert after == "Mine-v0.0.1+1"
        assert project.labels_of("goal", "other") == ["sports", "cooking"]


WSGI_TEST = """
import json
from model import Mine

def test_predict():
    from _wsgi import init_app
    app = init_app(model_class=Mine)
    app.config["TESTING"] = True
    with app.test_client() as client:
        request = {"tasks": [{"data": {"text": "x y"}}], "label_config": CONFIG}
        kind = "application/json"
        response = client.post("/predict", data=json.dumps(request), content_type=kind)
        assert response.status_code == 200
        assert json.loads(response.data)["results"][0]["model_version"] == "Mine-v0.0.1"
        assert client.get("/health").get_json()["model_class"] == "Mine"

def test_health():
    from label_studio_ml.api import _server  # as the reference's own test does
    with _server.test_client() as client:
        assert client.get("/health").get_json()["model_class"] == "LabelStudioMLBase"
"""


def test_a_folders_wsgi_file_and_its_own_test_work(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(HEAD.replace(SDK_FIRST, "") + SKLEARN)
    (tmp_path / "_wsgi.py").write_text(
        "from label_studio_ml.api import init_app\nfrom model import Mine\n"
        "app = init_app(model_class=Mine)\n"
    )
    (tmp_path / "test_api.py").write_text(WSGI_TEST.replace("CONFIG", repr(CHOICES)))
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_api.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
