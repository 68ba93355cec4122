from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from prelabel.cli.findings import Finding
from prelabel.cli.picture import draw, require_picture
from prelabel.errors import ConfigError
from prelabel.label_config import parse_label_config
from prelabel.loop.evaluation import Evaluation, evaluate
from prelabel.loop.learning_curve import LearningCurve
from prelabel.loop.lesson import Lesson
from prelabel.loop.set_evaluation import evaluate_sets
from prelabel.models.method import Method
from tests.builders import config
from tests.letters import Letters
from tests.unit.test_learning_curve import outcome

TRIALS = [(20, 0.6), (50, 0.8), (100, 0.85)]
CURVE = LearningCurve.of(outcome(n, a, texts=20) for n, a in TRIALS)


def measured(n_labels: int, *, name: str = "label") -> Evaluation:
    labels = [f"{name} {n}" for n in range(n_labels)]
    rows = np.roll(np.eye(n_labels), 1, axis=1)
    evaluation = evaluate(labels, labels, rows, rows.argmax(axis=1))
    assert evaluation
    return evaluation


def found(
    evaluation: Evaluation | None, curve: LearningCurve | None, *, names: Sequence[str] = ("topic",)
) -> list[Finding]:
    lessons = [
        Lesson(control=control, examples=(), pool=(), method=Method(model_class=Letters))
        for name in names
        for control in parse_label_config(config("a", "b", name=name)).controls
    ]
    return [Finding(lesson=lesson, evaluation=evaluation, curve=curve) for lesson in lessons]


def read_texts(path: Path) -> str:
    return " ".join(ET.parse(path).getroot().itertext())


def find_heights(path: Path, text: str) -> list[float]:
    """Return where the texts with these words stand, in points from above, the highest first."""
    nodes = ET.parse(path).getroot().iter("{http://www.w3.org/2000/svg}text")
    return sorted(float(node.attrib["y"]) for node in nodes if text in (node.text or ""))


def test_a_picture_shows_each_budget_and_each_label(tmp_path: Path) -> None:
    draw(tmp_path / "x.svg", found(measured(3), CURVE))
    texts = read_texts(tmp_path / "x.svg")
    for shown in ("60 %", "85 %", "on 20 texts left out", "label 2", "label predicted"):
        assert shown in texts


def test_equal_results_are_equal_files(tmp_path: Path) -> None:
    for name in ("1.svg", "2.svg"):
        draw(tmp_path / name, found(measured(3), CURVE))
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()


def test_the_number_at_a_hundred_percent_stands_below_the_caption(tmp_path: Path) -> None:
    curve = LearningCurve.of(outcome(n, 1, texts=20) for n in (20, 40))
    draw(tmp_path / "x.svg", found(measured(3), curve))
    (caption,) = find_heights(tmp_path / "x.svg", "on 20 texts left out")
    assert find_heights(tmp_path / "x.svg", "100 %")[0] - caption > 10  # the size of the number


@pytest.mark.parametrize("name", ["x.png", "x.PNG"])
def test_the_ending_decides_the_format(tmp_path: Path, name: str) -> None:
    draw(tmp_path / name, found(measured(3), CURVE))
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_of_many_labels_the_most_confused_are_shown(tmp_path: Path) -> None:
    draw(tmp_path / "x.svg", found(measured(30), CURVE))
    assert "label predicted (the 20 most confused labels of 30)" in read_texts(tmp_path / "x.svg")


def test_of_many_labels_of_which_several_are_chosen_the_most_frequent_are_shown(
    tmp_path: Path,
) -> None:
    labels = [f"label {n:02}" for n in range(30)]
    sets = [labels[n:] for n in range(30)]  # the last one is in all
    rows = np.array([[float(label in chosen) for label in labels] for chosen in sets])
    draw(tmp_path / "x.svg", found(evaluate_sets(sets, labels, rows, rows > 0.5), None))
    texts = read_texts(tmp_path / "x.svg")
    assert "the 20 labels given most often of 30" in texts
    assert "label 10" in texts
    assert "label 09" not in texts


def test_what_is_not_all_does_not_read_as_all_nor_an_axis_as_uneven(tmp_path: Path) -> None:
    curve = LearningCurve.of(outcome(n, a, texts=1000) for n, a in ((20, 0.997), (40, 0.998)))
    draw(tmp_path / "x.svg", found(measured(3), curve))
    texts = read_texts(tmp_path / "x.svg")
    assert "99.7 %" in texts
    assert "99.8 %" in texts
    assert "98 %" not in texts or "96 %" in texts  # 97.5 and 92.5 would be rounded


def test_the_number_at_a_fall_stands_below_the_line(tmp_path: Path) -> None:
    curve = LearningCurve.of(outcome(n, a) for n, a in ((20, 0.63), (40, 0.61)))
    draw(tmp_path / "x.svg", found(None, curve))
    (before,), (after,) = (find_heights(tmp_path / "x.svg", f"{n} %") for n in (63, 61))
    assert after - before > 20


def test_a_curve_says_what_it_measures(tmp_path: Path) -> None:
    for curve, what in (
        (CURVE, "Accuracy by"),
        (replace(CURVE, measure="micro-F1"), "Micro-F1 by"),
    ):
        draw(tmp_path / "x.svg", found(None, curve))
        assert f"{what} number of labels" in read_texts(tmp_path / "x.svg")


def test_long_names_leave_room_for_the_drawing(tmp_path: Path) -> None:
    draw(tmp_path / "x.svg", found(measured(3, name="x" * 60), CURVE))
    lowest, highest = (find_heights(tmp_path / "x.svg", f"{n} %")[0] for n in (60, 100))
    assert lowest - highest > 50


def test_a_name_is_shown_as_it_is_written(tmp_path: Path) -> None:
    draw(tmp_path / "x.svg", found(measured(2, name="$5 or $x^{"), CURVE))
    assert "$5 or $x^{ 1" in read_texts(tmp_path / "x.svg")


def test_names_that_are_shown_alike_have_a_bar_each(tmp_path: Path) -> None:
    labels = ("x" * 60 + "1" + "y" * 60, "x" * 60 + "2" + "y" * 60)
    sets = np.array([[0.9, 0.1], [0.2, 0.8]])
    evaluation = evaluate_sets([labels[:1], labels[1:]], labels, sets, sets > 0.5)
    draw(tmp_path / "x.svg", found(evaluation, None))
    first, second = find_heights(tmp_path / "x.svg", "…yyy")
    assert find_heights(tmp_path / "x.svg", "100 %") == pytest.approx([first, second], abs=2)


def test_signs_that_no_font_has_do_no_harm_and_are_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw(tmp_path / "x.png", found(measured(3, name="\U00013000"), CURVE))
    assert "install a font" in capsys.readouterr().err
    draw(tmp_path / "x.svg", found(measured(3, name="\U00013000"), CURVE))
    assert not capsys.readouterr().err, "it is shown with the reader's fonts"


def test_what_was_not_measured_is_said(tmp_path: Path) -> None:
    draw(tmp_path / "x.svg", found(None, None))
    assert "Too few texts for a learning curve" in read_texts(tmp_path / "x.svg")


def test_of_several_controls_each_is_named_and_of_several_labels_the_f1_is_shown(
    tmp_path: Path,
) -> None:
    sets = np.array([[0.9, 0.1], [0.2, 0.8]])
    evaluation = evaluate_sets([("late",), ("late", "cold")], ("cold", "late"), sets, sets > 0.5)
    draw(tmp_path / "x.svg", found(evaluation, CURVE, names=("topic", "mood")))
    texts = read_texts(tmp_path / "x.svg")
    for shown in ("topic", "mood", "F1 of each label", "late"):
        assert shown in texts


def test_where_no_text_has_a_label_no_bar_is_drawn(tmp_path: Path) -> None:
    none = np.zeros((2, 1))
    evaluation = evaluate_sets([(), ()], ("a",), none, none > 0.5)
    draw(tmp_path / "x.svg", found(evaluation, None))
    assert "F1 of each label" in read_texts(tmp_path / "x.svg")


@pytest.mark.parametrize("name", ["x.jpeg", "x", "svg"])
def test_another_ending_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"ends in \.svg or \.png"):
        require_picture(Path(name))


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    monkeypatch.setattr(sys, "path", [])  # nothing that pip installed can be found
    monkeypatch.setattr(sys, "path_importer_cache", {})
    with pytest.raises(ConfigError, match="-m pip install matplotlib"):
        require_picture(Path("x.svg"))
