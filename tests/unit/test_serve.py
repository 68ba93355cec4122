from __future__ import annotations

import subprocess
import sys

import pytest

WAITS = """
import asyncio, threading, time
from anyio import to_thread
from prelabel.server.serve import end_beside_threads

async def begin():  # as a request that is given up when the server ends
    await asyncio.wait_for(to_thread.run_sync(time.sleep, 600), 0.1)

try:
    asyncio.run(begin())
except TimeoutError:
    pass
"""
OF_THE_MODEL = "threading.Thread(target=time.sleep, args=(600,), name='mine').start()\n"


@pytest.mark.slow
@pytest.mark.parametrize(("also", "said"), [("", ""), (OF_THE_MODEL, "model has started: mine")])
def test_a_server_ends_beside_threads_and_blames_the_model_for_its_own_only(
    also: str, said: str
) -> None:
    source = f"{WAITS}{also}end_beside_threads()"
    ended = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0
    assert ended.stderr.strip().endswith(said)
    assert bool(ended.stderr) == bool(said)
