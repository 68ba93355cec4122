"""A project's process, seen from the server: asked, told, and ended when it does not answer."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection

import msgspec

from prelabel.custom.child import Orders, run
from prelabel.errors import MalformedError, ModelError, ProcessEndedError
from prelabel.models.failures import busy_for, too_slow
from prelabel.telemetry import request_id

log = logging.getLogger(__name__)

START_SECONDS = 300.0
"""How long importing and making a model may take: large ones are read from slow disks."""

RETRY_SECONDS = 5.0
"""How long a failed start is answered from memory, so that requests do not start a storm."""

_ENDED = ", and its process was ended"


class ProjectProcess:
    """One project's model in a process of its own, started when it is first needed.

    It answers `ask` and `tell` at the same time, each for one caller at a time.
    """

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._starting = threading.Lock()
        self._asking = threading.Lock()
        self._telling = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._asked: Connection | None = None
        self._told: Connection | None = None
        self._failure: tuple[float, ModelError] | None = None
        self.used_at_seconds = time.monotonic()

    @property
    def is_busy(self) -> bool:
        """Whether it is doing anything now."""
        return self._asking.locked() or self._telling.locked() or self._starting.locked()

    @property
    def is_running(self) -> bool:
        """Whether there is a process that could answer at once."""
        return self._process is not None and self._process.is_alive()

    def ask(self, call: str, body: bytes, seconds: float) -> bytes:
        """Return the answer to a request.

        Raises
        ------
        ModelError
            If the model fails, or gives no answer in time; its process is then ended.
        """
        if not self._asking.acquire(timeout=seconds):
            raise busy_for(seconds)
        try:
            self._start()
            return self._exchange(self._asked, call, body, seconds)
        finally:
            self._asking.release()

    def tell(self, body: bytes, seconds: float) -> bytes:
        """Let the model learn from an event; as `ask`, beside it."""
        with self._telling:
            self._start()
            return self._exchange(self._told, "fit", body, seconds)

    def end(self) -> None:
        """End the process with all that it has started; the next call starts another."""
        process, self._process = self._process, None
        if process is not None:
            if process.pid is not None:
                with suppress(ProcessLookupError):  # it leads a group once it has begun
                    os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.join()
            for line in (self._asked, self._told):
                if line is not None:
                    line.close()

    def _exchange(self, line: Connection | None, call: str, body: bytes, seconds: float) -> bytes:
        if line is None:
            raise _ended(call, self._process)
        self.used_at_seconds = time.monotonic()
        process = self._process
        try:
            line.send_bytes(b"\n".join((call.encode(), request_id.get().encode(), body)))
            if not line.poll(seconds):
                log.error("Project %s: no answer to %s; it is ended", self._orders.project, call)
                self.end()
                raise too_slow(call, seconds, _ENDED)
            answer = line.recv_bytes()
        except (EOFError, OSError, TypeError) as error:  # TypeError: closed by another thread
            raise _ended(call, process) from error
        self.used_at_seconds = time.monotonic()
        return _read(answer)

    def _start(self) -> None:
        with self._starting:
            if self.is_running:
                return
            if self._failure and time.monotonic() < self._failure[0]:
                raise self._failure[1]
            self.end()
            try:
                self._launch()
                self._failure = None
            except ModelError as error:
                self.end()
                self._failure = (time.monotonic() + RETRY_SECONDS, error)
                raise

    def _launch(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._asked, asked = context.Pipe()
        self._told, told = context.Pipe()
        process = context.Process(target=run, args=(self._orders, asked, told), daemon=True)
        process.start()
        self._process = process
        asked.close()
        told.close()
        try:
            if not self._asked.poll(START_SECONDS):
                raise too_slow("starting", START_SECONDS, _ENDED)
            greeting = self._asked.recv_bytes()
        except (EOFError, OSError) as error:
            raise _ended("starting", process) from error
        if greeting:
            _read(greeting)


def _read(answer: bytes) -> bytes:
    if answer[:1] == b"+":
        return answer[1:]
    told = msgspec.json.decode(answer[1:], type=tuple[bool, str, str, str])
    is_callers, received, expected, fix = told
    raise (MalformedError if is_callers else ModelError)(received, expected=expected, fix=fix)


def _ended(call: str, process: multiprocessing.process.BaseProcess | None) -> ProcessEndedError:
    if process is not None:
        process.join(1)
    status = "" if process is None or process.exitcode is None else f", status {process.exitcode}"
    return ProcessEndedError(
        f"The model's process ended during {call}{status}",
        expected="a process that goes on",
        fix="Look at the server's log for what the model wrote last. The next request starts it "
        "again.",
    )
