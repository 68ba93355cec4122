"""The processes of all projects: not more at once than a machine can hold."""

from __future__ import annotations

import threading
from collections.abc import Callable

from prelabel.custom.process import ProjectProcess
from prelabel.types import ProjectKey


class Pool:
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
            if not chosen.is_running:
                self._make_room(chosen)
            return chosen

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
