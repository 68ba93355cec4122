"""The endpoints of a raw model: what of each request is for its model, and what for us."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from prelabel.custom.service import CustomService
from prelabel.custom.session import SINGULAR, read_config, read_json
from prelabel.custom.setups import STARTING
from prelabel.errors import MalformedError, NotFoundError, shorten
from prelabel.server.assembly import Gets, with_descriptions
from prelabel.server.monitoring import get_livez, get_metrics
from prelabel.server.openapi import ANSWERS
from prelabel.server.posts import to_response
from prelabel.server.whose import read_project
from prelabel.storage.model_events import ModelEvent
from prelabel.types import ProjectKey

Handle = Callable[[CustomService, bytes], Response]
HandleOfProject = Callable[[CustomService, ProjectKey, bytes], Response]


async def get_health(service: CustomService, _request: Request) -> Response:
    """``GET /health``: Label Studio waits one second for it, before everything else."""
    return to_response({"status": "UP", "model_class": service.model_name})


async def get_readyz(service: CustomService, _request: Request) -> Response:
    """``GET /readyz``: the store can be read."""
    known = await run_in_threadpool(service.projects.states)
    return to_response({"status": "READY", "projects": len(known), "damaged": []})


async def get_versions(service: CustomService, request: Request) -> Response:
    """``GET /versions``: of ``?project=`` the version, and the last events with what went wrong."""
    given = request.query_params.get("project", "")
    return await run_in_threadpool(_read_versions, service, given)


def post_setup(service: CustomService, project: ProjectKey, body: bytes) -> Response:
    """``POST /setup``: make the model for this labeling config; tell its version, in time."""
    request = read_json(body)
    config = read_config(request.get("schema"))
    if config is None:
        raise MalformedError(
            f"Received {shorten(request.get('schema'))} as the schema",
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
    config = sent.get("label_config") if isinstance(sent, dict) else None
    service.projects.see(project, read_config(config))
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


def _read_versions(service: CustomService, project: str) -> Response:
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


MODEL_POSTS: Mapping[str, HandleOfProject] = {"/setup": post_setup, "/predict": post_predict}
"""What runs the model's code: on threads of the project."""

STORE_POSTS: Mapping[str, Handle] = {"/webhook": post_webhook, "/job_status": post_job_status}

GETS: Gets[CustomService] = with_descriptions(
    {
        "/": get_health,
        "/health": get_health,
        "/livez": get_livez,
        "/readyz": get_readyz,
        "/versions": get_versions,
        "/metrics": get_metrics,
    },
    {**MODEL_POSTS, **STORE_POSTS},
    answers={
        **ANSWERS,
        "/webhook": {"status": {"enum": ["ok", "Unknown event"]}},
        "/job_status": {"job": {"type": "string"}, "state": {"type": "string"}},
    },
    statuses={"/webhook": (200, 201)},
)
