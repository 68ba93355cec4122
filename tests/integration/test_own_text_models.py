"""A `TextModel` of one's own, in a real server: what the built-in one has, and harm to nobody."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.backend import Backend, Project, wait_for
from tests.integration.own_models import (
    LIMIT_SECONDS,
    ask,
    ask_at_once,
    ask_in_vain,
    read_log_of_an_error,
    refusal_by_check,
    serve,
    write_model,
)

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
    with serve(tmp_path_factory.mktemp("own"), MODEL) as backend:
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
    newest = mine.details()[0]
    assert 0 < newest["metrics"]["topic"]["accuracy"] <= 1, newest["metrics"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise", "RuntimeError at model.py"),
        pytest.param("hang", f"predict_proba within {LIMIT_SECONDS} s", marks=pytest.mark.slow),
        ("few", "shape (1, 3)"),
        ("malformed", "no probabilities"),
    ],
)
def test_a_model_that_fails_harms_its_own_projects_answer_only(
    backend: Backend, text: str, said: str
) -> None:
    assert said in ask_in_vain(trained(backend), trained(backend), text)


def test_the_whole_error_stands_in_the_log_under_the_request_id(backend: Backend) -> None:
    assert "RuntimeError: secret text" in read_log_of_an_error(trained(backend))


def test_a_class_that_is_not_safe_for_threads_is_asked_by_one_at_a_time(backend: Backend) -> None:
    answers = ask_at_once([trained(backend)], "goal")
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("        return self.answer", "        return -self.answer", "gave what are no"),
        ("        self.words =", "        raise SystemExit(3)\n        self.words =",
         "failed in fit (SystemExit at model.py:"),
        ('json.loads(arrays["words"].tobytes())', "{}", "otherwise once it is stored"),
    ],
)  # fmt: skip
def test_a_class_that_cannot_serve_is_found_out_by_check(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    assert said in refusal_by_check(tmp_path, MODEL.replace(right, wrong))


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_stops_while_a_thread_of_the_model_goes_on(tmp_path: Path, workers: str) -> None:
    forever = "threading.Thread(target=time.sleep, args=(600,)).start()"
    model = write_model(tmp_path, f"import threading, time\n{forever}\n{MODEL}")
    with Backend(tmp_path, {"WORKERS": workers}, [str(model)]) as backend:
        assert trained(backend).labels_of("coach") == ["sports"]
        assert backend.stop() == 0


def test_files_beside_the_model_may_be_imported_at_any_time(tmp_path: Path) -> None:
    late = "        from beside import SHARE"
    source = MODEL.replace("        self.words =", f"{late}\n        self.words =").replace(
        "        rows = [[1.0 +", f"{late}\n        rows = [[SHARE +"
    )
    model = write_model(tmp_path, source)
    (model / "beside.py").write_text("SHARE = 1.0\n")
    with Backend(tmp_path, arguments=[str(model)]) as backend:
        assert trained(backend).labels_of("coach", "butter") == ["sports", "cooking"]


@pytest.mark.slow
def test_a_server_stops_while_a_model_hangs(tmp_path: Path) -> None:
    with serve(tmp_path, MODEL, seconds=1) as backend:
        assert ask(trained(backend), "hang").status_code == 500
        assert backend.stop() == 0


@pytest.mark.slow
def test_who_still_waits_when_the_server_ends_is_told_so_and_named_in_one_line(
    tmp_path: Path,
) -> None:
    with Backend(tmp_path, arguments=[str(write_model(tmp_path, MODEL))]) as backend:
        project = trained(backend)
        assert backend.process
        with ThreadPoolExecutor(1) as client:
            waiting = client.submit(ask, project, "hang")
            wait_for(lambda: backend.n_requests() == 1)
            backend.process.send_signal(signal.SIGTERM)
            answer = waiting.result()
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json()["error"] == "The server ended before this was answered"
        assert backend.process.wait(30) == 0
        log = backend.log.read_text()
        assert "Traceback" not in log
        assert log.count("/predict: the server ended before it was answered") == 1
