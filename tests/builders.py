"""Small values that tests of several modules begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prelabel.models.ngrams import MAX_TEXT_CHARACTERS
from prelabel.types import Annotation, Event, EventKind, Head, ProjectKey, Region, Task
from tests.backend import make_text, write_config

DATA = Path(__file__).parent / "data"
PROJECT = ProjectKey(1, 1795447612)
TWIN = ProjectKey(1, 1600000000)
"""The same id on another Label Studio."""

Pair = tuple[Task, Annotation]


def config(*labels: str, name: str = "topic") -> str:
    return write_config(labels, name=name)


CONFIG = config("cooking", "sports")


def at(minute: float) -> datetime:
    return datetime(2026, 11, 23, 15, tzinfo=UTC) + timedelta(minutes=minute)


def region(label: str, name: str = "topic") -> Region:
    return Region(from_name=name, to_name="text", type="choices", value={"choices": [label]})


def labeled(
    id_: int,
    label: str | None = "sports",
    *,
    task: int | None = None,
    text: str | None = None,
    minute: float = 0,
    skipped: bool = False,
    by: int | None = None,
    truth: bool = False,
) -> Pair:
    """Return an annotation with its task of the same id; no label is an empty annotation."""
    number = id_ if task is None else task
    item = Task(id=number, data={"text": text or f"text {number}"}, updated_at=at(minute))
    decided = Annotation(
        id=id_,
        task_id=number,
        regions=(region(label),) if label else (),
        was_cancelled=skipped,
        ground_truth=truth,
        completed_by=by,
        updated_at=at(minute),
    )
    return item, decided


def annotated(*pairs: Pair, project: ProjectKey = PROJECT, label_config: str = CONFIG) -> Event:
    return Event(
        kind=EventKind.ANNOTATED, project=project, annotated=pairs, label_config=label_config
    )


def by_task(pairs: Iterable[Pair]) -> list[tuple[Task, list[Annotation]]]:
    """Return tasks with their annotations, in order of their ids, as Label Studio shows them."""
    shown: dict[int, tuple[Task, list[Annotation]]] = {}
    for task, annotation in pairs:
        shown.setdefault(task.id, (task, []))[1].append(annotation)
    return [shown[id_] for id_ in sorted(shown)]


def heads(*labels: str, frame: str = "frame", control: str = "topic") -> tuple[Head, ...]:
    """Return what a version of one control can decide."""
    return (Head(control=control, frame=frame, labels=labels),)


def deleted(*ids: int, project: ProjectKey = PROJECT) -> Event:
    return Event(kind=EventKind.ANNOTATIONS_DELETED, project=project, deleted_ids=ids)


def tasks_deleted(*ids: int, project: ProjectKey = PROJECT) -> Event:
    return Event(kind=EventKind.TASKS_DELETED, project=project, deleted_ids=ids)


def make_forget(read: Callable[[list[str]], object]) -> None:
    """Have tokens forgotten: by more characters than are remembered, and one token more."""
    read([f"{n}{'x' * (MAX_TEXT_CHARACTERS - 10)}" for n in range(6)])
    read(["afterwards"])


def speaking_texts(n: int, labels: Sequence[str] = ("sports", "cooking")) -> list[str]:
    """Return different texts, the labels in turn; one in ten has the name of its label."""
    made = []
    for number in range(n):
        label = labels[number % len(labels)]
        name = label if number // len(labels) % 10 == 0 else "today"
        made.append(f"{make_text(label, number * 7)} {name} {number}")
    return made


def examples(labels: Sequence[str], *, first: int = 1) -> tuple[Pair, ...]:
    """Return one annotated task for each label, with a text that tells it."""
    return tuple(
        labeled(id_, label, text=f"about {label} and {label}s, number {id_}")
        for id_, label in enumerate(labels, first)
    )
