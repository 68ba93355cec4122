"""How a project is connected to backends: what Label Studio has of it, and what changes it.

Endpoints and keys: Label Studio 1.23.2, ``ml/api.py``, ``webhooks/api.py``, ``projects/api.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from prelabel.label_studio.api import LabelStudioApi

WANTED_ACTIONS = frozenset(
    {
        "ANNOTATION_CREATED",
        "ANNOTATIONS_CREATED",
        "ANNOTATION_UPDATED",
        "ANNOTATIONS_DELETED",
        "TASKS_CREATED",
        "TASKS_DELETED",
        "PROJECT_UPDATED",
    }
)
"""The events that are learned from. START_TRAINING is sent without a webhook."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A backend that a project is connected to.

    Attributes
    ----------
    state
        What came of Label Studio's last calls: ``CO`` connected, ``TR`` training, ``DI`` not
        reached or not healthy, ``ER`` refused by ``/setup``.
    """

    id: int
    url: str
    title: str | None = None
    state: str = ""
    error_message: str | None = None
    auth_method: str | None = None
    basic_auth_user: str | None = None
    extra_params: Any = None

    @property
    def is_well(self) -> bool:
        """Whether Label Studio's last calls were answered."""
        return self.state in ("CO", "TR")


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook of a project."""

    id: int
    url: str
    is_active: bool = True
    send_payload: bool = True
    send_for_all_actions: bool = True
    actions: list[str] = msgspec.field(default_factory=list)
    headers: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether it tells of every event that is learned from."""
        return self.send_for_all_actions or set(self.actions) >= WANTED_ACTIONS


class ConnectedProject(msgspec.Struct, frozen=True, kw_only=True):
    """What of a project decides whether suggestions are seen."""

    id: int
    title: str | None = None
    label_config: str | None = None
    total_annotations_number: int | None = None
    show_collab_predictions: bool = True
    model_version: str | None = None


class _VersionBody(msgspec.Struct):
    release: str = ""


class ConnectionClient(LabelStudioApi):
    """A Label Studio, as what projects are connected in."""

    def version(self) -> tuple[str, float]:
        """Return Label Studio's release, and by how many seconds its clock is ahead of ours."""
        response = self._request("GET", "/api/version/")
        try:
            theirs = parsedate_to_datetime(response.headers.get("Date", ""))
            ahead = (theirs - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):  # no date, or one without a zone
            ahead = 0.0
        try:
            return msgspec.json.decode(response.content, type=_VersionBody).release, ahead
        except msgspec.MsgspecError:
            return "", ahead

    def project(self, project_id: int) -> ConnectedProject:
        """Return a project; raise `UpstreamError` if there is none that the key may see."""
        return self._get(f"/api/projects/{project_id}/", ConnectedProject)

    def connections(self, project_id: int) -> list[Connection]:
        """Return a project's backends, first to last; Label Studio calls each to see how it is."""
        found = self._get("/api/ml/", list[Connection], params={"project": project_id})
        return sorted(found, key=lambda connection: connection.id)

    def webhooks(self, project_id: int) -> list[Webhook]:
        """Return a project's webhooks."""
        found = self._get("/api/webhooks/", list[Webhook], params={"project": project_id})
        return sorted(found, key=lambda webhook: webhook.id)

    def add_connection(self, project_id: int, body: Mapping[str, Any]) -> None:
        """Connect a backend; Label Studio calls it first, and makes the webhook."""
        self._request("POST", "/api/ml/", json={"project": project_id, **body})

    def change_connection(self, project_id: int, connection: int, body: Mapping[str, Any]) -> None:
        """Change a connection; without ``url`` Label Studio 1.23.2 answers 500."""
        path = f"/api/ml/{connection}"
        self._request("PATCH", path, json={"project": project_id, **body})

    def remove_connection(self, connection: int) -> None:
        """Remove a connection; its webhook stays."""
        self._request("DELETE", f"/api/ml/{connection}")

    def add_webhook(self, project_id: int, body: Mapping[str, Any]) -> None:
        """Add a webhook to a project."""
        self._request("POST", "/api/webhooks/", json={"project": project_id, **body})

    def change_webhook(self, webhook: int, body: Mapping[str, Any]) -> None:
        """Change a webhook."""
        self._request("PATCH", f"/api/webhooks/{webhook}/", json=body)

    def change_project(self, project_id: int, body: Mapping[str, Any]) -> None:
        """Change settings of a project."""
        self._request("PATCH", f"/api/projects/{project_id}/", json=body)
