"""A description of the endpoints, for programs (OpenAPI 3.1) and, as a plain page, for people."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence, Set
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import msgspec

from prelabel import __version__
from prelabel.protocol.bodies import (
    DuplicateBody,
    JobStatusBody,
    PredictBody,
    ProjectOnlyBody,
    SetupBody,
    ValidateBody,
)
from prelabel.protocol.events import EventBody
from prelabel.server.errors import STATUSES

BODIES: Mapping[str, type[msgspec.Struct]] = {
    "/setup": SetupBody,
    "/predict": PredictBody,
    "/webhook": EventBody,
    "/train": ProjectOnlyBody,
    "/job_status": JobStatusBody,
    "/delete": ProjectOnlyBody,
    "/duplicate_model": DuplicateBody,
    "/validate": ValidateBody,
}
"""What each POST takes; other keys are ignored."""

_PROJECT = {"pattern": r"^[0-9]{1,18}\.[0-9]{1,18}$", "examples": ["1.1795447612"]}
_LABEL_CONFIG = {
    "examples": [
        '<View><Text name="text" value="$text"/><Choices name="topic" toName="text">'
        '<Choice value="sports"/><Choice value="cooking"/></Choices></View>'
    ]
}
SHAPES: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(("project", "project_src", "project_dst"), _PROJECT),
    **dict.fromkeys(("schema", "label_config", "config"), _LABEL_CONFIG),
}
"""What strings look like, by the name of their property."""

TEXTS = {"/metrics": "text/plain", "/docs": "text/html"}
"""What is answered with something else than JSON."""

ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "/setup": {"model_version": {"type": "string"}},
    "/predict": {"results": {"type": "array", "items": {"type": ["object", "array"]}}},
    "/webhook": {"status": {"enum": ["ok", "ignored", "doorbell"]}},
    "/train": {"job": {"type": "string"}},
    "/job_status": {"job_status": {"enum": ["queued", "started", "finished", "failed"]}},
    "/versions": {"versions": {"type": "array", "items": {"type": "string"}}},
    "/health": {"status": {"const": "UP"}, "model_class": {"type": "string"}},
    "/readyz": {"status": {"const": "READY"}, "projects": {"type": "integer"}},
}
"""What each endpoint always answers; there may be more."""

_ERROR = {
    "type": "object",
    "description": "What was received, what was expected, and what to do.",
    "properties": {name: {"type": "string"} for name in ("error", "expected", "fix", "request_id")},
    "required": ["error", "expected", "fix", "request_id"],
}
_INFO = {
    "title": "prelabel",
    "version": __version__,
    "description": "Label Studio's protocol for machine-learning backends.",
}
_SECURITY: list[dict[str, list[str]]] = [{"basic": []}, {"bearer": []}, {}]


def describe_api(
    gets: Mapping[str, Callable[..., object]],
    posts: Mapping[str, Callable[..., object]],
    *,
    answers: Mapping[str, Mapping[str, Any]] = ANSWERS,
    statuses: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the OpenAPI description of these endpoints; each one's docstring is its summary.

    Parameters
    ----------
    answers
        What each endpoint always answers, as `ANSWERS`.
    statuses
        What stands over it, where that is not 200.
    """
    paths: dict[str, dict[str, Any]] = {}
    for method, functions in (("get", gets), ("post", posts)):
        for path, function in functions.items():
            responses = _responses(path, answers.get(path, {}), statuses.get(path, (200,)))
            operation = {"summary": _summarise(function), "responses": responses}
            paths.setdefault(path, {})[method] = operation
    for path in posts:
        content = {"schema": {"$ref": f"#/components/schemas/{BODIES[path].__name__}"}}
        body = {"required": True, "content": {"application/json": content}}
        paths[path]["post"]["requestBody"] = body
    paths["/versions"]["get"]["parameters"] = [
        {"name": "project", "in": "query", "schema": {"type": "string"}}
    ]
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "paths": paths,
        "components": {
            "schemas": _describe_bodies({BODIES[path] for path in posts}),
            "securitySchemes": {
                scheme: {"type": "http", "scheme": scheme} for scheme in ("basic", "bearer")
            },
        },
        "security": _SECURITY,
    }


def _describe_bodies(bodies: Set[type[msgspec.Struct]]) -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components(
        sorted(bodies, key=lambda body: body.__name__), ref_template="#/components/schemas/{name}"
    )
    return {**{name: _with_shapes(schema) for name, schema in schemas.items()}, "Error": _ERROR}


def _with_shapes(schema: dict[str, Any]) -> dict[str, Any]:
    """Add what a property looks like to what type it has."""
    properties = schema.get("properties", {})
    for name, shape in SHAPES.items():
        if properties.get(name, {}).get("type") == "string":
            properties[name] |= shape
    return schema


def _summarise(function: Callable[..., object]) -> str:
    summary = (function.__doc__ or "").partition("\n")[0].partition(": ")[2]
    return summary[:1].upper() + summary[1:]


def _responses(
    path: str, always: Mapping[str, Any], statuses: Sequence[int]
) -> dict[str, dict[str, Any]]:
    answer = {"type": "object", "properties": always, "required": list(always)}
    text = TEXTS.get(path)
    content = {text: {"schema": {"type": "string"}}} if text else _json(answer)
    error = _json({"$ref": "#/components/schemas/Error"})
    done = {status: {"description": "Done", "content": content} for status in statuses}
    failing = {
        status: {"description": HTTPStatus(status).phrase, "content": error}
        for status in sorted({*STATUSES.values(), 500})
    }
    return {str(status): response for status, response in (done | failing).items()}


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def write_page(description: Mapping[str, Any]) -> str:
    """Return the description as a page without scripts, styles or anything from elsewhere."""
    rows = [
        f"<tr><th>{method.upper()} {html.escape(path)}</th>"
        f"<td>{html.escape(operation['summary'])}</td>"
        f"<td>{html.escape(_name_body(operation))}</td></tr>"
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    ]
    bodies = [
        f"<h3>{name}</h3><p>{html.escape(schema.get('description', ''))}</p>"
        for name, schema in description["components"]["schemas"].items()
    ]
    return (
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>prelabel</title>"
        f"<h1>prelabel {html.escape(__version__)}</h1>"
        '<p>For programs: <a href="openapi.json">openapi.json</a></p>'
        f"<table border=1><tr><th>Endpoint<th>What it does<th>Body</tr>{''.join(rows)}</table>"
        f"<h2>Bodies</h2>{''.join(bodies)}</html>"
    )


def _name_body(operation: Mapping[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    reference: str = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    return reference.rpartition("/")[2]
