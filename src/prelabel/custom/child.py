"""A project's process: makes the model and does what it is asked, one thing of a kind at a time."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from prelabel.custom.session import Session
from prelabel.errors import LabelConfigError, MalformedError, PrelabelError
from prelabel.models.failures import failed_in
from prelabel.models.loader import find_model_class
from prelabel.models.raw import RawModel
from prelabel.storage.database import Database
from prelabel.storage.model_state import ModelState
from prelabel.telemetry import configure_logging, request_id
from prelabel.types import ProjectKey

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Orders:
    """What a project's process has to know.

    Attributes
    ----------
    folder
        The project's own folder: ``MODEL_DIR`` of its code.
    environment
        Variables that its code finds unless the operator has set others.
    """

    target: Path
    project: ProjectKey
    database: Path
    folder: Path
    log_level: str
    environment: Mapping[str, str]


def probe(target: Path) -> tuple[str, frozenset[str] | None]:
    """Return a directory's class: its name, and its `EVENTS` if it is a raw model, else None."""
    found = find_model_class(target, is_alone=True)
    return found.__name__, frozenset(found.EVENTS) if issubclass(found, RawModel) else None


def run(orders: Orders, asked: Connection, told: Connection) -> None:
    """Answer both connections until the server closes them, or is gone.

    The process leads a group: whatever the model starts ends with it.
    """
    os.setsid()
    multiprocessing.current_process().daemon = False  # those may start no processes of their own
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the server, which closes
    configure_logging(orders.log_level)
    logging.getLogger().setLevel(orders.log_level)  # what the model itself logs
    orders.folder.mkdir(parents=True, exist_ok=True)
    os.environ.update({**orders.environment, **os.environ, "MODEL_DIR": str(orders.folder)})
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        session = _open(orders)
    except Exception as error:  # noqa: BLE001 - the model's code; whatever it raises is told
        asked.send_bytes(_refuse("opening the model", error))
        return
    asked.send_bytes(b"")
    _answer(session, asked, told)


def _end_with(parent: int) -> None:
    """End when the server is gone, even while the model's code hangs."""
    while os.getppid() == parent:
        time.sleep(1)
    _end()


def _end() -> None:
    """End at once, with all that the model has started."""
    os.killpg(0, signal.SIGKILL)


def _open(orders: Orders) -> Session:
    found = find_model_class(orders.target, is_alone=True)
    if not issubclass(found, RawModel):
        raise TypeError(f"{found.__name__} is no raw model any more")
    state = ModelState(Database(orders.database), orders.project)
    gc.freeze()  # what was imported is never garbage: looking through it cost half of a request
    return Session(found, state, project=orders.project, folder=orders.folder)


def _answer(session: Session, asked: Connection, told: Connection) -> None:
    learning = threading.Thread(
        target=_serve, args=(told, {"fit": session.fit}, True), daemon=True, name="fit"
    )
    learning.start()
    _serve(asked, {"predict": session.predict, "setup": session.setup}, False)
    _end()  # a fit under way is told again at the next start


def _serve(
    line: Connection, calls: Mapping[str, Callable[[bytes], bytes]], is_background: bool
) -> None:
    if is_background:
        with suppress(OSError, AttributeError):  # Linux counts niceness by thread
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
    while True:
        try:
            name, _, rest = line.recv_bytes().partition(b"\n")
        except (EOFError, OSError):
            return
        request, _, body = rest.partition(b"\n")
        request_id.set(request.decode())
        try:
            answer = b"+" + calls[name.decode()](body)
        except BaseException as error:  # noqa: BLE001 - the same; even sys.exit is no answer
            answer = _refuse(name.decode(), error)
        line.send_bytes(answer)


def _refuse(call: str, error: BaseException) -> bytes:
    if isinstance(error, PrelabelError):
        log.error("%s: %s", call, error)
        told = error
    else:
        log.error("The model failed in %s", call, exc_info=error)
        told = failed_in(call, error)
    is_callers = isinstance(told, MalformedError | LabelConfigError)
    return b"-" + msgspec.json.encode([is_callers, told.received, told.expected, told.fix])
