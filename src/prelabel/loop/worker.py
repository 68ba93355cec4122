"""One job, start to end: pull labels if that is due, train if that is due, say what came of it.

A training that someone asked for pulls first, even if a pull was put off: a failed one, of this
project or another, puts off all that are due.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from prelabel.errors import LeaseLostError, PrelabelError, StorageError, UpstreamError
from prelabel.loop.pruning import Pruner
from prelabel.loop.trained import Trained
from prelabel.loop.trainer import Trainer
from prelabel.storage.jobs import JobStore
from prelabel.storage.projects import ProjectStore
from prelabel.types import Job, JobState, ProjectKey

log = logging.getLogger(__name__)


class Worker:
    """Does jobs, in the training process.

    Parameters
    ----------
    sync
        Pulls a project's labels from Label Studio, and returns what came of it as something that
        can be told people; None without a key.
    """

    def __init__(
        self,
        *,
        projects: ProjectStore,
        jobs: JobStore,
        trainer: Trainer,
        sync: Callable[[ProjectKey], object] | None,
        pruner: Pruner,
    ) -> None:
        self._projects = projects
        self._jobs = jobs
        self._trainer = trainer
        self._sync = sync
        self._pruner = pruner

    def do(self, job: Job, owner: str) -> None:
        """Do a job and record its outcome, whatever happens."""
        try:
            notes = self._pull_if_due(job)
            trained = self._trainer.train(job.project, owner=owner, must_train=job.must_train)
            self._prune(job.project)
            self._record(job, trained, notes)
        except LeaseLostError as error:
            log.warning("Job %d of project %s was taken over: %s", job.id, job.project, error)
        except StorageError:
            raise  # nothing can be recorded here; the scheduler counts it and tries again
        except Exception as error:  # a job must not end the process
            log.exception("Job %d of project %s failed", job.id, job.project)
            known = isinstance(error, PrelabelError)
            reason = f": {error}" if known else f" ({type(error).__name__})."
            self._jobs.fail(job, f"Training failed{reason} It is tried again in a while.")

    def _prune(self, project: ProjectKey) -> None:
        try:
            self._pruner.prune(project)
        except (OSError, StorageError) as error:  # what was trained counts all the same
            log.warning("Project %s is pruned after its next job: %s", project, error)

    def _pull_if_due(self, job: Job) -> list[str]:
        project = job.project
        if self._sync is None:
            return []
        if job.must_train:  # who asks wants all labels, even if a pull failed just now
            self._projects.request_sync(project)
        if not self._projects.sync_is_due(project):
            return []
        try:
            return [str(self._sync(project))]
        except UpstreamError as error:
            after = timedelta(seconds=error.retry_after_seconds)
            self._projects.sync_failed(project, is_away=error.retryable, after=after)
            log.warning("The labels of project %s could not be pulled: %s", project, error)
            return [f"The labels could not be pulled: {error}"]

    def _record(self, job: Job, trained: Trained | None, notes: list[str]) -> None:
        if trained is None:
            message = " ".join(notes) or "Nothing was due any more"
            self._jobs.finish(job, JobState.DONE, message)
        else:
            message = " ".join([*notes, trained.message])
            self._jobs.finish(
                job,
                trained.state,
                message,
                trained_changes=trained.trained_changes,
                texts_due=trained.texts_due,
                wait=trained.wait,
                model_version=trained.version.name if trained.version else None,
            )
        log.info("Job %d of project %s: %s", job.id, job.project, message)
