"""Step 5: tasks + active version → predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from prelabel.label_config import LabelSchema
from prelabel.loop.registry import Registry, Served
from prelabel.models.label_names import LabelNames
from prelabel.types import Prediction, ProjectKey


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
        texts = [schema.read_text(item) for item in data]
        present = [index for index, text in enumerate(texts) if text is not None]
        suggestions = _suggest(served, schema, [texts[index] or "" for index in present])
        predictions: list[Prediction | None] = [None] * len(texts)
        for index, suggestion in zip(present, suggestions, strict=True):
            if suggestion is not None:
                label, score = suggestion
                region = schema.control.write_label(label)
                predictions[index] = Prediction(regions=(region,), score=score, model_version=name)
        return predictions


def _name(served: Served | None, schema: LabelSchema) -> str:
    """Name what answers: it changes exactly when predictions may change.

    Label names answer before the first version, so they are part of its name. Labels that the
    config has lost are predicted no more, so what is left is part of the name, too.
    """
    if served is None:
        return f"v0-names-{schema.digest(of_names=True)}"
    if set(served.version.labels) <= schema.control.values:
        return served.version.name
    return f"{served.version.name}-{schema.digest()}"


def _suggest(
    served: Served | None, schema: LabelSchema, texts: Sequence[str]
) -> list[tuple[str, float] | None]:
    if not texts:
        return []
    if served is None:
        names = LabelNames({label.value: label.names for label in schema.labels})
        return [names.suggest(text) for text in texts]
    probabilities = served.model.predict_proba(texts)
    best = np.argmax(probabilities, axis=1)
    scores = probabilities[np.arange(len(texts)), best]
    allowed = schema.control.values
    labels = [served.model.classes_[index] for index in best]
    # A text of a label that the config has lost belongs to no other: abstain.
    return [
        (label, min(1.0, float(score))) if label in allowed else None
        for label, score in zip(labels, scores, strict=True)
    ]
