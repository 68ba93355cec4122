from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from prelabel.custom.local import LocalModel, open_local_service
from prelabel.custom.processes import KNOWN
from prelabel.custom.session import Session
from prelabel.errors import ModelError
from prelabel.models.raw import RawModel
from prelabel.settings import load_settings
from prelabel.types import ProjectKey
from tests.builders import PROJECT, TWIN

BODY = json.dumps({"tasks": [{"id": 1}], "label_config": "<View/>"}).encode()


class Counting(RawModel):
    """Loses count if two threads are in it at once."""

    def setup(self) -> None:
        self.counted = 0

    def predict(self, tasks: Any, context: Any = None, **params: Any) -> Any:
        before = self.counted
        time.sleep(0.01)  # others would get in meanwhile
        self.counted = before + 1
        return [{"result": [], "model_version": str(self.counted)} for _ in tasks]

    def fit(self, event: str, data: Any, **params: Any) -> Any:
        raise RuntimeError("secret text")


def test_one_thread_at_a_time_is_let_in() -> None:
    model, barrier = LocalModel(Session(Counting, {}, project=None)), threading.Barrier(8)

    def ask(_: int) -> str:
        barrier.wait()
        (found,) = json.loads(model.ask("predict", BODY, 60))["results"]
        return str(found["model_version"])

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(ask, range(8))) == [str(n) for n in range(1, 9)]


class Hanging(RawModel):
    began, go_on = threading.Event(), threading.Event()

    def predict(self, tasks: Any, context: Any = None, **params: Any) -> Any:
        self.began.set()
        assert self.go_on.wait(60)
        return []


def test_a_model_that_hangs_keeps_its_own_requests_waiting_and_they_are_refused() -> None:
    model = LocalModel(Session(Hanging, {}, project=None))
    asking = threading.Thread(target=model.ask, args=("predict", BODY, 60))
    asking.start()
    assert Hanging.began.wait(60)
    with pytest.raises(ModelError, match=r"busy with another request of this project for 0\.1 s"):
        model.ask("predict", BODY, 0.1)
    Hanging.go_on.set()
    asking.join(60)


def test_what_a_model_raises_is_told_without_its_message() -> None:
    model = LocalModel(Session(Counting, {}, project=None))
    with pytest.raises(ModelError, match="RuntimeError") as caught:
        model.tell(json.dumps({"action": "START_TRAINING"}).encode(), 60)
    assert "secret" not in str(caught.value)


def test_of_many_projects_the_models_that_were_not_used_for_longest_are_let_go(
    tmp_path: Path,
) -> None:
    service = open_local_service(load_settings(model_dir=tmp_path), Counting)
    in_use, unused = service.get_model(PROJECT), service.get_model(TWIN)
    for number in range(KNOWN):
        service.get_model(ProjectKey(number, 1))
        assert service.get_model(PROJECT) is in_use
    assert service.get_model(TWIN) is not unused
    service.stop()
