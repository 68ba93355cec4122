"""The web server: one socket, one service or several workers, until someone says stop."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from prelabel.bootstrap import Service, open_service
from prelabel.custom.service import CustomService
from prelabel.errors import ConfigError, shorten
from prelabel.server.app import create_app
from prelabel.server.at_once import PromptProtocol
from prelabel.server.custom import create_custom_app
from prelabel.settings import Settings
from prelabel.storage.scratch import scratch_folder
from prelabel.telemetry import SHARED_FOLDER, configure_logging, forget_dead_processes

log = logging.getLogger(__name__)

GRACE_SECONDS = 10
"""How long requests under way may take after a SIGTERM."""


HUNG_SECONDS = 30
"""How long a worker may not answer its supervisor. A busy machine takes many seconds to start one,
and one that is replaced before it has started never will."""


_THREADS_SECONDS = 2.0  # those of the server take milliseconds to end, if they can

_OF_REQUESTS = "AnyIO worker thread"
"""What anyio calls threads that requests were given to. One that still waits is logged already."""

AGAIN_SECONDS = 5
"""How soon a worker that could not begin is replaced; its supervisor would do it at once."""

MOST_FILES = 65_536
"""As many models as may be loaded, in several processes' hands, need no more."""

CONNECTIONS = 512
"""Connections of a process, beyond which requests are answered with 503: each takes a file."""


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
    except (OSError, TypeError) as error:  # TypeError: what cannot be a name
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"Cannot listen on {shorten(host)}, port {port} ({shorten(str(reason), 200)})",
            expected="a free port on an address of this machine",
            fix="Stop what listens there, or choose another --port or --host.",
        ) from error


def make_server(service: Service | CustomService) -> uvicorn.Server:
    """Return a server that SIGTERM and SIGINT end from now on, even before it runs.

    ``run(sockets=[listener])`` returns when the requests under way are answered.
    """
    server = uvicorn.Server(
        configure(
            create_custom_app(service)
            if isinstance(service, CustomService)
            else create_app(service)
        )
    )

    def stop(_number: int, _frame: object) -> None:
        server.should_exit = True

    # uvicorn stops on these signals and then raises them again, which would end the process by the
    # signal, before anything is put away. Having done as asked is success: exit status 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    _keep_what_is_there()
    return server


def end_beside_threads() -> None:
    """End the process if threads go on, of a model or of requests: it would stay for them."""
    deadline_seconds = time.monotonic() + _THREADS_SECONDS
    others = [t for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]
    for thread in others:
        thread.join(max(0, deadline_seconds - time.monotonic()))
    left = [thread.name for thread in others if thread.is_alive()]
    if models := [name for name in left if name != _OF_REQUESTS]:
        log.warning("Ended beside threads that the model has started: %s", ", ".join(models))
    if left:
        os._exit(0)


def serve_with_workers(settings: Settings, directory: Path | None, listener: socket.socket) -> None:
    """Answer requests in several processes until SIGTERM or SIGINT.

    One that ends, or does not answer its supervisor for `HUNG_SECONDS`, is replaced.
    """
    with scratch_folder(_in_memory(), "prelabel-metrics-") as folder:
        os.environ[SHARED_FOLDER] = str(folder)
        make = partial(make_worker_app, settings, directory)
        config = configure(make, factory=True, workers=settings.workers)
        Multiprocess(config, sockets=[listener]).run()


def _in_memory() -> Path:
    """Return a folder in memory, where there is one.

    A process that has a file mapped is killed (SIGBUS) when that can get no room on a full disk.
    """
    memory = Path("/dev/shm")  # noqa: S108 - what is made in it has a name of its own
    return memory if os.access(memory, os.W_OK | os.X_OK) else Path(gettempdir())


def allow_open_files() -> None:
    """Let this process open as many files as it may: each loaded model keeps one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = most if 0 <= most < MOST_FILES else MOST_FILES
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


def make_worker_app(settings: Settings, directory: Path | None) -> ASGIApp:
    """Return one worker's application; the worker ends when its supervisor does."""
    configure_logging(settings.log_level)
    forget_dead_processes()
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    try:
        app = create_app(open_service(settings, directory))
    except ConfigError as error:  # the supervisor's start found all well: it has changed since
        log.error("A worker cannot begin and is tried again in %d s: %s", AGAIN_SECONDS, error)  # noqa: TRY400 - no news in a traceback
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing is put away yet
        time.sleep(AGAIN_SECONDS)
        sys.exit(1)
    _keep_what_is_there()
    return app


def _keep_what_is_there() -> None:
    """Let garbage collection pass over it: to look through it costs as much as 3,000 tasks."""
    gc.freeze()


def _end_with_supervisor() -> None:
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)


def configure(app: Callable[..., Any], **options: Any) -> uvicorn.Config:
    """Return how an application, or what makes one, is served."""
    return uvicorn.Config(
        app,
        http=PromptProtocol,
        limit_concurrency=CONNECTIONS,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=HUNG_SECONDS,
        **options,
    )
