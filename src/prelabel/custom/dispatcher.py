"""Hands stored events to the models, in order, off the request path."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prelabel.errors import PrelabelError, ProcessEndedError, unforeseen
from prelabel.storage.lock import FolderLock
from prelabel.storage.model_events import ModelEvent, ModelEventStore
from prelabel.storage.poller import Poller
from prelabel.telemetry import request_id
from prelabel.types import JobState, ProjectKey

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
"""How often an event is handed to a model whose process ends each time, before it has failed."""

PROJECTS_AT_ONCE = 8


class Dispatcher:
    """Tells models what happened: events of a project one by one, projects beside each other.

    Of several servers on one data folder, one does it: whoever holds the lock file. The operating
    system frees it when that server ends, however that happens.

    Parameters
    ----------
    tell
        Hands an event to the project's model; returns when it has learned.
    report
        Called with each event's outcome and its seconds.
    """

    def __init__(
        self,
        *,
        events: ModelEventStore,
        tell: Callable[[ModelEvent], object],
        lock_file: Path,
        report: Callable[[JobState, float], None],
    ) -> None:
        self._events = events
        self._tell = tell
        self._report = report
        self._lock = FolderLock(lock_file)
        self._busy: set[ProjectKey] = set()
        self._workers = ThreadPoolExecutor(PROJECTS_AT_ONCE, thread_name_prefix="events")
        self._poller = Poller(self._look, name="dispatcher", wanted="events")

    def start(self) -> None:
        """Begin to hand out events."""
        self._poller.start()

    def wake(self) -> None:
        """Look for events now."""
        self._poller.wake()

    def stop(self) -> None:
        """Stop handing out; what is under way is handed out again at the next start."""
        self._poller.stop()

    def wait(self) -> None:
        """Return when what was under way has come back; to be called when models are ended."""
        self._workers.shutdown(cancel_futures=True)
        self._lock.free()

    def _look(self) -> None:
        if not self._lock.take():
            return
        for project in self._events.waiting():
            if project not in self._busy and not self._poller.is_stopping:
                self._busy.add(project)
                self._workers.submit(self._work, project)

    def _work(self, project: ProjectKey) -> None:
        try:
            while not self._poller.is_stopping and (event := self._events.begin(project)):
                self._hand_over(event)
        except Exception as error:  # the events stay where they are; the next look tries again
            log.error(  # noqa: TRY400 - a traceback only where it is news
                "Events of project %s could not be handed over: %s", project, error,
                exc_info=unforeseen(error),
            )  # fmt: skip
        finally:
            self._busy.discard(project)

    def _hand_over(self, event: ModelEvent) -> None:
        request_id.set(f"event-{event.id}")
        started = time.monotonic()
        state, message = JobState.DONE, ""
        try:
            self._tell(event)
        except PrelabelError as error:
            if self._poller.is_stopping:
                return  # its process was ended with the server: it is told again
            is_last = event.attempts >= MAX_ATTEMPTS or not isinstance(error, ProcessEndedError)
            if not is_last:
                log.warning("Event %d (%s) is handed over again: %s", event.id, event.action, error)
                return
            state, message = JobState.FAILED, str(error)
            log.error("Event %d (%s) failed: %s", event.id, event.action, error)  # noqa: TRY400 - the model's process has logged it
        self._events.finish(event, state, message)
        self._report(state, time.monotonic() - started)
