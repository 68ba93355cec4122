"""What an operator sees: log lines and Prometheus metrics. Never a text, a token or a password."""

from __future__ import annotations

import logging
import os
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""Which request the current work is for; ``-`` outside of one."""

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s [%(request_id)s] %(message)s"


def configure_logging(level: str) -> None:
    """Write what happens at `level` and above to standard error.

    On a terminal these are lines for people; elsewhere each is a line of JSON.
    """
    handler = logging.StreamHandler(sys.stderr)
    is_watched = sys.stderr.isatty()
    handler.setFormatter(logging.Formatter(_FORMAT) if is_watched else JsonFormatter())
    handler.addFilter(_add_request_id)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("prelabel").setLevel(level)


def _add_request_id(record: logging.LogRecord) -> bool:
    record.request_id = request_id.get()
    return True


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
        seconds = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
        self.request_seconds = Histogram(
            "prelabel_request_seconds", "Time to answer.", ["route"], registry=own, buckets=seconds
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
            "prelabel_job_seconds", "Time a job took.", registry=own, buckets=seconds
        )
        self.last_version_at = Gauge(
            "prelabel_last_version_timestamp_seconds",
            "When the newest version came.",
            registry=own,
            multiprocess_mode="max",
        )

    def register(self, collector: Collector) -> None:
        """Add figures that are read when someone asks; they are the same in every process."""
        self._shared.register(collector)

    def encode(self) -> bytes:
        """Return the figures in Prometheus's text format 0.0.4."""
        counted = self._registry
        if SHARED_FOLDER in os.environ:
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call] # the library's
        return generate_latest(counted) + generate_latest(self._shared)
