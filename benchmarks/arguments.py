"""What the command lines of the scripts have in common."""

from __future__ import annotations

import argparse
from pathlib import Path


def make_parser(
    module_doc: str | None, *, reads_sets: bool = True, starts_label_studio: bool = False
) -> argparse.ArgumentParser:
    """Return a parser that says what a script is for, as the first line of its docstring does.

    Parameters
    ----------
    reads_sets
        Whether it is told a folder of data sets.
    starts_label_studio
        Whether it may be told where Label Studio is installed.
    """
    parser = argparse.ArgumentParser(description=(module_doc or "").partition("\n")[0])
    if reads_sets:
        parser.add_argument("folder", type=Path, help="a folder of data sets: a folder each")
    if starts_label_studio:
        parser.add_argument(
            "--label-studio", type=Path, default=".venv-label-studio",
            help="a virtual environment with Label Studio (default: the one that ./test makes)",
        )  # fmt: skip
    return parser
