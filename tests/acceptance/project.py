"""A project in a real Label Studio: the calls its pages make when people work in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from prelabel.types import ProjectKey
from tests.backend import region, wait_for, write_config


@dataclass(frozen=True, slots=True)
class StoredPrediction:
    """A prediction as Label Studio keeps it."""

    task: int
    label: str
    score: float
    model_version: str

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> StoredPrediction:
        """Read what the API shows; it has one region, which is a choice of the config's control."""
        (given,) = body["result"]
        (label,) = given["value"]["choices"]
        assert given.items() >= region(label).items()
        return cls(body["task"], label, body["score"], body["model_version"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A project in Label Studio.

    Attributes
    ----------
    truth
        The label a person gives each task, by the task's id, in the order of import.
    """

    http: httpx.Client
    id: int
    key: ProjectKey
    truth: Mapping[int, str]

    @property
    def tasks(self) -> list[int]:
        return list(self.truth)

    def connect(self, url: str, user: str = "", password: str = "", **fields: object) -> Connection:
        """Connect a backend, as Settings → Model → Connect Model does."""
        body: dict[str, Any] = {"project": self.id, "url": url, "title": "The backend"}
        if user:
            body |= {"auth_method": "BASIC_AUTH", "basic_auth_user": user}
            body |= {"basic_auth_pass": password}
        made = self._call("POST", "/api/ml/", json=body)
        return Connection(http=self.http, id=made["id"], project=self.id)

    def annotate(self, task: int, label: str | None = None, *, control: str = "topic") -> int:
        """Submit a label, the right one if none is given; return the annotation's id."""
        result = [region(label or self.truth[task], control)]
        return self._annotate(task, {"result": result, "lead_time": 1.5})

    def annotate_all(self, tasks: Iterable[int]) -> list[int]:
        """Submit the right label for each task, one after the other."""
        return [self.annotate(task) for task in tasks]

    def skip(self, task: int) -> int:
        """Press Skip; return the annotation's id."""
        return self._annotate(task, {"result": [], "was_cancelled": True, "lead_time": 1.5})

    def update_annotation(self, annotation: int, label: str) -> None:
        """Change a label that was submitted."""
        body = {"result": [region(label)]}
        self._call("PATCH", f"/api/annotations/{annotation}/", json=body)

    def set_ground_truth(self, annotation: int) -> None:
        """Press the star of an annotation."""
        self._call("PATCH", f"/api/annotations/{annotation}/", json={"ground_truth": True})

    def delete_annotation(self, annotation: int) -> None:
        """Delete an annotation in the editor."""
        self._call("DELETE", f"/api/annotations/{annotation}/")

    def delete_annotations_of(self, tasks: Sequence[int]) -> None:
        """Delete the annotations of tasks in the data manager."""
        self._act("delete_tasks_annotations", tasks)

    def delete_tasks(self, tasks: Sequence[int]) -> None:
        """Delete tasks in the data manager."""
        self._act("delete_tasks", tasks)

    def rename_label(self, before: str, after: str, *, control: str = "topic") -> None:
        """Rename a label in all annotations, as the Data Manager's *Rename labels* does."""
        names = {"control_tag": control, "old_label_name": before, "new_label_name": after}
        self._act("rename_labels", None, **names)

    def remove_duplicates(self) -> None:
        """Leave one task of each text, with the annotations of all, as the Data Manager does."""
        self._act("remove_duplicates", None)

    def set_labels(self, labels: Iterable[str]) -> None:
        """Edit the labeling config."""
        body = {"label_config": write_config(labels)}
        self._call("PATCH", f"/api/projects/{self.id}/", json=body)

    def rename_control(self, name: str) -> None:
        """Give the control another name: Label Studio allows it where annotations were imported."""
        config = write_config(sorted(set(self.truth.values()))).replace("topic", name)
        self._call("PATCH", f"/api/projects/{self.id}/", json={"label_config": config})

    def retrieve_predictions(self) -> list[StoredPrediction]:
        """Run Retrieve Predictions on all tasks; return all stored predictions, oldest first."""
        self._act("retrieve_tasks_predictions", None)
        return self.predictions()

    def annotate_as_predicted(self, tasks: Sequence[int]) -> None:
        """Run Create Annotations From Predictions in the data manager."""
        self._act("predictions_to_annotations", tasks)

    def import_prediction(self, task: int, label: str) -> httpx.Response:
        """Store a prediction of somebody's; return Label Studio's answer, which may be a no."""
        prediction = {"task": task, "result": [region(label)], "score": 0.5}
        return self.http.post(f"/api/projects/{self.id}/import/predictions", json=[prediction])

    def export(self, export_type: str) -> bytes:
        """Return what the page Export downloads: ``JSON`` or ``JSON_MIN``."""
        query = {"exportType": export_type}
        answer = self.http.get(f"/api/projects/{self.id}/export", params=query)
        return answer.raise_for_status().content

    def import_tasks(self, file: Path) -> None:
        """Upload a file of tasks in the data manager."""
        tasks = json.loads(file.read_text())
        self._call("POST", f"/api/projects/{self.id}/import", json=tasks)

    def read_text(self, task: int) -> str:
        """Return the text of a task."""
        return str(self._call("GET", f"/api/tasks/{task}")["data"]["text"])

    def predictions(self) -> list[StoredPrediction]:
        """Return all stored predictions, oldest first."""
        found = self._call("GET", "/api/predictions/", params={"project": self.id})
        return [StoredPrediction.read(body) for body in sorted(found, key=lambda item: item["id"])]

    def tasks_by_score(self) -> list[tuple[int, float | None]]:
        """Return tasks and their scores as the data manager sorts them, the lowest first."""
        body = {"project": self.id, "data": {"ordering": ["tasks:predictions_score"]}}
        view = self._call("POST", "/api/dm/views/", json=body)["id"]
        query = {"view": view, "project": self.id, "page_size": len(self.tasks)}
        found = self._call("GET", "/api/tasks/", params=query)["tasks"]
        return [(task["id"], task.get("predictions_score")) for task in found]

    def next_task(self) -> Mapping[str, Any]:
        """Return the task that the next labeler is shown."""
        shown: Mapping[str, Any] = self._call("GET", f"/api/projects/{self.id}/next")
        return shown

    def accuracy(self, predictions: Iterable[StoredPrediction]) -> float:
        """Return which part of predictions is right."""
        right = [item.label == self.truth[item.task] for item in predictions]
        return sum(right) / len(right)

    def _annotate(self, task: int, body: Mapping[str, object]) -> int:
        path = f"/api/tasks/{task}/annotations/"
        return int(self._call("POST", path, params={"project": self.id}, json=body)["id"])

    def _act(self, action: str, tasks: Sequence[int] | None, **options: str) -> None:
        some = {"all": False, "included": tasks}
        body = {
            "selectedItems": {"all": True, "excluded": []} if tasks is None else some,
            "filters": {"conjunction": "and", "items": []},
            **options,
        }
        query = {"id": action, "project": self.id}
        self._call("POST", "/api/dm/actions/", params=query, json=body)

    def _call(self, method: str, path: str, **options: Any) -> Any:
        return call(self.http, method, path, **options)


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """A backend that a project is connected to."""

    http: httpx.Client
    id: int
    project: int

    @property
    def model_version(self) -> str:
        """What the backend reports now: Label Studio asks it for this answer."""
        return str(call(self.http, "GET", f"/api/ml/{self.id}")["model_version"])

    @property
    def state(self) -> str:
        """What Label Studio made of its last call: ``CO`` connected, ``TR`` training, ``ER``."""
        path = f"/api/projects/{self.project}/model-versions/"
        query = {"extended": True, "include_live_models": True}
        live = call(self.http, "GET", path, params=query)["live"]
        return str(next(item["state"] for item in live if item["id"] == self.id))

    def start_training(self) -> int:
        """Press Start Training; return the status of the answer."""
        return self.http.post(f"/api/ml/{self.id}/train", json={}).status_code

    def wait_for(self, ending: str) -> str:
        """Wait until the backend reports a version whose name ends so, and return it."""
        return wait_for(lambda: self._version_with(ending), pause_seconds=0.2)

    def _version_with(self, ending: str) -> str | None:
        version = self.model_version
        return version if version.endswith(ending) else None


def call(http: httpx.Client, method: str, path: str, **options: Any) -> Any:
    """Call Label Studio; fail with its own words if it refuses."""
    answer = http.request(method, path, **options)
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
    return answer.json() if answer.content else None
