"""How a POST is answered: on a thread, or at once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import partial

import msgspec
from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from prelabel.bootstrap import Service
from prelabel.errors import TooLargeError

SMALL_BYTES = 16 * 1024
"""Bodies of one or two tasks, which take a millisecond."""

received_at_seconds: ContextVar[float] = ContextVar("received_at_seconds")
"""When the body was there, on the monotonic clock: waiting for a thread takes time, too."""


Run = Callable[[Callable[[], object], bytes], Awaitable[object]]


def on_threads(limiter: CapacityLimiter) -> Run:
    """Return what does work on a limiter's threads."""

    async def run(work: Callable[[], object], _body: bytes) -> object:
        return await to_thread.run_sync(work, limiter=limiter)

    return run


class PostEndpoint:
    """Answers a POST on another thread: the event loop stays free for ``/health``.

    It speaks ASGI itself: Starlette's request and response cost as much as a small prediction.

    Parameters
    ----------
    run
        Does the work for a body on another thread.
    at_once
        What answers small bodies on the event loop, because to change threads costs more than they
        do. It neither reads nor loads anything, and returns None where that would be needed.
    """

    def __init__(
        self,
        service: Service,
        handle: Callable[[Service, bytes], object],
        run: Run,
        *,
        at_once: Callable[[bytes], bytes | None] | None = None,
    ) -> None:
        self._service = service
        self._handle = handle
        self._run = run
        self._at_once = at_once

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, self._service.settings.max_body_bytes)
        content = self._at_once(body) if self._at_once and len(body) <= SMALL_BYTES else None
        if content is None:
            content = await self._answer(body)
        size = (b"content-length", b"%d" % len(content))
        headers = [size, (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, body: bytes) -> bytes:
        received_at_seconds.set(time.monotonic())
        with self._service.metrics.in_progress.track_inprogress():
            return _to_json(await self._run(partial(self._handle, self._service, body), body))


async def read_body(receive: Receive, limit_bytes: int) -> bytes:
    """Read a request's body, and no more of it than is accepted.

    Raises
    ------
    TooLargeError
        If it is longer.
    ClientDisconnect
        If the client hangs up before its end.
    """
    chunks, size, has_more = [], 0, True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit_bytes:
            raise TooLargeError(
                f"Received a body of more than {limit_bytes} bytes",
                expected=f"at most {limit_bytes} bytes",
                fix="Send fewer tasks at once, or raise PRELABEL_MAX_BODY_BYTES.",
            )
        chunks.append(chunk)
        has_more = message.get("more_body", False)
    return b"".join(chunks)


def to_response(answer: object) -> Response:
    """Return an answer as JSON."""
    return Response(_to_json(answer), media_type="application/json")


def _to_json(answer: object) -> bytes:
    """Encode an answer; bytes are JSON already."""
    return answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
