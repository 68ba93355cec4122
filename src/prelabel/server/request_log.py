"""What every request has: an id, headers of its answer, and a place in the log and the metrics."""

from __future__ import annotations

import itertools
import logging
import re
import secrets
from collections.abc import Mapping
from functools import cache
from typing import TypeAlias

from prometheus_client import Counter, Histogram

from prelabel.telemetry import Metrics, request_id

log = logging.getLogger(__name__)

Headers: TypeAlias = list[tuple[bytes, bytes]]

SECURITY_HEADERS = [
    # What is answered is data: it is nowhere kept, shown as a page, or taken for another type.
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestLog:
    """Gives requests their ids, and counts what came of them.

    Parameters
    ----------
    routes
        Known paths, so that metrics have a bounded number of names.
    """

    def __init__(self, metrics: Metrics, routes: frozenset[str]) -> None:
        self._metrics = metrics
        self.routes = routes
        # Unique among all processes without asking the system for random bytes each time.
        self._first_half, self._numbers = secrets.token_hex(4), itertools.count()
        # Routes are few, and so are statuses: to find the figures costs more than to count.
        self._figures = cache(self._find_figures)

    def choose_id(self, headers: Mapping[bytes, bytes]) -> str:
        """Return the id that a request brings, or one that no other has."""
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        if _REQUEST_ID.fullmatch(given):
            return given
        return f"{self._first_half}{next(self._numbers) & 0xFFFFFFFF:08x}"

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """Take note of a request that was answered, or was not (status 0)."""
        route = path if path in self.routes else "other"
        requests, request_seconds = self._figures(route, status)
        requests.inc()
        request_seconds.observe(seconds)
        log.debug("%s %s: %d in %.1f ms", method, route, status, seconds * 1000)

    def _find_figures(self, route: str, status: int) -> tuple[Counter, Histogram]:
        return (
            self._metrics.requests.labels(route=route, status=str(status)),
            self._metrics.request_seconds.labels(route=route),
        )


def common_headers() -> Headers:
    """Return what all answers have, the id of the request they answer among it."""
    return [(b"x-request-id", request_id.get().encode()), *SECURITY_HEADERS]
