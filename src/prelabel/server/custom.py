"""The web application around a raw model: the same endpoints, answered by its code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from anyio import to_thread
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from prelabel.custom.service import CustomService
from prelabel.server.assembly import assemble
from prelabel.server.custom_routes import (
    GETS,
    MODEL_POSTS,
    STORE_POSTS,
    Handle,
    HandleOfProject,
)
from prelabel.server.limits import ProjectLimiters, Turns
from prelabel.server.posts import read_body
from prelabel.server.whose import read_project

Answer = Callable[[bytes], Awaitable[Response]]


def create_custom_app(service: CustomService) -> ASGIApp:
    """Return the application that serves ``service``; stopping it stops the service."""
    return assemble(service, GETS, _post_endpoints(service))


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
    others = Turns(service.settings.threads, service.settings.max_body_bytes)

    async def ask_model(handle: HandleOfProject, body: bytes) -> Response:
        project = read_project(body)
        limiter = limiters.of(project)
        return await to_thread.run_sync(handle, service, project, body, limiter=limiter)

    async def ask_store(handle: Handle, body: bytes) -> Response:
        return await others.run(partial(handle, service, body), body)

    answers = {path: partial(ask_model, handle) for path, handle in MODEL_POSTS.items()}
    answers |= {path: partial(ask_store, handle) for path, handle in STORE_POSTS.items()}
    return {path: _PostEndpoint(service, answer) for path, answer in answers.items()}
