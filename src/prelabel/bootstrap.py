"""Settings → adapters, model, loop: the one place that chooses and joins."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from prelabel.errors import ConfigError, StorageError
from prelabel.label_studio.client import LabelStudioClient
from prelabel.label_studio.sync import sync_labels
from prelabel.loop.doorbell import Doorbell
from prelabel.loop.gate import Gate
from prelabel.loop.gauges import VersionGauges
from prelabel.loop.ingest import Ingest
from prelabel.loop.predictor import Predictor
from prelabel.loop.process import TrainingProcess
from prelabel.loop.registry import Registry
from prelabel.loop.scheduler import Scheduler
from prelabel.loop.trainer import Trainer
from prelabel.loop.worker import Worker
from prelabel.models.base import TextModel
from prelabel.models.loader import load_model_class
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
from prelabel.types import Job, JobState

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
    predictor: Predictor
    scheduler: Scheduler
    metrics: Metrics

    def stop(self) -> None:
        """Hand back what is held; a training under way is taken up again at the next start."""
        if self.doorbell:
            self.doorbell.stop()
        self.scheduler.stop()
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
    registry = Registry(
        versions=versions, artifacts=settings.artifacts_path, model_class=model_class
    )
    scheduler = _make_scheduler(settings, directory, jobs, metrics)
    service = Service(
        settings=settings,
        model_class=model_class,
        database=database,
        jobs=jobs,
        versions=versions,
        ingest=_make_ingest(settings, database, jobs, scheduler),
        doorbell=_make_doorbell(settings, database, scheduler),
        predictor=Predictor(registry, ProjectSettingsStore(database)),
        scheduler=scheduler,
        metrics=metrics,
    )
    scheduler.start()
    return service


def check_service(settings: Settings, directory: Path | None = None) -> None:
    """Raise `ConfigError` if `open_service` would, and bring the store up to date."""
    _, database = _open_basis(settings, directory)
    database.close()


def _open_basis(settings: Settings, directory: Path | None) -> tuple[type[TextModel], Database]:
    model_class = load_model_class(directory)
    with _connect(settings):
        pass  # a key that cannot be one is found out now, not at the first sync
    return model_class, open_database(settings)


def _make_scheduler(
    settings: Settings, directory: Path | None, jobs: JobStore, metrics: Metrics
) -> Scheduler:
    return Scheduler(
        jobs=jobs,
        make_executor=lambda: TrainingProcess(configure_logging, settings.log_level),
        work=partial(do_job, settings, directory),
        train_every=settings.start_training_each_n_updates,
        owner=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
        lease=LEASE,
        limit=JOB_LIMIT,
        report=partial(_report, metrics),
        lock=FolderLock(settings.model_dir / "training.lock") if settings.workers > 1 else None,
    )


def _make_ingest(
    settings: Settings, database: Database, jobs: JobStore, scheduler: Scheduler
) -> Ingest:
    projects = ProjectStore(database)
    can_sync = settings.label_studio_api_key is not None
    if can_sync:
        projects.request_sync()  # what happened while nothing ran here
    return Ingest(
        projects=projects,
        settings=ProjectSettingsStore(database),
        labels=LabelStore(database),
        jobs=jobs,
        can_sync=can_sync,
        wake=scheduler.wake,
    )


def _make_doorbell(settings: Settings, database: Database, scheduler: Scheduler) -> Doorbell | None:
    """Return what webhooks without credentials ring; None where all are believed, or none is."""
    if not settings.is_guarded or settings.label_studio_api_key is None:
        return None
    return Doorbell(ProjectStore(database), scheduler.wake)


def check_model(settings: Settings, directory: Path | None = None) -> None:
    """Fit the model on two texts and predict one, in a training process.

    Raises
    ------
    ConfigError
        If that fails; the message says how.
    """
    executor = TrainingProcess(configure_logging, settings.log_level)
    try:
        executor.submit(_try_model, settings, directory).result()
    except Exception as error:
        raise ConfigError(
            f"The model cannot fit and predict ({type(error).__name__}: {error})",
            expected="a model that learns from two texts",
            fix="Mend the model, or start without --check.",
        ) from error
    finally:
        executor.shutdown()


@contextmanager
def _connect(settings: Settings) -> Iterator[LabelStudioClient | None]:
    key = settings.label_studio_api_key
    if key is None:
        yield None
    else:
        url = settings.label_studio_url
        # Two attempts: a sync that fails is tried again later, and trainings wait for it.
        with LabelStudioClient(url, key.get_secret_value(), attempts=2) as client:
            yield client


def open_database(settings: Settings) -> Database:
    """Open the data folder's database, brought up to date; raise `ConfigError` if it cannot be."""
    try:
        settings.artifacts_path.mkdir(parents=True, exist_ok=True)
        database = Database(settings.database_path)
        database.migrate()
    except (OSError, StorageError) as error:
        raise ConfigError(
            f"The data folder {settings.model_dir} cannot be used ({error})",
            expected="a folder this user may write to, on a disk with free space",
            fix="Set MODEL_DIR (or --model-dir) to another folder, or mend this one.",
        ) from error
    return database


def _report(metrics: Metrics, job: Job, seconds: float) -> None:
    metrics.jobs.labels(state=job.state).inc()
    metrics.job_seconds.observe(seconds)
    if job.state is JobState.DONE and job.model_version:
        metrics.last_version_at.set_to_current_time()


# --- in the training process ---------------------------------------------------------------------


def do_job(settings: Settings, directory: Path | None, job: Job, owner: str) -> None:
    """Do a job. It takes settings and the job and reads the store itself: it runs anywhere."""
    method = make_method(settings, directory)
    with Database(settings.database_path) as database, _connect(settings) as client:
        labels = LabelStore(database)
        trainer = Trainer(
            labels=labels,
            versions=VersionStore(database),
            artifacts=settings.artifacts_path,
            method=method,
            gate=Gate(
                artifacts=settings.artifacts_path,
                model_class=method.model_class,
                threshold=settings.gate,
            ),
            train_every=settings.start_training_each_n_updates,
        )
        worker = Worker(
            projects=ProjectStore(database),
            jobs=JobStore(database),
            trainer=trainer,
            sync=partial(sync_labels, client, labels) if client else None,
        )
        worker.do(job, owner)


def make_method(settings: Settings, directory: Path | None = None) -> Method:
    """Return how the server learns; None as the directory is the built-in classifier."""
    return Method(model_class=load_model_class(directory), C=settings.logistic_regression_c)


def _try_model(settings: Settings, directory: Path | None) -> None:
    model = make_method(settings, directory).new_model()
    model.fit(["a first text", "another thing"], ["one", "two"]).predict_proba(["a text"])
