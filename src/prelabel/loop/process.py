"""The training process: another process, so that serving never waits for a fit."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Event
from typing import Any

CHECK_SECONDS = 0.5


class TrainingProcess(ProcessPoolExecutor):
    """An executor of one process, started at its first job, that never outlives its parent.

    Parameters
    ----------
    set_up
        Called first in the new process, with `arguments`; both must be picklable.
    """

    def __init__(self, set_up: Callable[..., None], *arguments: Any) -> None:
        # spawn: a fork of a process with threads may inherit a lock that nobody will open.
        context = multiprocessing.get_context("spawn")
        self._stopping = context.Event()
        super().__init__(
            max_workers=1,
            mp_context=context,
            initializer=_begin,
            initargs=(self._stopping, set_up, arguments),
        )

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the process within a second, in the middle of its job if there is one."""
        self._stopping.set()
        super().shutdown(wait, cancel_futures=cancel_futures)


def _begin(stopping: Event, set_up: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    os.nice(19)  # serving comes first
    threading.Thread(target=_end_with_parent, args=(stopping,), daemon=True).start()
    set_up(*arguments)


def _end_with_parent(stopping: Event) -> None:
    # A killed parent cannot tell its child; without this, a child waits for work for ever.
    parent = multiprocessing.parent_process()
    while parent is not None and parent.is_alive() and not stopping.wait(CHECK_SECONDS):
        pass
    os._exit(0)
