"""The commands that work on files, without a server: evaluate, train, predict."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from prelabel.cli.lesson import Lesson, read_lesson
from prelabel.cli.outputs import require_file, require_new_folder, writing
from prelabel.cli.picture import draw, require_picture
from prelabel.cli.report import describe_curve, describe_evaluation, join
from prelabel.label_studio.export import read_export
from prelabel.label_studio.prediction_file import open_prediction_file
from prelabel.loop.evaluation import Evaluation
from prelabel.loop.learning_curve import LEAST_EXAMPLES, LearningCurve, plan_learning_curve
from prelabel.loop.model_folder import keep_model, load_kept_model
from prelabel.loop.predictor import TEXTS_AT_ONCE
from prelabel.models.loader import load_model_class

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
    require_file(picture)
    require_file(report)
    lesson = read_lesson(export, label_config)
    evaluation, curve = _measure(lesson)
    click.echo(_describe(lesson, evaluation, curve))
    if report:
        with writing(report):
            report.write_text(_to_json(lesson, evaluation, curve), encoding="utf-8")
    if picture:
        with writing(picture):
            draw(picture, evaluation, curve)


@click.command()
@click.argument("export", type=_PATH)
@click.argument("model_folder", type=_PATH)
@_config_option
def train(export: Path, model_folder: Path, label_config: Path | None) -> None:
    """Train a model on EXPORT and keep it in the new folder MODEL_FOLDER.

    EXPORT is as for `prelabel evaluate`. The folder is what `prelabel predict` takes.
    """
    require_new_folder(model_folder)
    lesson = read_lesson(export, label_config)
    with _progress(1, "Training") as advance:
        model = lesson.fit()
        advance(1)
    evaluation = lesson.evaluate(model)
    with writing(model_folder):
        keep_model(
            model,
            model_folder,
            schema=lesson.schema,
            n_examples=len(lesson.examples),
            receipt=lesson.write_receipt(evaluation),
        )
    version = load_kept_model(model_folder, type(model)).version
    click.echo(f"{version} in {model_folder}: {evaluation or 'too few examples to measure'}")


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
    require_file(output)
    kept = load_kept_model(folder, load_model_class(None))
    found = read_export(tasks, kept.schema).tasks
    n_predicted = 0
    with (
        writing(output),
        open_prediction_file(output) as file,
        _progress(len(found), "Predicting") as advance,
    ):
        for start in range(0, len(found), TEXTS_AT_ONCE):
            batch = found[start : start + TEXTS_AT_ONCE]
            predictions = kept.predict([task.data for task in batch])
            file.write(batch, predictions)
            n_predicted += sum(prediction is not None for prediction in predictions)
            advance(len(batch))
    key = kept.schema.control.object_tag.data_key
    rest = f', {len(found) - n_predicted} have no text under "{key}"'
    without = rest if n_predicted < len(found) else ""
    click.echo(f"{n_predicted} of {len(found)} tasks predicted by {kept.version}{without}")


def _measure(lesson: Lesson) -> tuple[Evaluation | None, LearningCurve | None]:
    experiment = plan_learning_curve(lesson.examples)
    trials = []
    with _progress(1 + (len(experiment.trials) if experiment else 0), "Training") as advance:
        evaluation = lesson.evaluate(lesson.fit())
        advance(1)
        if experiment is None:
            return evaluation, None
        for trial in experiment.run(
            lesson.new_model, unlabeled=lesson.texts, label_names=lesson.label_names
        ):
            trials.append(trial)
            advance(1)
    return evaluation, LearningCurve.of(trials, n_test=len(experiment.test))


def _describe(lesson: Lesson, evaluation: Evaluation | None, curve: LearningCurve | None) -> str:
    control, n_examples = lesson.schema.control, len(lesson.examples)
    found = (
        f"{n_examples} examples of {len({e.label for e in lesson.examples})} labels "
        f'(control "{control.name}", text "{control.object_tag.data_key}"), '
        f"and {len(lesson.texts) - n_examples} texts without a label."
    )
    nothing = ["Too few examples to measure anything: label more."]
    no_curve = [f"No learning curve: that takes {LEAST_EXAMPLES} examples with different texts."]
    parts = [
        [found],
        describe_evaluation(evaluation) if evaluation else nothing,
        describe_curve(curve) if curve else no_curve,
    ]
    return join(parts)


def _to_json(lesson: Lesson, evaluation: Evaluation | None, curve: LearningCurve | None) -> str:
    results = {
        "examples": len(lesson.examples),
        "texts": len(lesson.texts),
        "evaluation": evaluation.to_mapping() if evaluation else None,
        "learning_curve": curve.to_mapping() if curve else None,
    }
    return json.dumps(results, ensure_ascii=False, indent=2) + "\n"


@contextmanager
def _progress(length: int, label: str) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error, where that is a terminal."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield bar.update
