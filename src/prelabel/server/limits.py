"""Threads by project: what one project's model does keeps no other project waiting."""

from __future__ import annotations

from typing import Any

import msgspec
from anyio import CapacityLimiter

from prelabel.custom.session import read_json
from prelabel.protocol.values import to_datetime
from prelabel.recent import Recent
from prelabel.types import ProjectKey

REQUESTS_AT_ONCE = 4
"""Threads that one project's requests may take."""

PROJECTS = 1000
"""Of more projects at once, those asked for last count."""


class ProjectLimiters:
    """A limiter for each project."""

    def __init__(self) -> None:
        self._limiters = Recent[ProjectKey, CapacityLimiter](PROJECTS)

    def of(self, project: ProjectKey) -> CapacityLimiter:
        """Return a project's limiter."""
        limiter = self._limiters.get(project)
        if limiter is None:
            limiter = self._limiters[project] = CapacityLimiter(REQUESTS_AT_ONCE)
        return limiter

    def choose(self, body: bytes) -> CapacityLimiter:
        """Return the limiter of the project that a body names."""
        return self.of(read_project(body))


class _Named(msgspec.Struct):
    """Whose request it is; the rest is for the model."""

    project: Any = None


def read_project(body: bytes) -> ProjectKey:
    """Return whose request it is; 0.0 stands for none, as tests of model directories send it."""
    try:
        given = msgspec.json.decode(body, type=_Named).project
    except (msgspec.MsgspecError, UnicodeDecodeError):
        given = read_json(body).get("project")
    if isinstance(given, dict):
        created = to_datetime(given.get("created_at"))
        given = f"{given.get('id')}.{int(created.timestamp()) if created else 0}"
    if given in (None, ""):
        return ProjectKey(0, 0)
    text = str(given)
    return ProjectKey.parse(text if "." in text else f"{text}.0")
