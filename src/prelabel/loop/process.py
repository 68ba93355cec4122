"""The training process: another process, so that serving never waits for a fit."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

GRACE_SECONDS = 2.0


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
        # The child waits for the end of a pipe that only we hold open. It ends when we close it,
        # and when we are killed; and there is no lock in it that a killed child could keep.
        self._theirs, self._ours = context.Pipe()
        super().__init__(
            max_workers=1,
            mp_context=context,
            initializer=_begin,
            initargs=(self._theirs, set_up, arguments),
        )

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - the base's signature
        """End the process within two seconds, in the middle of its job if there is one."""
        pid = self._ours.recv() if not self._ours.closed and self._ours.poll() else None
        self._ours.close()
        if pid is not None:
            _end(pid)
        # Always waited for: the interpreter's own clean-up at exit trips over an executor whose
        # process is just ending.
        super().shutdown(wait=True, cancel_futures=cancel_futures)
        self._theirs.close()


def _end(pid: int) -> None:
    """Kill a child that does not go by itself: stopped, or busy in code that lets nobody in."""
    for child in multiprocessing.active_children():
        if child.pid == pid and not wait([child.sentinel], GRACE_SECONDS):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _begin(life_line: Connection, set_up: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    os.nice(5)  # serving comes first; at 19 a busy machine would starve a training
    try:
        life_line.send(os.getpid())
    except OSError:  # the parent has ended meanwhile
        os._exit(0)
    threading.Thread(target=_end_with_parent, args=(life_line,), daemon=True).start()
    set_up(*arguments)


def _end_with_parent(life_line: Connection) -> None:
    try:
        life_line.recv_bytes()
    finally:
        os._exit(0)
