from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy.exc import DatabaseError

from prelabel.errors import StorageError
from prelabel.loop.doorbell import PAUSE_SECONDS, Doorbell
from prelabel.loop.pulls import Pulls
from prelabel.storage.clock import now
from prelabel.storage.database import Database
from prelabel.storage.patience import in_a_hurry
from prelabel.storage.projects import ProjectStore
from prelabel.storage.syncs import SyncStore
from prelabel.types import ProjectKey
from tests.backend import wait_for
from tests.builders import CONFIG, PROJECT, TWIN


class House:
    """A doorbell, how often it woke somebody, and its clock."""

    def __init__(self, projects: ProjectStore) -> None:
        self.woken = 0
        self.seconds = 100.0
        self.pulls = Pulls(projects, self._wake, pause_seconds=0.1)
        self.doorbell = Doorbell(
            projects, self._wake, self.pulls, clock_seconds=lambda: self.seconds
        )

    def _wake(self) -> None:
        self.woken += 1


@pytest.fixture
def house(projects: ProjectStore) -> Iterator[House]:
    projects.see(PROJECT, CONFIG)
    found = House(projects)
    yield found
    found.pulls.stop()


def due_in(projects: ProjectStore) -> float | None:
    (state,) = (state for state in projects.states() if state.project == PROJECT)
    return (state.sync_due_at - now()).total_seconds() if state.sync_due_at else None


def pull(syncs: SyncStore) -> None:
    syncs.end(syncs.begin(PROJECT, CONFIG, newest=None), showed_all=True)


def test_a_ring_makes_a_sync_due_at_once(house: House, projects: ProjectStore) -> None:
    assert not projects.sync_is_due(PROJECT)
    house.doorbell.ring(PROJECT)
    assert projects.sync_is_due(PROJECT)
    assert house.woken == 1


def test_many_rings_in_a_short_time_are_one_more_after_the_pause(
    house: House, projects: ProjectStore, syncs: SyncStore
) -> None:
    house.doorbell.ring(PROJECT)
    pull(syncs)
    for _ in range(50):
        house.doorbell.ring(PROJECT)
    assert house.woken == 2
    remaining = due_in(projects)
    assert remaining
    assert PAUSE_SECONDS - 4 < remaining <= PAUSE_SECONDS


def test_a_ring_after_a_pull_counts_though_the_one_before_was_to_wait_longer(
    house: House, projects: ProjectStore, syncs: SyncStore
) -> None:
    house.doorbell.ring(PROJECT)
    house.doorbell.ring(PROJECT)  # due already, and not begun: as soon as before
    pull(syncs)
    house.doorbell.ring(PROJECT)
    assert due_in(projects) is not None
    projects.request_sync(PROJECT)  # as Start Training does
    pull(syncs)
    house.doorbell.ring(PROJECT)
    remaining = due_in(projects)
    assert remaining is not None
    assert remaining <= PAUSE_SECONDS


def test_a_ring_during_a_pull_is_heard_after_it(
    house: House, projects: ProjectStore, syncs: SyncStore
) -> None:
    house.doorbell.ring(PROJECT)
    begun = syncs.begin(PROJECT, CONFIG, newest=None)
    house.doorbell.ring(PROJECT)
    syncs.end(begun, showed_all=True)
    assert due_in(projects) is not None


def test_a_ring_does_not_wait_for_a_pull_that_is_a_minute_away(
    house: House, projects: ProjectStore
) -> None:
    projects.request_sync(PROJECT, after=timedelta(minutes=1))
    house.doorbell.ring(PROJECT)
    assert projects.sync_is_due(PROJECT)


def test_after_a_long_silence_the_second_of_two_rings_waits_again(
    house: House, projects: ProjectStore, syncs: SyncStore
) -> None:
    house.doorbell.ring(PROJECT)
    pull(syncs)
    house.seconds += 10 * PAUSE_SECONDS
    house.doorbell.ring(PROJECT)
    assert projects.sync_is_due(PROJECT)
    pull(syncs)
    house.doorbell.ring(PROJECT)
    assert not projects.sync_is_due(PROJECT)


def test_a_ring_that_waits_does_not_put_off_what_is_due(
    house: House, projects: ProjectStore
) -> None:
    for _ in range(2):
        house.doorbell.ring(PROJECT)
    assert projects.sync_is_due(PROJECT)


@pytest.mark.parametrize("stranger", [TWIN, ProjectKey(404, 1)])
def test_projects_that_are_not_known_cause_no_work(
    house: House, projects: ProjectStore, stranger: ProjectKey
) -> None:
    house.doorbell.ring(stranger)
    assert house.woken == 0
    assert not projects.is_known(stranger)


def test_a_project_that_was_forgotten_is_a_stranger(house: House, projects: ProjectStore) -> None:
    projects.forget(PROJECT)
    house.doorbell.ring(PROJECT)
    assert house.woken == 0


def test_a_ring_that_cannot_be_written_down_takes_no_later_one_with_it(
    house: House, projects: ProjectStore, syncs: SyncStore, database: Database
) -> None:
    house.doorbell.ring(PROJECT)
    pull(syncs)
    with database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE UPDATE ON projects BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(DatabaseError):
        house.doorbell.ring(PROJECT)
    with database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER full")
    house.doorbell.ring(PROJECT)
    assert due_in(projects) is not None, "it was acknowledged"


def test_a_ring_that_cannot_be_written_down_is_made_up_for_once_it_can(
    house: House, projects: ProjectStore, database: Database
) -> None:
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError), in_a_hurry(0.01):
            house.doorbell.ring(PROJECT)
    assert wait_for(lambda: projects.sync_is_due(PROJECT))


def test_one_project_does_not_keep_another_waiting(house: House, projects: ProjectStore) -> None:
    projects.see(TWIN, CONFIG)
    house.doorbell.ring(PROJECT)
    house.doorbell.ring(TWIN)
    assert house.woken == 2
