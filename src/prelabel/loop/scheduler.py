"""Step 2: which project is due, and who works on it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from datetime import timedelta

from prelabel.errors import PrelabelError
from prelabel.storage.jobs import JobStore
from prelabel.types import Job, ProjectKey

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""How soon work is found that nobody announced: syncs put off, leases that ran out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A job under way."""

    job: Job
    outcome: Future[None]
    started_at_seconds: float


class Scheduler:
    """Hands due projects to an executor: one job a project at a time, however many ask.

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
    report
        Called with each finished job, as stored, and its seconds.
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
        report: Callable[[Job, float], None],
    ) -> None:
        self._jobs = jobs
        self._make_executor = make_executor
        self._work = work
        self._train_every = train_every
        self._owner = owner
        self._lease = lease
        self._report = report
        self._executor = make_executor()
        self._running: dict[ProjectKey, Running] = {}
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._renewed_at_seconds = time.monotonic()
        self._thread = threading.Thread(target=self._loop, name="scheduler", daemon=True)

    def start(self) -> None:
        """Begin to look for due projects."""
        self._thread.start()

    def wake(self) -> None:
        """Look for due projects now."""
        self._woken.set()

    def stop(self) -> None:
        """Stop; a job under way is left, and taken up again by whoever runs next."""
        self._stopping.set()
        self._woken.set()
        self._thread.join()
        self._executor.shutdown(wait=False, cancel_futures=True)
        for running in self._running.values():
            self._jobs.hand_back(running.job, self._owner)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._woken.wait(POLL_SECONDS)
            self._woken.clear()
            try:
                self._look()
            except (PrelabelError, OSError, RuntimeError) as error:
                # A store that is away comes back, and so does memory to start a process with.
                log.error("Looking for due projects failed: %s", error)  # noqa: TRY400 - no news in a traceback
                self._stopping.wait(POLL_SECONDS)

    def _look(self) -> None:
        for project, running in list(self._running.items()):
            if running.outcome.done():
                self._close(project, running)
        self._renew()
        for project in self._jobs.due(self._train_every):
            if self._running or self._stopping.is_set():
                return  # one at a time; finishing wakes us
            self._begin(project)

    def _begin(self, project: ProjectKey) -> None:
        job = self._jobs.claim(project, self._owner, self._lease)
        if job is None:
            return
        log.info("Job %d of project %s begins (%s)", job.id, project, job.reason)
        try:
            outcome = self._submit(job)
        except (OSError, RuntimeError):
            self._jobs.release(project, self._owner)
            raise
        self._running[project] = Running(
            job=job, outcome=outcome, started_at_seconds=time.monotonic()
        )
        outcome.add_done_callback(lambda _: self.wake())

    def _submit(self, job: Job) -> Future[None]:
        try:
            return self._executor.submit(self._work, job, self._owner)
        except (BrokenExecutor, OSError):  # its process is gone, or could not be started
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = self._make_executor()
            return self._executor.submit(self._work, job, self._owner)

    def _close(self, project: ProjectKey, running: Running) -> None:
        error = running.outcome.exception()
        if error is not None:
            log.error("Job %d of project %s broke off: %r", running.job.id, project, error)
        self._jobs.release(project, self._owner)
        del self._running[project]
        finished = self._jobs.get(running.job.id)
        if finished is not None and finished.state.is_over:
            self._report(finished, time.monotonic() - running.started_at_seconds)

    def _renew(self) -> None:
        if time.monotonic() - self._renewed_at_seconds < self._lease.total_seconds() / 3:
            return
        self._renewed_at_seconds = time.monotonic()
        for project in self._running:
            self._jobs.renew(project, self._owner, self._lease)
