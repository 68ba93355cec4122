"""The web application around a lower-level class: the same endpoints, answered by its code."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
from anyio import CapacityLimiter, to_thread
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from prelabel.custom.service import CustomService
from prelabel.custom.session import SINGULAR, read_json
from prelabel.custom.setups import STARTING
from prelabel.errors import MalformedError, NotFoundError, shorten
from prelabel.server.errors import exception_handlers
from prelabel.server.limits import ProjectLimiters, read_project
from prelabel.server.middleware import RequestMiddleware, ShortcutMiddleware
from prelabel.server.posts import read_body, to_response
from prelabel.storage.model_events import ModelEvent
from prelabel.types import ProjectKey

Handle = Callable[[CustomService, bytes], Response]
HandleOfProject = Callable[[CustomService, ProjectKey, bytes], Response]
Answer = Callable[[bytes], Awaitable[Response]]


def post_setup(service: CustomService, project: ProjectKey, body: bytes) -> Response:
    """``POST /setup``: make the model for this labeling config; tell its version, in time."""
    request = read_json(body)
    config = request.get("schema")
    if not isinstance(config, str):
        raise MalformedError(
            f"Received {shorten(config)} as the schema",
            expected="the labeling config, XML",
            fix="Send the JSON object that Label Studio sends.",
        )
    seen = service.projects.see(project, config)
    model = service.get_model(project)
    if (
        model.is_running
        and seen.previous_label_config == config
        and not request.get("extra_params")
    ):
        # It comes before every task, and must not wait for a large batch.
        version = service.model_version(project)
        if version is not None:
            return to_response({"model_version": version})
    answer = service.setups.ask(project, model, body, service.settings.predict_seconds)
    if answer is None:
        return to_response({"model_version": service.model_version(project) or STARTING})
    return to_response(answer)


def post_predict(service: CustomService, project: ProjectKey, body: bytes) -> Response:
    """``POST /predict``: one entry for each task, in order."""
    service.projects.see(project)
    model = service.get_model(project)
    return to_response(model.ask("predict", body, service.settings.predict_seconds))


def post_webhook(service: CustomService, body: bytes) -> Response:
    """``POST /webhook``: answered when the event is durable; `fit` comes later."""
    request = read_json(body)
    action = str(request.get("action"))
    if not {action, SINGULAR.get(action)} & service.events_wanted:
        return to_response({"status": "Unknown event"})
    sent = request.get("project")
    project = read_project(body)
    service.projects.see(project, sent.get("label_config") if isinstance(sent, dict) else None)
    number = service.events.add(project, action, body)
    service.dispatcher.wake()
    answer = to_response({"status": "ok", "result": None, "job": f"event-{number}"})
    answer.status_code = 201  # what the reference answers
    return answer


def post_job_status(service: CustomService, body: bytes) -> Response:
    """``POST /job_status``: what came of an event."""
    given = str(read_json(body).get("job"))
    digits = given.removeprefix("event-")
    event = service.events.get(int(digits)) if digits.isdecimal() and len(digits) < 19 else None
    if event is None:
        raise NotFoundError(
            f"Received the job {shorten(given)}, which does not exist",
            expected='a job as a webhook was answered, as in "event-12"',
            fix="Send an event and ask for the job of its answer.",
        )
    return to_response(_write_event(event))


def get_versions(service: CustomService, project: str) -> Response:
    """``GET /versions?project=``: the version, and the last events with what went wrong."""
    if not project:
        return to_response({"versions": []})
    key = read_project(msgspec.json.encode({"project": project}))
    version = service.model_version(key)
    events = [_write_event(event) for event in service.events.recent(key)]
    return to_response({"versions": [version] if version else [], "events": events})


def _write_event(event: ModelEvent) -> dict[str, Any]:
    return {
        "job": f"event-{event.id}",
        "project": str(event.project),
        "action": event.action,
        "state": event.state,
        "message": event.message,
        "attempts": event.attempts,
        "created_at": event.created_at,
        "finished_at": event.finished_at,
    }


MODEL_POSTS: dict[str, HandleOfProject] = {"/setup": post_setup, "/predict": post_predict}
"""What runs the model's code: on threads of the project."""

STORE_POSTS: dict[str, Handle] = {"/webhook": post_webhook, "/job_status": post_job_status}


def create_custom_app(service: CustomService) -> ASGIApp:
    """Return the application that serves ``service``; stopping it stops the service."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await run_in_threadpool(service.stop)

    posts = _post_endpoints(service)
    table = [*_get_routes(service), *(Route(p, app, methods=["POST"]) for p, app in posts.items())]
    listing = ", ".join(f"{min(route.methods or ())} {route.path}" for route in table)
    known = frozenset(route.path for route in table)
    app = Starlette(routes=table, lifespan=lifespan, exception_handlers=exception_handlers(listing))
    shortcut = ShortcutMiddleware(app, posts=posts)
    return RequestMiddleware(
        shortcut, settings=service.settings, metrics=service.metrics, routes=known
    )


def _get_routes(service: CustomService) -> list[Route]:
    async def health(_request: Request) -> Response:
        return to_response({"status": "UP", "model_class": service.model_name})

    async def versions(request: Request) -> Response:
        given = request.query_params.get("project", "")
        return await run_in_threadpool(get_versions, service, given)

    async def metrics(_request: Request) -> Response:
        figures = await run_in_threadpool(service.metrics.encode)
        return Response(figures, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def readyz(_request: Request) -> Response:
        known = await run_in_threadpool(service.projects.states)
        return to_response({"status": "READY", "projects": len(known), "damaged": []})

    async def livez(_request: Request) -> Response:
        return to_response({"status": "UP"})

    gets = {
        "/": health,
        "/health": health,
        "/livez": livez,
        "/readyz": readyz,
        "/versions": versions,
        "/metrics": metrics,
    }
    return [Route(path, get, methods=["GET"]) for path, get in gets.items()]


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
