"""What prelabel asks a Label Studio, answered as it should be, or in one of the ways it should not.

Used where a fault of Label Studio is to be produced at will; the real one stands in acceptance.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.backend import TEXTS, make_text, region
from tests.label_studio import LEGACY


class SmallLabelStudio(ThreadingHTTPServer):
    """A Label Studio with a few projects, whose tasks are all labeled.

    Attributes
    ----------
    fault
        What it does instead of answering; None answers.
    over
        Ends whatever a fault waits for.
    """

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.fault: Callable[[_Handler], None] | None = None
        self.over = threading.Event()
        self.asked: list[str] = []
        self.projects: dict[int, dict[str, Any]] = {}
        self.n_labels: dict[int, int] = {}
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def settings(self) -> dict[str, str]:
        """What a backend must be told to ask this one."""
        url = f"http://127.0.0.1:{self.server_port}"
        return {"LABEL_STUDIO_HOST": url, "LABEL_STUDIO_API_KEY": LEGACY, "NO_PROXY": "*"}

    def holds(self, event: dict[str, Any], n_labels: int) -> None:
        """Be the Label Studio that an event is from, with so many labels."""
        project = event["project"]
        self.projects[project["id"]], self.n_labels[project["id"]] = project, n_labels

    def stop(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: SmallLabelStudio

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.fault:
            self.server.fault(self)
        else:
            self._answer_rightly()

    def answer(self, body: object, status: int = 200, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def _answer_rightly(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/api/projects/"):
            project = self.server.projects.get(int(parts.path.split("/")[3]))
            self.answer(project or {"detail": "Not found."}, 200 if project else 404)
        else:
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self.answer(self._tasks(int(asked["project"]), asked))

    def _tasks(self, project: int, asked: dict[str, str]) -> dict[str, Any]:
        query = json.loads(asked["query"])
        tasks = [_labeled_task(id_) for id_ in range(1, self.server.n_labels[project] + 1)]
        for item in query["filters"]["items"]:
            tasks = [task for task in tasks if _passes(task, item)]
        if "selectedItems" in query:
            tasks = [task for task in tasks if task["id"] in query["selectedItems"]["included"]]
        if query["ordering"][0].startswith("-"):
            tasks.reverse()
        shown = tasks[: int(asked["page_size"])]
        return {"tasks": shown, "total": len(tasks), "total_annotations": len(tasks)}

    def log_message(self, *args: object) -> None:
        pass


def _labeled_task(id_: int) -> dict[str, Any]:
    label = list(TEXTS)[id_ % len(TEXTS)]
    at = (datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=id_)).isoformat()
    return {
        "id": id_,
        "data": {"text": make_text(label, id_)},
        "updated_at": at,
        "annotations": [{"id": id_, "result": [region(label)], "updated_at": at}],
        "total_annotations": 1,
    }


def _passes(task: dict[str, Any], wanted: dict[str, Any]) -> bool:
    value = task[wanted["filter"].removeprefix("filter:tasks:")]
    limit = wanted["value"]
    if wanted["type"] == "Datetime":
        value, limit = datetime.fromisoformat(value), datetime.fromisoformat(limit)
    return bool(value > limit if wanted["operator"] == "greater" else value == limit)


def fails(status: int, body: object = b"", **headers: str) -> Callable[[_Handler], None]:
    """Answer everything with an error."""
    return lambda handler: handler.answer(body, status, **headers)


def says(content: bytes) -> Callable[[_Handler], None]:
    """Answer everything with these bytes."""
    return lambda handler: handler.answer(content)


def is_silent(handler: _Handler) -> None:
    """Take requests and never answer."""
    handler.server.over.wait(60)


def drips(handler: _Handler) -> None:
    """Answer a byte at a time."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not handler.server.over.wait(0.1):
        handler.wfile.write(b" ")


def hangs_up(handler: _Handler) -> None:
    """Close the connection within an answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id": 1, "cre')
    handler.close_connection = True


@contextmanager
def small_label_studio(port: int = 0) -> Iterator[SmallLabelStudio]:
    server = SmallLabelStudio(port)
    try:
        yield server
    finally:
        server.stop()
