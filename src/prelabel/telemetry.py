"""What an operator sees: log lines and Prometheus metrics. Never a text, a token or a password."""

from __future__ import annotations

import logging
import os
import select
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from prelabel.recent import Recent

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""Which request, job or event the current work is for; ``-`` outside of one."""

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_MINUTE_SECONDS = 60.0
_PATIENCE_MS = 200  # in which the whole server waits, once
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s [%(request_id)s] %(message)s"


def configure_logging(level: str) -> None:
    """Write what happens at `level` and above to standard error.

    On a terminal these are lines for people; elsewhere each is a line of JSON.
    """
    handler = _open_handler()
    is_watched = sys.stderr.isatty()
    handler.setFormatter(logging.Formatter(_FORMAT) if is_watched else JsonFormatter())
    handler.addFilter(_add_request_id)
    handler.addFilter(FloodFilter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("prelabel").setLevel(level)


class PatientHandler(logging.StreamHandler[TextIO]):
    """Writes to a stream, and leaves lines out while whoever reads it reads no more.

    A pipe that is full, to a pager or a collector that hangs, would else stop the server.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._file = stream.fileno()
        self._left_out = 0
        self._room = select.poll()
        self._room.register(self._file, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._left_out and self._room.poll(0):
                self._write(f"\n{self.format(_count_left_out(self._left_out))}\n")
            self._write(f"{self.format(record)}\n")
        except OSError:  # nobody can read it any more
            return
        except Exception:  # noqa: BLE001 - as all handlers do: a line that cannot be made ends nothing
            self.handleError(record)

    def _write(self, text: str) -> None:
        rest = text.encode(errors="backslashreplace")
        patience_ms = 0 if self._left_out else _PATIENCE_MS
        # What has room for anything has room for so much (pipe(7), PIPE_BUF).
        while rest and self._room.poll(patience_ms):
            rest = rest[os.write(self._file, rest[: select.PIPE_BUF]) :]
        self._left_out = self._left_out + 1 if rest else 0


def _count_left_out(n_lines: int) -> logging.LogRecord:
    text = "Lines of the log that nobody read in time, and that were left out: %d"
    record = logging.LogRecord(__name__, logging.WARNING, "", 0, text, (n_lines,), None)
    record.request_id = "-"
    return record


def _open_handler() -> logging.Handler:
    try:
        return PatientHandler(sys.stderr)
    except (OSError, ValueError):  # it is no file, as where a program catches what is written
        return logging.StreamHandler(sys.stderr)


def _add_request_id(record: logging.LogRecord) -> bool:
    record.request_id = request_id.get()
    return True


class FloodFilter:
    """Lets so many warnings and errors of a kind through in a minute; one after says what was not.

    A stranger who guesses passwords, or a disk that is full, would fill the disk of logs.
    """

    def __init__(
        self, limit: int = 100, *, clock_seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._clock_seconds = clock_seconds
        self._seen = Recent[tuple[str, object], tuple[float, int]](1000)

    def __call__(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        kind, moment = (record.name, record.msg), self._clock_seconds()
        begun, count = self._seen.get(kind) or (moment, 0)
        if moment - begun > _MINUTE_SECONDS:
            if count > self._limit:
                record.msg = f"{record.msg} (and {count - self._limit} more of this kind before)"
            begun, count = moment, 0
        self._seen[kind] = begun, count + 1
        return count < self._limit


class JsonFormatter(logging.Formatter):
    """One line of JSON an event; a traceback stands in ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "request_id": request_id.get(),
            "message": record.getMessage().encode(errors="backslashreplace").decode(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def forget_dead_processes() -> None:
    """Let what processes that are gone had in progress count no more; their counters stay."""
    folder = Path(os.environ[SHARED_FOLDER])
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid)  # type: ignore[no-untyped-call] # the library's


_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
_TASKS = (3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)


class Metrics:
    """The counters of this process, and of those that share the folder with it.

    Several serving processes add up what they count through files in a folder that the environment
    names before this module is imported (prometheus_client, *Multiprocess Mode*).
    """

    def __init__(self) -> None:
        self._shared = CollectorRegistry()
        own = self._registry = CollectorRegistry()
        self.requests = Counter(
            "prelabel_requests", "Requests answered.", ["route", "status"], registry=own
        )
        self.request_seconds = Histogram(
            "prelabel_request_seconds", "Time to answer.", ["route"], registry=own, buckets=_SECONDS
        )
        self.predictions = Counter(
            "prelabel_predictions", "Tasks answered with a label.", registry=own
        )
        self.abstentions = Counter(
            "prelabel_abstentions", "Tasks answered with no label.", registry=own
        )
        self.label_changes = Counter(
            "prelabel_label_changes", "Label changes that webhooks told.", registry=own
        )
        self.jobs = Counter("prelabel_jobs", "Jobs finished.", ["state"], registry=own)
        self.job_seconds = Histogram(
            "prelabel_job_seconds", "Time a job took.", registry=own, buckets=_SECONDS
        )
        self.in_progress = Gauge(
            "prelabel_requests_in_progress", "Requests that have a thread, or wait for one.",
            registry=own, multiprocess_mode="livesum",
        )  # fmt: skip
        self.batch_tasks = Histogram(
            "prelabel_batch_tasks", "Tasks of a request for several predictions.", registry=own,
            buckets=_TASKS,
        )  # fmt: skip

    def count_predictions(self, *, tasks: int, answered: int) -> None:
        """Count what came of a request for predictions."""
        if tasks > 1:
            self.batch_tasks.observe(tasks)
        if answered:
            self.predictions.inc(answered)
        if tasks > answered:
            self.abstentions.inc(tasks - answered)

    def count_job(self, state: str, seconds: float) -> None:
        """Count a job that has ended so, after so long."""
        self.jobs.labels(state=state).inc()
        self.job_seconds.observe(seconds)

    def register(self, collector: Collector) -> None:
        """Add figures that are read when someone asks; they are the same in every process."""
        self._shared.register(collector)

    def encode(self) -> bytes:
        """Return the figures in Prometheus's text format."""
        counted = self._registry
        if SHARED_FOLDER in os.environ:
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call] # the library's
        return generate_latest(counted) + generate_latest(self._shared)
