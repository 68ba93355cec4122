"""The faults of a project's webhooks, and what mends each.

Seen with Label Studio 1.23.2: webhooks outlive connections and keep their old address, carry no
credentials, and fail unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from prelabel.label_studio.backend import Backend, find_webhook_url, hide_credentials
from prelabel.label_studio.connections import WANTED_ACTIONS, Connection, ConnectionClient, Webhook
from prelabel.label_studio.faults import Fault


def webhook_fields(backend: Backend) -> dict[str, object]:
    """Return what a webhook must be for every label to arrive and be believed."""
    return {
        "url": backend.webhook_url,
        "is_active": True,
        "send_payload": True,
        "send_for_all_actions": False,
        "actions": sorted(WANTED_ACTIONS),
        "headers": backend.headers,
    }


def examine_webhook(
    client: ConnectionClient, project_id: int, webhooks: Sequence[Webhook], backend: Backend
) -> Iterator[Fault]:
    ours = next((webhook for webhook in webhooks if webhook.url == backend.webhook_url), None)
    where = hide_credentials(backend.webhook_url)
    if ours is None:
        yield Fault(
            name="webhook-missing",
            found=f"No webhook points to {where}: labels do not arrive",
            fix="Add it under Settings → Webhooks.",
            repair=partial(client.add_webhook, project_id, webhook_fields(backend)),
        )
        return
    faults = {
        "webhook-inactive": (not ours.is_active, "is switched off"),
        "webhook-without-payload": (not ours.send_payload, "sends no payload"),
        "webhook-incomplete": (not ours.is_complete, "does not tell of all labels"),
        "webhook-without-credentials": (
            bool(backend.headers.items() - ours.headers.items()),
            "carries no or other credentials than the backend asks for",
        ),
    }
    for name, (is_so, what) in faults.items():
        if is_so:
            yield Fault(
                name=name,
                found=f"The webhook to {where} {what}",
                fix="Correct it under Settings → Webhooks.",
                repair=partial(client.change_webhook, ours.id, webhook_fields(backend)),
            )


def examine_leftovers(
    client: ConnectionClient,
    webhooks: Sequence[Webhook],
    connections: Sequence[Connection],
    backend: Backend | None,
) -> Iterator[Fault]:
    wanted = {find_webhook_url(connection.url) for connection in connections}
    wanted |= {backend.webhook_url} if backend else set()
    for webhook in webhooks:
        if webhook.is_active and webhook.url.endswith("/webhook") and webhook.url not in wanted:
            fields = {
                "url": webhook.url,
                "is_active": False,
                "send_for_all_actions": webhook.send_for_all_actions,
                "actions": webhook.actions,
            }
            yield Fault(
                name="webhook-left-over",
                found=f"A webhook still points to {hide_credentials(webhook.url)}, which is no "
                "backend of this project any more: each label waits up to a second for it",
                fix="Switch it off under Settings → Webhooks, unless it is something else's.",
                repair=partial(client.change_webhook, webhook.id, fields),
            )
