"""What surrounds every request: its id, authentication, metrics, the last safety net."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prelabel.errors import PrelabelError
from prelabel.server.auth import check_auth
from prelabel.server.errors import error_response, unexpected
from prelabel.settings import Settings
from prelabel.telemetry import Metrics, request_id

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestMiddleware:
    """ASGI middleware around all routes: request id, authentication, metrics, errors.

    Parameters
    ----------
    routes
        Known paths, so that metrics have a bounded number of names.
    """

    def __init__(
        self, app: ASGIApp, *, settings: Settings, metrics: Metrics, routes: frozenset[str]
    ) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        token = request_id.set(given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex[:16])
        answer = _StatusRecorder(send)
        started = time.perf_counter()
        try:
            await self._run(scope, receive, answer)
        finally:
            self._count(scope, answer.status, time.perf_counter() - started)
            request_id.reset(token)

    async def _run(self, scope: Scope, receive: Receive, answer: _StatusRecorder) -> None:
        path = scope["path"]
        header = dict(scope["headers"]).get(b"authorization")
        try:
            check_auth(self._settings, path, header)
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            log.debug("%s %s: the client hung up", scope["method"], path[:200])
        except PrelabelError as error:
            log.warning("%s %s: %s", scope["method"], path[:200], error)
            await error_response(error)(scope, receive, answer)
        except Exception as error:  # one of the four places: no traceback leaves the server
            log.exception("%s %s failed", scope["method"], path[:200])
            if answer.status:
                raise  # too late for another answer; the connection is closed
            await unexpected(error)(scope, receive, answer)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope["path"] if scope["path"] in self._routes else "other"
        self._metrics.requests.labels(route=route, status=str(status)).inc()
        self._metrics.request_seconds.labels(route=route).observe(seconds)
        log.debug("%s %s: %d in %.1f ms", scope["method"], route, status, seconds * 1000)


class _StatusRecorder:
    """Passes an answer on, with the request's id; remembers its status (0 before it began)."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(raw=message["headers"])["X-Request-ID"] = request_id.get()
        await self._send(message)
