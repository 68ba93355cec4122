from __future__ import annotations

import time
from pathlib import Path
from typing import cast

import pytest

from prelabel.custom.child import Orders
from prelabel.custom.process import ProjectProcess
from prelabel.custom.processes import KNOWN, UNUSED_SECONDS, Processes
from prelabel.types import ProjectKey


def make(project: ProjectKey) -> ProjectProcess:
    here = Path()
    return ProjectProcess(
        Orders(target=here, project=project, database=here, folder=here, log_level="INFO",
               environment={})
    )  # fmt: skip


@pytest.mark.parametrize("unused", [True, False])
def test_projects_that_strangers_name_are_let_go_once_they_are_unused(*, unused: bool) -> None:
    pool = Processes(make, 8)
    processes = [pool.get(ProjectKey(number, 1)) for number in range(KNOWN)]
    if unused:
        for process in processes:
            process.used_at_seconds = time.monotonic() - UNUSED_SECONDS - 1
    newest = pool.get(ProjectKey(KNOWN, 1))
    assert pool.get(ProjectKey(KNOWN, 1)) is newest
    assert (pool.get(ProjectKey(0, 1)) is processes[0]) is not unused


class Running:
    """Stands for a process that runs once it was asked for."""

    def __init__(self) -> None:
        self.is_running, self.is_busy, self.used_at_seconds = False, False, 0.0

    def end(self) -> None:
        self.is_running = False


def run_many(pool: Processes, n: int) -> list[Running]:
    """Ask for so many projects' processes, one after the other."""
    found = []
    for number in range(n):
        process = cast("Running", pool.get(ProjectKey(number, 1)))
        process.is_running, process.used_at_seconds = True, number
        found.append(process)
    return found


def make_running(_project: ProjectKey) -> ProjectProcess:
    return cast("ProjectProcess", Running())


def test_of_too_many_processes_the_longest_unused_is_ended() -> None:
    pool = Processes(make_running, 3)
    running = run_many(pool, 3)
    pool.get(ProjectKey(0, 1))  # it runs: nobody goes for it, and it is used now
    assert [process.is_running for process in running] == [True, True, True]
    pool.get(ProjectKey(9, 1))
    assert [process.is_running for process in running] == [True, False, True]


def test_a_busy_process_is_never_ended_for_another() -> None:
    pool = Processes(make_running, 2)
    first, second = run_many(pool, 2)
    first.is_busy = True
    pool.get(ProjectKey(9, 1))
    assert (first.is_running, second.is_running) == (True, False)


def test_a_process_that_is_just_starting_is_not_let_go() -> None:
    pool = Processes(make_running, KNOWN + 1)
    starting = cast("Running", pool.get(ProjectKey(0, 1)))
    starting.is_busy = True
    for number in range(1, KNOWN + 1):
        starting.used_at_seconds = time.monotonic() - UNUSED_SECONDS - 1
        pool.get(ProjectKey(number, 1))
    assert cast("Running", pool.get(ProjectKey(0, 1))) is starting


def test_all_end_with_the_pool() -> None:
    pool = Processes(make_running, 3)
    running = run_many(pool, 3)
    pool.end()
    assert not any(process.is_running for process in running)
