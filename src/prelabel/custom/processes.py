"""The processes of all projects: not more at once than a machine can hold."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from prelabel.custom.process import ProjectProcess
from prelabel.types import ProjectKey

KNOWN = 1000
UNUSED_SECONDS = 600.0
"""Of more projects than `KNOWN`, those that do not run and were unused for so long are let go."""


class Processes:
    """Gives each project its process; ends the longest unused where there are too many.

    Parameters
    ----------
    make
        Makes a project's process, not yet started.
    limit
        Processes that may run at once. Busy ones are never ended for others.
    """

    def __init__(self, make: Callable[[ProjectKey], ProjectProcess], limit: int) -> None:
        self._make = make
        self._limit = limit
        self._lock = threading.Lock()
        self._processes: dict[ProjectKey, ProjectProcess] = {}

    def get(self, project: ProjectKey) -> ProjectProcess:
        """Return a project's process."""
        with self._lock:
            if project not in self._processes:
                self._processes[project] = self._make(project)
            chosen = self._processes[project]
            chosen.used_at_seconds = time.monotonic()
            self._forget_unused()
            if not chosen.is_running:
                self._make_room(chosen)
            return chosen

    def _forget_unused(self) -> None:
        """Strangers may name any number of projects."""
        if len(self._processes) > KNOWN:
            recent_seconds = time.monotonic() - UNUSED_SECONDS
            self._processes = {
                key: process
                for key, process in self._processes.items()
                if process.is_running or process.is_busy or process.used_at_seconds > recent_seconds
            }

    def _make_room(self, chosen: ProjectProcess) -> None:
        running = [p for p in self._processes.values() if p.is_running and p is not chosen]
        idle = sorted((p for p in running if not p.is_busy), key=lambda p: p.used_at_seconds)
        for process in idle[: max(0, len(running) - self._limit + 1)]:
            process.end()

    def end(self) -> None:
        """End all processes."""
        with self._lock:
            for process in self._processes.values():
                process.end()
