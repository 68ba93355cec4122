"""``/setup`` in time, however long a model takes: Label Studio gives up after three seconds."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from contextvars import copy_context
from typing import Protocol

from prelabel.custom.processes import KNOWN
from prelabel.recent import Recent
from prelabel.types import ProjectKey

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
"""How long an answer is waited for: one second less than Label Studio does."""

STARTING = "starting"
"""The version before a model has said its own; Label Studio asks again when it changes."""


class Answering(Protocol):
    """Whoever answers a call, as a project's model does."""

    def ask(self, call: str, body: bytes, seconds: float) -> bytes: ...


class Setups:
    """Asks models to set themselves up, each on a thread of its own, one at a time for a project.

    To import a model may take a minute; to be asked while it works on a large batch, as long.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # A model that is let go of while it works may be asked once more; it takes its turn.
        self._pending = Recent[ProjectKey, Future[bytes]](KNOWN)

    def ask(
        self, project: ProjectKey, model: Answering, body: bytes, seconds: float
    ) -> bytes | None:
        """Return the answer, or None if there is none in time; the model goes on then.

        Whoever asks meanwhile waits for the same answer: Label Studio asks before every task.

        Raises
        ------
        ModelError
            If the model fails in time; later failures are logged.
        """
        future = self._begin(project, model, body, seconds)
        try:
            return future.result(PATIENCE_SECONDS)
        except TimeoutError:
            return None

    def _begin(
        self, project: ProjectKey, model: Answering, body: bytes, seconds: float
    ) -> Future[bytes]:
        with self._lock:
            future = self._pending.get(project)
            if future is None or future.done():
                future = self._pending[project] = Future()
                work = (_set_up, project, model, body, seconds, future)
                run = copy_context().run
                threading.Thread(target=run, args=work, name="setup", daemon=True).start()
            return future


def _set_up(
    project: ProjectKey, model: Answering, body: bytes, seconds: float, future: Future[bytes]
) -> None:
    started = time.monotonic()
    try:
        future.set_result(model.ask("setup", body, seconds))
    except Exception as error:  # noqa: BLE001 - it is raised where somebody waits
        if time.monotonic() - started >= PATIENCE_SECONDS:
            log.error("Project %s: %s", project, error)  # noqa: TRY400 - the model's process has logged it
        future.set_exception(error)
