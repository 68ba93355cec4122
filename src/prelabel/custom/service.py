"""Settings and a directory → everything that serves its raw model; joined here."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from prelabel.bootstrap import open_database
from prelabel.custom.child import Orders
from prelabel.custom.dispatcher import Dispatcher
from prelabel.custom.process import ProjectProcess
from prelabel.custom.processes import KNOWN, Processes
from prelabel.custom.setups import Setups
from prelabel.recent import Recent
from prelabel.settings import Settings
from prelabel.storage.database import Database
from prelabel.storage.model_events import ModelEvent, ModelEventStore
from prelabel.storage.model_state import ModelState
from prelabel.storage.projects import ProjectStore
from prelabel.telemetry import Metrics
from prelabel.types import ProjectKey

PROCESSES = 8


class Model(Protocol):
    """A project's model, wherever it runs; bodies are JSON, see `session.Session`."""

    @property
    def is_running(self) -> bool: ...

    def ask(self, call: str, body: bytes, seconds: float) -> bytes: ...

    def tell(self, body: bytes, seconds: float) -> bytes: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomService:
    """Everything the server needs for a raw model.

    Attributes
    ----------
    events_wanted
        Actions of the webhook that the class's `fit` takes.
    """

    settings: Settings
    model_name: str
    events_wanted: frozenset[str]
    database: Database
    projects: ProjectStore
    events: ModelEventStore
    get_model: Callable[[ProjectKey], Model]
    end_models: Callable[[], None]
    dispatcher: Dispatcher
    metrics: Metrics
    setups: Setups = field(default_factory=Setups)
    _states: Recent[ProjectKey, ModelState] = field(default_factory=lambda: Recent(KNOWN))

    def model_version(self, project: ProjectKey) -> str | None:
        """Return the version that a project's predictions carry; None before its first setup."""
        state = self._states.get(project)
        if state is None:  # strangers may ask for any number of projects
            state = self._states[project] = ModelState(self.database, project)
        version = state.get("model_version")
        return None if version is None else str(version)

    def stop(self) -> None:
        """Hand back what is held; events under way are handed over again at the next start."""
        self.dispatcher.stop()
        self.end_models()
        self.dispatcher.wait()
        self.database.close()


def open_custom_service(
    settings: Settings, target: Path, *, model_name: str, events_wanted: frozenset[str]
) -> CustomService:
    """Join everything for serving a directory, each project in a process of its own.

    Raises
    ------
    ConfigError
        If the data folder cannot be used.
    """

    def make(project: ProjectKey) -> ProjectProcess:
        return ProjectProcess(write_orders(settings, target, project))

    processes = Processes(make, PROCESSES)
    return join(
        settings, get_model=processes.get, end_models=processes.end,
        model_name=model_name, events_wanted=events_wanted,
    )  # fmt: skip


def write_orders(settings: Settings, target: Path, project: ProjectKey) -> Orders:
    """Return what a project's process has to know."""
    key = settings.label_studio_api_key
    environment = {
        "LABEL_STUDIO_URL": settings.label_studio_url,
        "LABEL_STUDIO_HOST": settings.label_studio_url,
    }
    environment |= {"LABEL_STUDIO_API_KEY": key.get_secret_value()} if key else {}
    environment |= {"PRELABEL_CA_FILE": str(settings.ca_file)} if settings.ca_file else {}
    return Orders(
        target=Path(os.path.abspath(target)),  # noqa: PTH100 - it may end in :Class, no file's name
        project=project,
        database=settings.database_path.absolute(),
        folder=project_folder(settings, project),
        log_level=settings.log_level,
        environment=environment,
    )


def project_folder(settings: Settings, project: ProjectKey) -> Path:
    """Return where a project's model keeps its files."""
    return settings.model_dir.absolute() / "models" / str(project)


def join(
    settings: Settings,
    *,
    get_model: Callable[[ProjectKey], Model],
    end_models: Callable[[], None],
    model_name: str,
    events_wanted: frozenset[str],
) -> CustomService:
    """Open the store and begin to hand out events to models, wherever they run."""
    database, metrics = open_database(settings), Metrics()
    events = ModelEventStore(database)

    def tell(event: ModelEvent) -> object:
        return get_model(event.project).tell(event.body, settings.fit_seconds)

    lock_file = settings.model_dir / "events.lock"
    dispatcher = Dispatcher(events=events, tell=tell, lock_file=lock_file, report=metrics.count_job)
    dispatcher.start()
    dispatcher.wake()
    return CustomService(
        settings=settings, model_name=model_name, events_wanted=events_wanted, database=database,
        projects=ProjectStore(database), events=events, get_model=get_model, end_models=end_models,
        dispatcher=dispatcher, metrics=metrics,
    )  # fmt: skip
