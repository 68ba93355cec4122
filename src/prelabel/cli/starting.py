"""``prelabel start``: find out what a directory holds, and serve it as that."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
from pathlib import Path

from prelabel.bootstrap import (
    Service,
    check_service,
    in_another_process,
    open_service,
)
from prelabel.custom.check import check_custom_model
from prelabel.custom.child import probe
from prelabel.custom.service import CustomService, open_custom_service
from prelabel.errors import ConfigError, shorten
from prelabel.models.loader import MODEL_FILE, find_model_class, split_target
from prelabel.server.serve import (
    allow_open_files,
    end_beside_threads,
    listen,
    make_server,
    serve_with_workers,
)
from prelabel.settings import Settings
from prelabel.telemetry import SHARED_FOLDER

log = logging.getLogger("prelabel")


def start_model(settings: Settings, target: Path | None, *, check: bool) -> None:
    """Serve a directory until someone says stop.

    Raises
    ------
    ConfigError
        If it cannot be served as it is set.
    """
    name, events = _look_into(settings, target)
    is_custom = events is not None
    if check:
        _check(settings, target, is_custom=is_custom)
    _require_guard(settings)
    _require_folder_of_figures()
    allow_open_files()
    listener = listen(settings.host, settings.port)
    service: Service | CustomService
    if settings.workers > 1 and not is_custom:
        check_service(settings, target)
        _say_what_is_known(settings, name, listener)
        serve_with_workers(settings, target, listener)
        end_beside_threads()
        return
    if target is not None and events is not None:
        service = open_custom_service(settings, target, model_name=name, events_wanted=events)
    else:
        service = open_service(settings, target)
    server = make_server(service)
    _say_what_is_known(settings, name, listener, is_custom=is_custom)
    server.run(sockets=[listener])
    end_beside_threads()


def _check(settings: Settings, target: Path | None, *, is_custom: bool) -> None:
    from prelabel.bootstrap.check import check_model  # noqa: PLC0415 - trains: only if asked to

    if target is not None and is_custom:
        check_custom_model(settings, target)
    else:
        check_model(settings, target)


def _require_guard(settings: Settings) -> None:
    """Raise `ConfigError` rather than let strangers in by accident."""
    if settings.is_guarded or _is_own(settings.host):
        return
    if settings.anonymous:
        log.warning("Whoever reaches %s may add labels and predictions", settings.host)
        return
    raise ConfigError(
        f"Listening on {settings.host or 'all addresses'} would let in anyone who reaches it",
        expected="credentials, or an address of this machine only",
        fix="Set BASIC_AUTH_USER and BASIC_AUTH_PASS, or PRELABEL_URL_SECRET (and PRELABEL_TOKEN "
        "for other programs); or set PRELABEL_ANONYMOUS=true where only friends reach it.",
    )


def _require_folder_of_figures() -> None:
    """Raise `ConfigError` if figures for Prometheus are to be shared in a folder that is none."""
    folder = os.environ.get(SHARED_FOLDER)
    if folder is not None and not Path(folder).is_dir():
        raise ConfigError(
            f"{SHARED_FOLDER} names {shorten(folder)}, which is no folder",
            expected="nothing: prelabel sets it for its own workers",
            fix="Remove it from the environment.",
        )


def _is_own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _look_into(settings: Settings, target: Path | None) -> tuple[str, frozenset[str] | None]:
    """Find a directory's class in another process: its code may hang, exit, or be large."""
    if target is None or not (split_target(target)[0] / MODEL_FILE).exists():
        return find_model_class(target).__name__, None
    return in_another_process(settings, f"Importing the model of {target}", probe, target)


def _say_what_is_known(
    settings: Settings, name: str, listener: socket.socket, *, is_custom: bool = False
) -> None:
    port = listener.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    log.info("%s is served on http://%s:%d", name, host, port)
    if is_custom and settings.workers > 1:
        log.warning("WORKERS is %d: a class of this kind is served by one", settings.workers)
    log.info("Labels and model versions are kept in %s", settings.model_dir.absolute())
    if is_custom:
        return
    if settings.label_studio_api_key is None:
        log.warning(
            "LABEL_STUDIO_API_KEY is not set: labels come from webhooks only, and those made "
            "before, or while this server was down, are not learned"
        )
    else:
        log.info("Labels are pulled from Label Studio at %s", settings.label_studio_url)
