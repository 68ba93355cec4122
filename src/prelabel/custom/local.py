"""A raw model in the server's own process: for WSGI servers and tests of directories.

Nothing can be ended here: a class that hangs keeps its own project's requests waiting, no other's.
``prelabel start`` gives each project a process instead.
"""

from __future__ import annotations

import threading

from prelabel.custom.processes import KNOWN
from prelabel.custom.service import CustomService, join, project_folder
from prelabel.custom.session import Session
from prelabel.models.failures import busy_for, call_model
from prelabel.models.raw import RawModel
from prelabel.recent import Recent
from prelabel.settings import Settings
from prelabel.storage.database import Database
from prelabel.storage.model_state import ModelState
from prelabel.types import ProjectKey


class LocalModel:
    """A project's model on the caller's thread; `ask` and `tell` as `ProjectProcess` has them."""

    is_running = True

    def __init__(self, session: Session) -> None:
        self._calls = {"predict": session.predict, "setup": session.setup}
        self._fit = session.fit
        self._asking = threading.Lock()
        self._telling = threading.Lock()

    def ask(self, call: str, body: bytes, seconds: float) -> bytes:
        """Return the answer to a request; wait for the one before it so long at most."""
        if not self._asking.acquire(timeout=seconds):
            raise busy_for(seconds)
        try:
            return call_model(call, lambda: self._calls[call](body))
        finally:
            self._asking.release()

    def tell(self, body: bytes, seconds: float) -> bytes:  # noqa: ARG002 - nothing can be ended here
        """Let the model learn from an event."""
        with self._telling:
            return call_model("fit", lambda: self._fit(body))


def open_local_service(settings: Settings, model_class: type[RawModel]) -> CustomService:
    """Join everything for serving a class in this process."""
    database = Database(settings.database_path)
    # Strangers may name any number of projects; one that is let go of is made again.
    models = Recent[ProjectKey, LocalModel](KNOWN)
    lock = threading.Lock()

    def get_model(project: ProjectKey) -> LocalModel:
        with lock:
            model = models.get(project)
            if model is None:
                state = ModelState(database, project)
                session = Session(
                    model_class, state, project=project, folder=project_folder(settings, project)
                )
                model = models[project] = LocalModel(session)
            return model

    return join(
        settings,
        get_model=get_model,
        end_models=database.close,
        model_name=model_class.__name__,
        events_wanted=frozenset(model_class.EVENTS),
    )
