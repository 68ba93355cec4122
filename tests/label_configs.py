"""A table of labeling configs: what people decide in each, and what is predicted then.

Every row was checked against Label Studio 1.23.2, which took the annotations and, with its
validation on, the predictions (``tests/acceptance/test_label_configs.py``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prelabel.label_config import parse_label_config
from prelabel.loop.course import read_course
from prelabel.loop.model_folder import KeptModel
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.method import Method
from prelabel.types import Annotation, Prediction, Region, Task
from tests.builders import DATA, at

WORDS = {
    "sports": "goal match team coach league striker",
    "tennis": "racket serve court volley backhand ace",
    "cooking": "oven butter soup garlic dough whisk",
}
EACH = 14
"""Tasks a topic: enough for thresholds that are measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A labeling config.

    Attributes
    ----------
    data
        A task's data; ``{}`` stands for its text.
    decided, predicted
        Regions by topic, as Label Studio has them, without ids.
    refused
        What Label Studio's validation says of the form that its own editor stores: it fails on
        paths of nested choices (label-studio-sdk 2.1.2). Empty where it takes it.
    """

    name: str
    label_config: str
    data: Mapping[str, Any]
    decided: Mapping[str, Sequence[Mapping[str, Any]]]
    predicted: Mapping[str, Sequence[Mapping[str, Any]]]
    refused: str = ""

    def make_data(self, topic: str, number: int) -> dict[str, Any]:
        """Return the data of one of a topic's tasks."""
        words = WORDS[topic].split()
        text = " ".join(words[(number + i) % len(words)] for i in range(4)) + f" {number}"
        filled: dict[str, Any] = _fill(self.data, text)
        return filled

    def make_tasks(self) -> list[tuple[str, dict[str, Any]]]:
        """Return topic and data of the tasks to label, in turns."""
        return [(topic, self.make_data(topic, n)) for n in range(EACH) for topic in self.decided]

    def learn(self, annotated: Sequence[tuple[Task, Annotation]]) -> KeptModel:
        """Learn what people decided."""
        schema = parse_label_config(self.label_config)
        method = Method(model_class=SklearnTextClassifier)
        course = read_course(schema, annotated, [task.data for task, _ in annotated], method)
        models = course.fit()
        assert len(models) == len(schema.controls)
        return KeptModel(models=models, schema=schema, version="v1")

    def suggest(self, model: KeptModel) -> dict[str, Prediction | None]:
        """Predict a new task of each topic."""
        data = [self.make_data(topic, EACH + 1) for topic in self.decided]
        return dict(zip(self.decided, model.predict(data), strict=True))


def read_table() -> list[Row]:
    """Return all rows."""
    return [Row(**row) for row in json.loads((DATA / "label_configs.json").read_text())]


def annotate(row: Row) -> Iterator[tuple[Task, Annotation]]:
    """Yield what people decided, as Label Studio tells it."""
    for number, (topic, data) in enumerate(row.make_tasks(), 1):
        regions = tuple(Region(**region) for region in row.decided[topic])
        annotation = Annotation(id=number, task_id=number, regions=regions, updated_at=at(0))
        yield Task(id=number, data=data), annotation


def to_plain(prediction: Prediction | None) -> list[dict[str, Any]] | None:
    """Return a prediction's regions as the table has them."""
    if prediction is None:
        return None
    return [
        {"from_name": r.from_name, "to_name": r.to_name, "type": r.type, "value": dict(r.value)}
        for r in prediction.regions
    ]


def _fill(value: Any, text: str) -> Any:
    if isinstance(value, str):
        return value.replace("{}", text)
    if isinstance(value, list):
        return [_fill(item, text) for item in value]
    if isinstance(value, dict):
        return {key: _fill(item, text) for key, item in value.items()}
    return value
