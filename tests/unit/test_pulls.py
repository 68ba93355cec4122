from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from prelabel.errors import StorageError
from prelabel.loop.pulls import PAUSE_SECONDS, Pulls
from prelabel.storage.clock import now
from prelabel.storage.database import Database
from prelabel.storage.patience import in_a_hurry
from prelabel.storage.projects import ProjectStore
from prelabel.types import ProjectKey
from tests.backend import wait_for
from tests.builders import CONFIG, PROJECT, TWIN


@pytest.fixture
def woken() -> list[bool]:
    return []


@pytest.fixture
def pulls(projects: ProjectStore, woken: list[bool]) -> Iterator[Pulls]:
    projects.see(PROJECT, CONFIG)
    found = Pulls(projects, lambda: woken.append(True), pause_seconds=0.1)
    yield found
    found.stop()


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Keep a database locked as another process does."""
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def miss(pulls: Pulls, projects: ProjectStore, project: ProjectKey = PROJECT) -> None:
    with pytest.raises(StorageError), pulls.make_up(project), in_a_hurry(0.01):
        projects.request_sync(project)


def test_a_pull_that_is_asked_for_is_due_at_once(
    pulls: Pulls, projects: ProjectStore, woken: list[bool]
) -> None:
    pulls.ask(PROJECT)
    assert projects.sync_is_due(PROJECT)
    assert woken


def test_a_later_pull_is_due_in_a_minute_and_more_of_them_are_one(projects: ProjectStore) -> None:
    projects.see(PROJECT, CONFIG)
    pulls, begun = Pulls(projects, lambda: None), now()
    pulls.ask_later(PROJECT)
    due_at = projects.states()[0].sync_due_at
    pulls.ask_later(PROJECT)
    assert due_at == projects.states()[0].sync_due_at
    assert due_at
    assert PAUSE_SECONDS <= (due_at - begun).total_seconds() < PAUSE_SECONDS + 30


def test_what_could_not_be_stored_is_pulled_once_it_can(
    pulls: Pulls, projects: ProjectStore, database: Database, woken: list[bool]
) -> None:
    with locked(database):
        miss(pulls, projects)
    assert not projects.sync_is_due(PROJECT)
    assert wait_for(lambda: projects.sync_is_due(PROJECT))
    wait_for(lambda: woken)


def test_it_is_tried_as_often_as_it_takes(
    pulls: Pulls, projects: ProjectStore, database: Database, woken: list[bool]
) -> None:
    database.hasten(0.01)
    with locked(database):
        miss(pulls, projects)
        wait_for(lambda: len(woken) >= 2)
    assert wait_for(lambda: projects.sync_is_due(PROJECT))


def test_news_of_strangers_is_not_made_up_for(
    pulls: Pulls, projects: ProjectStore, database: Database, woken: list[bool]
) -> None:
    projects.see(TWIN, CONFIG)
    projects.forget(TWIN)
    with locked(database):
        miss(pulls, projects, TWIN)
        miss(pulls, projects, ProjectKey(404, 1))
    wait_for(lambda: woken)
    assert not projects.sync_is_due(TWIN)
    assert not projects.is_known(ProjectKey(404, 1))


def test_for_news_that_nobody_read_all_projects_are_pulled(
    pulls: Pulls, projects: ProjectStore
) -> None:
    projects.see(TWIN, CONFIG)
    pulls.make_up_for_all()
    assert not projects.sync_is_due(PROJECT)
    assert wait_for(lambda: projects.sync_is_due(PROJECT) and projects.sync_is_due(TWIN))


def test_what_is_stored_is_not_pulled(pulls: Pulls, projects: ProjectStore) -> None:
    with pulls.make_up(PROJECT):
        projects.see(PROJECT, CONFIG)
    pulls.stop()
    assert not projects.sync_is_due(PROJECT)


def test_nothing_is_asked_for_after_the_end(
    projects: ProjectStore, database: Database, woken: list[bool]
) -> None:
    projects.see(PROJECT, CONFIG)
    pulls = Pulls(projects, lambda: woken.append(True))
    with locked(database):
        miss(pulls, projects)
        pulls.stop()
        miss(pulls, projects)
    assert not woken
    assert not projects.sync_is_due(PROJECT)
