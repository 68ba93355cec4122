"""Step 2: which project is due, and who works on it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from datetime import timedelta

from prelabel.errors import StorageError, StorageLockedError
from prelabel.storage.jobs import JobStore
from prelabel.storage.lock import FolderLock
from prelabel.storage.poller import POLL_SECONDS, Poller
from prelabel.types import Job, ProjectKey

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Running:
    """A job under way."""

    job: Job
    outcome: Future[None]
    started_at_seconds: float


class Scheduler:
    """Hands due projects to an executor, one job at a time.

    Several processes may each have a scheduler on the same store; leases keep them apart.

    Parameters
    ----------
    make_executor
        Makes the executor; called again when it broke, because a training process was killed.
    work
        The job itself; a plain function, so that it runs in another process.
    owner
        A name no other scheduler has.
    lease
        How long a project stays taken when its owner is gone.
    limit
        How long a job may take; one that hangs would keep all others waiting.
    learns_names
        Whether names of labels and texts can be learned without labels.
    can_sync
        Whether Label Studio's API can be asked for labels; there is a key for it.
    report
        Called with each finished job, as stored, and its seconds.
    poll_seconds
        How soon work is found that nobody announced.
    lock
        What it must hold to look; None looks always. Processes that share a machine share one
        training process so.
    """

    def __init__(
        self,
        *,
        jobs: JobStore,
        make_executor: Callable[[], Executor],
        work: Callable[[Job, str], None],
        train_every: int,
        owner: str,
        lease: timedelta,
        limit: timedelta,
        learns_names: bool,
        can_sync: bool,
        report: Callable[[Job, float], None],
        poll_seconds: float = POLL_SECONDS,
        lock: FolderLock | None = None,
    ) -> None:
        self._jobs = jobs
        self._make_executor = make_executor
        self._work = work
        self._train_every = train_every
        self._owner = owner
        self._lease = lease
        self._limit = limit
        self._learns_names = learns_names
        self._can_sync = can_sync
        self._report = report
        self._lock = lock
        self._executor = make_executor()
        self._running: _Running | None = None
        self._renewed_at_seconds = time.monotonic()
        self._poller = Poller(
            self._look, name="scheduler", wanted="due projects", poll_seconds=poll_seconds,
            may_wait=lambda: self._running is None,  # who waits for long does not renew a lease
        )  # fmt: skip

    def start(self) -> None:
        """Begin to look for due projects."""
        self._poller.start()

    def wake(self) -> None:
        """Look for due projects now."""
        self._poller.wake()

    def stop(self) -> None:
        """Stop; a job under way is left, and taken up again by whoever runs next."""
        self._poller.stop()
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._running is not None:
            self._hand_back(self._running.job.project)
        if self._lock:
            self._lock.free()

    def _hand_back(self, project: ProjectKey) -> None:
        try:
            self._jobs.release(project, self._owner)
        except StorageError as error:
            seconds = self._lease.total_seconds()
            log.warning("Project %s is free again in %d s: %s", project, seconds, error)

    def _look(self) -> None:
        if self._lock and not self._lock.take():
            return
        if self._running is not None and self._running.outcome.done():
            self._close(self._running)
        if self._running is not None:
            self._watch(self._running)
            return  # finishing wakes us
        due = self._jobs.due(
            self._train_every, by_texts=self._learns_names, can_sync=self._can_sync
        )
        for project in due:
            if self._poller.is_stopping or self._begin(project):
                return

    def _begin(self, project: ProjectKey) -> bool:
        job = self._jobs.claim(project, self._owner, self._lease)
        if job is None:
            return False
        log.info("Job %d of project %s begins (%s)", job.id, project, job.reason)
        try:
            outcome = self._submit(job)
        except (OSError, RuntimeError):
            self._jobs.release(project, self._owner)
            raise
        self._running = _Running(job=job, outcome=outcome, started_at_seconds=time.monotonic())
        outcome.add_done_callback(lambda _: self.wake())
        return True

    def _submit(self, job: Job) -> Future[None]:
        try:
            return self._executor.submit(self._work, job, self._owner)
        except (BrokenExecutor, OSError):  # its process is gone, or could not be started
            self._replace_executor()
            return self._executor.submit(self._work, job, self._owner)

    def _close(self, running: _Running) -> None:
        self._running = None
        error = running.outcome.exception()
        if error is not None:
            log.error(
                "Job %d of project %s broke off: %r", running.job.id, running.job.project, error
            )
            self._jobs.break_off(running.job)
        self._jobs.release(running.job.project, self._owner)
        finished = self._jobs.get(running.job.id)
        if finished is not None and finished.state.is_over:
            self._report(finished, time.monotonic() - running.started_at_seconds)

    def _watch(self, running: _Running) -> None:
        if time.monotonic() - running.started_at_seconds > self._limit.total_seconds():
            log.error("Job %d runs for more than %s: it is ended", running.job.id, self._limit)
            self._replace_executor()
        if time.monotonic() - self._renewed_at_seconds > self._lease.total_seconds() / 3:
            self._renewed_at_seconds = time.monotonic()
            self._renew(running.job)

    def _renew(self, job: Job) -> None:
        try:
            is_ours = self._jobs.renew(job.project, self._owner, self._lease)
        except StorageLockedError:
            # A process that is stopped within a transaction would keep labels from being stored.
            log.error("Job %d is ended: it may be what keeps the database locked", job.id)  # noqa: TRY400 - no news in a traceback
            self._replace_executor()
            raise
        if not is_ours:
            log.warning("The lease of project %s was lost", job.project)

    def _replace_executor(self) -> None:
        broken, self._executor = self._executor, self._make_executor()
        broken.shutdown(wait=False, cancel_futures=True)
