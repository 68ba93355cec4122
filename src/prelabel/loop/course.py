"""What a project teaches: a lesson for each of its controls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prelabel.errors import NotEnoughLabelsError
from prelabel.label_config import ControlTag, LabelSchema
from prelabel.loop.evaluation import Evaluation
from prelabel.loop.examples import read_examples
from prelabel.loop.lesson import Lesson
from prelabel.loop.receipt import Receipt, write_receipt
from prelabel.models.base import Model, labels_of
from prelabel.models.method import Method
from prelabel.types import Annotation, Head, Task


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """Lessons, and how they are learned.

    Attributes
    ----------
    lessons
        One for each control, in the order of the labeling config.
    """

    schema: LabelSchema
    lessons: Sequence[Lesson]
    method: Method

    @property
    def ready(self) -> list[Lesson]:
        """The lessons that can be learned."""
        return [lesson for lesson in self.lessons if lesson.can_be_learned]

    @property
    def waiting(self) -> list[Lesson]:
        """The lessons with too few labels yet, for which names may speak."""
        return [x for x in self.lessons if x.may_be_named and not x.is_of_labels]

    @property
    def is_of_labels(self) -> bool:
        """Whether there are labels enough to learn from, of one control at least."""
        return any(lesson.is_of_labels for lesson in self.lessons)

    @property
    def n_tasks(self) -> int:
        """How many tasks the lessons that can be learned are about."""
        return len({example.task_id for lesson in self.ready for example in lesson.examples})

    def write_receipt(self) -> Receipt:
        """Return all that decides what is learned."""
        return write_receipt(self.method.recipe, self.schema.digest(), self.lessons)

    def require_lessons(self) -> None:
        """Raise `NotEnoughLabelsError` if nothing can be learned."""
        if not self.ready:
            raise self.too_few_labels()

    def too_few_labels(self) -> NotEnoughLabelsError:
        """Return the error that says how many examples there are."""
        is_one = len(self.lessons) == 1
        counts = Counter[str]()
        for lesson in self.lessons:
            for label, count in lesson.counts.items():
                counts[label if is_one else f"{lesson.name}: {label}"] += count
        return NotEnoughLabelsError(counts)

    def fit(self) -> dict[str, Model]:
        """Fit a model for each control that can be learned; return them by control.

        Raises
        ------
        NotEnoughLabelsError
            If there is none.
        """
        self.require_lessons()
        return {lesson.name: lesson.learn() for lesson in self.ready}

    def evaluate(self, models: Mapping[str, Model]) -> dict[str, Evaluation]:
        """Measure what `fit` gave on what it left out; what left out nothing is missing."""
        found = {lesson.name: lesson.evaluate(models[lesson.name]) for lesson in self.ready}
        return {control: evaluation for control, evaluation in found.items() if evaluation}

    def describe_heads(self, models: Mapping[str, Model]) -> list[Head]:
        """Return what a version of what `fit` gave can decide."""
        return [
            Head(
                control=x.name,
                frame=x.control.frame,
                manner=x.control.manner,
                labels=labels_of(models[x.name]),
                name_texts=0 if x.is_of_labels else x.n_texts,
            )
            for x in self.ready
        ]

    def describe(self, models: Mapping[str, Model]) -> str:
        """Say for people what was learned, and what there is too little for."""
        found = {x.name: _describe(x, models[x.name]) for x in self.ready}
        if len(self.lessons) == 1:
            return found[self.lessons[0].name]
        parts = [f"{x.name}: {found.get(x.name, 'too few labels yet')}" for x in self.lessons]
        return "; ".join(parts)


def _describe(lesson: Lesson, model: Model) -> str:
    learned = f"{len(model.classes_)} labels learned"
    if lesson.is_of_labels:
        return learned
    n_labeled = len(lesson.examples)
    labels = f"{n_labeled} of one label so far" if n_labeled else "no labels yet"
    return f"{learned} from their names and {lesson.n_texts:,} texts, {labels}"


def read_pool(control: ControlTag, data: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the texts that a control is about, of the tasks that have one."""
    return [text for item in data if (text := control.read_text(item))]


def read_course(
    schema: LabelSchema,
    annotated: Sequence[tuple[Task, Annotation]],
    data: Sequence[Mapping[str, object]],
    method: Method,
) -> Course:
    """Return what annotations teach about each control.

    Parameters
    ----------
    data
        Of all tasks of the project, labeled or not.
    """
    lessons = [
        Lesson(
            control=control,
            examples=read_examples(control, annotated, schema.controls),
            pool=read_pool(control, data),
            method=method,
        )
        for control in schema.controls
    ]
    return Course(schema=schema, lessons=lessons, method=method)
