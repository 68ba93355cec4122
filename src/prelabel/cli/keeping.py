"""The commands that keep labels and model versions safe: backup, restore."""

from __future__ import annotations

from pathlib import Path

import click

from prelabel.cli.outputs import require_file, writing
from prelabel.errors import ConfigError
from prelabel.settings import load_settings
from prelabel.storage.backup import read_backup, write_backup
from prelabel.storage.database import Database

_PATH = click.Path(path_type=Path)
_model_dir_option = click.option(
    "--model-dir", type=_PATH, help="Folder for labels and model versions [MODEL_DIR]."
)


@click.command()
@click.argument("file", type=_PATH)
@_model_dir_option
def backup(file: Path, model_dir: Path | None) -> None:
    """Write all labels and model versions into FILE, while servers go on."""
    settings = load_settings(model_dir=model_dir)
    if not settings.database_path.exists():
        raise ConfigError(
            f"{settings.model_dir} holds no labels",
            expected="the data folder of a server",
            fix="Set MODEL_DIR (or --model-dir) to it.",
        )
    require_file(file)
    with writing(file), Database(settings.database_path) as database:
        size = write_backup(database, file)
    click.echo(f"{file}: {size / 1e6:.1f} MB")


@click.command()
@click.argument("file", type=_PATH)
@_model_dir_option
def restore(file: Path, model_dir: Path | None) -> None:
    """Make what `prelabel backup` wrote into a data folder again, which must be new."""
    settings = load_settings(model_dir=model_dir)
    with writing(settings.model_dir):
        read_backup(file, settings.database_path)
    click.echo(f"{settings.model_dir} is restored; start the server with it.")
