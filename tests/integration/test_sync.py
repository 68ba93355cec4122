"""`prelabel sync` as a real process, where the Label Studio it asks does not answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backend import wait_for, without_settings
from tests.label_studio import LEGACY, Reply, Server


@pytest.fixture
def hanging() -> Iterator[Server]:
    with Server(lambda _: Reply({}, delay_seconds=300)).running() as server:
        yield server


def test_who_interrupts_a_call_does_not_wait_for_its_end(hanging: Server, tmp_path: Path) -> None:
    settings = {"LABEL_STUDIO_HOST": hanging.url, "LABEL_STUDIO_API_KEY": LEGACY, "NO_PROXY": "*"}
    # Where tests run in the background, SIGINT is ignored, and so it would be by what they start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, "-m", "prelabel", "sync", "--project=7", f"--model-dir={tmp_path}"],
        env={**without_settings(os.environ), **settings},
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    wait_for(lambda: hanging.requests)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=25)  # a call's own deadline is 120 s, a wait's 30 s
    assert process.returncode == 1
    assert "Traceback" not in said
