"""What monitors ask, whatever kind of class is served."""

from __future__ import annotations

from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from prelabel.server.posts import to_response
from prelabel.telemetry import Metrics


class Measured(Protocol):
    """A service that counts what it does."""

    @property
    def metrics(self) -> Metrics: ...


async def get_livez(_service: object, _request: Request) -> Response:
    """``GET /livez``: the process answers."""
    return to_response({"status": "UP"})


async def get_metrics(service: Measured, _request: Request) -> Response:
    """``GET /metrics``: for Prometheus."""
    figures = await run_in_threadpool(service.metrics.encode)
    return Response(figures, headers={"Content-Type": CONTENT_TYPE_LATEST})
