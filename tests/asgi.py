"""An ASGI application on loopback, served by uvicorn in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from tests.backend import wait_for


@contextmanager
def serve_in_thread(
    application: ASGIApp, protocol: type[asyncio.Protocol], **options: Any
) -> Iterator[int]:
    """Serve an application with one of our protocols; give its port."""
    config = uvicorn.Config(
        application, port=0, http=protocol, lifespan="off", log_config=None, proxy_headers=False,
        **options,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
