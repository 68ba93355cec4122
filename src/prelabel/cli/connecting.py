"""The commands that look after a project's connection in Label Studio: connect, doctor."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import click

from prelabel.bootstrap.connections import open_client
from prelabel.cli.options import project_option
from prelabel.errors import UpstreamError, shorten
from prelabel.label_studio.backend import Backend
from prelabel.label_studio.connect import connect_backend
from prelabel.label_studio.connections import ConnectionClient
from prelabel.label_studio.doctor import examine
from prelabel.label_studio.faults import Fault
from prelabel.settings import Settings, load_settings


class _JsonObject(click.ParamType[dict[str, Any]]):
    name = "JSON"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        try:
            found = json.loads(value)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            self.fail(f'{shorten(value)} is no JSON object, as in {{"C": 1}}', param, ctx)
        return found


@click.command()
@click.argument("url")
@project_option
@click.option("--title", help="Its name in Label Studio [prelabel].")
@click.option("--extra-params", type=_JsonObject(), help="Settings of the project, a JSON object.")
def connect(
    url: str, project_id: int, title: str | None, extra_params: dict[str, Any] | None
) -> None:
    """Connect a project of Label Studio to the backend at URL, as Label Studio reaches it.

    LABEL_STUDIO_HOST and LABEL_STUDIO_API_KEY say which Label Studio; BASIC_AUTH_USER and
    BASIC_AUTH_PASS what the backend asks for. What is there already is mended.
    """
    settings = load_settings()
    backend = _backend(url, settings)
    with open_client(settings, ConnectionClient) as client:
        done = connect_backend(client, project_id, backend, title=title, extra_params=extra_params)
        for line in done:
            click.echo(line)
        sys.exit(_report(list(examine(client, project_id, backend)), _decline))


@click.command()
@click.argument("url", required=False)
@project_option
@click.option("--repair", is_flag=True, help="Repair what can be, without asking.")
def doctor(url: str | None, project_id: int, *, repair: bool) -> None:
    """Find what is wrong between a project of Label Studio and its backend, and repair it.

    URL is the backend's address as Label Studio reaches it; without it, the connection that is
    there is examined. Settings are those of `prelabel connect`. Exits with 1 if a fault remains.
    """
    settings = load_settings()
    with open_client(settings, ConnectionClient) as client:
        if url is None:
            connected = client.connections(project_id)
            url = connected[0].url if connected else None
        backend = _backend(url, settings) if url else None
        accept = _agree if repair else _ask if sys.stdin.isatty() else _decline
        sys.exit(_report(list(examine(client, project_id, backend)), accept))


def _agree(_fault: Fault) -> bool:
    return True


def _ask(_fault: Fault) -> bool:
    return click.confirm("  Repair it?")


def _decline(_fault: Fault) -> bool:
    return False


def _report(faults: list[Fault], accept: Callable[[Fault], bool]) -> int:
    """Say what was found, repair what is accepted, and return the exit status.

    That is 1 if something remains that does harm.
    """
    remaining = 0
    for fault in faults:
        mark = click.style("!", fg="yellow") if fault.is_harmless else click.style("✗", fg="red")
        click.echo(f"{mark} {fault.name}: {fault.found}")
        itself = " Or let prelabel doctor do it, with --repair." if fault.repair else ""
        click.echo(f"  → {fault.fix}{itself if accept is _decline else ''}")
        is_repaired = fault.repair and accept(fault) and _is_repaired(fault.repair)
        remaining += not (is_repaired or fault.is_harmless)
    if all(fault.is_harmless for fault in faults):
        click.echo(f"{click.style('✓', fg='green')} No fault found.")
    return min(remaining, 1)


def _is_repaired(repair: Callable[[], None]) -> bool:
    try:
        repair()
    except UpstreamError as error:
        click.echo(f"  {click.style('✗', fg='red')} not repaired: {error}")
        return False
    click.echo(f"  {click.style('✓', fg='green')} repaired")
    return True


def _backend(url: str, settings: Settings) -> Backend:
    password = settings.basic_auth_pass
    return Backend(
        url=url,
        user=settings.basic_auth_user or "",
        password=password.get_secret_value() if password else "",
    )
