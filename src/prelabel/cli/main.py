"""The command ``prelabel``, which also answers to ``label-studio-ml``."""

from __future__ import annotations

import errno
import os
import sys
from io import TextIOWrapper
from pathlib import Path

import click

from prelabel import __version__
from prelabel.cli.late import LateGroup
from prelabel.cli.options import model_dir_option, root_dir_option
from prelabel.errors import PrelabelError
from prelabel.models.loader import split_target
from prelabel.settings import load_settings
from prelabel.telemetry import configure_logging

MODULES = {
    "create": ["create"],
    "connecting": ["connect", "doctor"],
    "syncing": ["sync"],
    "offline": ["evaluate", "train", "predict"],
    "keeping": ["backup", "restore", "prune", "rollback"],
}
"""Where commands are, beside this module."""


@click.group(
    cls=LateGroup,
    places={
        **{name: (module, name) for module, names in MODULES.items() for name in names},
        "init": ("create", "create"),
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="prelabel")
def cli() -> None:
    """Label Studio's backend that learns text classification while people label."""


@cli.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("-p", "--port", type=int, help="Port to listen on [PORT, 9090].")
@click.option("--host", help="Address to listen on [PRELABEL_HOST, 127.0.0.1].")
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    help="What to log [LOG_LEVEL, INFO].",
)
@model_dir_option
@click.option("--basic-auth-user", help="User name to ask for [BASIC_AUTH_USER].")
@click.option(
    "--basic-auth-pass",
    help="Its password; other users of this machine can see options, so prefer the variable "
    "[BASIC_AUTH_PASS].",
)
@click.option(
    "--check", is_flag=True, help="Let the model learn and predict once before listening."
)
@root_dir_option
@click.option("-d", "--debug", is_flag=True, help="The same as --log-level DEBUG.")
def start(
    directory: Path | None, *, check: bool, debug: bool, root_dir: Path, **options: object
) -> None:
    """Serve a model directory; without one, the built-in text classifier.

    DIRECTORY may be DIRECTORY:Class where its model.py has several model classes.
    Every option is a setting, too: an environment variable, or a line of DIRECTORY/.env.
    """
    from prelabel.cli.starting import start_model  # noqa: PLC0415 - no other command serves

    if debug:
        options["log_level"] = "DEBUG"
    directory = None if directory is None else root_dir / directory
    settings = load_settings(directory and split_target(directory)[0], **options)
    configure_logging(settings.log_level)
    start_model(settings, directory, check=check)


def main() -> None:
    """Run the command; exit 2 with one line if something is set wrongly."""
    if isinstance(sys.stdout, TextIOWrapper):  # a bar or a label may be no letter of its encoding
        sys.stdout.reconfigure(errors="replace")
    try:
        cli(standalone_mode=True)
    except PrelabelError as error:
        click.echo(f"prelabel: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        # Files have a message of their own (`outputs`): this is standard output.
        click.echo("prelabel: No space is left where standard output goes. Free some.", err=True)
        os._exit(2)  # the interpreter would try to write it again, and fail loudly
