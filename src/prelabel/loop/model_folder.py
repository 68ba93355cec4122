"""A model kept in a folder of its own, with all that predictions need besides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prelabel.errors import ArtifactError
from prelabel.label_config import ControlTag, Label, LabelSchema, ObjectTag
from prelabel.loop.predictor import choose
from prelabel.models import artifact
from prelabel.models.base import TextModel
from prelabel.types import Prediction

_ANSWERS = "answers"
"""Key of a receipt under which stands what predictions name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptModel:
    """A model as it was kept.

    Attributes
    ----------
    version
        What its predictions carry: equal for equal models, as in ``120labels-1f0a9c3e``.
    """

    model: TextModel
    schema: LabelSchema
    version: str

    def predict(self, data: Sequence[Mapping[str, object]]) -> list[Prediction | None]:
        """Suggest a label for each task's data, in order; None where there is no text."""
        texts = [self.schema.read_text(item) for item in data]
        chosen = choose(self.model, [text for text in texts if text is not None])
        return [None if text is None else self._write(*next(chosen)) for text in texts]

    def _write(self, label: str, score: float) -> Prediction:
        region = self.schema.control.write_label(label)
        return Prediction(regions=(region,), score=score, model_version=self.version)


def keep_model(
    model: TextModel, folder: Path, *, schema: LabelSchema, n_examples: int,
    receipt: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write a fitted model and what its predictions name as a new folder.

    Raises
    ------
    ArtifactError
        If the folder exists.
    OSError
        If it cannot be written.
    """
    control = schema.control
    answers = {
        "control": control.name,
        "type": control.type,
        "object": control.object_tag.name,
        "data_key": control.object_tag.data_key,
        "labels": {label.value: list(label.names) for label in schema.labels},
        "n_examples": n_examples,
    }
    artifact.save(model, folder, receipt={**receipt, _ANSWERS: answers})


def load_kept_model(folder: Path, model_class: type[TextModel]) -> KeptModel:
    """Read what `keep_model` wrote.

    Raises
    ------
    ArtifactError
        If there is no such folder, it is damaged, or `keep_model` did not write it.
    """
    model, manifest = artifact.load(folder, model_class)
    match manifest.receipt.get(_ANSWERS):
        case {
            "control": str(control), "type": str(kind), "object": str(shown),
            "data_key": str(data_key), "labels": dict(labels), "n_examples": int(n_examples),
        }:  # fmt: skip
            object_tag = ObjectTag(name=shown, data_key=data_key)
            known = tuple(Label(value=value, names=tuple(n)) for value, n in labels.items())
            tag = ControlTag(name=control, type=kind, object_tag=object_tag, labels=known)
            version = f"{n_examples}labels-{manifest.sha256[:8]}"
            return KeptModel(model=model, schema=LabelSchema(control=tag), version=version)
    raise ArtifactError(
        f"{folder} does not say which control and text its predictions belong to",
        expected="a folder that `prelabel train` wrote",
        fix="Train the model with `prelabel train`.",
    )
