"""The commands that keep labels and model versions safe and few: backup, restore, prune, rollback.

They work on the data folder, whether servers run on it or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from prelabel.bootstrap import open_database
from prelabel.cli.options import model_dir_option
from prelabel.cli.outputs import ended_in_order, require_whole_file, writing
from prelabel.errors import ConfigError
from prelabel.loop.pruning import Pruner
from prelabel.loop.rollback import Rollback
from prelabel.settings import Settings, load_settings
from prelabel.storage.backup import read_backup, write_backup
from prelabel.storage.database import Database
from prelabel.storage.retention import Retention
from prelabel.storage.versions import VersionStore
from prelabel.types import ProjectKey

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("file", type=_PATH)
@model_dir_option
def backup(file: Path, model_dir: Path | None) -> None:
    """Write all labels and model versions into FILE, while servers go on."""
    settings = _load_used(model_dir)
    require_whole_file(file)
    with ended_in_order(), writing(file), Database(settings.database_path) as database:
        size = write_backup(database, file.resolve())  # a link goes on leading there
    click.echo(f"{file}: {size / 1e6:.1f} MB")


@click.command()
@click.argument("file", type=_PATH)
@model_dir_option
def restore(file: Path, model_dir: Path | None) -> None:
    """Make what `prelabel backup` wrote into a data folder again, which must be new."""
    settings = load_settings(model_dir=model_dir)
    with ended_in_order(), writing(settings.model_dir):
        read_backup(file, settings.database_path)
    click.echo(f"{settings.model_dir} is restored; start the server with it.")


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option(
    "--keep",
    type=click.IntRange(2, 10_000),
    help="Versions of a project to keep [PRELABEL_KEEP_VERSIONS].",
)
@click.option(
    "--forgotten-days",
    type=click.IntRange(0, 100_000),  # more is before the first year of Python's calendar
    default=30,
    show_default=True,
    help="Erase projects that were forgotten (POST /delete) so long ago, labels included.",
)
@model_dir_option
def prune(*, dry_run: bool, keep: int | None, forgotten_days: int, model_dir: Path | None) -> None:
    """Remove old versions, finished jobs, unused texts, what crashes left, and forgotten projects.

    Servers may go on. They prune a project's versions after each training by themselves; forgotten
    projects are erased by this command only.
    """
    with _open(model_dir) as (settings, database):
        pruner = Pruner(
            Retention(database), settings.model_dir, keep=keep or settings.keep_versions
        )
        before = datetime.now(UTC) - timedelta(days=forgotten_days)
        pruned = pruner.prune_all(before, dry_run=dry_run)
    click.echo(f"{'Would remove' if dry_run else 'Removed'} {pruned}")


@click.command()
@click.option(
    "--project", "given", required=True, help="The project's number, or its key where several have."
)
@click.option("--to", help="The version to serve [the one that was active before].")
@model_dir_option
def rollback(given: str, to: str | None, model_dir: Path | None) -> None:
    """Serve an older model version, and withdraw the newer ones: no training activates them again.

    Servers answer with it from their next request on; labels go on making new versions.
    """
    if to == "":  # as of a variable that is not set
        raise ConfigError(
            "Received an empty --to",
            expected="the name of a version",
            fix="Name one, or leave out --to for the one that was active before.",
        )
    with _open(model_dir) as (settings, database):
        project = _find_project(Retention(database).projects(), given)
        done = Rollback(VersionStore(database), settings.artifacts_path).roll_back(project, to)
    withdrawn = ", ".join(version.name for version in done.withdrawn) or "none"
    click.echo(f"{done.active.name} of project {project} is active; withdrawn: {withdrawn}")


@contextmanager
def _open(model_dir: Path | None) -> Iterator[tuple[Settings, Database]]:
    settings = _load_used(model_dir)
    with open_database(settings) as database:
        yield settings, database


def _load_used(model_dir: Path | None) -> Settings:
    settings = load_settings(model_dir=model_dir)
    if not settings.database_path.exists():
        raise ConfigError(
            f"{settings.model_dir} holds no labels",
            expected="the data folder of a server",
            fix="Set MODEL_DIR (or --model-dir) to it.",
        )
    return settings


def _find_project(projects: list[ProjectKey], given: str) -> ProjectKey:
    found = [project for project in projects if given in (str(project), str(project.id))]
    if len(found) != 1:
        choice = ", ".join(str(project) for project in found or projects)
        raise ConfigError(
            f"Received the project {given}, which is {len(found) or 'none'} of those known",
            expected=f"one of {choice}" if choice else "a project that has been connected",
            fix="Give the number that stands in the project's address, or the whole key.",
        )
    return found[0]
