"""News that nobody vouches for: not believed, but a reason to ask Label Studio."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from prelabel.storage.projects import ProjectStore
from prelabel.types import ProjectKey

PAUSE_SECONDS = 5.0


class Doorbell:
    """Pulls a project's labels when someone says that there is news.

    Label Studio's webhooks carry no credentials (1.23.2, ``webhooks/utils.py``, ``run_webhook``).
    Whoever rings can make us ask Label Studio, with our own key, about a project that we know, once
    in a while, and nothing else.

    Parameters
    ----------
    wake
        Called when a project may have become due.
    pause_seconds
        How long a project's ring keeps the next one waiting. Many rings in that time are one; what
        is waiting when the process ends is made up for by the sync at the next start.
    """

    def __init__(
        self,
        projects: ProjectStore,
        wake: Callable[[], None],
        *,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._projects = projects
        self._wake = wake
        self._pause_seconds = pause_seconds
        self._lock = threading.Lock()
        self._free_at: dict[ProjectKey, float] = {}
        self._waiting: dict[ProjectKey, threading.Timer] = {}
        self._is_stopped = False

    def ring(self, project: ProjectKey) -> None:
        """Have a project's labels pulled, at once or after the pause; strangers ring in vain."""
        if not self._projects.is_known(project):
            return
        with self._lock:
            remaining = self._free_at.get(project, 0.0) - time.monotonic()
            if remaining > 0:
                self._wait(project, remaining)
                return
            self._free_at[project] = time.monotonic() + self._pause_seconds
        self._pull(project)

    def stop(self) -> None:
        """Let nothing wait any more."""
        with self._lock:
            self._is_stopped = True
            waiting = list(self._waiting.values())
        for timer in waiting:
            timer.cancel()

    def _wait(self, project: ProjectKey, seconds: float) -> None:
        if project not in self._waiting and not self._is_stopped:
            timer = threading.Timer(seconds, self._ring_late, [project])
            timer.daemon = True
            self._waiting[project] = timer
            timer.start()

    def _ring_late(self, project: ProjectKey) -> None:
        with self._lock:
            del self._waiting[project]
            self._free_at[project] = time.monotonic() + self._pause_seconds
        self._pull(project)

    def _pull(self, project: ProjectKey) -> None:
        self._projects.request_sync(project)
        self._wake()
