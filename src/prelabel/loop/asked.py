"""Texts of tasks that predictions were asked for: models learn from them, too.

Of tasks that were imported before a project was connected, nothing else tells without an API key.
Who asks does not wait for it: texts wait in memory, and are lost if the process is killed before
they are kept. Label Studio asks for the same tasks again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from prelabel.errors import unforeseen
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.types import ProjectKey, Task

log = logging.getLogger(__name__)

Asked = TypeVar("Asked")

PAUSE_SECONDS = 5.0
MOST_TASKS = 2_000
MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Waiting:
    project: ProjectKey
    read: Callable[[], Sequence[Task]]


class AskedTexts:
    """Keeps the texts of tasks that predictions were asked for, a moment later, on its own thread.

    In one moment it takes 2,000 tasks of 16 MB in all, of a request with more the first ones;
    others are taken when they are asked for again.

    Parameters
    ----------
    pause_seconds
        How long texts wait, so that many requests are one transaction.
    """

    def __init__(
        self, projects: ProjectStore, labels: LabelStore, *, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._projects = projects
        self._labels = labels
        self._pause_seconds = pause_seconds
        self._waiting: list[_Waiting] = []
        self._n_tasks = self._n_bytes = 0
        self._lock = threading.Lock()
        self._has_news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="asked-texts", daemon=True)
        self._thread.start()

    def take(
        self,
        project: ProjectKey,
        asked: Sequence[Asked],
        read: Callable[[Sequence[Asked]], Sequence[Task]],
        *,
        n_bytes: int,
    ) -> None:
        """Take note of tasks, the first of them if there is no room for all; microseconds' work.

        Parameters
        ----------
        asked
            The tasks as they were sent.
        read
            Makes tasks of them, when there is time for it.
        n_bytes
            Memory they take, about.
        """
        with self._lock:
            n_tasks = min(len(asked), MOST_TASKS - self._n_tasks)
            if n_bytes > MOST_BYTES - self._n_bytes:
                n_tasks = min(n_tasks, len(asked) * (MOST_BYTES - self._n_bytes) // n_bytes)
            if n_tasks <= 0:
                return
            # Only what is taken is held: the request may be much larger.
            self._waiting.append(_Waiting(project, partial(read, asked[:n_tasks])))
            self._n_tasks += n_tasks
            self._n_bytes += n_bytes * n_tasks // len(asked)
        self._has_news.set()

    def stop(self) -> None:
        """Keep what waits, and end."""
        self._stopping.set()
        self._has_news.set()
        self._thread.join()

    def _loop(self) -> None:
        is_last = False
        while not is_last:
            self._has_news.wait()
            self._stopping.wait(self._pause_seconds)
            self._has_news.clear()
            is_last = self._stopping.is_set()  # what came before that is among what waits
            with self._lock:
                waiting, self._waiting = self._waiting, []
                self._n_tasks = self._n_bytes = 0
            try:
                self._keep(waiting)
            except Exception as error:  # who keeps nothing looks healthy
                log.warning(
                    "Texts of tasks that were asked for are not kept: %s", error,
                    exc_info=unforeseen(error),
                )  # fmt: skip

    def _keep(self, waiting: Sequence[_Waiting]) -> None:
        by_project: dict[ProjectKey, dict[int, Task]] = {}
        for asked in waiting:
            found = by_project.setdefault(asked.project, {})
            found |= {task.id: task for task in asked.read()}
        for project, tasks in by_project.items():
            # Asked for, not remembered: what was kept may have been erased since.
            if self._projects.is_known(project):
                new = self._labels.find_new(project, list(tasks.values()))
                self._labels.add_texts(project, new)
