"""``prelabel sync``: pull a project's labels, with a bar."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from prelabel.bootstrap.syncing import pull_labels
from prelabel.cli.options import model_dir_option, project_option
from prelabel.cli.progress import progress
from prelabel.settings import load_settings
from prelabel.telemetry import configure_logging


@click.command()
@project_option
@click.option("--full", is_flag=True, help="Pull all labels, not only what changed.")
@model_dir_option
def sync(project_id: int, *, full: bool, model_dir: Path | None) -> None:
    """Pull a project's labels from Label Studio into the data folder.

    A server does this by itself; it may run meanwhile. What a killed sync had pulled already is
    gone on with.
    """
    settings = load_settings(model_dir=model_dir)
    if not sys.stderr.isatty():
        configure_logging(settings.log_level)  # what a terminal shows as a bar
    with progress(0, "Pulling tasks") as bar:

        def report(done: int, n_all: int) -> None:
            bar.length = n_all
            bar.update(done - bar.pos)

        done = pull_labels(settings, project_id, everything=full, report=report)
    click.echo(done)
