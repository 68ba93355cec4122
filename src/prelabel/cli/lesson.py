"""An export → what is to be learned from it, and the model that learns it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from prelabel.bootstrap import make_method
from prelabel.errors import ConfigError
from prelabel.label_config import LabelSchema, parse_label_config
from prelabel.label_studio.export import Export, read_export
from prelabel.loop.evaluation import Evaluation
from prelabel.loop.evaluation import evaluate as evaluate_probabilities
from prelabel.loop.examples import read_examples
from prelabel.loop.receipt import write_receipt
from prelabel.models.base import TextModel
from prelabel.settings import load_settings
from prelabel.types import Example


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """What an export teaches.

    Attributes
    ----------
    texts
        Of all tasks, labeled or not.
    new_model
        Makes an unfitted model, with the settings that the server would use.
    recipe
        What decides, besides all this, what is learned.
    """

    schema: LabelSchema
    examples: Sequence[Example]
    texts: Sequence[str]
    new_model: Callable[[], TextModel]
    recipe: Mapping[str, Any]

    @property
    def label_names(self) -> dict[str, tuple[str, ...]]:
        return {label.value: label.names for label in self.schema.labels}

    def fit(self) -> TextModel:
        """Fit a model on everything."""
        return self.new_model().fit(
            [example.text for example in self.examples],
            [example.label for example in self.examples],
            unlabeled=self.texts,
            label_names=self.label_names,
            sample_weight=[example.weight for example in self.examples],
        )

    def evaluate(self, model: TextModel) -> Evaluation | None:
        """Measure a fitted model on what it left out; None if it left nothing out."""
        found, labels = model.out_of_fold_, [example.label for example in self.examples]
        return None if found is None else evaluate_probabilities(labels, model.classes_, found)

    def write_receipt(self, evaluation: Evaluation | None) -> dict[str, Any]:
        """Return what a model fitted on it was made from, as the server records it."""
        receipt = write_receipt(self.recipe, self.schema.digest(), self.examples, self.texts)
        return receipt.to_mapping(evaluation.to_mapping() if evaluation else None)


def read_lesson(path: Path, label_config: Path | None) -> Lesson:
    """Read an export, and say on standard error what of it cannot be used.

    Raises
    ------
    PrelabelError
        If it cannot be read, or has not at least two different labels.
    """
    new_model, recipe = make_method(load_settings(None))
    export = read_export(path, _read_label_config(label_config) if label_config else None)
    examples = read_examples(export.schema, export.annotated)
    _require_two_labels(path, export, examples)
    if export.other_labels:
        names = ", ".join(export.other_labels[:10])
        click.echo(f"Left out: labels that the labeling config does not have ({names})", err=True)
    texts = [text for task in export.tasks if (text := export.schema.read_text(task.data))]
    return Lesson(
        schema=export.schema, examples=examples, texts=texts, new_model=new_model, recipe=recipe
    )


def _read_label_config(path: Path) -> LabelSchema:
    try:
        return parse_label_config(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The labeling config {path} cannot be read ({error})",
            expected="a file with the XML of Settings → Labeling Interface → Code",
            fix="Correct --config.",
        ) from error


def _require_two_labels(path: Path, export: Export, examples: Sequence[Example]) -> None:
    counts = Counter(example.label for example in examples)
    if len(counts) > 1:
        return
    found = ", ".join(f"{label}: {count}" for label, count in counts.items()) or "none"
    others = ", ".join(export.other_labels[:10])
    other = f"; labels that the labeling config does not have: {others}" if others else ""
    control = export.schema.control
    where = f'control "{control.name}", text "{control.object_tag.data_key}"'
    raise ConfigError(
        f"{path} has too little to learn from: {where}; examples: {found}{other}",
        expected="tasks with a text, of at least two different labels",
        fix="Label more, or give another labeling config with --config.",
    )
