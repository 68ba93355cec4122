"""evaluate, train and predict, as an operator types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backend import PATIENCE_SECONDS
from tests.builders import config
from tests.commands import run
from tests.exports import annotation, labeled_tasks, task, write, write_lines

OTHER_TASKS = [{"text": "the coach and the striker"}, {"text": " "}, {"data": {"text": "butter"}}]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety tasks of three topics, of which 75 are labeled."""
    return write(tmp_path_factory.mktemp("export") / "export.json", labeled_tasks(90, labeled=75))


@pytest.fixture(scope="module")
def model(export: Path) -> Path:
    folder = export.parent / "new" / "model"
    result = run("train", str(export), str(folder))
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("75labels-")
    assert "accuracy" in result.stdout
    return folder


def test_the_same_tasks_in_another_order_teach_the_same(tmp_path: Path) -> None:
    tasks = labeled_tasks(150, labeled=75)
    version = set()
    for order in (tasks, tasks[::-1], tasks[60:] + tasks[:60]):
        folder = tmp_path / f"model-{len(list(tmp_path.iterdir()))}"
        result = run("train", str(write(tmp_path / "export.json", order)), str(folder))
        assert result.returncode == 0, result.stderr
        version.add(result.stdout.split(",")[0].split()[0])
    assert len(version) == 1


def test_the_curve_of_several_labels_says_what_it_counts(tmp_path: Path) -> None:
    sets = [["sports"], ["cooking"], ["sports", "cooking"], []]
    words = {"sports": "goal match", "cooking": "pan soup"}
    rows = [
        {
            "text": " ".join([f"text {n}", *(words[label] for label in sets[n % 4])]),
            "label": sets[n % 4],
        }
        for n in range(60)
    ]
    labeling_config = tmp_path / "config.xml"
    labeling_config.write_text(config("cooking", "sports").replace("single", "multiple"))
    export = write_lines(tmp_path / "export.jsonl", rows)
    result = run("evaluate", str(export), "--config", str(labeling_config))
    assert result.returncode == 0, result.stderr
    assert "  labels  micro-F1" in result.stdout
    assert "points of micro-F1" in result.stdout


def test_what_standard_output_has_no_letters_for_is_a_question_mark(export: Path) -> None:
    command = [sys.executable, "-m", "prelabel", "evaluate", str(export)]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    said = subprocess.run(
        command, env=environment, check=True, capture_output=True, encoding="latin-1"
    )
    assert "Going from" in said.stdout
    assert "  ????" in said.stdout


def test_evaluate_says_how_good_it_is_and_whether_more_labels_help(
    export: Path, tmp_path: Path
) -> None:
    picture, report = tmp_path / "curve.svg", tmp_path / "report.json"
    result = run("evaluate", str(export), "--picture", str(picture), "--json", str(report))
    assert (result.returncode, result.stderr) == (0, "")
    assert '75 examples of 3 labels (control "topic", text "text"), and 15 texts' in result.stdout
    for part in ("macro-F1", "precision", "labels  accuracy", "Going from 30 to 60 labels"):
        assert part in result.stdout
    found = json.loads(report.read_text())
    found = found["controls"]["topic"]
    assert found["evaluation"]["accuracy"] > 0.9
    assert [point["examples"] for point in found["learning_curve"]["points"]] == [20, 30, 60]
    assert "<svg" in picture.read_text()


def test_evaluate_says_what_a_few_examples_do_not_tell(tmp_path: Path) -> None:
    few = write_lines(
        tmp_path / "few.jsonl", [{"text": "a", "label": 0}, {"text": "b", "label": 1}]
    )
    result = run("evaluate", str(few), "--json", str(tmp_path / "report.json"))
    assert result.returncode == 0
    assert "Too few different texts to measure anything" in result.stdout
    assert "No learning curve: that takes 50 different texts" in result.stdout
    found = json.loads((tmp_path / "report.json").read_text())
    measured = found["controls"]["label"]
    assert (measured["evaluation"], measured["learning_curve"]) == (None, None)


def test_labeled_tasks_without_a_text_are_counted(tmp_path: Path) -> None:
    lines = [{"text": text, "label": n % 2} for n, text in enumerate(("a", "b", "", " "))]
    result = run("evaluate", str(write_lines(tmp_path / "few.jsonl", lines)))
    assert (
        result.stderr == 'Left out: 2 labeled tasks without a text under "text" (control "label")\n'
    )
    assert result.returncode == 0


def test_a_report_for_which_there_is_no_space_is_one_line_and_status_2(tmp_path: Path) -> None:
    few = write_lines(tmp_path / "few.jsonl", [{"text": x, "label": x} for x in "ab"])
    command = [sys.executable, "-m", "prelabel", "evaluate", str(few)]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            command, check=False, stdout=full, stderr=subprocess.PIPE, text=True,
            timeout=PATIENCE_SECONDS,
        )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr == "prelabel: No space is left where standard output goes. Free some.\n"


def test_labels_that_the_config_lacks_are_left_out_and_named(export: Path, tmp_path: Path) -> None:
    xml = tmp_path / "label_config.xml"
    xml.write_text(config("sports", "cooking"))
    result = run("train", str(export), str(tmp_path / "model"), "--config", str(xml))
    assert result.returncode == 0
    assert "does not have (finance)" in result.stderr
    assert result.stdout.startswith("50labels-")


def test_predict_writes_what_label_studio_imports(model: Path, tmp_path: Path) -> None:
    tasks, output = write(tmp_path / "tasks.json", OTHER_TASKS), tmp_path / "predictions.json"
    result = run("predict", str(tasks), "-o", str(output), "--model", str(model))
    assert result.returncode == 0, result.stderr
    assert "2 of 3 tasks predicted by 75labels-" in result.stdout
    assert '1 have no text under "text"' in result.stdout
    first, second, third = json.loads(output.read_text())
    assert first["data"] == OTHER_TASKS[0]
    (prediction,) = first["predictions"]
    assert prediction["result"][0]["value"] == {"choices": ["sports"]}
    assert prediction["model_version"].startswith("75labels-")
    assert 0 <= prediction["score"] <= 1
    assert second["predictions"] == []
    assert third["predictions"][0]["result"][0]["value"] == {"choices": ["cooking"]}


def test_labels_in_the_tasks_change_no_prediction(
    export: Path, model: Path, tmp_path: Path
) -> None:
    bare = [{"data": row["data"]} for row in labeled_tasks(90)]
    for name, tasks in (("1", export), ("2", write(tmp_path / "bare.json", bare))):
        run("predict", str(tasks), "-o", str(tmp_path / name), "--model", str(model))
    assert (tmp_path / "1").read_text() == (tmp_path / "2").read_text()


def test_predicting_imports_no_scikit_learn(export: Path, model: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from prelabel.cli.main import cli;"
        "cli(sys.argv[1:], standalone_mode=False); assert 'sklearn' not in sys.modules"
    )
    arguments = ["predict", str(export), "-o", str(tmp_path / "p"), "--model", str(model)]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, timeout=PATIENCE_SECONDS)


BAD_EXPORTS = {
    "no JSON": b"text,label\nhello,ham\n",
    "empty": b"",
    "binary": b"\x00\x01\xff\xfe" * 100,
    "no annotations": json.dumps([task("x")]).encode(),
    "one label": json.dumps([task("x", annotation("a")), task("y", annotation("a"))]).encode(),
    "no text": json.dumps([{"data": {"n": 1}, "annotations": [annotation("a")]}]).encode(),
}


@pytest.mark.parametrize("command", ["evaluate", "train"])
@pytest.mark.parametrize("bad", [*BAD_EXPORTS, "folder", "missing"])
def test_an_export_that_teaches_nothing_is_one_line_and_status_2(
    tmp_path: Path, command: str, bad: str
) -> None:
    path = tmp_path / "export.json"
    if bad in BAD_EXPORTS:
        path.write_bytes(BAD_EXPORTS[bad])
    if bad == "folder":
        path.mkdir()
    refused(command, str(path), *([str(tmp_path / "model")] if command == "train" else []))
    assert not (tmp_path / "model").exists()


def refused(*arguments: str) -> str:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("prelabel: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--picture", "x.gif"], "ends in .svg or .png"),
        (["--picture", "/dev/null/x.svg"], "cannot be written"),
        (["--json", "/no-such-folder/x.json"], "No such file or directory"),
        (["--json", "/"], "it is a folder"),
        (["--json", "/proc/x.json"], "cannot be written"),  # a folder where nobody may write
        (["--config", "/no-such-file.xml"], "No such file"),
        (["--config", "/bin/sh"], "labeling config"),
    ],
)
def test_evaluate_refuses_what_it_cannot_use(export: Path, options: list[str], said: str) -> None:
    assert said in refused("evaluate", str(export), *options)


def test_with_a_config_of_another_control_it_is_said_what_was_looked_for(
    export: Path, tmp_path: Path
) -> None:
    xml = tmp_path / "label_config.xml"
    xml.write_text(config("a", "b", name="mood"))
    assert 'control "mood"' in refused("evaluate", str(export), "--config", str(xml))
    xml.write_text(config("a", "b"))
    said = refused("evaluate", str(export), "--config", str(xml))
    assert "does not have: cooking, finance, sports" in said


def test_texts_that_are_elsewhere_are_not_fetched_and_that_is_said(
    export: Path, tmp_path: Path
) -> None:
    xml = tmp_path / "label_config.xml"
    labels = config("cooking", "finance", "sports")
    xml.write_text(labels.replace("<Text ", '<Text valueType="url" '))
    said = refused("evaluate", str(export), "--config", str(xml))
    assert 'text "text" (valueType="url": not fetched by this command)' in said


def test_train_overwrites_nothing_and_names_a_place_it_cannot_write(
    export: Path, model: Path
) -> None:
    assert "exists" in refused("train", str(export), str(model))
    assert "cannot be written" in refused("train", str(export), "/dev/null/x")
    assert "cannot be written" in refused("train", str(export), "/proc/x")


def test_predict_refuses_what_it_cannot_use(export: Path, model: Path, tmp_path: Path) -> None:
    output = ["-o", str(tmp_path / "p.json")]
    assert "cannot be read" in refused("predict", str(export), *output, "--model", str(tmp_path))
    folder = ["-o", str(tmp_path)]
    assert "it is a folder" in refused("predict", str(export), *folder, "--model", str(model))
    assert "is empty" in refused("predict", "/dev/null", *output, "--model", str(model))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate", "{export}", "--json", "{export}"),
        ("evaluate", "{export}", "--config", "{config}", "--picture", "{config}"),
        ("evaluate", "{export}", "--json", "new.svg", "--picture", "new.svg"),
        ("predict", "{export}", "-o", "{link}", "--model", "{model}"),
    ],
)
def test_no_command_writes_where_it_reads_or_twice_in_one_place(
    export: Path, model: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    places = {"export": export, "model": model, "link": tmp_path / "link"}
    places["config"] = tmp_path / "config.svg"
    places["config"].write_text(config("cooking", "finance", "sports"))
    places["link"].symlink_to(export)
    before = export.read_bytes(), places["config"].read_bytes()
    said = refused(*(argument.format_map(places) for argument in arguments))
    assert "reads it, or writes something else there" in said
    assert (export.read_bytes(), places["config"].read_bytes()) == before


def test_of_whom_a_model_says_nothing_although_there_is_a_text_is_said(tmp_path: Path) -> None:
    xml = tmp_path / "config.xml"
    xml.write_text(config().replace("<Choices ", '<Choices value="$options" '))
    rows = [
        row | {"data": row["data"] | {"options": ["cooking", "finance", "sports"]}}
        for row in labeled_tasks(30)
    ]
    export, model = write(tmp_path / "export.json", rows), tmp_path / "model"
    assert run("train", str(export), str(model), "--config", str(xml)).returncode == 0
    tasks = [{"text": "a goal", "options": ["politics"]}, {"text": " ", "options": ["sports"]}]
    given = write(tmp_path / "tasks.json", tasks)
    result = run("predict", str(given), "-o", str(tmp_path / "p.json"), "--model", str(model))
    assert "0 of 2 tasks predicted" in result.stdout
    assert '1 have no text under "text", of 1 no label that they may have was' in result.stdout


def test_a_training_says_what_its_figure_does_not(tmp_path: Path) -> None:
    rows = [{"text": f"a text about {n}", "label": f"label {n // 2}"} for n in range(41)]
    export = write_lines(tmp_path / "export.jsonl", rows)
    result = run("train", str(export), str(tmp_path / "model"))
    assert 'Always "label ' in result.stdout
