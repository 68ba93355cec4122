"""The commands that work on files, without a server: evaluate, train, predict."""

from __future__ import annotations

from pathlib import Path

import click

from prelabel.cli.course import read_course_of
from prelabel.cli.findings import Finding, describe, describe_limits, to_json
from prelabel.cli.outputs import require_file, require_new_folder, writing
from prelabel.cli.picture import draw, require_picture
from prelabel.cli.progress import progress
from prelabel.label_config import Kind, LabelSchema
from prelabel.label_studio.export import read_export
from prelabel.label_studio.prediction_file import open_prediction_file
from prelabel.loop.course import Course
from prelabel.loop.experiment import plan_experiment
from prelabel.loop.learning_curve import LearningCurve
from prelabel.loop.model_folder import keep_model, load_kept_model
from prelabel.loop.suggestions import TEXTS_AT_ONCE
from prelabel.models.loader import load_model_class
from prelabel.types import Task

_PATH = click.Path(path_type=Path)
_config_option = click.option(
    "--config",
    "label_config",
    type=_PATH,
    help="The labeling config, where the export alone leaves open what is meant.",
)


@click.command()
@click.argument("export", type=_PATH)
@_config_option
@click.option("--picture", type=_PATH, help="Draw the results into this .svg or .png file.")
@click.option("--json", "report", type=_PATH, help="Write the results into this file.")
def evaluate(
    export: Path, label_config: Path | None, picture: Path | None, report: Path | None
) -> None:
    """Measure what a model learns from EXPORT, and whether more labels would help.

    EXPORT is a JSON or JSON-MIN export of Label Studio, or has a line like
    {"text": "see you at six", "label": "ham"} for each task.
    """
    require_picture(picture)
    require_file(picture, besides=(export, label_config, report))
    require_file(report, besides=(export, label_config))
    findings = _measure(read_course_of(export, label_config))
    click.echo(describe(findings))
    if report:
        with writing(report):
            report.write_text(to_json(findings), encoding="utf-8")
    if picture:
        with writing(picture):
            draw(picture, findings)


@click.command()
@click.argument("export", type=_PATH)
@click.argument("model_folder", type=_PATH)
@_config_option
def train(export: Path, model_folder: Path, label_config: Path | None) -> None:
    """Train a model on EXPORT and keep it in the new folder MODEL_FOLDER.

    EXPORT is as for `prelabel evaluate`. The folder is what `prelabel predict` takes.
    """
    require_new_folder(model_folder)
    course = read_course_of(export, label_config)
    with progress(1, "Training") as bar:
        models = course.fit()
        bar.update(1)
    measured = course.evaluate(models)
    metrics = {control: found.to_mapping() for control, found in measured.items()} or None
    with writing(model_folder):
        keep_model(
            models,
            model_folder,
            schema=course.schema,
            n_examples=course.n_tasks,
            receipt=course.write_receipt().to_mapping(metrics),
        )
    version = load_kept_model(model_folder, course.method.model_class).version
    for lesson in course.ready:
        found = measured.get(lesson.name, "too few examples to measure")
        click.echo(f'{version} in {model_folder}, control "{lesson.name}": {found}')
        for limit in describe_limits(lesson):
            click.echo(limit)


@click.command()
@click.argument("tasks", type=_PATH)
@click.option(
    "-o", "--output", type=_PATH, required=True, help="File to write, for Label Studio's import."
)
@click.option(
    "--model", "folder", type=_PATH, required=True, help="Folder that `prelabel train` wrote."
)
def predict(tasks: Path, output: Path, folder: Path) -> None:
    """Suggest a label for each task of TASKS, with a model that `prelabel train` made.

    TASKS is as EXPORT for `prelabel evaluate`; labels in it are not looked at. Tasks without a
    text get no prediction.
    """
    require_file(output, besides=(tasks,))
    kept = load_kept_model(folder, load_model_class(None))
    found = read_export(tasks, kept.schema).tasks
    n_predicted = n_without = 0
    with (
        writing(output),
        open_prediction_file(output) as file,
        progress(len(found), "Predicting") as bar,
    ):
        for start in range(0, len(found), TEXTS_AT_ONCE):
            batch = found[start : start + TEXTS_AT_ONCE]
            predictions = kept.predict([task.data for task in batch])
            file.write(batch, predictions)
            left = [task for task, x in zip(batch, predictions, strict=True) if x is None]
            n_predicted += len(batch) - len(left)
            n_without += sum(not _has_text(kept.schema, task) for task in left)
            bar.update(len(batch))
    keys = " and ".join(dict.fromkeys(control.data_keys for control in kept.schema.controls))
    parts = [f"{n_predicted} of {len(found)} tasks predicted by {kept.version}"]
    if n_without:
        parts.append(f"{n_without} have no text under {keys}")
    if n_unknown := len(found) - n_predicted - n_without:
        parts.append(f"of {n_unknown} no label that they may have was learned")
    click.echo(", ".join(parts))


def _has_text(schema: LabelSchema, task: Task) -> bool:
    return any(control.read_text(task.data) for control in schema.controls)


def _measure(course: Course) -> list[Finding]:
    plans = [(lesson, plan_experiment(lesson.examples)) for lesson in course.ready]
    findings = []
    with progress(sum(1 + len(trials) for _, trials in plans), "Training") as bar:
        for lesson, trials in plans:
            evaluation = lesson.evaluate(lesson.learn())
            bar.update(1)
            outcomes = []
            for trial in trials:
                outcomes.append(trial.run(lesson))
                bar.update(1)
            measure = "micro-F1" if lesson.control.kind is Kind.SEVERAL else "accuracy"
            curve = LearningCurve.of(outcomes, measure=measure) if outcomes else None
            findings.append(Finding(lesson=lesson, evaluation=evaluation, curve=curve))
    return findings
