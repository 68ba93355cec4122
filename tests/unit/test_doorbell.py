from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from prelabel.loop.doorbell import Doorbell
from prelabel.storage.projects import ProjectStore
from prelabel.types import ProjectKey
from tests.backend import PATIENCE_SECONDS
from tests.builders import CONFIG, PROJECT, TWIN

PAUSE_SECONDS = 0.3


class House:
    """A doorbell, and how often it woke somebody."""

    def __init__(self, projects: ProjectStore) -> None:
        self.woken = threading.Semaphore(0)
        self.times: list[float] = []
        self.doorbell = Doorbell(projects, self._wake, pause_seconds=PAUSE_SECONDS)

    def _wake(self) -> None:
        self.times.append(time.monotonic())
        self.woken.release()


@pytest.fixture
def house(projects: ProjectStore) -> Iterator[House]:
    projects.see(PROJECT, CONFIG)
    found = House(projects)
    yield found
    found.doorbell.stop()


def test_a_ring_makes_a_sync_due_at_once(house: House, projects: ProjectStore) -> None:
    assert not projects.sync_is_due(PROJECT)
    house.doorbell.ring(PROJECT)
    assert projects.sync_is_due(PROJECT)
    assert len(house.times) == 1


def test_many_rings_in_a_short_time_are_one_more_after_the_pause(house: House) -> None:
    for _ in range(50):
        house.doorbell.ring(PROJECT)
    for _ in range(2):
        assert house.woken.acquire(timeout=PATIENCE_SECONDS)
    assert not house.woken.acquire(timeout=2 * PAUSE_SECONDS)
    first, second = house.times
    assert second - first >= PAUSE_SECONDS * 0.9


@pytest.mark.parametrize("stranger", [TWIN, ProjectKey(404, 1)])
def test_projects_that_are_not_known_cause_no_work(
    house: House, projects: ProjectStore, stranger: ProjectKey
) -> None:
    house.doorbell.ring(stranger)
    assert house.times == []
    assert not projects.is_known(stranger)


def test_a_project_that_was_forgotten_is_a_stranger(house: House, projects: ProjectStore) -> None:
    projects.forget(PROJECT)
    house.doorbell.ring(PROJECT)
    assert house.times == []


def test_one_project_does_not_keep_another_waiting(house: House, projects: ProjectStore) -> None:
    projects.see(TWIN, CONFIG)
    house.doorbell.ring(PROJECT)
    house.doorbell.ring(TWIN)
    assert len(house.times) == 2


def test_what_waits_is_let_go_at_the_end(house: House) -> None:
    for _ in range(2):
        house.doorbell.ring(PROJECT)
    house.doorbell.stop()
    house.doorbell.ring(PROJECT)
    time.sleep(2 * PAUSE_SECONDS)
    assert len(house.times) == 1
