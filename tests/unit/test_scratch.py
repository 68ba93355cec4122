from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from prelabel.cli.outputs import ended_in_order
from prelabel.storage.scratch import remove_left_over, scratch_folder

HOLD = """
import sys, time
from pathlib import Path
from prelabel.storage.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1]), ".x-") as folder:
    print(folder, flush=True)
    time.sleep(600)
"""


def test_what_a_killed_process_left_is_removed_and_what_another_holds_is_not(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        held = Path(process.stdout.readline().strip())
        with scratch_folder(tmp_path, ".x-") as mine:
            assert {held, mine} == set(tmp_path.iterdir())
        process.kill()
    assert [*tmp_path.iterdir()] == [held]
    (tmp_path / ".x-of-somebody").mkdir()
    remove_left_over(tmp_path, ".x-")
    assert [path.name for path in tmp_path.iterdir()] == [".x-of-somebody"]


def test_a_command_that_is_told_to_end_leaves_nothing_half_done(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, ended_in_order(), scratch_folder(tmp_path, ".x-"):
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended.value.code == 143
    assert not [*tmp_path.iterdir()]
    assert signal.getsignal(signal.SIGTERM) is before
