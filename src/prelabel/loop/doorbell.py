"""News that nobody vouches for: not believed, but a reason to ask Label Studio."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from prelabel.loop.pulls import Pulls
from prelabel.recent import Recent
from prelabel.storage.projects import ProjectStore
from prelabel.types import ProjectKey

PAUSE_SECONDS = 5.0
"""How long a project's ring keeps the next one waiting. Many rings in that time are one; it is
written down when it is due, so that it waits in no thread and survives a restart."""

_PAUSE = timedelta(seconds=PAUSE_SECONDS)


class Doorbell:
    """Pulls a project's labels when someone says that there is news.

    Label Studio's webhooks carry no credentials (1.23.2, ``webhooks/utils.py``, ``run_webhook``).
    Whoever rings can make us ask Label Studio, with our own key, about a project that we know, once
    in a while, and nothing else.

    Parameters
    ----------
    wake
        Called when a project may have become due.
    pulls
        Makes up for rings that cannot be written down.
    """

    def __init__(
        self,
        projects: ProjectStore,
        wake: Callable[[], None],
        pulls: Pulls,
        *,
        clock_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._projects = projects
        self._wake = wake
        self._pulls = pulls
        self._clock_seconds = clock_seconds
        self._lock = threading.Lock()
        self._pulled_at = Recent[ProjectKey, float](1000)

    def ring(self, project: ProjectKey) -> None:
        """Have a project's labels pulled, at once or after the pause; strangers ring in vain."""
        with self._pulls.make_up(project):
            self._ring(project)

    def _ring(self, project: ProjectKey) -> None:
        # What is written down alone is relied on: another may have a pull begin before its time.
        if not self._projects.is_known(project) or self._projects.will_sync(project, within=_PAUSE):
            return
        with self._lock:
            moment, last = self._clock_seconds(), self._pulled_at.get(project)
            pull_at = moment if last is None else max(moment, last + PAUSE_SECONDS)
            pull_at = min(pull_at, moment + PAUSE_SECONDS)
        self._projects.request_sync(project, after=timedelta(seconds=pull_at - moment))
        with self._lock:  # only now: what was not written down must not put off the next ring
            self._pulled_at[project] = pull_at
        self._wake()
