"""Whose a request is, whatever it is for."""

from __future__ import annotations

from typing import Any

import msgspec

from prelabel.custom.session import read_json
from prelabel.protocol.values import to_datetime
from prelabel.types import ProjectKey


class _Named(msgspec.Struct):
    """A body's project; the rest is for the model."""

    project: Any = None


def read_project(body: bytes) -> ProjectKey:
    """Return whose request it is; 0.0 stands for none, as tests of model directories send it."""
    try:
        given = msgspec.json.decode(body, type=_Named).project
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        given = read_json(body).get("project")
    if isinstance(given, dict):
        created = to_datetime(given.get("created_at"))
        given = f"{given.get('id')}.{int(created.timestamp()) if created else 0}"
    if given in (None, ""):
        return ProjectKey(0, 0)
    text = str(given)
    return ProjectKey.parse(text if "." in text else f"{text}.0")
