"""Settings → adapters, model, loop: the one place that chooses and joins."""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from prelabel.errors import ConfigError, StorageError
from prelabel.label_studio.client import LabelStudioClient
from prelabel.label_studio.sync import Puller
from prelabel.loop.ingest import Ingest
from prelabel.loop.predictor import Predictor
from prelabel.loop.process import TrainingProcess
from prelabel.loop.registry import Registry
from prelabel.loop.scheduler import Scheduler
from prelabel.loop.trainer import Trainer
from prelabel.loop.worker import Worker
from prelabel.models.base import TextModel
from prelabel.models.loader import load_model_class
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.settings import Settings
from prelabel.storage.database import Database
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.versions import VersionStore
from prelabel.telemetry import Metrics, configure_logging
from prelabel.types import Job, JobState

LEASE = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Everything the server needs, joined."""

    settings: Settings
    model_class: type[TextModel]
    database: Database
    jobs: JobStore
    versions: VersionStore
    ingest: Ingest
    predictor: Predictor
    scheduler: Scheduler
    metrics: Metrics

    def stop(self) -> None:
        """Hand back what is held; a training under way is taken up again at the next start."""
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
        If the model or the data folder cannot be used.
    """
    model_class = load_model_class(directory)
    _connect(settings)  # a key that cannot be one is found out now, not at the first sync
    database = _open_database(settings)
    projects, jobs, versions = ProjectStore(database), JobStore(database), VersionStore(database)
    metrics = Metrics()
    scheduler = Scheduler(
        jobs=jobs,
        make_executor=lambda: TrainingProcess(_set_up_process, settings, directory),
        work=do_job,
        train_every=settings.start_training_each_n_updates,
        owner=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
        lease=LEASE,
        report=lambda job, seconds: _report(metrics, job, seconds),
    )
    registry = Registry(
        versions=versions, artifacts=settings.artifacts_path, model_class=model_class
    )
    ingest = Ingest(
        projects=projects,
        labels=LabelStore(database),
        jobs=jobs,
        can_sync=settings.label_studio_api_key is not None,
        wake=scheduler.wake,
    )
    if settings.label_studio_api_key is not None:
        projects.request_sync()  # what happened while nothing ran here
    scheduler.start()
    return Service(
        settings=settings,
        model_class=model_class,
        database=database,
        jobs=jobs,
        versions=versions,
        ingest=ingest,
        predictor=Predictor(registry),
        scheduler=scheduler,
        metrics=metrics,
    )


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


def open_worker(settings: Settings, model_class: type[TextModel], database: Database) -> Worker:
    """Join everything for training."""
    projects, labels = ProjectStore(database), LabelStore(database)
    trainer = Trainer(
        labels=labels,
        versions=VersionStore(database),
        artifacts=settings.artifacts_path,
        new_model=lambda: _new_model(model_class, settings),
        receipt={"model": model_class.__name__, "C": settings.logistic_regression_c},
        train_every=settings.start_training_each_n_updates,
    )
    key = settings.label_studio_api_key
    client = LabelStudioClient(settings.label_studio_url, key.get_secret_value()) if key else None
    return Worker(
        projects=projects,
        jobs=JobStore(database),
        trainer=trainer,
        pull=Puller(client, labels).pull if client else None,
    )


def _connect(settings: Settings) -> LabelStudioClient | None:
    key = settings.label_studio_api_key
    return LabelStudioClient(settings.label_studio_url, key.get_secret_value()) if key else None


def _new_model(model_class: type[TextModel], settings: Settings) -> TextModel:
    if issubclass(model_class, SklearnTextClassifier):
        return model_class(C=settings.logistic_regression_c)
    return model_class()


def _open_database(settings: Settings) -> Database:
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

_worker: list[Worker] = []


def _set_up_process(settings: Settings, directory: Path | None) -> None:
    configure_logging(settings.log_level)
    database = Database(settings.database_path)
    _worker.append(open_worker(settings, load_model_class(directory), database))


def _try_model(settings: Settings, directory: Path | None) -> None:
    model = _new_model(load_model_class(directory), settings)
    model.fit(["a first text", "another thing"], ["one", "two"]).predict_proba(["a text"])


def do_job(job: Job, owner: str) -> None:
    """Do a job with this process's worker."""
    _worker[0].do(job, owner)
