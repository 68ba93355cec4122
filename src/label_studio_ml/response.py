"""What `predict` may return."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from label_studio_ml.sdk import stand_in

if TYPE_CHECKING:
    from label_studio_ml.sdk import PredictionValue
else:
    stand_in()
    try:  # the SDK's, where the model directory installs it: its regions may be objects
        PredictionValue = importlib.import_module(
            "label_studio_sdk.label_interface.objects"
        ).PredictionValue
    except ImportError:  # an SDK from before there were such
        from label_studio_ml.sdk import PredictionValue

__all__ = ["ModelResponse", "PredictionValue"]

SingleTaskPredictions = list[PredictionValue] | PredictionValue


class ModelResponse(BaseModel):
    """Predictions in the order of the tasks; one, or a list of several, for each task."""

    model_config = ConfigDict(protected_namespaces=())

    model_version: str | None = None
    predictions: list[SingleTaskPredictions]

    def has_model_version(self) -> bool:
        """Whether a version is set for all predictions."""
        return bool(self.model_version)

    def update_predictions_version(self) -> None:
        """Give the version to every prediction that has none of its own."""
        for entry in self.predictions:
            group: list[Any] = entry if isinstance(entry, list) else [entry]
            for prediction in group:
                prediction.model_version = prediction.model_version or self.model_version

    def set_version(self, version: str) -> None:
        """Set the version, and give it to every prediction that has none of its own."""
        self.model_version = version
        self.update_predictions_version()
