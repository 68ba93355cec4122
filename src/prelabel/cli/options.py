"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

project_option = click.option(
    "--project", "project_id", type=click.IntRange(1), required=True, help="The project's number."
)

model_dir_option = click.option(
    "--model-dir",
    type=click.Path(path_type=Path),
    help="Folder for labels and model versions [MODEL_DIR, prelabel-data].",
)

root_dir_option = click.option(
    "--root-dir",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder that DIRECTORY is in [the current one].",
)
