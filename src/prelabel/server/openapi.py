"""A description of the endpoints, for programs (OpenAPI 3.1) and, as a plain page, for people."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from http import HTTPStatus
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

_PROJECT = {"pattern": r"^[0-9]{1,9}\.[0-9]{1,10}$", "examples": ["1.1795447612"]}
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
    gets: Mapping[str, Callable[..., object]], posts: Mapping[str, Callable[..., object]]
) -> dict[str, Any]:
    """Return the OpenAPI description of these endpoints; each one's docstring is its summary."""
    _, schemas = msgspec.json.schema_components(
        sorted(set(BODIES.values()), key=lambda body: body.__name__),
        ref_template="#/components/schemas/{name}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for path, get in gets.items():
        paths.setdefault(path, {})["get"] = _operation(path, get)
    for path, post in posts.items():
        content = {"schema": {"$ref": f"#/components/schemas/{BODIES[path].__name__}"}}
        body = {"required": True, "content": {"application/json": content}}
        paths.setdefault(path, {})["post"] = _operation(path, post) | {"requestBody": body}
    paths["/versions"]["get"]["parameters"] = [
        {"name": "project", "in": "query", "schema": {"type": "string"}}
    ]
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "paths": paths,
        "components": {
            "schemas": {
                **{name: _with_shapes(schema) for name, schema in schemas.items()},
                "Error": _ERROR,
            },
            "securitySchemes": {
                scheme: {"type": "http", "scheme": scheme} for scheme in ("basic", "bearer")
            },
        },
        "security": _SECURITY,
    }


def _with_shapes(schema: dict[str, Any]) -> dict[str, Any]:
    """Add what a property looks like to what type it has."""
    properties = schema.get("properties", {})
    for name, shape in SHAPES.items():
        if properties.get(name, {}).get("type") == "string":
            properties[name] |= shape
    return schema


def _operation(path: str, function: Callable[..., object]) -> dict[str, Any]:
    summary = (function.__doc__ or "").partition("\n")[0].partition(": ")[2]
    answer = {
        "type": "object",
        "properties": ANSWERS.get(path, {}),
        "required": list(ANSWERS.get(path, {})),
    }
    text = TEXTS.get(path)
    content = {text: {"schema": {"type": "string"}}} if text else _json(answer)
    error = _json({"$ref": "#/components/schemas/Error"})
    failing = {str(status): status for status in sorted({*STATUSES.values(), 500})}
    return {
        "summary": summary[:1].upper() + summary[1:],
        "responses": {
            "200": {"description": "Done", "content": content},
            **{
                number: {"description": HTTPStatus(status).phrase, "content": error}
                for number, status in failing.items()
            },
        },
    }


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
