from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from prelabel.label_studio.prediction_file import open_prediction_file
from prelabel.types import Prediction, Task
from tests.builders import region

TASKS = [Task(id=1, data={"text": "a góal", "n": 5}), Task(id=2, data={})]
PREDICTION = Prediction(regions=(region("sports"),), score=0.75, model_version="v")


def test_tasks_come_with_a_prediction_or_an_empty_list(tmp_path: Path) -> None:
    with open_prediction_file(tmp_path / "p.json") as file:
        file.write(TASKS[:1], [PREDICTION])
        file.write(TASKS[1:], [None])
    written = {"from_name": "topic", "to_name": "text", "type": "choices"}
    result = [{**written, "value": {"choices": ["sports"]}}]
    prediction = {"model_version": "v", "score": 0.75, "result": result}
    assert json.loads((tmp_path / "p.json").read_text()) == [
        {"data": {"text": "a góal", "n": 5}, "predictions": [prediction]},
        {"data": {}, "predictions": []},
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]


def test_a_file_is_replaced_when_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text("old")
    with pytest.raises(ValueError, match="shorter"), open_prediction_file(path) as file:
        file.write(TASKS, [None])
    assert path.read_text() == "old"
    with open_prediction_file(path):
        pass
    assert json.loads(path.read_text()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]


def test_a_link_goes_on_leading_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link, file = tmp_path / "link", tmp_path / "folder" / "p.json"
    link.symlink_to(file)
    with open_prediction_file(link):
        pass
    assert link.is_symlink()
    assert json.loads(file.read_text()) == []


def test_a_pipe_is_written_into_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = list[str]()
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with open_prediction_file(pipe) as file:
        file.write(TASKS, [None, None])
    reader.join()
    assert len(json.loads(read[0])) == 2
    assert pipe.is_fifo()
