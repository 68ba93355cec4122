from __future__ import annotations

import sys
from pathlib import Path

import pytest

from prelabel.errors import ConfigError
from prelabel.models.loader import find_model_class, list_model_classes, load_model_class
from prelabel.models.logistic import SklearnTextClassifier

RAW = "from prelabel.models.raw import RawModel\n"
ONE = f"{RAW}class Mine(RawModel): ...\n"


def write(folder: Path, source: str, name: str = "model.py") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(source)
    return folder


def refusal(target: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        find_model_class(target)
    return str(caught.value)


def test_a_folder_with_one_class_gives_that_class(tmp_path: Path) -> None:
    assert find_model_class(write(tmp_path / "a", ONE)).__name__ == "Mine"


def test_no_folder_and_a_folder_without_a_class_give_the_built_in_one(tmp_path: Path) -> None:
    assert find_model_class(None) is SklearnTextClassifier
    assert load_model_class(tmp_path) is SklearnTextClassifier


def test_a_class_that_others_extend_is_not_the_one_meant(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", f"{ONE}class Better(Mine): ...\n")
    assert find_model_class(folder).__name__ == "Better"
    assert find_model_class(Path(f"{folder}:Mine")).__name__ == "Mine"


def test_several_candidates_are_listed(tmp_path: Path) -> None:
    said = refusal(write(tmp_path / "a", f"{ONE}class Other(RawModel): ...\n"))
    assert "Mine, Other" in said
    assert f"{tmp_path / 'a'}:Mine" in said


def test_a_name_that_is_not_there_is_said_with_those_that_are(tmp_path: Path) -> None:
    assert "it defines Mine" in refusal(Path(f"{write(tmp_path / 'a', ONE)}:Yours"))


def test_an_unfinished_class_is_said_with_what_it_lacks(tmp_path: Path) -> None:
    source = "from prelabel.models.base import TextModel\nclass Mine(TextModel): ...\n"
    assert "it lacks fit, from_arrays, predict_proba, to_arrays" in refusal(
        write(tmp_path / "a", source)
    )


def test_two_folders_modules_are_never_mixed(tmp_path: Path) -> None:
    source = f"{RAW}from words import WORD\nclass Mine(RawModel):\n    word = WORD\n"
    path = list(sys.path)
    words = []
    for name in ("first", "second"):
        write(tmp_path / name, f"WORD = {name!r}\n", "words.py")
        words.append(vars(find_model_class(write(tmp_path / name, source)))["word"])
    assert words == ["first", "second"]
    assert sys.path == path
    assert not {"words", "model"} & set(sys.modules)


def test_an_import_error_names_file_line_and_what_to_install(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", "import os\nimport not_there_at_all.x\n")
    (folder / "requirements.txt").write_text("not-there-at-all\n")
    said = refusal(folder)
    assert "model.py, line 2" in said
    assert f"{sys.executable} -m pip install not-there-at-all" in said
    assert "requirements.txt" in said


def test_a_relative_import_is_told_how_to_be_written(tmp_path: Path) -> None:
    assert "from helper import x" in refusal(write(tmp_path / "a", "from .helper import X\n"))


def test_a_file_that_is_not_found_is_told_how_to_be_named(tmp_path: Path) -> None:
    said = refusal(write(tmp_path / "a", "open('weights.bin')\n"))
    assert "line 1 failed (FileNotFoundError" in said
    assert "Path(__file__).parent" in said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\nx = = 2\n", "line 2"),
        ("1 / 0\n", "line 1 failed (ZeroDivisionError"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
    ],
)
def test_whatever_an_import_raises_names_its_line(tmp_path: Path, source: str, said: str) -> None:
    assert said in refusal(write(tmp_path / "a", source))


def test_a_failed_import_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", "1 / 0\n")
    refusal(folder)
    write(folder, ONE)
    assert find_model_class(folder).__name__ == "Mine"


def test_a_lower_level_class_is_no_text_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="reads and writes Label Studio's JSON"):
        load_model_class(write(tmp_path / "a", ONE))


def test_classes_can_be_listed(tmp_path: Path) -> None:
    write(tmp_path / "a", f"{ONE}class Other(RawModel): ...\n")
    assert list_model_classes(tmp_path / "a" / "model.py") == ["Mine", "Other"]
