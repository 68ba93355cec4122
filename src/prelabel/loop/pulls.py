"""When labels are pulled for what webhooks do not tell, and for what could not be stored of them.

Imported tasks may have annotations, of which nothing is said; and of a webhook that was refused
nothing is sent again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from prelabel.errors import StorageError
from prelabel.storage.projects import ProjectStore
from prelabel.types import ProjectKey

log = logging.getLogger(__name__)

PAUSE_SECONDS = 60.0
"""How soon: what comes meanwhile is one pull."""

_MOST_MISSED = 1000


class Pulls:
    """Asks for pulls of projects' labels, where Label Studio's API can be asked.

    Parameters
    ----------
    wake
        Called when a project may have become due.
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
        self._missed: set[ProjectKey | None] = set()  # None for all
        self._timer: threading.Timer | None = None
        self._is_stopped = False

    def ask(self, project: ProjectKey) -> None:
        """Have a project's labels pulled now."""
        self._projects.request_sync(project)
        self._wake()

    def ask_later(self, project: ProjectKey) -> None:
        """Have a project's labels pulled in a minute, or earlier."""
        self._projects.request_sync(project, after=timedelta(seconds=self._pause_seconds))

    @contextmanager
    def make_up(self, project: ProjectKey) -> Iterator[None]:
        """If the block cannot store its news, have them pulled as soon as that can be stored.

        Until then it is remembered in memory: a server that starts pulls everything.
        """
        try:
            yield
        except StorageError:
            log.warning("Project %s: news could not be stored and will be pulled", project)
            self._miss([project])
            raise

    def make_up_for_all(self) -> None:
        """Have all projects' labels pulled in a minute: news was refused that nobody read."""
        self._miss([None])

    def stop(self) -> None:
        """Ask for nothing more."""
        with self._lock:
            self._is_stopped, timer = True, self._timer
        if timer:
            timer.cancel()
            timer.join()

    def _miss(self, projects: Iterable[ProjectKey | None]) -> None:
        with self._lock:
            for project in projects:
                if len(self._missed) < _MOST_MISSED:
                    self._missed.add(project)
            if self._timer is None and not self._is_stopped:
                self._timer = threading.Timer(self._pause_seconds, self._ask_for_missed)
                self._timer.daemon = True
                self._timer.start()

    def _ask_for_missed(self) -> None:
        with self._lock:
            missed, self._missed, self._timer = self._missed, set(), None
        try:
            for project in missed:
                if project is None or self._projects.is_known(project):
                    self._projects.request_sync(project)
        except StorageError:
            self._miss(missed)
        self._wake()
