"""Classes that read and write Label Studio's JSON, in a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prelabel.custom.setups import STARTING
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
from tests.processes import is_gone

MODEL = '''
import multiprocessing, os, threading, time
from pathlib import Path
from prelabel.models.raw import RawModel

BUSY = threading.Lock()

class Odd(RawModel):
    """Does what the first task's text says."""

    counted = 0

    def predict(self, tasks, context=None, **params):
        text = tasks[0]["data"]["text"]
        if text == "raise":
            raise RuntimeError("secret text")
        if text == "hang":
            time.sleep(600)
        if text == "exit":
            os._exit(7)
        if text == "few":
            return [{"result": []}] * (len(tasks) - 1)
        if text == "malformed":
            return [{"score": "high"}] * len(tasks)
        if not BUSY.acquire(blocking=False):
            raise RuntimeError("two at once")
        before = self.counted
        time.sleep(0.05)
        self.counted = before + 1
        BUSY.release()
        text = str(self.counted) if text == "count" else text
        said = [{"from_name": "a", "to_name": "b", "type": "choices", "value": {"choices": [text]}}]
        return [{"result": said, "score": 1} for _ in tasks]

    def fit(self, event, data):
        text = data["task"]["data"]["text"]
        if text == "raise":
            raise RuntimeError("cannot learn this")
        if text == "exit once" and not self.has("ended"):
            self.set("ended", True)
            os._exit(7)
        while text.startswith("/") and not Path(text).exists():
            time.sleep(0.01)
        if text == "start":
            child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
            child.start()
            Path(os.environ["MODEL_DIR"], "child").write_text(str(child.pid))
        self.set("told", (self.get("told") or []) + [data["task"]["id"]])
        if text == "file":
            Path(os.environ["MODEL_DIR"], "weights").write_text(str(data["task"]["id"]))
'''


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with serve(tmp_path_factory.mktemp("custom"), MODEL) as backend:
        yield backend


def tell(project: Project, id_: int, text: str) -> str:
    response = project.backend.client.post("/webhook", json=project.created_body(id_, "x", text))
    assert response.status_code == 201, response.text
    return str(response.json()["job"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise", "RuntimeError at model.py"),
        pytest.param(
            "hang", f"no answer to predict within {LIMIT_SECONDS} s", marks=pytest.mark.slow
        ),
        ("exit", "process ended during predict, status 7"),
        ("few", "1 predictions for 2 tasks"),
        ("malformed", "prediction for task 1"),
    ],
)
def test_a_model_that_fails_harms_its_own_projects_answer_only(
    backend: Backend, text: str, said: str
) -> None:
    mine, others = Project(backend), Project(backend)
    ask(others, "warm")
    assert said in ask_in_vain(mine, others, text)
    assert ask(mine, "fine").status_code == 200


def test_the_whole_error_stands_in_the_log_under_the_request_id(backend: Backend) -> None:
    assert "RuntimeError: secret text" in read_log_of_an_error(Project(backend))


def test_a_class_that_is_not_safe_for_threads_is_asked_by_one_at_a_time(backend: Backend) -> None:
    projects = [Project(backend), Project(backend)]
    for project in projects:
        ask(project, "warm")
    answers = [answer.json()["results"][0] for answer in ask_at_once(projects, "count")]
    counted = [found["result"][0]["value"]["choices"][0] for found in answers]
    # Of the first one's six requests each was counted once, and so was each of the other's.
    assert sorted(counted[::2]) == sorted(counted[1::2]) == ["2", "3", "4", "5", "6", "7"]


def test_a_model_that_takes_long_to_start_is_no_error_in_setup(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    wait = f"""
while "models" in os.environ.get("MODEL_DIR", "") and not os.path.exists({str(ready)!r}):
    time.sleep(0.05)
"""
    model = write_model(tmp_path, MODEL.replace("\nBUSY", wait + "BUSY"))
    with Backend(tmp_path, arguments=[str(model)]) as backend:
        project = Project(backend)
        assert project.setup_once() == STARTING
        ready.touch()
        assert ask(project, "fine").json()["results"][0]["model_version"] == project.setup()
        assert project.setup() == "0.0.1"


def test_events_are_told_in_order_while_predictions_go_on(backend: Backend, tmp_path: Path) -> None:
    project, go = Project(backend), tmp_path / "go"
    jobs = [tell(project, id_, str(go) if id_ == 1 else "x") for id_ in range(1, 6)]
    assert ask(project, "fine").status_code == 200
    assert not any(project.post("/job_status", {"job": job})["finished_at"] for job in jobs)
    go.touch()
    assert [project.outcome(job)["state"] for job in jobs] == ["done"] * 5


def test_an_error_in_fit_is_shown_and_the_next_event_goes_on(backend: Backend) -> None:
    project = Project(backend)
    bad, good = tell(project, 1, "raise"), tell(project, 2, "x")
    assert project.outcome(good)["state"] == "done"
    found = project.outcome(bad)
    assert (found["state"], found["attempts"]) == ("failed", 1)
    assert "RuntimeError at model.py" in found["message"]
    versions = backend.client.get("/versions", params={"project": project.key}).json()
    assert [event["state"] for event in versions["events"]] == ["done", "failed"]


def test_an_event_whose_process_ended_is_told_again(backend: Backend) -> None:
    project = Project(backend)
    found = project.outcome(tell(project, 1, "exit once"))
    assert (found["state"], found["attempts"]) == ("done", 2)


def test_files_that_fit_wrote_make_a_new_version(backend: Backend) -> None:
    project, other = Project(backend), Project(backend)
    before = project.setup()
    project.outcome(tell(project, 1, "x"))
    assert project.setup() == before
    project.outcome(tell(project, 2, "file"))
    assert project.setup() != before
    assert ask(project, "x").json()["results"][0]["model_version"] == project.setup()
    assert other.setup() == before
    files = backend.folder / "data" / "models"
    assert [file.parent.name for file in files.rglob("weights")] == [project.key]


def test_acknowledged_events_survive_a_kill(tmp_path: Path) -> None:
    backend = Backend(tmp_path, arguments=[str(write_model(tmp_path, MODEL))])
    with backend:
        project, go = Project(backend), tmp_path / "go"
        jobs = [tell(project, id_, str(go) if id_ == 1 else "x") for id_ in range(1, 5)]
        backend.kill()
        go.touch()
        backend.start()
        assert [project.outcome(job)["state"] for job in jobs] == ["done"] * 4


def test_the_projects_processes_end_with_a_killed_server(tmp_path: Path) -> None:
    with Backend(tmp_path, arguments=[str(write_model(tmp_path, MODEL))]) as backend:
        ask(Project(backend), "x")
        child = wait_for(backend.trainer_pid)
        backend.kill()
        wait_for(lambda: is_gone(child))


def hang(backend: Backend) -> None:
    assert ask(Project(backend, id_=1), "hang").status_code == 500


@pytest.mark.parametrize("end", [hang, Backend.kill, Backend.stop])
def test_a_model_may_start_processes_which_end_with_its_own(
    tmp_path: Path, end: Callable[[Backend], object]
) -> None:
    with serve(tmp_path, MODEL, seconds=2) as backend:
        project = Project(backend, id_=1)
        assert project.outcome(tell(project, 1, "start"))["state"] == "done"
        (file,) = (tmp_path / "data" / "models").rglob("child")
        child = int(file.read_text())
        assert not is_gone(child)
        end(backend)
        wait_for(lambda: is_gone(child))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"[]", 422),
        (b'{"project": "x.y", "tasks": []}', 422),
        (b'{"tasks": [1]}', 422),
    ],
)
def test_a_body_that_cannot_be_read_is_the_callers_mistake(
    backend: Backend, body: bytes, status: int
) -> None:
    answer = backend.client.post("/predict", content=body)
    assert answer.status_code == status
    assert answer.json()["fix"]


@pytest.mark.parametrize("config", [5, True, ["x"], {"a": 1}, "\ud800", "\0", None])
def test_an_event_with_an_odd_labeling_config_is_acknowledged(
    backend: Backend, config: object
) -> None:
    sent = {"id": 5, "created_at": "2026-01-01T00:00:00Z", "label_config": config}
    body = json.dumps({"action": "START_TRAINING", "project": sent})
    assert backend.client.post("/webhook", content=body).status_code == 201


def test_events_that_no_model_takes_are_acknowledged(backend: Backend) -> None:
    project = Project(backend)
    assert project.event("PROJECT_UPDATED") == {"status": "Unknown event"}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import os\nos._exit(3)\n", "ended its process"),
        ("import not_there\n", "pip install not-there"),
        (MODEL.replace("text = tasks[0]", "raise KeyError; text = tasks[0]"), "KeyError"),
    ],
)
def test_a_class_that_cannot_serve_is_found_out_by_check(
    tmp_path: Path, source: str, said: str
) -> None:
    assert said in refusal_by_check(tmp_path, source)
