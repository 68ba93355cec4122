"""An export → what is to be learned from it."""

from __future__ import annotations

from pathlib import Path

import click

from prelabel.bootstrap import make_method
from prelabel.cli.report import count_of
from prelabel.errors import ConfigError
from prelabel.label_config import LabelSchema, parse_label_config
from prelabel.label_studio.export import Export, digest, read_export
from prelabel.loop.course import Course, read_course
from prelabel.loop.examples import count_without_text
from prelabel.loop.lesson import Lesson
from prelabel.settings import load_settings


def read_course_of(path: Path, label_config: Path | None) -> Course:
    """Read an export, and say on standard error what of it cannot be used.

    Raises
    ------
    PrelabelError
        If it cannot be read, or has for no control at least two different labels.
    """
    method = make_method(load_settings(None))
    export = read_export(path, _read_label_config(label_config) if label_config else None)
    # Which texts the words are learned from first follows from what they say, not from the file's
    # order: Label Studio and people sort the same labels differently.
    data = sorted((task.data for task in export.tasks), key=digest)
    course = read_course(export.schema, export.annotated, data, method)
    _require_lessons(path, export, course)
    if export.other_labels:
        names = ", ".join(export.other_labels[:10])
        click.echo(f"Left out: labels that the labeling config does not have ({names})", err=True)
    for lesson in course.lessons:
        if n := count_without_text(lesson.control, export.annotated):
            without = (
                f"{count_of(n, 'labeled task')} without a text under {lesson.control.data_keys}"
            )
            click.echo(f'Left out: {without} (control "{lesson.name}")', err=True)
        if not lesson.can_be_learned:
            click.echo(f"Left out: {_describe(lesson)}", err=True)
    return course


def _read_label_config(path: Path) -> LabelSchema:
    try:
        return parse_label_config(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The labeling config {path} cannot be read ({error})",
            expected="a file with the XML of Settings → Labeling Interface → Code",
            fix="Correct --config.",
        ) from error


def _require_lessons(path: Path, export: Export, course: Course) -> None:
    if course.ready:
        return
    found = "; ".join(_describe(lesson) for lesson in course.lessons)
    others = ", ".join(export.other_labels[:10])
    other = f"; labels that the labeling config does not have: {others}" if others else ""
    raise ConfigError(
        f"{path} has too little to learn from: {found}{other}",
        expected="tasks with a text, of at least two different labels",
        fix="Label more, or give another labeling config with --config.",
    )


def _describe(lesson: Lesson) -> str:
    counts = ", ".join(f"{label}: {count}" for label, count in lesson.counts.items()) or "none"
    is_far = any(tag.is_url for tag in lesson.control.object_tags)
    far = ' (valueType="url": not fetched by this command)' if is_far else ""
    return f'control "{lesson.name}", text {lesson.control.data_keys}{far}; examples: {counts}'
