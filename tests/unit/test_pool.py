from __future__ import annotations

import time
from pathlib import Path

import pytest

from prelabel.custom.child import Orders
from prelabel.custom.pool import KNOWN, UNUSED_SECONDS, Pool
from prelabel.custom.process import ProjectProcess
from prelabel.types import ProjectKey


def make(project: ProjectKey) -> ProjectProcess:
    here = Path()
    return ProjectProcess(
        Orders(target=here, project=project, database=here, folder=here, log_level="INFO",
               environment={})
    )  # fmt: skip


@pytest.mark.parametrize("unused", [True, False])
def test_projects_that_strangers_name_are_let_go_once_they_are_unused(*, unused: bool) -> None:
    pool = Pool(make, 8)
    processes = [pool.get(ProjectKey(number, 1)) for number in range(KNOWN)]
    if unused:
        for process in processes:
            process.used_at_seconds = time.monotonic() - UNUSED_SECONDS - 1
    newest = pool.get(ProjectKey(KNOWN, 1))
    assert pool.get(ProjectKey(KNOWN, 1)) is newest
    assert (pool.get(ProjectKey(0, 1)) is processes[0]) is not unused
