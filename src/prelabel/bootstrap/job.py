"""One job, joined in the training process from the settings alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from prelabel.bootstrap.connections import connect
from prelabel.bootstrap.texts import open_texts
from prelabel.bootstrap.training import make_method
from prelabel.label_studio.sync import LabelSync
from prelabel.loop.gate import Gate
from prelabel.loop.pruning import Pruner
from prelabel.loop.trainer import Trainer
from prelabel.loop.worker import Worker
from prelabel.settings import Settings
from prelabel.storage.database import Database
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.retention import Retention
from prelabel.storage.syncs import SyncStore
from prelabel.storage.versions import VersionStore
from prelabel.telemetry import request_id
from prelabel.types import Job


def do_job(settings: Settings, directory: Path | None, job: Job, owner: str) -> None:
    """Do a job. It takes settings and the job and reads the store itself: it runs anywhere."""
    request_id.set(f"job-{job.id}")  # stands in every line that is logged for it
    method = make_method(settings, directory)
    database = _open(settings.database_path)
    with connect(settings) as client, open_texts(settings, database) as texts:
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


@cache
def _open(path: Path) -> Database:
    """Open a database for all jobs of this process, which ends with it.

    What SQLAlchemy has compiled for one job serves the next: a twentieth of what a label more
    costs.
    """
    return Database(path)
