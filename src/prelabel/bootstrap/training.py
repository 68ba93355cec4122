"""What happens in the training process: one job, or a try of the model."""

from __future__ import annotations

from pathlib import Path

from prelabel.bootstrap.connections import connect, open_texts
from prelabel.errors import ConfigError
from prelabel.label_studio.sync import LabelSync
from prelabel.loop.gate import Gate
from prelabel.loop.process import TrainingProcess
from prelabel.loop.pruning import Pruner
from prelabel.loop.trainer import Trainer
from prelabel.loop.worker import Worker
from prelabel.models.loader import load_model_class
from prelabel.models.method import Method
from prelabel.settings import Settings
from prelabel.storage.database import Database
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.retention import Retention
from prelabel.storage.syncs import SyncStore
from prelabel.storage.versions import VersionStore
from prelabel.telemetry import configure_logging, request_id
from prelabel.types import Job


def do_job(settings: Settings, directory: Path | None, job: Job, owner: str) -> None:
    """Do a job. It takes settings and the job and reads the store itself: it runs anywhere."""
    request_id.set(f"job-{job.id}")  # stands in every line that is logged for it
    method = make_method(settings, directory)
    with (
        Database(settings.database_path) as database,
        connect(settings) as client,
        open_texts(settings, database, client) as texts,
    ):
        labels = LabelStore(database, pool_texts=settings.pool_texts)
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
            texts=texts,
        )
        worker = Worker(
            projects=ProjectStore(database),
            jobs=JobStore(database),
            trainer=trainer,
            pruner=Pruner(Retention(database), settings.model_dir, keep=settings.keep_versions),
            sync=LabelSync(client, labels, SyncStore(database)).pull if client else None,
        )
        worker.do(job, owner)


def make_method(settings: Settings, directory: Path | None = None) -> Method:
    """Return how the server learns; None as the directory is the built-in classifier."""
    return Method(model_class=load_model_class(directory), C=settings.logistic_regression_c)


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


def _try_model(settings: Settings, directory: Path | None) -> None:
    model = make_method(settings, directory).new_model()
    model.fit(["a first text", "another thing"], ["one", "two"]).predict_proba(["a text"])
