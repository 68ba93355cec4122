"""What surrounds every request: its id, authentication, the last safety net."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prelabel.errors import (
    EncodedError,
    MalformedError,
    PrelabelError,
    UnavailableError,
    shorten,
)
from prelabel.server.at_once import AtOnce
from prelabel.server.auth import check_auth, read_secret
from prelabel.server.errors import ask_again, error_response, unexpected
from prelabel.server.request_log import RequestLog, common_headers
from prelabel.settings import Settings
from prelabel.telemetry import request_id

log = logging.getLogger(__name__)


class RequestMiddleware:
    """ASGI middleware around all routes: request id, authentication, log, errors.

    Parameters
    ----------
    at_once
        What a server may ask before this; None where nothing is answered so.
    doorbell
        What answers webhooks without credentials; None refuses them where credentials are set.
    """

    def __init__(
        self, app: ASGIApp, *, settings: Settings, requests: RequestLog,
        at_once: AtOnce | None = None, doorbell: ASGIApp | None = None,
    ) -> None:  # fmt: skip
        self._app = app
        self._settings = settings
        self._requests = requests
        self.at_once = at_once
        self._doorbell = doorbell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        inner = read_secret(self._settings, scope["path"])
        if inner is not None:
            scope = {**scope, "path": inner, "raw_path": inner.encode()}
        token = request_id.set(self._requests.choose_id(headers))
        answer = _StatusRecorder(send)
        started = time.perf_counter()
        try:
            credentials = headers.get(b"authorization")
            await self._run(scope, receive, answer, credentials, has_secret=inner is not None)
        finally:
            seconds = time.perf_counter() - started
            self._requests.count(scope["method"], scope["path"], answer.status, seconds)
            request_id.reset(token)

    async def _run(
        self,
        scope: Scope,
        receive: Receive,
        answer: _StatusRecorder,
        credentials: bytes | None,
        *,
        has_secret: bool,
    ) -> None:
        path = scope["path"]
        is_known = path in self._requests.routes
        shown = path if is_known else "an unknown path"  # it may be a mistyped secret
        try:
            app = self._app
            if not has_secret:  # who has it needs no header
                if self._doorbell and credentials is None and _is_webhook(scope):
                    app = self._doorbell
                else:
                    check_auth(self._settings, path, credentials)
            await app(scope, receive, answer)
        except ClientDisconnect:
            log.debug("%s %s: the client hung up", scope["method"], shown)
        except PrelabelError as error:
            await _explain(error, shown, scope)(scope, receive, answer)
        except asyncio.CancelledError:  # by the server, which ends, and by nobody else
            log.warning("%s %s: the server ended before it was answered", scope["method"], shown)
            await _say_ended(scope, receive, answer)
        except Exception as error:  # no traceback leaves the server
            log.exception("%s %s failed", scope["method"], shown)
            if answer.status:
                raise  # too late for another answer; the connection is closed
            await unexpected(error)(scope, receive, answer)


def _explain(found: PrelabelError, shown: str, scope: Scope) -> Response:
    """Return what is answered in place of what was asked for, and log it."""
    error = _find_cause(found, scope)
    if scope["path"] == "/setup" and _shows_only_addresses(scope):
        return ask_again(error)
    log.warning("%s %s: %s", scope["method"], shown, error)
    return error_response(error)


def _find_cause(error: PrelabelError, scope: Scope) -> PrelabelError:
    """Return why a body cannot be read: that it is packed, if it says so, or what was found."""
    encoding = dict(scope["headers"]).get(b"content-encoding", b"").decode("latin-1")
    if not isinstance(error, MalformedError) or encoding in ("", "identity"):
        return error
    return EncodedError(
        f"Received a body with Content-Encoding: {shorten(encoding)}",
        expected="a body that is not packed",
        fix="Send it as it is, without Content-Encoding. Label Studio packs none: if a proxy on "
        "the way does, turn that off there.",
    )


async def _say_ended(scope: Scope, receive: Receive, answer: _StatusRecorder) -> None:
    if answer.status:
        return
    error = UnavailableError(
        "The server ended before this was answered",
        expected="an answer before the server ends",
        fix="Send it again when the server is back. It may have been done all the same: to send "
        "it twice does no harm.",
    )
    await error_response(error)(scope, receive, answer)


def _is_webhook(scope: Scope) -> bool:
    return bool(scope["method"] == "POST" and scope["path"] == "/webhook")


def _shows_only_addresses(scope: Scope) -> bool:
    """Whether it is Label Studio, which calls itself so, and has not been told the reason yet."""
    agent = dict(scope["headers"]).get(b"user-agent", b"")
    return agent.startswith(b"heartex/") and not scope["query_string"]


class ShortcutMiddleware:
    """ASGI middleware that takes a known POST to its endpoint, past Starlette's layers and routes.

    Everything else goes their way, and so does what they would answer otherwise.

    Parameters
    ----------
    posts
        The endpoints, by path.
    """

    def __init__(self, app: ASGIApp, *, posts: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._posts = posts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        app = self._posts.get(scope["path"], self._app) if is_post else self._app
        await app(scope, receive, send)


class _StatusRecorder:
    """Passes an answer on, with the request's id; remembers its status (0 before it began)."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"].extend(common_headers())
        await self._send(message)
