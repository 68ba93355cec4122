"""The web application: which path leads where."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial

from anyio import CapacityLimiter
from starlette.types import ASGIApp

from prelabel.bootstrap import Service
from prelabel.models.loader import is_built_in
from prelabel.server import routes
from prelabel.server.assembly import Gets, assemble, with_descriptions
from prelabel.server.limits import BodiesTogether, ProjectLimiters, Turns
from prelabel.server.monitoring import get_livez, get_metrics
from prelabel.server.posts import PostEndpoint, Run, on_threads
from prelabel.server.whose import read_project

POSTS: Mapping[str, Callable[[Service, bytes], object]] = {
    "/setup": routes.post_setup,
    "/predict": routes.post_predict,
    "/webhook": routes.post_webhook,
    "/train": routes.post_train,
    "/job_status": routes.post_job_status,
    "/delete": routes.post_delete,
    "/duplicate_model": routes.post_duplicate_model,
    "/validate": routes.post_validate,
}

GETS: Gets[Service] = with_descriptions(
    {
        "/": routes.get_root,
        "/health": routes.get_health,
        "/livez": get_livez,
        "/readyz": routes.get_readyz,
        "/versions": routes.get_versions,
        "/metrics": get_metrics,
    },
    POSTS,
)

WRITING = frozenset({"/webhook", "/train", "/delete", "/duplicate_model"})
"""What waits for its turn to write: for long, where another process locks the database."""

DOORBELL_BYTES = 16_000_000
"""Memory for webhooks without credentials. What they say is pulled all the same, if refused."""

AT_ONCE = {"/predict": routes.predict_at_once}
"""What answers small bodies without another thread."""


def create_app(service: Service) -> ASGIApp:
    """Return the application that serves ``service``; stopping it stops the service."""
    half = max(1, service.settings.threads // 2)
    refused = service.pulls.make_up_for_all if service.pulls else None
    writing = Turns(half, service.settings.max_body_bytes, refused=refused).run
    doorbell = None
    if service.doorbell:
        ring = PostEndpoint(service, routes.post_doorbell, writing)
        doorbell = BodiesTogether(ring, most_bytes=DOORBELL_BYTES, refused=refused)
    is_ours = is_built_in(service.model_class)  # another one may hang
    at_once = {path: partial(answer, service) for path, answer in AT_ONCE.items() if is_ours}
    # What writes has threads of its own, so that /setup never waits for it. So have large batches;
    # and no more than cores, which they keep busy.
    reading = on_threads(CapacityLimiter(half))
    predicting = on_threads(CapacityLimiter(min(os.cpu_count() or 1, half)))
    if not is_ours:  # then its own project's requests wait
        predicting = _on_threads_by_project(service.settings.predict_seconds)
    runs = {"/predict": predicting} | dict.fromkeys(WRITING, writing)
    posts = {
        path: PostEndpoint(service, handle, runs.get(path, reading), at_once=at_once.get(path))
        for path, handle in POSTS.items()
    }
    return assemble(service, GETS, posts, at_once=at_once, doorbell=doorbell)


def _on_threads_by_project(seconds: float) -> Run:
    limiters = ProjectLimiters()

    async def run(work: Callable[[], object], body: bytes) -> object:
        return await limiters.run(work, read_project(body), seconds)

    return run
