"""Threads for what may take long: by project, and for writing. Nothing waits without a bound."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TypeVar, cast

from anyio import CapacityLimiter, to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prelabel.errors import UnavailableError
from prelabel.models.failures import too_slow
from prelabel.recent import Recent
from prelabel.types import ProjectKey

REQUESTS_AT_ONCE = 4
"""Threads that one project's requests may take."""

GRACE_SECONDS = 3.0
"""How much later than it should a model's answer is taken: what it was in time for is in it."""

T = TypeVar("T")

MOST_WAITING = 100
"""Requests that wait for their turn to write. Each is a connection, and holds its body."""

PROJECTS = 1000
"""Of more projects at once, those asked for last count."""


class ProjectLimiters:
    """A limiter for each project."""

    def __init__(self) -> None:
        self._limiters = Recent[ProjectKey, CapacityLimiter](PROJECTS)

    def of(self, project: ProjectKey) -> CapacityLimiter:
        """Return a project's limiter."""
        limiter = self._limiters.get(project)
        if limiter is None:
            limiter = self._limiters[project] = CapacityLimiter(REQUESTS_AT_ONCE)
        return limiter

    async def run(self, work: Callable[[], T], project: ProjectKey, seconds: float) -> T:
        """Do a project's work on a thread that is left alone if it takes too long.

        Nothing can end it; it does not keep the server from stopping.

        Raises
        ------
        ModelError
            If it takes longer.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        future.add_done_callback(asyncio.Future.exception)  # too late, it is nobody's news

        def run() -> None:
            try:
                told = partial(_settle, future, work(), None)
            except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
                told = partial(_settle, future, None, error)
            with suppress(RuntimeError):  # the server has stopped meanwhile
                loop.call_soon_threadsafe(told)

        async with self.of(project):
            begin = copy_context().run
            threading.Thread(target=begin, args=(run,), name="predict", daemon=True).start()
            done, _ = await asyncio.wait([future], timeout=seconds + GRACE_SECONDS)
        if not done:
            raise too_slow("predict_proba", seconds)
        return future.result()


class Turns:
    """Does work on a few threads, in turn, and takes on no more than may wait for one.

    A database that another process keeps locked makes all of them wait, for as long as it is.

    Parameters
    ----------
    most_bytes
        Bodies that are held, together, before no more may wait; one may, however large.
    refused
        Called for each that may not wait, if anything.
    """

    def __init__(
        self, threads: int, most_bytes: int, *, refused: Callable[[], None] | None = None
    ) -> None:
        self._refused = refused
        self._limiter = CapacityLimiter(threads)
        self._most_bytes = most_bytes
        self._held_bytes = 0

    async def run(self, work: Callable[[], T], body: bytes) -> T:
        """Return what the work gives; a `Run`.

        Raises
        ------
        UnavailableError
            If as many wait already as may.
        """
        n_waiting = self._limiter.statistics().tasks_waiting
        if n_waiting >= MOST_WAITING or (n_waiting and self._held_bytes >= self._most_bytes):
            if self._refused:
                self._refused()
            raise UnavailableError(
                f"{n_waiting} requests wait for their turn to write already",
                expected=f"at most {MOST_WAITING}, or {self._most_bytes} bytes of them",
                fix="Send it again in a moment. If that does not pass, another process keeps the "
                "database locked, or its disk is slow.",
            )
        self._held_bytes += len(body)
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._held_bytes -= len(body)


class BodiesTogether:
    """ASGI middleware whose requests' bodies take no more than so much memory together.

    For who needs no credentials: each may send a large body slowly.

    Parameters
    ----------
    refused
        Called for each request that is refused, if anything.
    """

    def __init__(
        self, app: ASGIApp, *, most_bytes: int, refused: Callable[[], None] | None
    ) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._refused = refused
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held = 0

        async def take() -> Message:
            nonlocal held
            message = await receive()
            size = len(message.get("body", b""))
            if self._held_bytes + size > self._most_bytes:
                raise self._refuse()
            held += size
            self._held_bytes += size
            return message

        try:
            await self._app(scope, take, send)
        finally:
            self._held_bytes -= held

    def _refuse(self) -> UnavailableError:
        if self._refused:
            self._refused()
        return UnavailableError(
            "Bodies without credentials take as much memory as they may already",
            expected=f"{self._most_bytes} bytes of them at a time",
            fix="Send it again in a moment, with credentials, or as fewer tasks at once.",
        )


def _settle(future: asyncio.Future[T], answer: T | None, error: BaseException | None) -> None:
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(cast("T", answer))
