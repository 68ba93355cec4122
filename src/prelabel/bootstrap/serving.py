"""What a server is made of: settings → adapters, loop, and what looks for due projects."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from prelabel.bootstrap.store import open_database
from prelabel.bootstrap.texts import open_texts
from prelabel.bootstrap.training import do_job
from prelabel.errors import StorageError
from prelabel.label_studio.hosts import FetchHosts
from prelabel.loop.asked import AskedTexts
from prelabel.loop.doorbell import Doorbell
from prelabel.loop.gauges import ProjectGauges, VersionGauges
from prelabel.loop.ingest import Ingest
from prelabel.loop.predictor import Predictor
from prelabel.loop.process import TrainingProcess
from prelabel.loop.pulls import Pulls
from prelabel.loop.registry import Registry
from prelabel.loop.scheduler import Scheduler
from prelabel.loop.texts import Texts
from prelabel.models.base import TextModel
from prelabel.models.loader import is_built_in, load_model_class
from prelabel.models.method import Method
from prelabel.settings import Settings
from prelabel.storage.database import Database
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.lock import FolderLock
from prelabel.storage.project_settings import ProjectSettingsStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.versions import VersionStore
from prelabel.telemetry import Metrics, configure_logging

log = logging.getLogger(__name__)

STOP_SECONDS = 0.5
"""How long each write that is left waits for other processes when the server ends."""

LEASE = timedelta(seconds=10)
JOB_LIMIT = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Everything the server needs, joined."""

    settings: Settings
    model_class: type[TextModel]
    database: Database
    jobs: JobStore
    versions: VersionStore
    ingest: Ingest
    doorbell: Doorbell | None
    pulls: Pulls | None
    predictor: Predictor
    scheduler: Scheduler
    metrics: Metrics
    asked: AskedTexts
    connections: ExitStack

    def stop(self) -> None:
        """Hand back what is held; a training under way is taken up again at the next start."""
        self.database.hasten(STOP_SECONDS)
        self.asked.stop()
        if self.pulls:
            self.pulls.stop()
        self.scheduler.stop()
        self.connections.close()
        self.database.close()


def open_service(settings: Settings, directory: Path | None = None) -> Service:
    """Join everything for serving, bring the store up to date, and begin to look for due projects.

    Parameters
    ----------
    directory
        The model directory; None serves the built-in classifier.

    Raises
    ------
    ConfigError
        If the model, the key or the data folder cannot be used.
    """
    model_class, database = _open_basis(settings, directory)
    jobs, versions, metrics = JobStore(database), VersionStore(database), Metrics()
    metrics.register(VersionGauges(versions))
    metrics.register(ProjectGauges(ProjectStore(database)))
    registry = _make_registry(settings, model_class, versions)
    scheduler = _make_scheduler(settings, directory, jobs, metrics, Method(model_class=model_class))
    connections = ExitStack()
    texts = connections.enter_context(open_texts(settings, database))
    pulls = _make_pulls(settings, database, scheduler)
    labels = _make_labels(settings, database)
    service = Service(
        settings=settings,
        model_class=model_class,
        database=database,
        jobs=jobs,
        versions=versions,
        ingest=_make_ingest(database, labels, scheduler, texts, pulls),
        doorbell=_make_doorbell(settings, database, scheduler, pulls),
        pulls=pulls,
        predictor=Predictor(registry, ProjectSettingsStore(database), texts),
        scheduler=scheduler,
        metrics=metrics,
        asked=AskedTexts(ProjectStore(database), labels),
        connections=connections,
    )
    scheduler.start()
    return service


def check_service(settings: Settings, directory: Path | None = None) -> None:
    """Raise `ConfigError` if `open_service` would, and bring the store up to date."""
    _, database = _open_basis(settings, directory)
    database.close()


def _open_basis(settings: Settings, directory: Path | None) -> tuple[type[TextModel], Database]:
    model_class = load_model_class(directory, is_alone=True)
    FetchHosts.parse(settings.fetch_hosts)
    if settings.label_studio_api_key is not None:
        from prelabel.bootstrap.connections import connect  # noqa: PLC0415 - not without a key

        with connect(settings):
            pass  # a key that cannot be one is found out now, not at the first sync
    return model_class, open_database(settings)


def _make_registry(
    settings: Settings, model_class: type[TextModel], versions: VersionStore
) -> Registry:
    return Registry(
        versions=versions,
        artifacts=settings.artifacts_path,
        model_class=model_class,
        resident=settings.resident_models,
        guard_seconds=None if is_built_in(model_class) else settings.predict_seconds,
    )


def _make_scheduler(
    settings: Settings, directory: Path | None, jobs: JobStore, metrics: Metrics, method: Method
) -> Scheduler:
    return Scheduler(
        jobs=jobs,
        make_executor=lambda: TrainingProcess(configure_logging, settings.log_level),
        work=partial(do_job, settings, directory),
        train_every=settings.start_training_each_n_updates,
        owner=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
        lease=LEASE,
        limit=JOB_LIMIT,
        learns_names=method.learns_names,
        can_sync=settings.label_studio_api_key is not None,
        report=lambda job, seconds: metrics.count_job(job.state, seconds),
        lock=FolderLock(settings.model_dir / "training.lock") if settings.workers > 1 else None,
    )


def _make_pulls(settings: Settings, database: Database, scheduler: Scheduler) -> Pulls | None:
    """Return what asks for pulls, and ask for all projects'; None without a key."""
    if settings.label_studio_api_key is None:
        return None
    projects = ProjectStore(database)
    try:
        projects.request_sync()  # what happened while nothing ran here
    except StorageError as error:
        log.warning(
            "What happened meanwhile is pulled at the next Start Training, or start: %s", error
        )
    return Pulls(projects, scheduler.wake)


def _make_labels(settings: Settings, database: Database) -> LabelStore:
    labels = LabelStore(database, pool_texts=settings.pool_texts)
    try:
        labels.fit_pools()
    except StorageError as error:
        log.warning(
            "A PRELABEL_POOL_TEXTS that was raised counts from the next start on: %s", error
        )
    return labels


def _make_ingest(
    database: Database,
    labels: LabelStore,
    scheduler: Scheduler,
    texts: Texts,
    pulls: Pulls | None,
) -> Ingest:
    return Ingest(
        projects=ProjectStore(database),
        settings=ProjectSettingsStore(database),
        labels=labels,
        jobs=JobStore(database),
        texts=texts,
        pulls=pulls,
        wake=scheduler.wake,
    )


def _make_doorbell(
    settings: Settings, database: Database, scheduler: Scheduler, pulls: Pulls | None
) -> Doorbell | None:
    """Return what webhooks without credentials ring; None where all are believed, or none is."""
    if not settings.is_guarded or pulls is None:
        return None
    return Doorbell(ProjectStore(database), scheduler.wake, pulls)
