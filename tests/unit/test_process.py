from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from prelabel.loop.process import TrainingProcess
from tests.backend import PATIENCE_SECONDS, wait_for
from tests.processes import is_gone

SET_UP: list[str] = []


def set_up(name: str) -> None:
    SET_UP.append(name)


def tell(_: int = 0) -> tuple[list[str], int, int]:
    return SET_UP, os.getpid(), os.nice(0)


def sleep_long(mark: Path) -> None:
    mark.write_text(str(os.getpid()))
    time.sleep(3600)


def read_pid(mark: Path) -> int | None:
    return int(text) if mark.exists() and (text := mark.read_text()) else None


def test_work_is_done_in_another_process_set_up_once_behind_serving() -> None:
    with TrainingProcess(set_up, "ready") as executor:
        first, second = (executor.submit(tell).result() for _ in range(2))
    assert first == second
    names, pid, priority = first
    assert names == ["ready"]
    assert priority > os.nice(0)
    assert pid != os.getpid()
    assert SET_UP == []


def test_shutting_down_ends_a_job_in_the_middle(tmp_path: Path) -> None:
    executor = TrainingProcess(set_up, "ready")
    outcome = executor.submit(sleep_long, tmp_path / "pid")
    pid = wait_for(lambda: read_pid(tmp_path / "pid"))
    executor.shutdown(wait=False)
    wait_for(lambda: is_gone(pid))
    assert outcome.exception(PATIENCE_SECONDS) is not None


PARENT = """
import sys
from pathlib import Path
from prelabel.loop.process import TrainingProcess
from tests.unit.test_process import set_up, sleep_long
if __name__ == "__main__":
    executor = TrainingProcess(set_up, "ready")
    executor.submit(sleep_long, Path(sys.argv[1])).result()
"""


def test_a_training_process_never_outlives_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(tmp_path / "parent.py"), str(tmp_path / "pid")]
    with subprocess.Popen(command, env=environment) as parent:
        pid = wait_for(lambda: read_pid(tmp_path / "pid"))
        parent.send_signal(signal.SIGKILL)
    wait_for(lambda: is_gone(pid))


def test_a_process_whose_parent_ended_before_it_could_begin_ends_without_a_word() -> None:
    source = (
        "from multiprocessing import Pipe\n"
        "from prelabel.loop.process import _begin\n"
        "theirs, ours = Pipe()\n"
        "ours.close()\n"
        "_begin(theirs, print, ('begun',))\n"
    )
    ended = subprocess.run([sys.executable, "-c", source], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
