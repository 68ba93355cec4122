"""The web application: which path leads where."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from prelabel.bootstrap import Service
from prelabel.models.loader import is_built_in
from prelabel.server import routes
from prelabel.server.errors import exception_handlers
from prelabel.server.limits import ProjectLimiters, read_project
from prelabel.server.middleware import RequestMiddleware, ShortcutMiddleware
from prelabel.server.monitoring import get_livez, get_metrics
from prelabel.server.openapi import describe_api, write_page
from prelabel.server.posts import PostEndpoint, Run, on_threads, to_response

GETS: dict[str, Callable[[Service, Request], Awaitable[Response]]] = {
    "/": routes.get_root,
    "/health": routes.get_health,
    "/livez": get_livez,
    "/readyz": routes.get_readyz,
    "/versions": routes.get_versions,
    "/metrics": get_metrics,
}

POSTS: dict[str, Callable[[Service, bytes], object]] = {
    "/setup": routes.post_setup,
    "/predict": routes.post_predict,
    "/webhook": routes.post_webhook,
    "/train": routes.post_train,
    "/job_status": routes.post_job_status,
    "/delete": routes.post_delete,
    "/duplicate_model": routes.post_duplicate_model,
    "/validate": routes.post_validate,
}


async def get_openapi(_service: Service, _request: Request) -> Response:
    """``GET /openapi.json``: these endpoints, for programs."""
    return to_response(describe_api(GETS, POSTS))


async def get_docs(_service: Service, _request: Request) -> Response:
    """``GET /docs``: these endpoints, for people."""
    return HTMLResponse(write_page(describe_api(GETS, POSTS)))


GETS |= {"/openapi.json": get_openapi, "/docs": get_docs}

WRITING = frozenset({"/webhook", "/train", "/delete", "/duplicate_model"})
"""What waits for its turn to write: for long, where another process locks the database."""

AT_ONCE = {"/predict": routes.predict_at_once}
"""What answers small bodies without another thread."""


def create_app(service: Service) -> ASGIApp:
    """Return the application that serves ``service``; stopping it stops the service."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await run_in_threadpool(service.stop)

    half = max(1, service.settings.threads // 2)
    writing = on_threads(CapacityLimiter(half))
    doorbell = PostEndpoint(service, routes.post_doorbell, writing) if service.doorbell else None
    posts = _post_routes(service, writing, half)
    table = [*(_get_route(service, path) for path in GETS), *posts]
    known = frozenset(route.path for route in table)
    app = Starlette(routes=table, lifespan=lifespan, exception_handlers=exception_handlers(table))
    app.router.redirect_slashes = False  # to an address that proxies and secrets make a wrong one
    # Around Starlette, not inside: its own layers cost as much as these.
    return RequestMiddleware(
        ShortcutMiddleware(app, posts={route.path: route.app for route in posts}),
        settings=service.settings,
        metrics=service.metrics,
        routes=known,
        doorbell=doorbell,
    )


def _get_route(service: Service, path: str) -> Route:
    async def get(request: Request) -> Response:
        return await GETS[path](service, request)

    return Route(path, get, methods=["GET"])


def _post_routes(service: Service, writing: Run, half: int) -> list[Route]:
    # What writes has threads of its own, so that /setup never waits for it. So have large batches;
    # and no more than cores, which they keep busy.
    reading = on_threads(CapacityLimiter(half))
    at_once, predicting = AT_ONCE, on_threads(CapacityLimiter(min(os.cpu_count() or 1, half)))
    if not is_built_in(service.model_class):  # it may hang: then its own project's requests wait
        at_once, predicting = {}, _on_threads_by_project(service.settings.predict_seconds)
    runs = {"/predict": predicting} | dict.fromkeys(WRITING, writing)
    endpoints = {
        path: PostEndpoint(service, handle, runs.get(path, reading), at_once=at_once.get(path))
        for path, handle in POSTS.items()
    }
    return [Route(path, endpoint, methods=["POST"]) for path, endpoint in endpoints.items()]


def _on_threads_by_project(seconds: float) -> Run:
    limiters = ProjectLimiters()

    async def run(work: Callable[[], object], body: bytes) -> object:
        return await limiters.run(work, read_project(body), seconds)

    return run
