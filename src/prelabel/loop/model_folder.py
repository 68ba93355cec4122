"""Models kept in a folder of their own, with all that predictions need besides them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from prelabel.errors import ArtifactError
from prelabel.label_config import LabelSchema
from prelabel.loop.suggestions import Suggester, decide_in_batches
from prelabel.models import artifact
from prelabel.models.base import Model, TextModel
from prelabel.types import Prediction

_ANSWERS = "answers"
"""Key of a receipt under which stands what predictions name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptModel:
    """Models as they were kept.

    Attributes
    ----------
    models
        By control.
    version
        What their predictions carry: equal for equal models, as in ``120labels-1f0a9c3e``.
    """

    models: Mapping[str, Model]
    schema: LabelSchema
    version: str

    def predict(self, data: Sequence[Mapping[str, object]]) -> list[Prediction | None]:
        """Suggest labels for each task's data, in order; None abstains."""
        decide = {
            control.name: partial(decide_in_batches, self.models[control.name], control)
            for control in self.schema.controls
        }
        return Suggester(self.schema, decide, model_version=self.version).suggest(data)


def keep_model(
    models: Mapping[str, Model], folder: Path, *, schema: LabelSchema, n_examples: int,
    receipt: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write fitted models and what their predictions name as a new folder.

    Parameters
    ----------
    models
        By control; controls without a model are left out.

    Raises
    ------
    ArtifactError
        If the folder exists.
    OSError
        If it cannot be written.
    """
    kept = LabelSchema(controls=tuple(c for c in schema.controls if c.name in models))
    answers = {"controls": kept.to_mapping(), "n_examples": n_examples}
    artifact.save(models, folder, receipt={**receipt, _ANSWERS: answers})


def load_kept_model(folder: str | Path, model_class: type[TextModel]) -> KeptModel:
    """Read what `keep_model` wrote.

    Raises
    ------
    ArtifactError
        If there is no such folder, it is damaged, or `keep_model` did not write it.
    """
    models, manifest = artifact.load(Path(folder), model_class)
    try:
        answers = manifest.receipt[_ANSWERS]
        schema = LabelSchema.from_mapping(answers["controls"])
        named = {control.name: models[control.name] for control in schema.controls}
        version = f"{int(answers['n_examples'])}labels-{manifest.sha256[:8]}"
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{folder} does not say which controls and texts its predictions belong to",
            expected="a folder that `prelabel train` of this release wrote",
            fix="Train the model with `prelabel train`.",
        ) from error
    return KeptModel(models=named, schema=schema, version=version)
