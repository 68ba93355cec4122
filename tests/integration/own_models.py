"""Servers of model classes of one's own, and how harm by one project's model is looked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.backend import Backend, Project, wait_for
from tests.commands import run

LIMIT_SECONDS = 8
"""How long a prediction may take; those that do not hang take less on a busy machine, too."""


def write_model(folder: Path, source: str) -> Path:
    model = folder / "my_model"
    model.mkdir()
    (model / "model.py").write_text(source)
    return model


def refusal_by_check(folder: Path, source: str) -> str:
    """Return what is said of a class that cannot serve where it is tried before the start."""
    model = write_model(folder, source)
    result = run("start", str(model), "--check", "--port=0", f"--model-dir={folder}")
    assert result.returncode == 2, result.stderr
    return result.stderr


@contextmanager
def serve(folder: Path, source: str, *, seconds: int = LIMIT_SECONDS) -> Iterator[Backend]:
    """Serve a class whose predictions may take so many seconds."""
    settings = {"PRELABEL_PREDICT_SECONDS": str(seconds)}
    with Backend(folder, settings, [str(write_model(folder, source))]) as backend:
        yield backend


def ask(project: Project, *texts: str) -> httpx.Response:
    tasks = [{"id": n, "data": {"text": text}} for n, text in enumerate(texts, 1)]
    body = {"tasks": tasks, "project": project.key, "label_config": project.label_config}
    return project.backend.client.post("/predict", json=body)


def ask_in_vain(mine: Project, others: Project, text: str) -> str:
    """Ask for what the model fails at, while another project is served; return the error."""
    client = mine.backend.client
    with ThreadPoolExecutor(1) as beside:
        asking = beside.submit(ask, mine, text, "x")
        meanwhile = 0
        while not asking.done():
            assert client.get("/health").status_code == 200
            assert ask(others, "goal").status_code == 200
            meanwhile += not asking.done()
    assert meanwhile or text != "hang", "the others were not kept waiting"
    answer = asking.result()
    assert answer.status_code == 500, answer.text
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    return str(answer.json()["error"])


def read_log_of_an_error(project: Project) -> str:
    """Ask for what the model raises at; return what the log says from that request on."""
    number, log = ask(project, "raise").json()["request_id"], project.backend.log
    read = wait_for(lambda: text if number in (text := log.read_text()) else None)
    return read[read.index(number) :]


def ask_at_once(projects: list[Project], text: str) -> list[httpx.Response]:
    """Ask for each project in turn from twelve threads at the same moment."""
    barrier = threading.Barrier(12)

    def ask_with_all(number: int) -> httpx.Response:
        barrier.wait()
        return ask(projects[number % len(projects)], text)

    with ThreadPoolExecutor(12) as threads:
        return list(threads.map(ask_with_all, range(12)))
