"""Connects a project to a backend, and mends what is there; doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prelabel.errors import UpstreamError
from prelabel.label_studio.backend import Backend, hide_credentials
from prelabel.label_studio.connections import Connection, ConnectionClient
from prelabel.label_studio.doctor import examine
from prelabel.label_studio.webhook_faults import webhook_fields

TITLE = "prelabel"
"""What a new connection is called."""


def connect_backend(
    client: ConnectionClient,
    project_id: int,
    backend: Backend,
    *,
    title: str | None,
    extra_params: Mapping[str, Any] | None,
) -> Iterator[str]:
    """Connect a project to a backend; yield each thing done, as a line for people.

    The webhook sends what is learned from, with the backend's credentials; predictions are shown.
    Without a title a connection that is there keeps its own.

    Raises
    ------
    UpstreamError
        If Label Studio refuses. A connection that it half made is removed again.
    """
    yield from _connect(client, project_id, backend, title, extra_params)
    for fault in examine(client, project_id, backend):
        if fault.repair and fault.name != "webhook-left-over":
            fault.repair()
            yield f"Mended: {fault.found}"
    for webhook in client.webhooks(project_id):
        # Label Studio makes it tell of everything, and the labeler waits for each event.
        if webhook.url == backend.webhook_url and webhook.send_for_all_actions:
            client.change_webhook(webhook.id, webhook_fields(backend))
            yield "The webhook tells of labels, tasks and the labeling config only"


def _connect(
    client: ConnectionClient,
    project_id: int,
    backend: Backend,
    title: str | None,
    extra_params: Mapping[str, Any] | None,
) -> Iterator[str]:
    before = client.connections(project_id)
    fields = {**backend.connection_fields(), **({"title": title} if title else {})}
    if extra_params is not None:
        fields["extra_params"] = dict(extra_params)
    ours = [connection for connection in before if backend.is_at(connection.url)]
    if not ours:
        _add(client, project_id, {"title": TITLE, **fields}, before)
        yield f"Connected project {project_id} to {hide_credentials(backend.url)}"
        yield from _tell_of_labels(client, project_id)
    elif _differs(ours[0], fields):
        fields["url"] = ours[0].url  # with its slash or without: the webhook is found by it
        client.change_connection(project_id, ours[0].id, fields)
        yield f"Changed the connection of project {project_id} to {hide_credentials(backend.url)}"
    else:
        yield f"Project {project_id} is connected to {hide_credentials(backend.url)}"


def _tell_of_labels(client: ConnectionClient, project_id: int) -> Iterator[str]:
    n_annotations = client.project(project_id).total_annotations_number
    if n_annotations:
        yield (
            f"It has {n_annotations:,} annotations: a server with LABEL_STUDIO_API_KEY pulls them "
            f"by itself, another learns from them after: prelabel sync --project {project_id}"
        )


def _differs(connection: Connection, fields: Mapping[str, Any]) -> bool:
    """Whether a connection is not as it should be; its password cannot be seen, but is tried."""
    names = ("auth_method", "basic_auth_user", "title", "extra_params")
    return not connection.is_well or any(
        (getattr(connection, name) or None) != (fields[name] or None)
        for name in names
        if name in fields
    )


def _add(
    client: ConnectionClient,
    project_id: int,
    fields: Mapping[str, Any],
    before: list[Connection],
) -> None:
    try:
        client.add_connection(project_id, fields)
    except UpstreamError:
        known = {connection.id for connection in before}
        for connection in client.connections(project_id):
            if connection.id not in known and connection.url == fields["url"]:
                client.remove_connection(connection.id)
        raise
