"""A prelabel server as a real process, and Label Studio's side of the conversation with it."""

from __future__ import annotations

import itertools
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx

from prelabel.custom.setups import STARTING
from tests.processes import spawned_by

T = TypeVar("T")

PATIENCE_SECONDS = 100.0
"""How long a test waits for what must come. Only what fails takes so long, also on a busy machine.
"""

NEVER_BY_ITSELF = {"START_TRAINING_EACH_N_UPDATES": "1000000"}
"""With these settings, a backend trains only when someone asks."""

TEXTS = {
    label: words.split()
    for label, words in {
        "sports": "goal match team coach player league season referee penalty striker",
        "cooking": "oven butter soup garlic dough onion sauce recipe simmer whisk",
        "finance": "bank loan stock bond dividend interest shares profit fund tax",
    }.items()
}


def make_text(label: str, number: int) -> str:
    """Return a text of four words that only texts of that label have, different for each number."""
    words = TEXTS[label]
    return " ".join(words[(number + step) % len(words)] for step in range(4))


def write_config(labels: Iterable[str], *, name: str = "topic", inside: str = "") -> str:
    """Return a labeling config as the documentation has it."""
    choices = "".join(f'<Choice value="{label}"/>' for label in labels)
    return (
        f'<View><Text name="text" value="$text"/>{inside}'
        f'<Choices name="{name}" toName="text" choice="single">{choices}</Choices></View>'
    )


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the settings that whoever runs the tests may have."""
    ours = ("LABEL_STUDIO", "BASIC", "PRELABEL")
    return {name: value for name, value in environment.items() if not name.startswith(ours)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(
    what: Callable[[], T | None], *, seconds: float = PATIENCE_SECONDS, pause_seconds: float = 0.02
) -> T:
    """Return what the function gives once that is true; fail after a time."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"still {found!r} after {seconds} s"
        time.sleep(pause_seconds)
    return found


@dataclass
class Backend:
    """A server process on its own port. Its data folder outlives it."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    file_bytes: int = resource.RLIM_INFINITY
    """How long a file may become: beyond that, the disk is full to the process."""

    def __post_init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.folder / f"server-{self.port}.log"
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Backend:
        kept = without_settings(os.environ)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "prelabel", "start", f"--port={self.port}", *self.arguments],
                env={**kept, "MODEL_DIR": str(self.folder / "data"), **self.settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        # Long before it opens any file of its own.
        limits = (self.file_bytes, resource.RLIM_INFINITY)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, limits)
        wait_for(self.is_up)
        return self

    def is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.client.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        self.client.close()
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def trainer_pid(self) -> int | None:
        """Return the process id of the training process, if it runs."""
        return next(iter(spawned_by(self.pid)), None)

    def figures(self) -> dict[str, float]:
        """Return what ``/metrics`` says, by the name of each figure and its labels."""
        answer = self.client.get("/metrics")
        lines = (line.rsplit(" ", 1) for line in answer.text.splitlines() if line[0] != "#")
        return {name: float(value) for name, value in lines}

    def n_requests(self) -> float:
        """Return how many requests it works on."""
        return self.figures()["prelabel_requests_in_progress"]

    def wait_until_idle(self) -> None:
        """Wait until the training process is between two jobs."""
        wait_for(lambda: self.lease_owners() == {None})

    def lease_owners(self) -> set[str | None]:
        """Return who works on projects; None for those that nobody works on."""
        with closing(sqlite3.connect(self.folder / "data" / "prelabel.sqlite3")) as connection:
            return {owner for (owner,) in connection.execute("SELECT lease_owner FROM projects")}

    @contextmanager
    def locked_database(self) -> Iterator[Callable[[], None]]:
        """Keep others from writing; give what unlocks it before the end."""
        path = self.folder / "data" / "prelabel.sqlite3"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection.rollback

    @contextmanager
    def frozen_trainer(self) -> Iterator[int]:
        """Stop the training process between two jobs; give its id."""
        pid = wait_for(self.trainer_pid)
        self.wait_until_idle()
        os.kill(pid, signal.SIGSTOP)
        try:
            yield pid
        finally:
            os.kill(pid, signal.SIGCONT)

    def __enter__(self) -> Backend:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        self.client.close()


class Project:
    """A project of an imagined Label Studio, which says what the real one says."""

    _ids = itertools.count(1)

    def __init__(self, backend: Backend, labels: Iterable[str] = TEXTS, *, id_: int = 0) -> None:
        self.backend = backend
        self.id = id_ or next(self._ids)
        self.created_at = datetime(2026, 11, 23, 15, 26, 52, 405302, UTC)
        self.key = f"{self.id}.{int(self.created_at.timestamp())}"
        self.label_config = write_config(labels)
        self._clock = itertools.count(1)

    def post(self, path: str, body: object) -> Any:
        response = self.backend.client.post(path, json=body)
        assert response.status_code == 200, response.text
        return response.json()

    def now(self) -> str:
        return (self.created_at + timedelta(seconds=next(self._clock))).isoformat()

    def setup(self) -> str:
        """Return the version; wait while a model of one's own starts."""
        return wait_for(lambda: None if (now := self.setup_once()) == STARTING else now)

    def setup_once(self) -> str:
        body = {"project": self.key, "schema": self.label_config, "extra_params": None}
        return str(self.post("/setup", body)["model_version"])

    def details(self) -> list[dict[str, Any]]:
        """Return what is said of each version, the newest first."""
        answer = self.backend.client.get("/versions", params={"project": self.key})
        found: list[dict[str, Any]] = answer.json()["details"]
        return found

    def predict(self, *texts: object) -> list[Any]:
        tasks = [{"id": n, "data": {"text": text}} for n, text in enumerate(texts, 1)]
        return self.predict_tasks(tasks)

    def predict_tasks(self, tasks: Sequence[object]) -> list[Any]:
        body = {"tasks": tasks, "project": self.key, "label_config": self.label_config}
        results = self.post("/predict", body)["results"]
        assert len(results) == len(tasks)
        return list(results)

    def labels_of(self, *texts: object) -> list[str | None]:
        return [label_of(result) for result in self.predict(*texts)]

    def event(self, action: str, **fields: object) -> Any:
        return self.post("/webhook", self.event_body(action, **fields))

    def event_body(self, action: str, **fields: object) -> dict[str, Any]:
        project = {
            "id": self.id,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.now(),
            "label_config": self.label_config,
        }
        return {"action": action, "project": project, **fields}

    def annotation(self, id_: int, label: str | None, **fields: object) -> dict[str, Any]:
        result = [] if label is None else [region(label)]
        return {"id": id_, "result": result, "updated_at": self.now(), **fields}

    def created_body(
        self, id_: int, label: str | None, text: str = "", **fields: object
    ) -> dict[str, Any]:
        return self.event_body(
            "ANNOTATION_CREATED",
            annotation=self.annotation(id_, label, **fields),
            task={"id": id_, "data": {"text": text or make_text(label or "sports", id_)}},
        )

    def annotate(self, id_: int, label: str | None, text: str = "", **fields: object) -> Any:
        """Submit annotation `id_` of task `id_`, as a labeler does."""
        return self.post("/webhook", self.created_body(id_, label, text, **fields))

    def annotate_many(self, count: int, labels: Sequence[str] = tuple(TEXTS)) -> None:
        for id_ in range(1, count + 1):
            self.annotate(id_, labels[id_ % len(labels)])

    def train(self) -> dict[str, Any]:
        """Press *Start Training* and wait for what comes of it."""
        return self.outcome(self.event("START_TRAINING")["job"])

    def outcome(self, job: str) -> dict[str, Any]:
        """Return how a job stands, once it is finished."""

        def finished() -> dict[str, Any] | None:
            status: dict[str, Any] = self.post("/job_status", {"job": job})
            return status if status["finished_at"] else None

        return wait_for(finished)

    def wait_for_version(self, before: str) -> str:
        return wait_for(lambda: now if (now := self.setup()) != before else None)


def region(label: str, name: str = "topic") -> dict[str, Any]:
    value = {"choices": [label]}
    return {"from_name": name, "to_name": "text", "type": "choices", "value": value}


def label_of(result: Any) -> str | None:
    return str(result["result"][0]["value"]["choices"][0]) if result else None
