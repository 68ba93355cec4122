"""A `TextModel` of one's own, in a real server: what the built-in one has, and harm to nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backend import Backend, Project, wait_for
from tests.integration.test_custom_models import ask, write_model

LIMIT_SECONDS = 8

MODEL = """
import json, time
import numpy as np
from prelabel.models.base import TextModel

class Words(TextModel):
    '''Remembers which words each label has; does what a text says.'''

    inside = 0

    def fit(self, texts, labels, *, unlabeled=None, label_names=None, sample_weight=None):
        self.classes_ = tuple(sorted(set(labels)))
        self.words = {w: l for t, l in zip(texts, labels) for w in t.split()}
        return self

    def predict_proba(self, texts):
        self.inside += 1
        time.sleep(0.02)
        assert self.inside == 1, "two at once"
        try:
            return self.answer(texts)
        finally:
            self.inside -= 1

    def answer(self, texts):
        if texts[0] == "raise":
            raise RuntimeError("secret text")
        if texts[0] == "hang":
            time.sleep(600)
        if texts[0] == "few":
            return np.full((len(texts) - 1, len(self.classes_)), 0.5)
        rows = [[1.0 + (self.words.get(t.split()[0]) == c) for c in self.classes_] for t in texts]
        found = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
        return found * np.nan if texts[0] == "malformed" else found

    def to_arrays(self):
        return {"words": np.frombuffer(json.dumps(self.words).encode(), np.uint8)}

    @classmethod
    def from_arrays(cls, arrays, classes):
        model = cls()
        model.classes_ = tuple(classes)
        model.words = json.loads(arrays["words"].tobytes())
        return model
"""


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    folder = tmp_path_factory.mktemp("own")
    settings = {"PRELABEL_PREDICT_SECONDS": str(LIMIT_SECONDS)}
    with Backend(folder, settings, [str(write_model(folder, MODEL))]) as backend:
        yield backend


def trained(backend: Backend, count: int = 6) -> Project:
    project = Project(backend)
    project.annotate_many(count)
    assert project.train()["model_version"] == f"v1-{count}labels"
    return project


def test_two_projects_have_labels_versions_and_measurements_of_their_own(backend: Backend) -> None:
    mine, others = trained(backend, 30), trained(backend, 9)
    assert (mine.setup(), others.setup()) == ("v1-30labels", "v1-9labels")
    assert mine.labels_of("coach", "butter") == ["sports", "cooking"]
    mine.annotate(31, "finance")
    assert mine.train()["model_version"] == "v2-31labels"
    assert others.setup() == "v1-9labels"
    query = {"project": mine.key}
    newest = backend.client.get("/versions", params=query).json()["details"][0]
    assert 0 < newest["metrics"]["topic"]["accuracy"] <= 1, newest["metrics"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise", "RuntimeError at model.py"),
        ("hang", f"no answer within {LIMIT_SECONDS} s"),
        ("few", "shape (1, 3)"),
        ("malformed", "no probabilities"),
    ],
)
def test_a_model_that_fails_harms_its_own_projects_answer_only(
    backend: Backend, text: str, said: str
) -> None:
    mine, others = trained(backend), trained(backend)
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(ask(mine, text, "x")))
    asking.start()
    meanwhile = 0
    while asking.is_alive():
        assert backend.client.get("/health").json()["model_class"] == "Words"
        assert ask(others, "goal").status_code == 200
        meanwhile += 1
    (answer,) = answers
    assert (answer.status_code, said in answer.json()["error"]) == (500, True), answer.text
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert "secret" not in answer.text
    assert meanwhile or text != "hang", "the others were not kept waiting"
    log = wait_for(lambda: seen if answer.json()["request_id"] in (seen := read(backend)) else None)
    assert text != "raise" or "RuntimeError: secret text" in log


def read(backend: Backend) -> str:
    return backend.log.read_text()


def test_a_class_that_is_not_safe_for_threads_is_asked_by_one_at_a_time(backend: Backend) -> None:
    project, barrier = trained(backend), threading.Barrier(8)
    answers: list[int] = []

    def ask_with_all() -> None:
        barrier.wait()
        answers.append(ask(project, "goal").status_code)

    asking = [threading.Thread(target=ask_with_all) for _ in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert answers == [200] * 8


def test_a_server_stops_while_a_model_hangs(tmp_path: Path) -> None:
    settings = {"PRELABEL_PREDICT_SECONDS": "1"}
    with Backend(tmp_path, settings, [str(write_model(tmp_path, MODEL))]) as backend:
        assert ask(trained(backend), "hang").status_code == 500
        assert backend.stop() == 0
