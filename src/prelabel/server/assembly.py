"""What is around the endpoints of every kind of class: routes, descriptions, middleware, an end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from prelabel.server.at_once import AtOnce
from prelabel.server.errors import exception_handlers
from prelabel.server.middleware import RequestMiddleware, ShortcutMiddleware
from prelabel.server.monitoring import Measured
from prelabel.server.openapi import describe_api, write_page
from prelabel.server.posts import to_response
from prelabel.server.request_log import RequestLog
from prelabel.settings import Settings


class AnyServed(Measured, Protocol):
    """A service of any kind."""

    @property
    def settings(self) -> Settings: ...

    def stop(self) -> None: ...


AnyService = TypeVar("AnyService", bound=AnyServed)
Gets = Mapping[str, Callable[[AnyService, Request], Awaitable[Response]]]


def with_descriptions(
    gets: Gets[AnyService], posts: Mapping[str, Callable[..., object]], **options: Any
) -> Gets[AnyService]:
    """Return these endpoints and those that describe them, and themselves.

    Parameters
    ----------
    options
        Those of `describe_api`.
    """

    async def get_openapi(_service: AnyService, _request: Request) -> Response:
        """``GET /openapi.json``: these endpoints, for programs."""
        return to_response(describe_api(described, posts, **options))

    async def get_docs(_service: AnyService, _request: Request) -> Response:
        """``GET /docs``: these endpoints, for people."""
        return HTMLResponse(write_page(describe_api(described, posts, **options)))

    described: Gets[AnyService] = {**gets, "/openapi.json": get_openapi, "/docs": get_docs}
    return described


def assemble(
    service: AnyService,
    gets: Gets[AnyService],
    posts: Mapping[str, ASGIApp],
    *,
    at_once: Mapping[str, Callable[[bytes], bytes | None]] | None = None,
    doorbell: ASGIApp | None = None,
) -> ASGIApp:
    """Return the application of these endpoints; stopping it stops the service.

    Parameters
    ----------
    at_once
        Those of `AtOnce`, which answers before the endpoints are asked.
    doorbell
        What answers webhooks without credentials; None refuses them where credentials are set.
    """
    settings = service.settings
    requests = RequestLog(service.metrics, frozenset({*gets, *posts}))
    # Around Starlette, not inside: its own layers cost as much as these.
    return RequestMiddleware(
        ShortcutMiddleware(_make_app(service, gets, posts), posts=posts),
        settings=settings,
        requests=requests,
        at_once=AtOnce(answers=at_once, settings=settings, log=requests) if at_once else None,
        doorbell=doorbell,
    )


def _make_app(
    service: AnyService, gets: Gets[AnyService], posts: Mapping[str, ASGIApp]
) -> Starlette:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await run_in_threadpool(service.stop)

    def route(path: str) -> Route:
        async def get(request: Request) -> Response:
            return await gets[path](service, request)

        return Route(path, get, methods=["GET"])

    table = [
        *map(route, gets),
        *(Route(path, endpoint, methods=["POST"]) for path, endpoint in posts.items()),
    ]
    app = Starlette(routes=table, lifespan=lifespan, exception_handlers=exception_handlers(table))
    app.router.redirect_slashes = False  # to an address that proxies and secrets make a wrong one
    return app
