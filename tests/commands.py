"""The command line in a process of its own, as an operator types it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from tests.backend import PATIENCE_SECONDS, without_settings


def run(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "prelabel", *arguments],
        env={**without_settings(os.environ), **(env or {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
