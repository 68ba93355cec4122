"""The web application around a lower-level class: the same endpoints, answered by its code."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from prelabel.custom.service import CustomService
from prelabel.server.custom_routes import (
    GETS,
    MODEL_POSTS,
    STORE_POSTS,
    Handle,
    HandleOfProject,
)
from prelabel.server.errors import exception_handlers
from prelabel.server.limits import ProjectLimiters, read_project
from prelabel.server.middleware import RequestMiddleware, ShortcutMiddleware
from prelabel.server.posts import read_body

Answer = Callable[[bytes], Awaitable[Response]]


def create_custom_app(service: CustomService) -> ASGIApp:
    """Return the application that serves ``service``; stopping it stops the service."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await run_in_threadpool(service.stop)

    posts = _post_endpoints(service)
    table = [
        *(_get_route(service, path) for path in GETS),
        *(Route(path, endpoint, methods=["POST"]) for path, endpoint in posts.items()),
    ]
    known = frozenset(route.path for route in table)
    app = Starlette(routes=table, lifespan=lifespan, exception_handlers=exception_handlers(table))
    app.router.redirect_slashes = False  # to an address that proxies and secrets make a wrong one
    shortcut = ShortcutMiddleware(app, posts=posts)
    return RequestMiddleware(
        shortcut, settings=service.settings, metrics=service.metrics, routes=known
    )


def _get_route(service: CustomService, path: str) -> Route:
    async def get(request: Request) -> Response:
        return await GETS[path](service, request)

    return Route(path, get, methods=["GET"])


class _PostEndpoint:
    """Answers a POST on a thread; it speaks ASGI itself, as `server.posts.PostEndpoint` does."""

    def __init__(self, service: CustomService, answer: Answer) -> None:
        self._limit_bytes = service.settings.max_body_bytes
        self._answer = answer
        self._in_progress = service.metrics.in_progress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, self._limit_bytes)
        with self._in_progress.track_inprogress():
            response = await self._answer(body)
        await response(scope, receive, send)


def _post_endpoints(service: CustomService) -> dict[str, _PostEndpoint]:
    limiters = ProjectLimiters()
    others = CapacityLimiter(service.settings.threads)

    async def ask_model(handle: HandleOfProject, body: bytes) -> Response:
        project = read_project(body)
        limiter = limiters.of(project)
        return await to_thread.run_sync(handle, service, project, body, limiter=limiter)

    async def ask_store(handle: Handle, body: bytes) -> Response:
        return await to_thread.run_sync(handle, service, body, limiter=others)

    answers = {path: partial(ask_model, handle) for path, handle in MODEL_POSTS.items()}
    answers |= {path: partial(ask_store, handle) for path, handle in STORE_POSTS.items()}
    return {path: _PostEndpoint(service, answer) for path, answer in answers.items()}
