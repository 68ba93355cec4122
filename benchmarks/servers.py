"""prelabel's server and the reference's as processes: started, asked, and what they cost."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_EXAMPLE = Path("label_studio_ml/examples/sklearn_text_classifier")
_RECEIVED_AT_ONCE = 65_536
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A checkout of label-studio-ml-backend, and a Python that can import it."""

    checkout: Path
    python: Path

    @classmethod
    def find(cls, checkout: Path | None, python: Path | None = None) -> Self | None:
        """Return the reference of a checkout, by default with its own environment's Python."""
        if checkout is None:
            return None
        checkout = checkout.absolute()
        # Not resolved: a virtual environment's Python is a link, and knows its place by its name.
        found = python or checkout / ".venv" / "bin" / "python"
        return cls(checkout=checkout, python=found.absolute())

    @property
    def example(self) -> Path:
        return self.checkout / _EXAMPLE

    def environment(self, model_dir: Path, folder: Path | None = None) -> dict[str, str]:
        # One BLAS thread: by default two of them wait for each other, at the reference's cost.
        return {
            "PYTHONPATH": os.pathsep.join([str(self.checkout), str(folder or self.example)]),
            "MODEL_DIR": str(model_dir),
            "LOG_LEVEL": "INFO",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def serve(self, model_dir: Path, folder: Path | None = None) -> Server:
        """Start its text classifier, or the folder of another model, as its Dockerfile does."""
        port = _free_port()
        options = f"--preload --bind 127.0.0.1:{port} --workers 1 --threads 8 --timeout 0 _wsgi:app"
        return Server(
            [str(self.python), "-m", "gunicorn", *options.split()],
            port=port,
            environment=self.environment(model_dir, folder),
            folder=folder or self.example,
            log=model_dir / "server.log",
        )


def serve_prelabel(model_dir: Path, *, train_every: int = 10, folder: Path | None = None) -> Server:
    """Start prelabel with its defaults; with its own model, or that of a folder."""
    port = _free_port()
    directory = [str(folder)] if folder else []
    return Server(
        [sys.executable, "-m", "prelabel", "start", *directory, f"--port={port}"],
        port=port,
        environment={
            "MODEL_DIR": str(model_dir),
            "START_TRAINING_EACH_N_UPDATES": str(train_every),
        },
        folder=Path.cwd(),
        log=model_dir / "server.log",
    )


class Server:
    """A server and all processes it starts, until the end of a ``with`` block."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        port: int,
        environment: Mapping[str, str],
        folder: Path,
        log: Path,
    ) -> None:
        self._port = port
        self._log = log
        self.started_at_seconds = time.perf_counter()
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                command,
                env={**os.environ, **environment},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def post(self, path: str, body: bytes) -> Any:
        """Post on a connection of its own, as Label Studio does; return the decoded answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status not in {200, 201}:
            raise RuntimeError(f"{path} answered {response.status}: {content[:500]!r}")
        return json.loads(content)

    def ask(self, path: str, body: bytes) -> None:
        """Do as `post` and leave the answer as it is: many clients at once must cost little."""
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self._port), timeout=600) as connection:
            connection.sendall(head.encode() + body)
            parts = iter(lambda: connection.recv(_RECEIVED_AT_ONCE), b"")
            content = b"".join(parts)
        if not content.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{path} answered {content[:500]!r}")

    def wait_for(self, path: str, body: bytes, pause_seconds: float = 0.01) -> Any:
        """Return the first answer; wait while nothing listens."""
        while True:
            try:
                return self.post(path, body)
            except OSError:
                if self._process.poll() is not None:
                    raise RuntimeError(f"The server ended; see {self._log}") from None
                time.sleep(pause_seconds)

    @property
    def cpu_seconds(self) -> float:
        """What all its processes have used, those that have ended among them."""
        return sum(map(measure_cpu_seconds, self._tree()))

    @property
    def memory_bytes(self) -> int:
        """Memory of all its processes; pages that several share count once (PSS)."""
        return sum(self.memory_bytes_by_kind.values())

    @property
    def memory_bytes_by_kind(self) -> dict[str, int]:
        """Memory (PSS) of the processes that serve, and of those started by multiprocessing."""
        found = {"server": 0, "trainer": 0}
        for pid in self._tree():
            is_started = b"from multiprocessing" in Path(f"/proc/{pid}/cmdline").read_bytes()
            found["trainer" if is_started else "server"] += _measure_memory_bytes(pid)
        return found

    def _tree(self) -> Iterator[int]:
        waiting = [self._process.pid]
        while waiting:
            pid = waiting.pop()
            yield pid
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                waiting += map(int, children.read_text().split())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(60)


def measure_cpu_seconds(pid: int) -> float:
    """Return what a process and its ended children have used, of the user's and the system's."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, after_name[11:15])) / _TICKS


def _measure_memory_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
