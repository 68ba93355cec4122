"""The few names of the Label Studio SDK that text models import, for where it is not installed.

The SDK is 462 MB with all it needs. `stand_in` makes ``import label_studio_sdk`` find these names
if there is no SDK; a real one is always preferred.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict

from label_studio_ml.label_interface import OBJECT_TAGS, ControlTag, LabelInterface, ObjectTag

__all__ = ["Client", "LabelInterface", "LabelStudio", "PredictionValue", "stand_in"]


class PredictionValue(BaseModel):
    """A prediction for one task: ``PredictionValue(result=[region, …], score=0.9)``."""

    model_config = ConfigDict(populate_by_name=True, protected_namespaces=())

    model_version: Any = None
    score: float | None = 0.0
    result: list[dict[str, Any]] | None


class Client:
    """Label Studio's API as old model directories use it: a project and its labeled tasks.

    Personal access tokens and legacy tokens both work here; the SDK's own takes legacy ones only.
    """

    def __init__(self, url: str | None = None, api_key: str | None = None, **_: Any) -> None:
        self._url = url or os.getenv("LABEL_STUDIO_URL") or "http://localhost:8080"
        self._key = api_key or os.getenv("LABEL_STUDIO_API_KEY") or ""

    def get_project(self, id: int | str) -> Project:  # noqa: A002 - the SDK's name
        """Return a project; nothing is asked for yet."""
        return Project(self._url, self._key, int(id))

    def __getattr__(self, name: str) -> NoReturn:
        raise _install(f"Client.{name}")


class Project:
    """A project of Label Studio."""

    def __init__(self, url: str, key: str, number: int) -> None:
        self._url, self._key, self.id = url, key, number

    def get_labeled_tasks(self) -> list[dict[str, Any]]:
        """Return all tasks that have annotations, with them."""
        from prelabel.label_studio.client import LabelStudioClient  # noqa: PLC0415 - if it is used

        ca_file = os.getenv("PRELABEL_CA_FILE")
        certificates = Path(ca_file) if ca_file else None
        with LabelStudioClient(self._url, self._key, ca_file=certificates) as client:
            pages = client.labeled_tasks(self.id)
            return [_write_task(item) for page in pages for item in page.tasks]

    def __getattr__(self, name: str) -> NoReturn:
        raise _install(f"Project.{name}")


class LabelStudio:
    """The SDK's newer client, which only the SDK has."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise _install("LabelStudio")


def stand_in() -> None:
    """Let ``import label_studio_sdk`` find what is here, unless there is an SDK."""
    name = "label_studio_sdk"
    if name in sys.modules or importlib.util.find_spec(name) is not None:
        return
    names: dict[str, dict[str, Any]] = {
        name: {"Client": Client, "LabelStudio": LabelStudio},
        f"{name}.client": {"Client": Client},
        f"{name}.label_interface": {"LabelInterface": LabelInterface},
        f"{name}.label_interface.objects": {"PredictionValue": PredictionValue},
        f"{name}.label_interface.control_tags": {"ControlTag": ControlTag, "ObjectTag": ObjectTag},
        f"{name}.label_interface.object_tags": {"ObjectTag": ObjectTag}
        | {tag.__name__: tag for tag in OBJECT_TAGS.values()},
    }
    for path, content in names.items():
        module = ModuleType(path, "Stands in for the Label Studio SDK; see label_studio_ml.sdk.")
        module.__path__ = []
        module.__dict__.update(content)
        sys.modules[path] = module
        parent, _, child = path.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)


def _install(name: str) -> ImportError:
    return ImportError(
        f"{name} needs the Label Studio SDK, which is not installed: pip install label-studio-sdk",
        name="label_studio_sdk",
    )


def _write_task(labeled: Any) -> dict[str, Any]:
    from prelabel.protocol.values import write_regions  # noqa: PLC0415 - if it is used

    task, annotations = labeled
    return {
        "id": task.id,
        "data": dict(task.data),
        "annotations": [
            {
                "id": annotation.id,
                "was_cancelled": annotation.was_cancelled,
                "ground_truth": annotation.ground_truth,
                "completed_by": annotation.completed_by,
                "result": write_regions(annotation.regions),
            }
            for annotation in annotations
        ],
    }
