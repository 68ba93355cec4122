"""Finds the faults of a project's connection, and what mends each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from prelabel.errors import LabelConfigError, UpstreamError
from prelabel.label_config import parse_label_config
from prelabel.label_studio.backend import Backend, hide_credentials
from prelabel.label_studio.connections import ConnectedProject, Connection, ConnectionClient
from prelabel.label_studio.faults import Fault
from prelabel.label_studio.refusals import LOCAL_ADDRESSES
from prelabel.label_studio.webhook_faults import examine_leftovers, examine_webhook

CLOCK_SECONDS = 30.0
"""Clocks further apart make access tokens, which live five minutes, look expired or valid."""

TESTED_RELEASE = "1.23"


def examine(client: ConnectionClient, project_id: int, backend: Backend | None) -> Iterator[Fault]:
    """Yield what is wrong between Label Studio, a project and its backend; nothing if all is well.

    Parameters
    ----------
    backend
        What should be connected; None takes whatever is connected first.
    """
    try:
        release, ahead = client.version()
        project = client.project(project_id)
        connections = client.connections(project_id)
        webhooks = client.webhooks(project_id)
    except UpstreamError as error:
        yield Fault(name="label-studio", found=str(error.received), fix=error.fix)
        return
    yield from _examine_server(release, ahead)
    yield from _examine_config(project)
    if backend is None and connections:
        backend = Backend(url=connections[0].url)
    yield from _examine_connections(client, project_id, connections, backend)
    if backend:
        yield from _examine_backend(backend)
        yield from examine_webhook(client, project_id, webhooks, backend)
    yield from examine_leftovers(client, webhooks, connections, backend)
    yield from _examine_showing(client, project, connections)


def _examine_server(release: str, ahead_seconds: float) -> Iterator[Fault]:
    if abs(ahead_seconds) > CLOCK_SECONDS:
        yield Fault(
            name="clock",
            found=f"Label Studio's clock is {ahead_seconds:+.0f} s from this machine's",
            fix="Let both machines set their clocks by the network (NTP).",
        )
    if not release.startswith(f"{TESTED_RELEASE}."):
        yield Fault(
            name="release",
            found=f"Label Studio is of release {release or 'unknown'}",
            fix=f"Nothing, if all works: prelabel is tested with {TESTED_RELEASE}.",
            is_harmless=True,
        )


def _examine_config(project: ConnectedProject) -> Iterator[Fault]:
    try:
        parse_label_config(project.label_config or "<View/>")
    except LabelConfigError as error:
        yield Fault(
            name="labeling-config",
            found=f"{error.received}. Expected: {error.expected}",
            fix=error.fix,
        )


def _examine_connections(
    client: ConnectionClient,
    project_id: int,
    connections: Sequence[Connection],
    backend: Backend | None,
) -> Iterator[Fault]:
    ours = [c for c in connections if backend and backend.is_at(c.url)]
    if not ours:
        where = hide_credentials(backend.url) if backend else "http://…:9090"
        yield Fault(
            name="connection-missing",
            found=f"Project {project_id} is not connected to {where if backend else 'a backend'}",
            fix=f"Run: prelabel connect {where} --project {project_id}",
        )
    if len(connections) > 1:
        listing = ", ".join(hide_credentials(connection.url) for connection in connections)
        yield Fault(
            name="several-backends",
            found=f"The project has {len(connections)} backends ({listing}); Label Studio takes "
            "predictions from the first only",
            fix="Delete the others under Settings → Model.",
        )
    for connection in ours:
        yield from _examine_connection(client, project_id, connection, backend)


def _examine_connection(
    client: ConnectionClient, project_id: int, connection: Connection, backend: Backend | None
) -> Iterator[Fault]:
    if connection.is_well:
        return
    said = f": {connection.error_message}" if connection.error_message else ""
    what = "refused by it" if connection.state == "ER" else "not reached from Label Studio"
    repair = None
    if backend and backend.user and connection.auth_method != "BASIC_AUTH":
        fields = {**backend.connection_fields(), "title": connection.title}
        repair = partial(client.change_connection, project_id, connection.id, fields)
    fix = (
        "Start the backend; check its address as Label Studio's machine sees it (in a container, "
        "localhost is the container), and the basic authentication of the connection."
    )
    if connection.state != "ER" and backend and not backend.find_fault():
        fix = f"It answers from here. {LOCAL_ADDRESSES}"
    yield Fault(
        name="connection-broken",
        found=f"The connection to {hide_credentials(connection.url)} is {what}{said}",
        fix=fix,
        repair=repair,
    )


def _examine_backend(backend: Backend) -> Iterator[Fault]:
    where = hide_credentials(backend.url)
    if fault := backend.find_fault():
        yield Fault(
            name="backend",
            found=f"Asked from this machine, {where} is no working backend: {fault}",
            fix="Start it (prelabel start); set BASIC_AUTH_USER and BASIC_AUTH_PASS as it has "
            "them, or end its address with its PRELABEL_URL_SECRET. An address that only Label "
            "Studio's machine can reach is no fault.",
        )


def _examine_showing(
    client: ConnectionClient, project: ConnectedProject, connections: Sequence[Connection]
) -> Iterator[Fault]:
    title = connections[0].title if connections else None
    if not project.show_collab_predictions:
        yield Fault(
            name="predictions-off",
            found="The project does not show predictions to labelers",
            fix="Switch on Settings → Annotation → Use predictions to prelabel tasks.",
            repair=partial(client.change_project, project.id, {"show_collab_predictions": True}),
        )
    if title and project.model_version != title:
        shown = f"those of {project.model_version!r}" if project.model_version else "none"
        yield Fault(
            name="other-predictions",
            found=f"The project shows {shown}, not the predictions of the backend {title!r}",
            fix="Choose the backend under Settings → Annotation (or Predictions).",
            repair=partial(client.change_project, project.id, {"model_version": title}),
        )
