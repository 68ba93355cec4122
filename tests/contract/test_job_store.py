from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy.exc import IntegrityError

from prelabel.errors import LeaseLostError
from prelabel.storage.clock import now
from prelabel.storage.database import Database
from prelabel.storage.fetched import FetchedTexts
from prelabel.storage.jobs import MAX_ATTEMPTS, JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.versions import VersionStore
from prelabel.types import FIRST_TEXTS, Job, JobState, ProjectKey, Task
from tests.builders import CONFIG, PROJECT, TWIN, annotated, deleted, heads, labeled

MINUTE = timedelta(minutes=1)
RUN_OUT = timedelta(seconds=-1)
"""A lease that ended before it was given stands for one whose holder is gone for long."""
EVERY = 3


@pytest.fixture(autouse=True)
def _two_projects(projects: ProjectStore) -> None:
    for project in (PROJECT, TWIN):
        projects.see(project, CONFIG)


@pytest.fixture
def label(labels: LabelStore) -> Callable[..., None]:
    def annotate(*ids: int, project: ProjectKey = PROJECT) -> None:
        labels.apply(annotated(*(labeled(id_) for id_ in ids), project=project))

    return annotate


def claim(jobs: JobStore, owner: str = "me", lease: timedelta = MINUTE) -> Job:
    job = jobs.claim(PROJECT, owner, lease)
    assert job is not None
    return job


# When a project is due


def test_a_project_is_due_at_n_label_changes_and_not_before(
    jobs: JobStore, label: Callable[..., None]
) -> None:
    label(1, 2)
    assert jobs.due(EVERY) == []
    label(3)
    assert jobs.due(EVERY) == [PROJECT]


def test_a_count_that_jumps_over_n_is_due(jobs: JobStore, label: Callable[..., None]) -> None:
    label(*range(1, 11))
    assert jobs.due(EVERY) == [PROJECT]


def test_only_changes_since_the_last_training_count(
    jobs: JobStore, label: Callable[..., None]
) -> None:
    label(1, 2, 3, 4)
    jobs.finish(claim(jobs), JobState.DONE, "x", trained_changes=4)
    jobs.release(PROJECT, "me")
    label(5, 6)
    assert jobs.due(EVERY) == []
    label(7)
    assert jobs.due(EVERY) == [PROJECT]


def test_texts_make_a_project_due_where_they_can_be_learned_from(
    jobs: JobStore, labels: LabelStore, label: Callable[..., None]
) -> None:
    add_texts(labels, FIRST_TEXTS - 1)
    assert jobs.due(EVERY, by_texts=True) == []
    add_texts(labels, FIRST_TEXTS)
    assert jobs.due(EVERY) == []
    assert jobs.due(EVERY, by_texts=True) == [PROJECT]
    jobs.finish(claim(jobs), JobState.DONE, "x", trained_changes=0, texts_due=FIRST_TEXTS + 20)
    jobs.release(PROJECT, "me")
    add_texts(labels, FIRST_TEXTS + 19)
    assert jobs.due(EVERY, by_texts=True) == []
    add_texts(labels, FIRST_TEXTS + 20)
    assert jobs.due(EVERY, by_texts=True) == [PROJECT]
    jobs.finish(claim(jobs), JobState.DONE, "x")
    jobs.release(PROJECT, "me")
    assert jobs.due(EVERY, by_texts=True) == [PROJECT], "nothing was to be trained"
    jobs.finish(claim(jobs), JobState.DONE, "x", trained_changes=0)
    jobs.release(PROJECT, "me")
    assert jobs.due(EVERY, by_texts=True) == [], "labels are learned from"
    label(1, 2, 3)
    assert jobs.due(EVERY, by_texts=True) == [PROJECT]


def add_texts(labels: LabelStore, n: int) -> None:
    """Have as many tasks in the project as that."""
    labels.add_texts(PROJECT, [Task(id=id_, data={"text": f"text {id_}"}) for id_ in range(n)])


def test_deletions_are_changes_too(
    jobs: JobStore, labels: LabelStore, label: Callable[..., None]
) -> None:
    label(1, 2)
    labels.apply(deleted(1))
    assert jobs.due(EVERY) == [PROJECT]


def test_a_wanted_sync_makes_due_unless_it_was_put_off(
    jobs: JobStore, projects: ProjectStore
) -> None:
    projects.request_sync(TWIN)
    assert jobs.due(EVERY) == [TWIN]
    projects.sync_failed(TWIN, is_away=True)
    assert jobs.due(EVERY) == []


def test_texts_that_are_to_be_tried_again_make_a_project_due_when_it_is_time(
    jobs: JobStore, database: Database
) -> None:
    fetched = FetchedTexts(database)
    fetched.try_again(PROJECT, now() + timedelta(hours=1))
    assert jobs.due(10) == []
    for moment in (now(), now() + timedelta(days=400)):  # it may be of a clock set back since
        fetched.try_again(PROJECT, moment)
        assert jobs.due(10) == [PROJECT]
    fetched.try_again(PROJECT, None)
    assert jobs.due(10) == []


def test_a_request_makes_due_however_few_labels(jobs: JobStore) -> None:
    job = jobs.request(PROJECT, "Start Training")
    assert (job.state, job.must_train, job.reason) == (JobState.QUEUED, True, "Start Training")
    assert jobs.due(EVERY) == [PROJECT]
    assert jobs.get(job.id) == job


def test_a_forgotten_project_is_never_due(jobs: JobStore, projects: ProjectStore) -> None:
    jobs.request(PROJECT, "x")
    projects.request_sync(PROJECT)
    projects.forget(PROJECT)
    assert jobs.due(EVERY) == []
    projects.request_sync()
    assert jobs.due(EVERY) == [TWIN]
    projects.see(PROJECT, CONFIG)
    assert jobs.due(EVERY) == [PROJECT, TWIN]


def test_the_project_that_waits_longest_comes_first(jobs: JobStore) -> None:
    for project in (PROJECT, TWIN, PROJECT, TWIN):
        for other in (PROJECT, TWIN):
            jobs.request(other, "always more to do")
        assert jobs.due(EVERY)[0] == project
        job = jobs.claim(project, "me", MINUTE)
        assert job is not None
        jobs.finish(job, JobState.DONE, "x")
        jobs.release(project, "me")


# Requests


def test_requests_that_nobody_has_begun_are_one(jobs: JobStore) -> None:
    first = jobs.request(PROJECT, "first")
    assert jobs.request(PROJECT, "second") == first
    assert jobs.request(TWIN, "third").id != first.id


def test_a_request_during_a_training_asks_for_another(jobs: JobStore) -> None:
    first = jobs.request(PROJECT, "first")
    running = claim(jobs)
    assert running.id == first.id
    later = jobs.request(PROJECT, "second")
    assert later.id != running.id
    jobs.finish(running, JobState.DONE, "x", trained_changes=0)
    jobs.release(PROJECT, "me")
    assert jobs.due(EVERY) == [PROJECT]
    assert claim(jobs).id == later.id


def test_a_project_nobody_told_of_can_have_no_job(jobs: JobStore) -> None:
    unknown = ProjectKey(404, 1)
    with pytest.raises(IntegrityError):  # a mistake of ours, not of the disk
        jobs.request(unknown, "x")
    assert jobs.claim(unknown, "me", MINUTE) is None
    assert not jobs.renew(unknown, "me", MINUTE)


@pytest.mark.parametrize("id_", [0, -1, 404, 2**63, 10**30])
def test_a_job_that_does_not_exist_is_none(jobs: JobStore, id_: int) -> None:
    assert jobs.get(id_) is None


def test_eight_threads_that_ask_at_once_get_one_job(jobs: JobStore) -> None:
    barrier = Barrier(8)

    def ask(_: int) -> int:
        barrier.wait()
        return jobs.request(PROJECT, "x").id

    with ThreadPoolExecutor(8) as executor:
        assert len(set(executor.map(ask, range(8)))) == 1


# Who works


def test_a_job_that_is_begun_says_so(jobs: JobStore) -> None:
    job = claim(jobs)
    assert (job.state, job.must_train, job.reason) == (JobState.RUNNING, False, "due by itself")
    assert job.started_at is not None
    assert job.created_at <= job.started_at
    assert not job.state.is_over


def test_a_claimed_project_is_another_ones_no_more(jobs: JobStore) -> None:
    jobs.request(PROJECT, "x")
    claim(jobs)
    assert jobs.claim(PROJECT, "other", MINUTE) is None
    assert jobs.claim(PROJECT, "me", MINUTE) is None
    assert jobs.due(EVERY) == []
    assert jobs.claim(TWIN, "other", MINUTE) is not None


def test_what_is_given_back_unfinished_is_the_same_job_again(jobs: JobStore) -> None:
    job = claim(jobs)
    jobs.release(PROJECT, "other")
    assert jobs.claim(PROJECT, "other", MINUTE) is None
    jobs.release(PROJECT, "me")
    assert jobs.due(EVERY) == [PROJECT]
    assert claim(jobs, "other").id == job.id


def test_a_lease_that_ran_out_is_another_ones(jobs: JobStore) -> None:
    job = claim(jobs, "dead", RUN_OUT)
    assert jobs.due(EVERY) == [PROJECT]
    assert claim(jobs, "heir").id == job.id
    assert not jobs.renew(PROJECT, "dead", MINUTE)
    jobs.release(PROJECT, "dead")
    assert jobs.renew(PROJECT, "heir", MINUTE)
    assert jobs.due(EVERY) == []


def test_a_renewed_lease_lasts(jobs: JobStore) -> None:
    claim(jobs, "me", RUN_OUT)
    assert jobs.due(EVERY) == [PROJECT]
    assert jobs.renew(PROJECT, "me", MINUTE)
    assert jobs.due(EVERY) == []


def test_who_lost_the_lease_cannot_add_a_version(jobs: JobStore, versions: VersionStore) -> None:
    claim(jobs, "slow", RUN_OUT)
    claim(jobs, "quick")
    with pytest.raises(LeaseLostError, match=f"lease of project {PROJECT.id}.* was lost"):
        versions.add(
            PROJECT,
            artifact="a",
            examples=1,
            heads=heads("x"),
            fingerprint="f",
            owner="slow",
        )
    assert versions.all() == []


@pytest.mark.parametrize("is_shared", [True, False])
def test_of_eight_threads_that_claim_at_once_one_gets_it(
    database: Database, *, is_shared: bool
) -> None:
    barrier = Barrier(8)

    def try_to(number: int) -> Job | None:
        with Database(database.path) as own:
            jobs = JobStore(database if is_shared else own)
            barrier.wait()
            return jobs.claim(PROJECT, f"owner {number}", MINUTE)

    with ThreadPoolExecutor(8) as executor:
        assert sum(job is not None for job in executor.map(try_to, range(8))) == 1


def claim_in_process(path: Path, owner: str) -> list[int]:
    """Claim a hundred projects as another process would; return those that it got."""
    with Database(path) as database:
        jobs = JobStore(database)
        keys = [ProjectKey(number, 5) for number in range(100)]
        return [key.id for key in keys if jobs.claim(key, owner, MINUTE)]


def test_of_two_processes_each_project_is_one_ones(
    database: Database, projects: ProjectStore
) -> None:
    for number in range(100):
        projects.see(ProjectKey(number, 5), CONFIG)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        tries = [executor.submit(claim_in_process, database.path, owner) for owner in "ab"]
        claimed = [number for attempt in tries for number in attempt.result()]
    assert sorted(claimed) == list(range(100))


# What came of it


@pytest.mark.parametrize("state", [JobState.DONE, JobState.NOT_YET])
def test_a_finished_job_tells_what_came_of_it(jobs: JobStore, state: JobState) -> None:
    jobs.finish(claim(jobs), state, "a message", model_version="v1-2labels")
    jobs.release(PROJECT, "me")
    (finished,) = [jobs.get(1)]
    assert finished is not None
    assert finished.state is state
    assert finished.state.is_over
    assert (finished.message, finished.model_version) == ("a message", "v1-2labels")
    assert finished.finished_at is not None
    assert jobs.due(EVERY) == []


def test_not_yet_may_leave_the_next_label_to_make_it_due(
    jobs: JobStore, label: Callable[..., None]
) -> None:
    label(1, 2, 3)
    jobs.finish(claim(jobs), JobState.NOT_YET, "x", trained_changes=1)
    jobs.release(PROJECT, "me")
    assert jobs.due(EVERY) == []
    label(4)
    assert jobs.due(EVERY) == [PROJECT]


def test_a_failed_job_is_tried_again_after_a_pause_with_all_it_was_for(
    jobs: JobStore, projects: ProjectStore, database: Database, label: Callable[..., None]
) -> None:
    label(1, 2, 3)
    projects.request_sync(PROJECT)
    job = claim(jobs)
    jobs.fail(job, "it broke")
    jobs.release(PROJECT, "me")
    failed = jobs.get(job.id)
    assert failed is not None
    assert (failed.state, failed.message) == (JobState.FAILED, "it broke")
    assert jobs.due(EVERY) == []
    let_pause_pass(database)
    assert jobs.due(EVERY) == [PROJECT]
    assert projects.sync_is_due(PROJECT)


def let_pause_pass(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE projects SET retry_at = 1 WHERE retry_at IS NOT NULL")


def test_a_job_may_have_the_next_one_wait(jobs: JobStore, label: Callable[..., None]) -> None:
    label(1, 2, 3)
    for wait, due in ((timedelta(), [PROJECT]), (MINUTE, [])):
        jobs.finish(claim(jobs), JobState.NOT_YET, "", trained_changes=0, wait=wait)
        jobs.release(PROJECT, "me")
        assert jobs.due(EVERY) == due
    jobs.request(PROJECT, "Start Training")
    assert jobs.due(EVERY) == [PROJECT]


def test_a_training_that_was_asked_for_and_failed_is_still_asked_for(
    jobs: JobStore, database: Database
) -> None:
    jobs.request(PROJECT, "Start Training")
    for _ in range(3):
        jobs.fail(claim(jobs), "it broke")
        jobs.release(PROJECT, "me")
        let_pause_pass(database)
    again = claim(jobs)
    assert (again.reason, again.must_train) == ("Start Training, again", True)


def test_who_asks_does_not_wait_for_the_pause_to_end(jobs: JobStore) -> None:
    jobs.request(PROJECT, "first")
    jobs.fail(claim(jobs), "it broke")
    jobs.release(PROJECT, "me")
    assert jobs.due(EVERY) == []
    jobs.request(PROJECT, "second")
    assert jobs.due(EVERY) == [PROJECT]


def test_a_job_whose_process_died_three_times_has_failed(jobs: JobStore) -> None:
    job = claim(jobs)
    for _ in range(MAX_ATTEMPTS):
        assert job.state is JobState.RUNNING
        jobs.break_off(job)
        jobs.release(PROJECT, "me")
        job = jobs.get(job.id) or job
    assert job.state is JobState.FAILED
    assert "broke off 3 times" in job.message
    assert "memory" in job.message


def test_a_job_whose_server_died_is_taken_up_again_until_the_third_time(
    jobs: JobStore, label: Callable[..., None]
) -> None:
    label(1, 2, 3)
    ids = {claim(jobs, f"dead {number}", RUN_OUT).id for number in range(MAX_ATTEMPTS)}
    assert ids == {1}
    assert jobs.due(EVERY) == [PROJECT]
    assert jobs.claim(PROJECT, "heir", RUN_OUT) is None
    found = jobs.get(1)
    assert found
    assert found.state is JobState.FAILED
    assert jobs.due(EVERY) == [], "what takes the server with it is tried again in a while"


def test_a_server_that_stops_in_order_is_not_counted(
    jobs: JobStore, label: Callable[..., None]
) -> None:
    label(1, 2, 3)
    for number in range(9):
        assert claim(jobs, f"stopped {number}").id == 1
        jobs.release(PROJECT, f"stopped {number}")
    assert jobs.due(EVERY) == [PROJECT]


def test_a_lease_from_a_clock_that_was_set_back_holds_nobody(
    jobs: JobStore, label: Callable[..., None]
) -> None:
    label(1, 2, 3)
    claim(jobs, "yesterday", timedelta(hours=1))
    assert jobs.due(EVERY) == [PROJECT]
    assert claim(jobs, "today").id == 1


@pytest.mark.parametrize("end", [JobStore.fail, lambda s, j, m: s.finish(j, JobState.DONE, m)])
def test_who_lost_the_lease_records_nothing(
    jobs: JobStore, end: Callable[[JobStore, Job, str], None]
) -> None:
    late = claim(jobs, "late", RUN_OUT)
    claim(jobs, "heir")
    with pytest.raises(LeaseLostError):
        end(jobs, late, "too late")
    stored = jobs.get(late.id)
    assert stored is not None
    assert stored.state is JobState.RUNNING
