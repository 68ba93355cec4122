"""A bar on standard error, where that is a terminal."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


def progress(length: int, label: str) -> AbstractContextManager[ProgressBar[int]]:
    """Return a bar of so many steps; ``update`` moves it, ``length`` may be set later."""
    hidden = not sys.stderr.isatty()
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden)
