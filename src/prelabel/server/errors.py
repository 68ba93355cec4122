"""Errors → HTTP: the one table of statuses, and the one shape of a failing reply."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prelabel.errors import (
    EncodedError,
    LabelConfigError,
    MalformedError,
    NotFoundError,
    PrelabelError,
    StorageError,
    TooLargeError,
    UnauthorizedError,
    UnavailableError,
)
from prelabel.telemetry import request_id

log = logging.getLogger(__name__)

STATUSES: dict[type[PrelabelError], int] = {
    EncodedError: 415,
    MalformedError: 422,
    LabelConfigError: 422,
    UnauthorizedError: 401,
    NotFoundError: 404,
    TooLargeError: 413,
    StorageError: 503,
    UnavailableError: 503,
}

_MOST_SHOWN = 1000
_SHOWN_AS_THEY_ARE = "!$'()*+,/:;=@[]"
_READABLE_IN_ADDRESSES = str.maketrans({
    " ": "_", '"': "'", "`": "'", "{": "(", "}": ")", "<": "", ">": "", "|": "/",
})  # fmt: skip
_IN_WORDS = {" <= ": " at most ", " >= ": " at least ", " < ": " below ", " > ": " above "}
"""What makes no sense without its signs, as the tags of a labeling config do."""


def error_response(error: PrelabelError) -> Response:
    """Return the JSON every failing request gets: received, expected, what to do, request id."""
    status = next((STATUSES[cls] for cls in type(error).__mro__ if cls in STATUSES), 500)
    headers = {}
    if status == 401:
        ways = 'Basic realm="prelabel", charset="UTF-8", Bearer realm="prelabel"'
        headers["WWW-Authenticate"] = ways
    if status == 503:
        headers["Retry-After"] = "1"
    body = {
        "error": error.received,
        "expected": error.expected,
        "fix": error.fix,
        "request_id": request_id.get(),
    }
    return Response(
        msgspec.json.encode(body), status, headers=headers, media_type="application/json"
    )


def ask_again(error: PrelabelError) -> Response:
    """Return an answer that sends who asks to the same path, with the reason in its query.

    All that Label Studio shows people of a refused ``/setup`` is the status and the address it
    asked last (1.23.2, ``ml/serializers.py``; requests 2.32, ``Response.raise_for_status``).
    """
    reason = f"{error.received}. Expected: {error.expected}"
    for sign, words in _IN_WORDS.items():
        reason = reason.replace(sign, words)
    shown = reason.translate(_READABLE_IN_ADDRESSES)
    answer = error_response(error)
    answer.status_code = 307
    answer.headers["Location"] = "?" + quote(shown[:_MOST_SHOWN], safe=_SHOWN_AS_THEY_ARE)
    return answer


def exception_handlers(table: Sequence[Route]) -> dict[Any, Callable[[Request, Any], Response]]:
    """Return what Starlette answers errors with: what `RequestMiddleware` answers outside of it.

    Parameters
    ----------
    table
        The routes, for who asks for another.
    """
    paths = {route.path for route in table}
    routes = ", ".join(f"{min(route.methods or ())} {route.path}" for route in table)

    def not_found(request: Request, _error: Any) -> Response:
        path = request.url.path.removesuffix("/")
        return without_slash(request) if path in paths else unknown_route(request, routes)

    return {
        404: not_found,
        405: lambda request, _error: unknown_route(request, routes),
        PrelabelError: _explain,
        Exception: lambda _request, error: unexpected(error),  # and it is raised on, to be logged
    }


def _explain(request: Request, error: PrelabelError) -> Response:
    log.warning("%s %s: %s", request.method, request.url.path, error)
    return error_response(error)


def without_slash(request: Request) -> Response:
    """Send who wrote one slash too many to the endpoint.

    The address is relative: what a proxy or the secret puts before the path is not known here.
    """
    endpoint = request.url.path.removesuffix("/").rpartition("/")[2]
    query = f"?{request.url.query}" if request.url.query else ""
    return Response(status_code=307, headers={"Location": f"../{endpoint}{query}"})


def unknown_route(request: Request, routes: str) -> Response:
    """Return the answer to a path or a method that does not exist."""
    error = NotFoundError(
        f"Received {request.method} {request.url.path[:200]}",
        expected=f"one of {routes}",
        fix="In Label Studio, the backend's URL has no path: http://host:9090.",
    )
    return error_response(error)


def unexpected(error: Exception) -> Response:
    """Return the answer to an error nobody foresaw: its kind, never its traceback."""
    return error_response(
        PrelabelError(
            f"The server failed in a way nobody foresaw ({type(error).__name__})",
            expected="an answer",
            fix="Look for the request id in the server's log and report what stands there.",
        )
    )
