"""One project's model: what `predict`, `setup` and `fit` mean for it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from prelabel.errors import MalformedError, shorten
from prelabel.models.raw import RawModel, State, remembering
from prelabel.models.raw_answer import encode, to_predictions
from prelabel.types import ProjectKey

log = logging.getLogger(__name__)

SINGULAR = {
    "ANNOTATIONS_DELETED": "ANNOTATION_DELETED",
    "ANNOTATIONS_CREATED": "ANNOTATION_CREATED",
}
"""Names of the reference for what Label Studio sends under others."""


class Session:
    """A model and the labeling config it was made for; all calls take and give JSON.

    Parameters
    ----------
    folder
        Files that the model keeps of this project; None if they are not looked at.
    """

    def __init__(
        self,
        model_class: type[RawModel],
        state: State,
        *,
        project: ProjectKey | None,
        folder: Path | None = None,
    ) -> None:
        self._class = model_class
        self._state = state
        self._project = project
        self._folder = folder
        self._making = threading.Lock()
        self._model: RawModel | None = None
        self._made_for: str | None = None

    def setup(self, body: bytes) -> bytes:
        """Answer ``/setup``: make the model, remember the extra params, tell the version."""
        request = read_json(body)
        params = _read_params(request.get("extra_params"))
        if params is not None:
            self._state["extra_params"] = params  # for a model that is made now
        model = self._get_model(read_config(request.get("schema")))
        if params is not None:
            model.set_extra_params(params)
        return msgspec.json.encode({"model_version": model.model_version})

    def predict(self, body: bytes) -> bytes:
        """Answer ``/predict``; one entry a task."""
        request = read_json(body)
        tasks = request.get("tasks")
        tasks = tasks if isinstance(tasks, list) else [tasks] if tasks else []
        if any(not isinstance(task, dict) for task in tasks):
            raise MalformedError(
                "Received a task that is no object",
                expected='tasks as in [{"id": 1, "data": {"text": "…"}}]',
                fix="Send the JSON object that Label Studio sends.",
            )
        params = _object(request.get("params"))
        context = params.pop("context", {})  # null where nothing was drawn: as models know it
        model = self._get_model(read_config(request.get("label_config")))
        n_tasks = len(tasks)  # models may empty the list
        answer = model.predict(tasks, context=context, **params)
        results = to_predictions(answer, n_tasks, model.model_version)
        return encode({"results": results})

    def fit(self, body: bytes) -> bytes:
        """Tell the model of an event, and give what it has learned a version of its own."""
        data = read_json(body)
        action = data.pop("action")
        project = _object(data.get("project"))
        if action not in self._class.EVENTS:
            action = SINGULAR.get(action, action)
        if action == "START_TRAINING":  # models look here for the project, as in other events
            data.setdefault("annotation", {"project": project.get("id")})
        model = self._get_model(read_config(project.get("label_config")))
        version, files = model.model_version, self._list_files()
        result = model.fit(action, data)
        if model.model_version == version and self._list_files() != files:
            # It learned and did not say so: Label Studio would never ask again.
            log.info("The model's files changed: version %s", model.bump_model_version())
        return encode(result)

    def _get_model(self, label_config: str | None) -> RawModel:
        with self._making:
            if self._model is None or (label_config and label_config != self._made_for):
                project_id = str(self._project.id) if self._project else None
                with remembering(self._state):
                    config = label_config or self._state.get("label_config")
                    self._model = self._class(project_id=project_id, label_config=config)
                self._made_for = config
            return self._model

    def _list_files(self) -> Mapping[str, tuple[int, int]]:
        if self._folder is None:
            return {}
        found = ((path, path.stat()) for path in self._folder.rglob("*") if path.is_file())
        return {str(path): (stat.st_mtime_ns, stat.st_size) for path, stat in found}


def read_config(given: object) -> str | None:
    """Return a labeling config as it can be kept, whole characters; None if it is none."""
    return given.encode("utf-8", "replace").decode() if isinstance(given, str) else None


def _object(given: Any) -> dict[str, Any]:
    return given if isinstance(given, dict) else {}


def _read_params(given: Any) -> Any:
    """Read extra params: an object, or one written as text, as old releases send it.

    None where nothing was entered.
    """
    if given in (None, ""):
        return None
    try:
        return json.loads(given) if isinstance(given, str) else given
    except ValueError as error:
        raise MalformedError(
            f"Received the extra params {shorten(given)}",
            expected='JSON, as in {"language": "en"}',
            fix="Correct them in Label Studio: Settings → Model → Edit.",
        ) from error


def read_json(body: bytes) -> Any:
    """Read an object; Python's own reader takes what others refuse, such as NaN."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            found = json.loads(body)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise MalformedError(
                f"Received a body that is not JSON ({reason})",
                expected="a JSON object",
                fix="Send the JSON object that Label Studio sends.",
            ) from error
    if not isinstance(found, dict):
        raise MalformedError(
            f"Received {shorten(found)}",
            expected="a JSON object",
            fix="Send the JSON object that Label Studio sends.",
        )
    return found
