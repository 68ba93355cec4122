"""A real Label Studio to measure with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.label_studio import LabelStudio

_START_SECONDS = 600.0


@contextmanager
def serve(environment: Path, folder: Path) -> Iterator[LabelStudio]:
    """Start the Label Studio of a virtual environment with its data in a folder; stop it after."""
    server = LabelStudio(environment.absolute(), folder)
    try:
        server.start(_START_SECONDS)
        yield server
    finally:
        server.stop()
