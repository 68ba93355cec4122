from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from prelabel.bootstrap import open_service
from prelabel.server.app import create_app
from prelabel.server.at_once import AtOnce, PromptProtocol
from prelabel.server.serve import allow_open_files, configure
from prelabel.settings import load_settings

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


def test_a_server_may_open_as_many_files_as_the_system_lets_it() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, before[1]))
        allow_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_what_is_served_can_be_asked_before_uvicorn_makes_a_task(tmp_path: Path) -> None:
    service = open_service(load_settings(model_dir=tmp_path))
    config = configure(create_app(service))
    config.load()
    service.stop()
    assert config.http_protocol_class is PromptProtocol
    assert isinstance(config.loaded_app.at_once, AtOnce)
