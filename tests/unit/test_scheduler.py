from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from prelabel.loop.process import TrainingProcess
from prelabel.loop.scheduler import Scheduler
from prelabel.storage.database import Database
from prelabel.storage.jobs import MAX_ATTEMPTS, JobStore
from prelabel.storage.poller import POLL_SECONDS
from prelabel.storage.projects import ProjectStore
from prelabel.telemetry import configure_logging
from prelabel.types import Job, JobState, ProjectKey
from tests.backend import wait_for
from tests.builders import CONFIG, PROJECT, TWIN

Work = Callable[[Job, str], None]
Run = Callable[..., Scheduler]
Reports = list[tuple[int, JobState]]


@pytest.fixture
def reports() -> Reports:
    return []


@pytest.fixture
def run(jobs: JobStore, projects: ProjectStore, reports: Reports) -> Iterator[Run]:
    """Start schedulers; each is stopped at the end."""
    started: list[Scheduler] = []
    for project in (PROJECT, TWIN):
        projects.see(project, CONFIG)

    def start(
        work: Work,
        make_executor: Callable[[], Executor] | None = None,
        *,
        lease_seconds: float = 60,
        store: JobStore = jobs,
        limit_seconds: float = 600,
        poll_seconds: float = POLL_SECONDS,
    ) -> Scheduler:
        scheduler = Scheduler(
            jobs=store,
            make_executor=make_executor or (lambda: ThreadPoolExecutor(4)),
            work=work,
            train_every=10,
            owner=f"scheduler {len(started)}",
            lease=timedelta(seconds=lease_seconds),
            limit=timedelta(seconds=limit_seconds),
            learns_names=True,
            can_sync=True,
            report=lambda job, _: reports.append((job.id, job.state)),
            poll_seconds=poll_seconds,
        )
        started.append(scheduler)
        scheduler.start()
        scheduler.wake()
        return scheduler

    yield start
    for scheduler in started:
        scheduler.stop()


def finishing(jobs: JobStore) -> Work:
    return lambda job, _: jobs.finish(job, JobState.DONE, "x")


def processes() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def die(_job: Job, _owner: str) -> None:
    os._exit(1)


def die_once(job: Job, _owner: str) -> None:
    """Die the first time; the job's reason is the database to record the second time in."""
    mark = Path(job.reason).with_suffix(".died")
    if not mark.exists():
        mark.touch()
        os._exit(1)
    with Database(Path(job.reason)) as database:
        JobStore(database).finish(job, JobState.DONE, "at last")


# What is due is done


def test_a_due_project_is_worked_on_and_reported(
    run: Run, jobs: JobStore, reports: Reports
) -> None:
    job = jobs.request(PROJECT, "x")
    run(finishing(jobs))
    wait_for(lambda: reports)
    assert reports == [(job.id, JobState.DONE)]
    assert jobs.due(10) == []


def test_what_becomes_due_later_is_found_when_woken(
    run: Run, jobs: JobStore, reports: Reports
) -> None:
    scheduler = run(finishing(jobs), poll_seconds=3600)
    ids: list[int] = []
    for _ in range(3):
        ids.append(jobs.request(PROJECT, "x").id)
        scheduler.wake()
        wait_for(lambda: [id_ for id_, _ in reports] == ids)


def test_what_nobody_announced_is_found_too(
    run: Run, projects: ProjectStore, jobs: JobStore, reports: Reports
) -> None:
    def work(job: Job, _: str) -> None:
        projects.sync_failed(job.project, is_away=True)
        jobs.finish(job, JobState.DONE, "x")

    run(work)
    projects.request_sync(TWIN)
    wait_for(lambda: reports)


def test_one_project_at_a_time(run: Run, jobs: JobStore, reports: Reports) -> None:
    at_work, most = [0], [0]

    def work(job: Job, _: str) -> None:
        at_work[0] += 1
        most[0] = max(most[0], at_work[0])
        time.sleep(0.05)
        at_work[0] -= 1
        jobs.finish(job, JobState.NOT_YET, "x")

    ids = [jobs.request(project, "x").id for project in (PROJECT, TWIN)]
    run(work)
    wait_for(lambda: len(reports) == 2)
    assert sorted(reports) == [(id_, JobState.NOT_YET) for id_ in ids]
    assert most == [1]


def test_two_schedulers_on_one_store_do_each_request_once(
    run: Run, jobs: JobStore, projects: ProjectStore, database: Database, reports: Reports
) -> None:
    done: list[int] = []

    def work(job: Job, _: str) -> None:
        done.append(job.id)
        finishing(jobs)(job, "")

    for key in (keys := [ProjectKey(number, 7) for number in range(20)]):
        projects.see(key, CONFIG)
    ids = [jobs.request(key, "x").id for key in keys]
    with Database(database.path) as other:
        both = run(work), run(work, store=JobStore(other))
        wait_for(lambda: set(ids) <= {id_ for id_, _ in reports})
        both[1].stop()
    # A scheduler that looked a moment earlier may find nothing left to do: a job of its own.
    assert sorted(id_ for id_ in done if id_ in ids) == ids


# What goes wrong


def test_work_that_raises_is_tried_three_times_and_given_up(
    run: Run, jobs: JobStore, reports: Reports, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    def work(job: Job, _: str) -> None:
        tries.append(job.id)
        raise MemoryError

    job = jobs.request(PROJECT, "x")
    run(work)
    wait_for(lambda: state(jobs, job) is JobState.FAILED)
    assert tries == [job.id] * 3
    assert "broke off: MemoryError()" in caplog.text
    wait_for(lambda: reports)
    assert reports == [(job.id, JobState.FAILED)]
    assert jobs.due(10) == [], "the next try comes after a pause"


def hang(_job: Job, _owner: str) -> None:
    time.sleep(3600)


def test_a_job_that_hangs_is_ended_and_keeps_no_other_from_its_turn(
    run: Run, jobs: JobStore, database: Database
) -> None:
    hanging = jobs.request(PROJECT, "x")
    run(hang, lambda: TrainingProcess(configure_logging, "INFO"), limit_seconds=0.5)
    wait_for(lambda: state(jobs, hanging) is JobState.FAILED)
    assert jobs.due(10) == [], "the next try comes after a pause"


def state(jobs: JobStore, job: Job) -> JobState:
    found = jobs.get(job.id)
    assert found is not None
    return found.state


def test_a_killed_process_is_replaced_and_its_job_done(
    run: Run, jobs: JobStore, database: Database, reports: Reports
) -> None:
    job = jobs.request(PROJECT, str(database.path))
    run(die_once, processes)
    wait_for(lambda: reports)
    assert reports == [(job.id, JobState.DONE)]
    finished = jobs.get(job.id)
    assert finished is not None
    assert finished.message == "at last"


def test_a_process_that_dies_each_time_does_not_keep_the_others_from_their_turn(
    run: Run, jobs: JobStore
) -> None:
    job = jobs.request(PROJECT, "x")
    run(die, processes)
    wait_for(lambda: state(jobs, job) is JobState.FAILED)
    failed = jobs.get(job.id)
    assert failed is not None
    assert "broke off 3 times" in failed.message


def lock_once(job: Job, _owner: str) -> None:
    """Stop within a transaction the first time; the job's reason is the database."""
    mark = Path(job.reason).with_suffix(".locked")
    with Database(Path(job.reason)) as database:
        if not mark.exists():
            with database.write():
                mark.touch()
                os.kill(os.getpid(), signal.SIGSTOP)
        JobStore(database).finish(job, JobState.DONE, "at last")


@pytest.mark.slow
def test_a_process_that_is_stopped_within_a_transaction_is_ended_so_that_others_can_write(
    run: Run, jobs: JobStore, database: Database, reports: Reports
) -> None:
    job = jobs.request(PROJECT, str(database.path))
    run(lock_once, lambda: TrainingProcess(configure_logging, "INFO"), lease_seconds=1)
    wait_for(lambda: reports)
    assert reports == [(job.id, JobState.DONE)]


class Unlucky(ThreadPoolExecutor):
    """An executor whose process cannot be started, the first so many times."""

    failures = 0

    def submit(self, *args: Any, **options: Any) -> Future[Any]:
        if Unlucky.failures:
            Unlucky.failures -= 1
            raise OSError(12, "Cannot allocate memory")
        return super().submit(*args, **options)


@pytest.mark.parametrize("failures", [1, 2])
def test_a_process_that_could_not_be_started_is_started_later(
    run: Run, jobs: JobStore, reports: Reports, failures: int
) -> None:
    Unlucky.failures = failures
    jobs.request(PROJECT, "x")
    run(finishing(jobs), lambda: Unlucky(1))
    wait_for(lambda: reports)
    assert Unlucky.failures == 0


def test_a_store_that_was_away_is_asked_again(
    run: Run, jobs: JobStore, database: Database, reports: Reports, caplog: pytest.LogCaptureFixture
) -> None:
    def rename(before: str, after: str) -> None:
        with database.write() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}")

    jobs.request(PROJECT, "x")
    rename("jobs", "away")
    run(finishing(jobs))
    wait_for(lambda: "Looking for due projects failed" in caplog.text)
    rename("away", "jobs")
    wait_for(lambda: reports)


# Leases


@pytest.fixture
def hung() -> Iterator[tuple[Work, threading.Event]]:
    """Work that does not end by itself, and whether it has begun."""
    begun, released = threading.Event(), threading.Event()

    def work(job: Job, _: str) -> None:
        begun.set()
        released.wait()

    yield work, begun
    released.set()


def test_a_long_job_keeps_its_project(
    run: Run, jobs: JobStore, projects: ProjectStore, hung: tuple[Work, threading.Event]
) -> None:
    def leased_until() -> datetime | None:
        (until,) = (state.leased_until for state in projects.states() if state.project == PROJECT)
        return until

    def is_renewed() -> bool:
        assert jobs.claim(PROJECT, "other", timedelta(minutes=1)) is None
        return leased_until() != first

    work, begun = hung
    jobs.request(PROJECT, "x")
    run(work, lease_seconds=6)
    assert begun.wait(10)
    first = leased_until()
    wait_for(is_renewed, pause_seconds=0.1)


def test_a_store_that_is_away_does_not_keep_a_lease_from_being_renewed_for_long(
    run: Run, database: Database, jobs: JobStore, hung: tuple[Work, threading.Event],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def pauses() -> list[object]:
        failed = [it for it in caplog.records if "due projects failed" in it.getMessage()]
        return [it.args[1] for it in failed if isinstance(it.args, tuple)]

    work, begun = hung
    jobs.request(PROJECT, "x")
    run(work, lease_seconds=0.03, poll_seconds=0.02)
    assert begun.wait(10)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE projects RENAME TO away")
    wait_for(lambda: len(pauses()) >= 3)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO projects")
    assert set(pauses()) == {0.02}


def test_a_scheduler_that_stops_hands_its_job_to_the_next(
    run: Run, jobs: JobStore, reports: Reports, hung: tuple[Work, threading.Event]
) -> None:
    work, begun = hung
    job = jobs.request(PROJECT, "x")
    for _ in range(MAX_ATTEMPTS):
        begun.clear()
        scheduler = run(work)
        assert begun.wait(10)
        scheduler.stop()
    run(finishing(jobs))
    wait_for(lambda: reports)
    assert reports == [(job.id, JobState.DONE)]


def test_a_scheduler_stops_though_nothing_can_be_handed_back(
    run: Run, jobs: JobStore, database: Database, hung: tuple[Work, threading.Event],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    work, begun = hung
    jobs.request(PROJECT, "x")
    scheduler = run(work)
    assert begun.wait(10)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE projects RENAME TO away")
    scheduler.stop()
    assert "is free again in" in caplog.text
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO projects")


def test_a_scheduler_that_is_gone_is_replaced_when_its_lease_runs_out(
    run: Run, jobs: JobStore, reports: Reports
) -> None:
    job = jobs.claim(PROJECT, "killed", timedelta(seconds=0.5))
    assert job is not None
    run(finishing(jobs))
    wait_for(lambda: reports)
    assert reports == [(job.id, JobState.DONE)]
