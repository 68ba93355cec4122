"""A thread that looks into the store for work, again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from prelabel.errors import unforeseen
from prelabel.storage.clock import pause_after

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""How soon work is found that nobody announced: syncs put off, leases that ran out."""

LONGEST_PAUSE = timedelta(seconds=30)


class Poller:
    """Looks for work when it is woken, and in between.

    Parameters
    ----------
    look
        Looks once; where that fails, it is tried again after a pause that grows.
    name, wanted
        Of the thread; what is looked for, for the log.
    poll_seconds
        How soon work is found that nobody announced.
    may_wait
        Whether a look that failed may be put off for longer than that.
    """

    def __init__(
        self,
        look: Callable[[], None],
        *,
        name: str,
        wanted: str,
        poll_seconds: float = POLL_SECONDS,
        may_wait: Callable[[], bool] = lambda: True,
    ) -> None:
        self._look = look
        self._wanted = wanted
        self._poll = timedelta(seconds=poll_seconds)
        self._may_wait = may_wait
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    @property
    def is_stopping(self) -> bool:
        """Whether nothing should be begun any more."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    def stop(self) -> None:
        """Look a last time, and end."""
        self._stopping.set()
        self._woken.set()
        self._thread.join()

    def _loop(self) -> None:
        failures = 0
        while not self.is_stopping:
            self._woken.wait(self._poll.total_seconds())
            self._woken.clear()
            try:
                self._look()
                failures = 0
            except Exception as error:  # noqa: BLE001 - who never looks again seems healthy
                self._pause(error, failures)
                failures += 1

    def _pause(self, error: Exception, failures: int) -> None:
        longest = LONGEST_PAUSE if self._may_wait() else self._poll
        pause = pause_after(failures, first=self._poll, longest=longest)
        log.error(
            "Looking for %s failed; it is tried again in %d s: %s",
            self._wanted, pause.total_seconds(), error, exc_info=unforeseen(error),
        )  # fmt: skip
        self._stopping.wait(pause.total_seconds())  # whoever wakes it then would meet the same
