"""`LabelStudioMLBase`: what model directories of the reference extend."""

from __future__ import annotations

import importlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from label_studio_ml.label_interface import LabelInterface as OwnLabelInterface
from label_studio_ml.label_interface import parse_config
from label_studio_ml.response import ModelResponse
from label_studio_ml.sdk import stand_in
from label_studio_ml.utils import is_preload_needed
from prelabel.models.raw import RawModel

stand_in()  # before the directory's own imports of the SDK, which follow this one
_sdk = importlib.import_module("label_studio_sdk")
LabelStudio: Any = _sdk.LabelStudio

__all__ = ["LabelStudioMLBase", "ModelResponse", "predict_fn", "update_fn"]

log = logging.getLogger(__name__)

Function = Callable[..., Any]
_functions: dict[str, Function] = {}


def predict_fn(function: Function) -> Function:
    """Let a function answer for a class without `predict`: ``function(tasks, context, helper)``."""
    _functions["predict"] = function
    return function


def update_fn(function: Function) -> Function:
    """Let a function learn for a class without `fit`: ``function(event, data, helper)``."""
    _functions["fit"] = function
    return function


class LabelStudioMLBase(RawModel):
    """A model that reads and writes Label Studio's JSON, under the reference's names.

    Parameters
    ----------
    project_id
        Label Studio's number of the project, as text.
    label_config
        Its labeling config, XML.
    """

    TRAIN_EVENTS: ClassVar[Sequence[str]] = (
        "ANNOTATION_CREATED",
        "ANNOTATION_UPDATED",
        "ANNOTATION_DELETED",
        "START_TRAINING",
    )
    EVENTS = TRAIN_EVENTS

    label_interface: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.EVENTS = cls.TRAIN_EVENTS

    def __init__(self, project_id: str | None = None, label_config: str | None = None) -> None:
        self._label_studio_client: Any = None
        super().__init__(project_id, label_config)

    def use_label_config(self, label_config: str) -> None:
        """Remember a labeling config and read its tags."""
        self.label_interface = _read_interface(label_config)
        super().use_label_config(label_config)

    @property
    def extra_params(self) -> Any:
        """What people entered as *Extra params* in Label Studio's form; ``{}`` if nothing."""
        params = self.get("extra_params") or {}
        return json.loads(params) if isinstance(params, str) else params

    @property
    def parsed_label_config(self) -> dict[str, Any]:
        """The labeling config's controls as plain values."""
        return parse_config(self.label_config)

    def predict(
        self, tasks: list[dict[str, Any]], context: dict[str, Any] | None = None, **params: Any
    ) -> Any:
        """Return predictions for tasks, in order; override it, or decorate with `predict_fn`."""
        if function := _functions.get("predict"):
            return function(tasks, context, helper=self, **params)
        return None

    def fit(self, event: str, data: dict[str, Any], **params: Any) -> Any:
        """Learn from an event; override it, or decorate a function with `update_fn`."""
        if function := _functions.get("fit"):
            return function(event, data, helper=self, **params)
        return None

    def process_event(
        self, event: str, data: dict[str, Any], job_id: Any, additional_params: dict[str, Any]
    ) -> Any:
        """Call `fit` if the event is one to learn from."""
        if event in self.TRAIN_EVENTS:
            return self.fit(event=event, data=data, job_id=job_id, **additional_params)
        return None

    def get_first_tag_occurence(
        self,
        control_type: str | tuple[str, ...],
        object_type: str | tuple[str, ...],
        name_filter: Callable[[str], bool] | None = None,
        to_name_filter: Callable[[str], bool] | None = None,
    ) -> tuple[str, str, str]:
        """Return from_name, to_name and data key of the first control and object of these kinds."""
        found: tuple[str, str, str] = self.label_interface.get_first_tag_occurence(
            control_type=control_type,
            object_type=object_type,
            name_filter=name_filter,
            to_name_filter=to_name_filter,
        )
        return found

    def build_label_map(self, tag_name: str, names: Sequence[str]) -> dict[str, str]:
        """Return which label of the config stands for each of a model's own names.

        A ``<Label value="Car" predicted_values="car,truck"/>`` says so itself; else names count
        that equal the label's, in any case.
        """
        lower = {name.lower(): name for name in reversed(names)}
        found: dict[str, str] = {}
        for label, tag in (self.label_interface.get_control(tag_name).labels_attrs or {}).items():
            listed = [value.strip() for value in tag.attr.get("predicted_values", "").split(",")]
            own = [value for value in listed if value and value in names]
            if not own and label.lower() in lower:
                own = [label if label in names else lower[label.lower()]]
            found.update(dict.fromkeys(own, label))
        return found

    def get_local_path(
        self,
        url: str,
        project_dir: str | None = None,
        ls_host: str | None = None,
        ls_access_token: str | None = None,
        task_id: int | None = None,
        **kwargs: Any,
    ) -> str:
        """Return where a file of Label Studio's storages lies on this machine; needs the SDK.

        Raises
        ------
        ImportError
            If the SDK is not installed.
        """
        try:
            io = importlib.import_module(
                "label_studio_sdk._extensions.label_studio_tools.core.utils.io"
            )
        except ImportError as error:
            raise ImportError(
                f"Fetching {url[:100]} needs the Label Studio SDK: pip install label-studio-sdk",
                name="label_studio_sdk",
            ) from error
        token = ls_access_token or self.get_label_studio_access_token()
        path = io.get_local_path(
            url, project_dir=project_dir, hostname=ls_host, access_token=token, task_id=task_id,
            **kwargs,
        )  # fmt: skip
        return str(path)

    def preload_task_data(
        self, task: dict[str, Any], value: Any = None, read_file: bool = True
    ) -> Any:
        """Return a value with files of Label Studio's storages in place of their URIs.

        A text is a text: neither other URLs nor paths that happen to exist are read.
        """
        if isinstance(value, dict):
            for key, item in value.items():  # in place, as directories may rely on
                value[key] = self.preload_task_data(task, item, read_file)
            return value
        if isinstance(value, list):
            return [self.preload_task_data(task, item, read_file) for item in value]
        if not isinstance(value, str) or not is_preload_needed(value):
            return value
        path = self.get_local_path(url=value, task_id=task.get("id"))
        if not read_file:
            return path
        with open(path, "r") as file:  # noqa: PTH123, UP015 - tests of directories patch it so
            return file.read()

    def get_label_studio_access_token(self) -> str | None:
        """Return the key for Label Studio's API, fresh if the SDK is there to renew it."""
        client = self._get_label_studio_client()
        if client:
            return str(client._client_wrapper._tokens_client.api_key)  # noqa: SLF001 - the SDK has no other
        return os.getenv("LABEL_STUDIO_API_KEY") or os.getenv("LABEL_STUDIO_ACCESS_TOKEN")

    def _get_label_studio_client(self) -> Any:
        if self._label_studio_client is None:
            url = os.getenv("LABEL_STUDIO_URL") or os.getenv("LABEL_STUDIO_HOST")
            try:
                self._label_studio_client = LabelStudio(base_url=url)
            except Exception as error:  # noqa: BLE001 - the SDK's; without a client the key serves
                log.debug("No client of Label Studio's SDK (%s)", error)
                self._label_studio_client = False
        return self._label_studio_client


def get_all_classes_inherited_LabelStudioMLBase(script_file: str) -> list[str]:  # noqa: N802 - the reference's
    """Return the names of the model classes that a file defines."""
    from prelabel.models.loader import list_model_classes  # noqa: PLC0415 - imports NumPy

    return list_model_classes(Path(script_file))


def _read_interface(label_config: str) -> Any:
    """Read a config with the SDK, or with what stands in for it."""
    try:
        sdk = importlib.import_module("label_studio_sdk.label_interface")
        return sdk.LabelInterface(config=label_config)
    except ImportError:
        return OwnLabelInterface(label_config)
