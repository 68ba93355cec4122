"""The web server: one socket, one service, until someone says stop."""

from __future__ import annotations

import signal
import socket

import uvicorn

from prelabel.bootstrap import Service
from prelabel.custom.service import CustomService
from prelabel.errors import ConfigError
from prelabel.server.app import create_app
from prelabel.server.custom import create_custom_app

GRACE_SECONDS = 10
"""How long requests under way may take after a SIGTERM."""


def listen(host: str, port: int) -> socket.socket:
    """Take the address, before anything else is started.

    Raises
    ------
    ConfigError
        If it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(
            f"Cannot listen on {host}:{port} ({error.strerror or error})",
            expected="a free port on an address of this machine",
            fix="Stop what listens there, or choose another --port or --host.",
        ) from error


def serve(service: Service | CustomService, listener: socket.socket) -> None:
    """Answer requests until SIGTERM or SIGINT; returns when those under way are answered."""
    config = uvicorn.Config(
        create_custom_app(service) if isinstance(service, CustomService) else create_app(service),
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    # uvicorn stops on these signals and then raises them again, which would end the process by the
    # signal, before anything is put away. Having done as asked is success: exit status 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    uvicorn.Server(config).run(sockets=[listener])
