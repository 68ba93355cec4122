"""Step 5: tasks + active version → predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from prelabel.label_config import LabelSchema
from prelabel.loop.registry import Registry, Served
from prelabel.models.base import TextModel
from prelabel.models.label_names import LabelNames
from prelabel.types import Prediction, ProjectKey

TEXTS_AT_ONCE = 512
"""Bounds the memory of a batch, and how long it keeps other threads from running."""


class Predictor:
    """Answers for every project, with whatever is active for it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def model_version(self, project: ProjectKey, schema: LabelSchema) -> str:
        """Return the version that predictions made now would carry."""
        return _name(self._registry.serve(project), schema)

    def predict(
        self, project: ProjectKey, schema: LabelSchema, data: Sequence[Mapping[str, object]]
    ) -> list[Prediction | None]:
        """Suggest a label for each task's data, in order.

        None stands for an abstention: there is no text, or nothing in it to go by. All
        predictions of one call carry the same model version.
        """
        served = self._registry.serve(project)
        name = _name(served, schema)
        texts = {
            index: text
            for index, item in enumerate(data)
            if (text := schema.read_text(item)) is not None
        }
        suggestions = _suggest(served, schema, list(texts.values()))
        predictions: list[Prediction | None] = [None] * len(data)
        for index, suggestion in zip(texts, suggestions, strict=True):
            if suggestion is not None:
                label, score = suggestion
                region = schema.control.write_label(label)
                predictions[index] = Prediction(regions=(region,), score=score, model_version=name)
        return predictions


def _name(served: Served | None, schema: LabelSchema) -> str:
    """Name what answers: it changes exactly when predictions may change.

    Label names answer before the first version, so the config is part of its name. It is part of a
    version's name, too, while it differs from the one trained with in what is predicted: labels
    that are gone, a control or an object of another name. Added labels change nothing yet.
    """
    if served is None:
        return f"v0-names-{schema.digest()}"
    version = served.version
    if version.frame == schema.frame and set(version.labels) <= schema.control.values:
        return version.name
    return f"{version.name}-{schema.digest()}"


def _suggest(
    served: Served | None, schema: LabelSchema, texts: Sequence[str]
) -> list[tuple[str, float] | None]:
    if not texts:
        return []
    if served is None:
        names = LabelNames({label.value: label.names for label in schema.labels})
        return [names.suggest(text) for text in texts]
    allowed = schema.control.values
    # A text of a label that the config has lost belongs to no other: abstain.
    return [
        (label, score) if label in allowed else None
        for start in range(0, len(texts), TEXTS_AT_ONCE)
        for label, score in choose(served.model, texts[start : start + TEXTS_AT_ONCE])
    ]


def choose(model: TextModel, texts: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield the most probable label of each text, and its probability."""
    probabilities = model.predict_proba(texts)
    best = np.argmax(probabilities, axis=1)
    scores = probabilities[np.arange(len(texts)), best]
    for index, score in zip(best, scores, strict=True):
        yield model.classes_[index], min(1.0, float(score))
